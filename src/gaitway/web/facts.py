"""What the live page asks of the disk: counts, names, marks, what was recorded, the last seconds of signal."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from gaitway.core.message import CORE_SENSORS, Stream
from gaitway.ingest.phones import SIGNAL_SPAN, SIGNAL_STEP, Signal, signal_of
from gaitway.ports import Selection, StreamCounts
from gaitway.registry import Device, Devices
from gaitway.web.front import Front, Marks

SILENT: Final = 15_000_000_000
"""After so long without a message a phone is silent (ns)."""
MOST: Final = 500
"""Phones on the page: beyond it those that sent most recently."""
_DAY: Final = 86_400_000_000_000
_ENCODE: Final = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Facts:
    """What is asked for a snapshot, in one go."""

    counts: list[StreamCounts]
    devices: Mapping[str, Device]
    states: Mapping[Stream, Marks]
    refused: Mapping[Stream | None, int]
    recorded: Mapping[Stream, dict[str, float]]
    """Of recordings that are over: seconds per activity."""


class FactFinder:
    """Asks. Blocks, so it is called in a thread; one call at a time is enough for all pages."""

    def __init__(self, front: Front, devices: Devices) -> None:
        self._front = front
        self._devices = devices
        self._recorded: dict[Stream, tuple[int, dict[str, float]]] = {}

    def facts(self) -> Facts:
        """Everything a snapshot needs."""
        since = time.time_ns() - _DAY
        counts = newest_sessions(self._front.tape.counts(), since)
        refused: dict[Stream | None, int] = {}
        for store in self._front.letters.values():
            for stream, number in store.counts().items():
                refused[stream] = refused.get(stream, 0) + number
        devices = {device.device_id: device for device in self._devices.all()}
        return Facts(counts, devices, self._front.states(), refused, self._ask_recorded(counts))

    def _ask_recorded(self, counts: Iterable[StreamCounts]) -> dict[Stream, dict[str, float]]:
        """Seconds per activity of recordings that are over; asked of history once each."""
        over = time.time_ns() - SILENT
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

    def _recorded_of(self, stream: Stream) -> dict[str, float]:
        lead = self._front.settings.lead
        chosen = Selection(stream.device_id, stream.session_id, recognizer=lead, limit=10_000)
        parts: dict[str, float] = {}
        for row in self._front.history.segments(chosen).rows:
            parts[row["activity"]] = parts.get(row["activity"], 0.0) + row["covered"]
        return parts

    def signals(self, live: Iterable[tuple[Stream, int]]) -> list[bytes]:
        """The last seconds of streams (with their newest time, ns) as events, a message each, in order."""
        tape = self._front.tape
        found = []
        for stream, newest in live:
            messages = tape.samples(stream, newest - SIGNAL_SPAN, newest + 1, tape.end(), CORE_SENSORS)
            signals = [signal for message in messages if (signal := signal_of(message)) is not None]
            found += [_ENCODE(signal_event(stream, signal)) for signal in sorted(signals)]
        return found


def newest_sessions(counts: Iterable[StreamCounts], since: int) -> list[StreamCounts]:
    """The newest session of each device that sent after a time, at most 500, the newest of them."""
    newest: dict[str, StreamCounts] = {}
    for count in counts:
        known = newest.get(count.stream.device_id)
        if count.last_received >= since and (known is None or count.last_received >= known.last_received):
            newest[count.stream.device_id] = count
    return sorted(newest.values(), key=lambda count: -count.last_received)[:MOST]


def signal_event(stream: Stream, signal: Signal) -> dict[str, Any]:
    """A message's signal as the page gets it."""
    return {
        "device_id": stream.device_id,
        "session_id": stream.session_id,
        "t0": signal.start,
        "step_ms": SIGNAL_STEP // 1_000_000,
        "a": signal.values,
    }
