"""What the live page shows: one entry per phone, put together from all that the front hears."""

import asyncio
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from gaitway.core.message import Stream
from gaitway.ingest.intake import Stored
from gaitway.ingest.knocks import Knock, Knocks
from gaitway.ingest.phones import Phones, Seen, signal_of
from gaitway.ops.simulated import PREFIX
from gaitway.ports import StreamCounts
from gaitway.registry import Device, Devices
from gaitway.web.events import Hub
from gaitway.web.facts import MOST, SILENT, FactFinder, Facts, signal_event
from gaitway.web.front import Front

_SECOND: Final = 1_000_000_000
_LATE: Final = 5 * _SECOND
_ASSUMED: Final = 600 * _SECOND
_STILL: Final = ("stationary", "unknown")
_ENCODE: Final = msgspec.json.Encoder().encode


class _Said(msgspec.Struct):
    """A live verdict as the engine sends it; what else it says is passed on unread."""

    device_id: str
    session_id: str
    activity: str
    confidence: float
    avg_magnitude: float
    window_end: str
    coverage: float | None = None


@dataclass(slots=True)
class _Doing:
    """The newest verdict of a stream, and since when it has been the same."""

    said: _Said
    since: str


class Board:
    """The live page's facts. Loop-bound, but for what it asks of the disk in `executor`."""

    def __init__(self, front: Front, hub: Hub, knocks: Knocks, executor: Executor) -> None:
        self.phones = Phones()
        self.busy: Callable[[], str | None] = _all_well
        self._front = front
        self._hub = hub
        self._knocks = knocks
        self._executor = executor
        self._devices = Devices(front.registry)
        self._finder = FactFinder(front, self._devices)
        self._doing: dict[Stream, _Doing] = {}
        self._shown: dict[str, dict[str, Any]] = {}
        knocks.told = self._on_knock

    def on_stored(self, stored: Stored) -> None:
        """A message was stored: remember its phone, and show its signal to whoever watches."""
        message = stored.message
        self.phones.note(message, stored.readings)
        if self._hub.pages and (signal := signal_of(message)) is not None:
            self._hub.send("signal", _ENCODE(signal_event(message.stream, signal)))

    def on_verdict(self, data: bytes) -> None:
        """A live verdict came from the engine: remember it and pass it on as it is."""
        said = msgspec.json.decode(data, type=_Said)
        stream = Stream(said.device_id, said.session_id)
        before = self._doing.get(stream)
        same = before is not None and before.said.activity == said.activity
        self._doing[stream] = _Doing(said, before.since if before is not None and same else said.window_end)
        self._hub.send("verdict", data)

    def on_event(self, data: bytes) -> None:
        """A named event came from the engine: `name JSON`."""
        name, _, body = data.partition(b" ")
        self._hub.send(name.decode(), body)

    async def snapshot(self) -> dict[str, Any]:
        """Everything the live page shows now. Times are ns."""
        facts = await self._run(self._finder.facts)
        now = time.time_ns()
        rows = self._rows(facts, now)
        self._shown = {row["device_id"]: _stable(row) for row in rows}
        return {
            "now": now,
            "address": self._front.public_url,
            "thresholds": self._front.settings.thresholds,
            "window_s": self._front.settings.size / _SECOND,
            "phones": rows,
            "knocks": [_knock_event(knock) for knock in self._knocks.recent(now)],
            "health": self.health(now),
        }

    async def signals(self) -> list[bytes]:
        """What a page that has just opened needs to draw: the last seconds of each live phone, a message each."""
        since = time.time_ns() - SILENT
        live = [seen for seen in self.phones.all().values() if seen.received > since][-MOST:]
        found: list[bytes] = await self._run(self._finder.signals, [(seen.stream, seen.time) for seen in live])
        return found

    async def refresh(self) -> None:
        """Tell pages of phones whose facts changed since they were last told. For every second or two."""
        if not self._hub.pages:
            return
        shown = self._shown
        facts = await self._run(self._finder.facts)
        for row in self._rows(facts, time.time_ns()):
            if shown.get(row["device_id"]) != _stable(row):
                self._hub.send("phone", _ENCODE(row))
            shown[row["device_id"]] = _stable(row)

    async def save(self) -> None:
        """Write down phones that are new. For every second."""
        for seen in self.phones.take_new():
            await self._run(self._devices.seen, device_of(seen))

    async def rename(self, device_id: str, name: str) -> Device:
        """Call a phone something else, and tell the pages."""
        await self.save()
        device: Device = await self._run(self._devices.rename, device_id, name)
        await self.refresh()
        return device

    def health(self, now: int) -> dict[str, Any]:
        """What the page says of the server itself."""
        link = self._front.link
        return {
            "readings_per_second": round(self.phones.readings_per_second(now), 1),
            "full": self.busy(),
            "engine_connected": link.connected,
            "engine": dict(link.health),
        }

    async def _run(self, call: Callable[..., Any], *args: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._executor, call, *args)

    def _rows(self, facts: Facts, now: int) -> list[dict[str, Any]]:
        rows = [self._row(count, facts, now) for count in facts.counts]
        return sorted(rows, key=lambda row: (row["name"] or "", row["device_id"]))

    def _row(self, count: StreamCounts, facts: Facts, now: int) -> dict[str, Any]:
        stream = count.stream
        seen = self.phones.get(stream)
        device = facts.devices.get(stream.device_id)
        marks = facts.states.get(stream)
        parts = facts.recorded.get(stream)
        return {
            "device_id": stream.device_id,
            "session_id": stream.session_id,
            "name": device.name if device else None,
            "model": device.model if device else None,
            "platform": (device and device.platform) or (seen and seen.platform),
            "simulated": stream.device_id.startswith(PREFIX),
            "state": state_of(now - count.last_received),
            **self._verdict(stream),
            "last_received": count.last_received,
            "last_reading": seen.time if seen else count.last_time,
            "readings_per_second": round(seen.rate, 1) if seen and seen.rate else None,
            "battery": seen.battery if seen else None,
            "messages": count.messages,
            "lost": count.missing,
            "twice": count.duplicates,
            "late": marks.late if marks else 0,
            "set_aside": facts.refused.get(stream, 0),
            "parts": parts,
            "recorded_s": None if parts is None else sum(parts.values()),
            "moving_s": None if parts is None else sum(v for k, v in parts.items() if k not in _STILL),
        }

    def _verdict(self, stream: Stream) -> dict[str, Any]:
        doing = self._doing.get(stream)
        if doing is None:
            return dict.fromkeys(("activity", "confidence", "avg_magnitude", "coverage", "since"))
        said = doing.said
        return {
            "activity": said.activity,
            "confidence": said.confidence,
            "avg_magnitude": said.avg_magnitude,
            "coverage": said.coverage,
            "since": doing.since,
        }

    def _on_knock(self, knock: Knock) -> None:
        self._hub.send("knock", _ENCODE(_knock_event(knock)))


