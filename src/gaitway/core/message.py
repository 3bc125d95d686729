"""What travels on tape 1: messages of readings as columns, ticks and seals.

Times are int64 nanoseconds since the Unix epoch everywhere, and stay integers.
"""

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

Times = NDArray[np.int64]
Floats = NDArray[np.float64]
MessageId = int | str | None
Transport = Literal["http", "mqtt"]
TimeUnit = Literal["ns", "us", "ms", "s"]
Kind = Literal["message", "tick", "seal"]

#: Sensors that carry acceleration, in the order in which a window prefers them as its source.
ACCELERATION = ("accelerometer", "totalacceleration", "accelerometeruncalibrated")
#: What the core reads of a message: acceleration, and gravity to take off where a source includes it.
CORE_SENSORS = (*ACCELERATION, "gravity")


class Stream(NamedTuple):
    """One recording on one phone. Ids match `[A-Za-z0-9._:@-]{1,128}`."""

    device_id: str
    session_id: str

    @property
    def key(self) -> str:
        """The key of its records on both tapes.

        >>> Stream("phone", "walk").key
        'phone|walk'
        """
        return f"{self.device_id}|{self.session_id}"


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Readings of one sensor as columns, in the order in which they came.

    A message may hold several blocks of one sensor (say, readings with and without x, y, z); how its readings are
    cut into blocks has no meaning.
    """

    sensor: str
    times: Times
    """Shape (n,), ns."""
    xyz: Floats | None = None
    """Shape (3, n): x, y, z of every reading as sent; None when the readings have no numeric x, y, z."""
    accuracy: NDArray[np.int8] | None = None
    """Shape (n,), -1 where a reading has none; None when no reading has one (iPhones)."""
    values: tuple[str | None, ...] | None = None
    """Per reading the JSON object of every value that is not in `xyz`, keys sorted, no spaces; None where empty."""
    rest: tuple[str | None, ...] | None = None
    """Per reading the JSON object of unknown keys beside name, time, values, accuracy; None where empty."""
    time_unit: TimeUnit = "ns"
    """The unit in which the times were sent."""

    def __len__(self) -> int:
        return len(self.times)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Block):
            return NotImplemented
        return (
            (self.sensor, self.values, self.rest, self.time_unit)
            == (other.sensor, other.values, other.rest, other.time_unit)
            and np.array_equal(self.times, other.times)
            and _same(self.xyz, other.xyz)
            and _same(self.accuracy, other.accuracy)
        )

    __hash__ = None  # type: ignore[assignment]


def _same(a: NDArray[np.float64] | NDArray[np.int8] | None, b: NDArray[np.float64] | NDArray[np.int8] | None) -> bool:
    if a is None or b is None:
        return a is b
    return np.array_equal(a, b)


@dataclass(frozen=True, slots=True)
class Message:
    """One push of a phone: what was accepted of it."""

    stream: Stream
    message_id: MessageId
    blocks: tuple[Block, ...]
    received_at: int
    """The server's clock at arrival, ns: data from here on."""
    transport: Transport = "http"
    rest: str | None = None
    """JSON object of the envelope's keys we do not know, keys sorted; None where there are none."""
    refused: int = 0
    """How many readings of it were set aside. A repeat is dropped only when this is 0."""

    @property
    def readings(self) -> int:
        """How many readings it holds."""
        return sum(len(block) for block in self.blocks)


@dataclass(frozen=True, slots=True)
class Record:
    """One entry of tape 1 at its position. `tick` and `seal` carry no message."""

    position: int
    kind: Kind
    stream: Stream
    received_at: int
    message: Message | None = None
    before: int | None = None
    """Of a seal: readings before this time (ns) that come later go to the dead letters."""
    schema_version: int = field(default=1)
