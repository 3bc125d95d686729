"""What the front knows of each phone since it started, for the page: when it last sent, how much, of what kind."""

import math
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple

import msgspec
import numpy as np

from gaitway.core.message import ACCELERATION, Block, Message, Stream

Platform = Literal["ios", "android"]
_SECOND: Final = 1_000_000_000
SIGNAL_STEP: Final = 40_000_000
SIGNAL_SPAN: Final = 11 * _SECOND
_STREAMS: Final = 20_000


@dataclass(slots=True)
class Seen:
    """A stream as seen at the door. Times are ns."""

    stream: Stream
    received: int = 0
    time: int = 0
    """Event time of its newest reading."""
    messages: int = 0
    rate: float = 0.0
    """Readings a second, over the last second or so."""
    platform: Platform | None = None
    battery: float | None = None
    """0 to 1, of its newest battery reading."""
    _since: int = 0
    _readings: int = 0

    def note(self, message: Message, readings: int) -> None:
        """Take in a message that was stored, of so many readings."""
        self.received = message.received_at
        self.messages += 1
        self._readings += readings
        if not self._since:
            self._since = message.received_at
        elif (span := message.received_at - self._since) >= _SECOND:
            self.rate = self._readings * _SECOND / span
            self._since, self._readings = message.received_at, 0
        for block in message.blocks:
            times = block.times
            if len(times) and (newest := times.item(-1)) > self.time:
                self.time = newest
            if block.sensor == "battery":
                self.battery = battery_level(block, self.battery)
        if self.platform is None:
            self.platform = platform_of(message)


class Phones:
    """Every stream since the start, newest last; the longest silent are forgotten first."""

    def __init__(self) -> None:
        self._seen: OrderedDict[Stream, Seen] = OrderedDict()
        self._new: list[Seen] = []
        self._platforms: dict[str, Platform | None] = {}

    def note(self, message: Message, readings: int | None = None) -> Seen:
        """Take in a message that was stored; how many readings it holds is counted where it is not said."""
        seen = self._seen.get(message.stream)
        if seen is None:
            seen = self._seen[message.stream] = Seen(message.stream)
            if len(self._seen) > _STREAMS:
                self._seen.popitem(last=False)
        else:
            self._seen.move_to_end(message.stream)
        seen.note(message, message.readings if readings is None else readings)
        device = message.stream.device_id
        if self._platforms.get(device, "?") != seen.platform:
            self._platforms[device] = seen.platform
            self._new.append(seen)
        return seen

    def get(self, stream: Stream) -> Seen | None:
        """What is known of a stream."""
        return self._seen.get(stream)

    def all(self) -> Mapping[Stream, Seen]:
        """All of them, to read only."""
        return self._seen

    def take_new(self) -> list[Seen]:
        """Phones that are new, or newly known better, since the last call."""
        new, self._new = self._new, []
        return new

    def readings_per_second(self, now: int) -> float:
        """Over all streams that sent within 5 s."""
        total = 0.0
        for seen in reversed(self._seen.values()):
            if now - seen.received > 5 * _SECOND:
                break
            total += seen.rate
        return total


def platform_of(message: Message) -> Platform | None:
    """What kind of phone sends such messages: only Android knows `accuracy` and total acceleration."""
    if any(block.accuracy is not None or block.sensor == "totalacceleration" for block in message.blocks):
        return "android"
    return "ios" if any(block.sensor == "accelerometer" and len(block) for block in message.blocks) else None


def battery_level(block: Block, before: float | None) -> float | None:
    """The level of the newest battery reading, 0 to 1; what was known before where it tells none."""
    for text in reversed(block.values or ()):
        values: Any = msgspec.json.decode(text) if text else {}
        level = values.get("batteryLevel") if isinstance(values, dict) else None
        if isinstance(level, int | float) and not isinstance(level, bool) and 0 <= level <= 1:
            return float(level)
    return before


class Signal(NamedTuple):
    """Magnitudes on an even grid: `values[i]` is at `start + i * SIGNAL_STEP` ns, None where nothing came."""

    start: int
    values: list[float | None]


def signal_of(message: Message) -> Signal | None:
    """A message's magnitudes (m/s2) at 25 Hz, its last 11 s at most, gravity taken off roughly: for the eye alone."""
    blocks = {block.sensor: block for block in message.blocks if block.xyz is not None and len(block)}
    block = next((blocks[sensor] for sensor in ACCELERATION if sensor in blocks), None)
    if block is None or block.xyz is None:
        return None
    xyz = block.xyz if block.sensor == "accelerometer" else block.xyz - block.xyz.mean(axis=1, keepdims=True)
    cells = block.times // SIGNAL_STEP
    last = int(cells.max())
    first = max(int(cells.min()), last + 1 - SIGNAL_SPAN // SIGNAL_STEP)
    grid = np.full(last - first + 1, np.nan)
    inside = cells >= first
    grid[cells[inside] - first] = np.sqrt((xyz[:, inside] ** 2).sum(axis=0))
    values = [None if math.isnan(value) else value for value in grid.round(3).tolist()]
    return Signal(first * SIGNAL_STEP, values)
