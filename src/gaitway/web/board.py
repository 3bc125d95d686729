"""What the live page shows: one entry per phone, put together from all that the front hears."""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from gaitway.core.message import Stream
from gaitway.ingest.intake import Stored
from gaitway.ingest.knocks import Knock, Knocks
from gaitway.ingest.phones import SIGNAL_STEP, Phones, Seen, Signal, keep_signal, signal_of
from gaitway.ops.simulated import PREFIX
from gaitway.ports import Selection, StreamCounts
from gaitway.registry import Device, Devices
from gaitway.web.events import Hub
from gaitway.web.front import Front, Marks

_SECOND: Final = 1_000_000_000
_DAY: Final = 86_400 * _SECOND
_LATE: Final = 5 * _SECOND
_SILENT: Final = 15 * _SECOND
_ASSUMED: Final = 600 * _SECOND
#: Phones on the page: beyond it those that sent most recently.
_PHONES: Final = 500
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


@dataclass(frozen=True, slots=True)
class _Facts:
    """What has to be asked of the disk, in one go."""

    counts: list[StreamCounts]
    devices: Mapping[str, Device]
    states: Mapping[Stream, Marks]
    refused: Mapping[Stream | None, int]
    recorded: Mapping[Stream, tuple[float, float]]


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
        self._doing: dict[Stream, _Doing] = {}
        self._recorded: dict[Stream, tuple[int, tuple[float, float]]] = {}
        self._shown: dict[str, dict[str, Any]] = {}
        knocks.told = self._on_knock

    def on_stored(self, stored: Stored) -> None:
        """A message was stored: remember its phone, and show its signal to whoever watches."""
        message = stored.message
        seen = self.phones.note(message)
        if not self._hub.pages:
            return
        signal = signal_of(message)
        if signal is not None:
            keep_signal(seen, signal)
            self._hub.send("signal", _ENCODE(_signal_event(seen, signal)))

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
        facts = await self._run(self._ask)
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

    async def refresh(self) -> None:
        """Tell pages of phones whose facts changed since they were last told. For every second or two."""
        if not self._hub.pages:
            return
        shown = self._shown
        facts = await self._run(self._ask)
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

    def _ask(self) -> _Facts:
        since = time.time_ns() - _DAY
        counts = newest_sessions(self._front.tape.counts(), since)
        refused: dict[Stream | None, int] = {}
        for store in self._front.letters.values():
            for stream, number in store.counts().items():
                refused[stream] = refused.get(stream, 0) + number
        devices = {device.device_id: device for device in self._devices.all()}
        return _Facts(counts, devices, self._front.states(), refused, self._ask_recorded(counts))

    def _ask_recorded(self, counts: Iterable[StreamCounts]) -> dict[Stream, tuple[float, float]]:
        """Seconds recorded, and of these moving, of recordings that are over; asked of history once each."""
        over = time.time_ns() - _SILENT
        answer = {}
        for count in counts:
            if count.last_received > over:
                continue
            known = self._recorded.get(count.stream)
            if known is None or known[0] != count.last_received:
                known = (count.last_received, self._recorded_of(count.stream))
                self._recorded[count.stream] = known
            answer[count.stream] = known[1]
        return answer

    def _recorded_of(self, stream: Stream) -> tuple[float, float]:
        lead = self._front.settings.lead
        chosen = Selection(stream.device_id, stream.session_id, recognizer=lead, limit=10_000)
        rows = self._front.history.segments(chosen).rows
        moving = sum(row["covered"] for row in rows if row["activity"] not in ("stationary", "unknown"))
        return float(sum(row["covered"] for row in rows)), float(moving)

    def _rows(self, facts: _Facts, now: int) -> list[dict[str, Any]]:
        rows = [self._row(count, facts, now) for count in facts.counts]
        return sorted(rows, key=lambda row: (row["name"] or "", row["device_id"]))

    def _row(self, count: StreamCounts, facts: _Facts, now: int) -> dict[str, Any]:
        stream = count.stream
        seen = self.phones.get(stream)
        device = facts.devices.get(stream.device_id)
        marks = facts.states.get(stream)
        recorded, moving = facts.recorded.get(stream, (None, None))
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
            "recorded_s": recorded,
            "moving_s": moving,
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


def newest_sessions(counts: Iterable[StreamCounts], since: int) -> list[StreamCounts]:
    """The newest session of each device that sent after a time, at most 500, the newest of them."""
    newest: dict[str, StreamCounts] = {}
    for count in counts:
        known = newest.get(count.stream.device_id)
        if count.last_received >= since and (known is None or count.last_received >= known.last_received):
            newest[count.stream.device_id] = count
    return sorted(newest.values(), key=lambda count: -count.last_received)[:_PHONES]


def state_of(silent_ns: int) -> str:
    """The state of a phone by how long it has been silent.

    >>> [state_of(seconds * 1_000_000_000) for seconds in (5, 6, 16, 601)]
    ['live', 'late', 'silent', 'assumed']
    """
    if silent_ns <= _LATE:
        return "live"
    if silent_ns <= _SILENT:
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
    return {name: value for name, value in row.items() if name not in moving and name not in ("activity", "since")}


def _signal_event(seen: Seen, signal: Signal) -> dict[str, Any]:
    return {
        "device_id": seen.stream.device_id,
        "session_id": seen.stream.session_id,
        "t0": signal.start,
        "step_ms": SIGNAL_STEP // 1_000_000,
        "a": signal.values,
    }


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