def _all_well() -> None:
    """What is wrong with the log, before anybody says."""


def device_of(seen: Seen) -> Device:
    """What is written down of a phone. Simulated ones come with a name: `sim-brisk-heron-3fa2` is "Brisk heron"."""
    device_id = seen.stream.device_id
    simulated = device_id.startswith(PREFIX)
    name = device_id.removeprefix(PREFIX).rpartition("-")[0].replace("-", " ").capitalize() if simulated else ""
    return Device(device_id, name or None, seen.platform, None, seen.received, simulated)


def state_of(silent_ns: int) -> str:
    """The state of a phone by how long it has been silent.

    >>> [state_of(seconds * 1_000_000_000) for seconds in (5, 6, 16, 601)]
    ['live', 'late', 'silent', 'assumed']
    """
    if silent_ns <= _LATE:
        return "live"
    if silent_ns <= SILENT:
        return "late"
    return "silent" if silent_ns <= _ASSUMED else "assumed"


def _stable(row: Mapping[str, Any]) -> dict[str, Any]:
    """The facts of a row whose change is worth an event: what ages, and what verdicts and signals tell, is not."""
    moving = {
        "last_received",
        "last_reading",
        "messages",
        "readings_per_second",
        "avg_magnitude",
        "coverage",
        "confidence",
    }
    kept = {name: value for name, value in row.items() if name not in moving and name not in ("activity", "since")}
    return {**kept, "rated": row["readings_per_second"] is not None}


def _knock_event(knock: Knock) -> dict[str, Any]:
    return {
        "kind": "found" if knock.found else "refused",
        "device_id": (knock.text or None) if knock.found else None,
        "address": knock.address,
        "reason": knock.reason,
        "count": knock.count,
        "last": knock.at,
        "text": "Its test push arrived." if knock.found else knock.text,
    }
