"""Health and metrics."""

from typing import Any

from litestar import Response, get
from litestar.di import NamedDependency

from gaitway.ingest.intake import Intake, Stored
from gaitway.ingest.push import PushRoute
from gaitway.ops.health import Readiness, readiness
from gaitway.ops.metrics import CONTENT_TYPE, Metrics, Reading
from gaitway.web.events import Hub
from gaitway.web.front import Front


class Operations:
    """What is counted, and whether all is well."""

    def __init__(self, front: Front, intake: Intake, push: PushRoute, hub: Hub, metrics: Metrics) -> None:
        self.metrics = metrics
        self.broken: str | None = None
        """Why a task of this process ended, if one did."""
        self._front = front
        self._intake = intake
        self._push = push
        self._hub = hub
        self._readings = 0
        self._refused = 0
        self._outcomes = {"stored": 0, "conflicting": 0}
        metrics.add(*self._own_metrics(), *self._engine_metrics())

    def on_stored(self, stored: Stored) -> None:
        """Count a message that was stored."""
        self._readings += stored.readings
        self._refused += stored.message.refused
        self._outcomes[stored.receipt.outcome] += 1

    def ready(self) -> Readiness:
        """Whether messages are taken, the engine answers, and it can write the warehouse."""
        return readiness(
            {
                "front": lambda: self.broken,
                "stopping": lambda: "the server is stopping" if self._intake.closing else None,
                "log": self._push.busy,
                "engine": lambda: None if self._front.link.connected else "the engine is not connected",
                "warehouse": lambda: self._front.link.health.get("problem") or None,
            }
        )

    def _own_metrics(self) -> list[Reading]:
        commit, tape = self._front.commit, self._front.tape
        return [
            Reading("counter", "readings", "Readings stored.", lambda: self._readings),
            Reading("counter", "readings_refused", "Readings set aside among the dead letters.", lambda: self._refused),
            Reading("counter", "messages", "Messages stored.", lambda: self._outcomes, "outcome"),
            Reading("counter", "push_answers", "Answers to pushes.", self._answers, "status"),
            Reading("counter", "commits", "Groups of messages written.", lambda: commit.commits),
            Reading("counter", "commit_failures", "Groups that could not be written.", lambda: commit.failures),
            Reading("gauge", "commit_waiting_bytes", "What waits to be written.", lambda: commit.waiting_bytes),
            Reading("gauge", "dead_letters", "Readings and bodies refused so far.", self._letters, "store"),
            Reading("gauge", "log_position", "Newest durable position of the log.", tape.end),
            Reading("gauge", "listeners", "Open event streams.", lambda: self._hub.listeners),
            Reading("gauge", "ready", "1 when this server can do its work.", lambda: int(self.ready().ready)),
        ]

    def _engine_metrics(self) -> list[Reading]:
        text = "Records of the log that a follower has not taken in yet."
        return [
            Reading("gauge", "follower_lag_records", text, self._lag, "follower"),
            Reading("gauge", "watermark_delay_seconds", "How far the engine is behind arrival.", self._delay),
            Reading(
                "gauge", "engine_connected", "1 when the engine is there.", lambda: int(self._front.link.connected)
            ),
            Reading(
                "gauge",
                "warehouse_failing",
                "1 while the warehouse cannot be written or kept up; nothing is lost meanwhile.",
                lambda: int(bool(self._front.link.health.get("problem"))),
            ),
        ]

    def _answers(self) -> dict[str, int]:
        return {str(status): number for status, number in self._push.answered.items()}

    def _letters(self) -> dict[str, int]:
        return {name: sum(store.counts().values()) for name, store in self._front.letters.items()}

    def _lag(self) -> dict[str, int]:
        health = self._front.link.health
        lag = {str(name): int(records) for name, records in health.get("lag", {}).items()}
        return {**lag, "activities": int(health["activity_lag"])} if "activity_lag" in health else lag

    def _delay(self) -> float:
        return float(self._front.link.health.get("delay_seconds", 0.0))


@get("/healthz", sync_to_thread=False)
def healthz() -> dict[str, str]:
    """200 while this process serves."""
    return {"status": "ok"}


@get("/readyz", sync_to_thread=False)
def readyz(operations: NamedDependency[Operations]) -> Response[dict[str, Any]]:
    """200 when messages are taken, the engine answers and the warehouse is written, else 503 with the reasons."""
    state = operations.ready()
    body = {"status": "ready" if state.ready else "not ready", "faults": dict(state.faults)}
    return Response(body, status_code=200 if state.ready else 503, media_type="application/json")


@get("/metrics", media_type="text/plain", sync_to_thread=True)
def metrics(operations: NamedDependency[Operations]) -> Response[bytes]:
    """Prometheus metrics."""
    return Response(operations.metrics.render(), media_type=CONTENT_TYPE)


OPERATE = (healthz, readyz, metrics)
