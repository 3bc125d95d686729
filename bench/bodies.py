"""Messages in the app's dialect, made ahead and stamped when they are sent.

template   {"messageId":#########,"sessionId":"####","deviceId":"####","payload":[... "time":##########123456789}]}
stamped    ids, number and the ten digits of the seconds; what is below a second stays

Values are what an iPhone sends: float32 x 9.80665 for accelerations, float32 for rotation rates, written with all
their digits, keys in the order name, values (z, y, x), time.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

GRAVITY = 9.80665
RATE = 100
FIRST_MESSAGE = 100_000_000
_SECOND = 1_000_000_000
_STEP = _SECOND // RATE
#: Mean magnitude (m/s2), by template: people stand, walk and run.
_GAITS = (0.05, 0.3, 1.2, 3.0, 4.5, 6.0, 11.0, 14.0)
_HEAD = "POST /data HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Shape:
    """What every message of a run holds: `seconds` of each sensor at 100 Hz."""

    name: str
    sensors: tuple[str, ...]
    seconds: int

    @property
    def readings(self) -> int:
        """Readings in a message.

        >>> ACCELERATION.readings, BOTH.readings, ONE_SECOND.readings
        (200, 200, 100)
        """
        return len(self.sensors) * self.seconds * RATE


ACCELERATION = Shape("200 accelerometer", ("accelerometer",), 2)
BOTH = Shape("100 accelerometer + 100 gyroscope", ("accelerometer", "gyroscope"), 1)
ONE_SECOND = Shape("100 accelerometer", ("accelerometer",), 1)


def gait(seconds: np.ndarray, mean: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """x, y, z in m/s2 of somebody whose mean magnitude is about `mean`, as an iPhone gives them; shape (3, n)."""
    beat = 2 * np.pi * (1.4 + 0.1 * mean) * seconds
    strength = np.array([[0.5], [0.7], [1.0]])
    phase = rng.uniform(0, 2 * np.pi, (3, 1))
    wave = np.sin(beat + phase) + 0.4 * np.sin(2 * beat + phase) + 0.2 * np.sin(4 * beat)
    sent = (mean * strength * wave + rng.normal(0, 0.02 + 0.1 * mean, (3, len(seconds)))) / GRAVITY
    return sent.astype(np.float32).astype(np.float64) * GRAVITY


def sample_times(n: int, rng: np.random.Generator, offset: int = 0) -> NDArray[np.int64]:
    """n times from 0 at 100 Hz, ns, with the jitter of a phone and cut to the steps of a double."""
    jitter = np.clip(rng.normal(0, 400, n), -1500, 1500).astype(np.int64)
    return (np.arange(n, dtype=np.int64) * _STEP + jitter + offset + 2048) >> 8 << 8


class Template:
    """One whole request, with the places to stamp."""

    __slots__ = ("_buffer", "_device", "_digits", "_number", "_places", "_session", "_which")

    def __init__(self, shape: Shape, mean: float, rng: np.random.Generator) -> None:
        parts = _Parts()
        parts.add('{"messageId":')
        number = parts.add("#" * 9)
        parts.add(',"sessionId":"')
        session = parts.add("#" * 36)
        parts.add('","deviceId":"')
        device = parts.add("#" * 36)
        parts.add('","payload":[')
        places, which = _readings(parts, shape, mean, rng)
        parts.add("]}")
        body = parts.text()
        head = _HEAD.format(len(body))
        self._buffer = np.frombuffer((head + body).encode(), np.uint8).copy()
        self._number, self._session, self._device = (
            self._buffer[len(head) + at : len(head) + at + size]
            for at, size in ((number, 9), (session, 36), (device, 36))
        )
        self._places = np.add.outer(np.array(places) + len(head), np.arange(10))
        self._which = np.array(which)
        self._digits = 10 ** np.arange(9, -1, -1, dtype=np.int64)

    def stamp(self, ids: tuple[NDArray[np.uint8], NDArray[np.uint8]], number: int, second: int) -> bytes:
        """The request with these ids (device, session), this message number, from this second on."""
        self._device[:], self._session[:] = ids
        self._number[:] = _ascii(str(number))
        seconds = np.arange(second, second + int(self._which[-1]) + 1)
        digits = (seconds[:, None] // self._digits % 10 + 48).astype(np.uint8)
        self._buffer[self._places] = digits[self._which]
        return self._buffer.tobytes()


class Bodies:
    """The messages of a number of streams: number and time rise with each message of a stream."""

    def __init__(self, shape: Shape, streams: int, start: int, *, templates: int = 32, seed: int = 1) -> None:
        rng = np.random.default_rng(seed)
        self.shape = shape
        self.start = start
        """Second of the first reading of every stream."""
        self.sent = [0] * streams
        """How many messages of each stream were made."""
        self.device_ids = [str(uuid.uuid4()) for _ in range(streams)]
        self._ids = [(_ascii(device), _ascii(str(uuid.uuid4()))) for device in self.device_ids]
        self._templates = [Template(shape, _GAITS[i % len(_GAITS)], rng) for i in range(min(templates, 4 * streams))]

    def __len__(self) -> int:
        return len(self.sent)

    def next(self, stream: int) -> bytes:
        """The next request of a stream."""
        count = self.sent[stream]
        self.sent[stream] = count + 1
        template = self._templates[(stream * 7 + count) % len(self._templates)]
        return template.stamp(self._ids[stream], FIRST_MESSAGE + count, self.start + count * self.shape.seconds)


def body_of(request: bytes) -> bytes:
    """What follows the head."""
    return request.partition(b"\r\n\r\n")[2]


class _Parts:
    def __init__(self) -> None:
        self._parts: list[str] = []
        self._length = 0

    def add(self, part: str) -> int:
        """Append; where it begins."""
        begin = self._length
        self._parts.append(part)
        self._length += len(part)
        return begin

    def text(self) -> str:
        return "".join(self._parts)


def _readings(parts: _Parts, shape: Shape, mean: float, rng: np.random.Generator) -> tuple[list[int], list[int]]:
    """Add the readings; where the ten digits of each one's seconds are, and which second of the message each is in."""
    n = shape.seconds * RATE
    times = sample_times(n, rng, int(rng.integers(0, 9_000_000)))
    columns = [_values(sensor, times, mean, rng) for sensor in shape.sensors]
    places: list[int] = []
    which: list[int] = []
    for i, time in enumerate(times.tolist()):
        for sensor, xyz in zip(shape.sensors, columns, strict=True):
            x, y, z = xyz[:, i].tolist()
            comma = "," if places else ""
            parts.add(f'{comma}{{"name":"{sensor}","values":{{"z":{z!r},"y":{y!r},"x":{x!r}}},"time":')
            places.append(parts.add("#" * 10))
            parts.add(f"{time % _SECOND:09d}}}")
            which.append(time // _SECOND)
    return places, which


def _values(sensor: str, times: NDArray[np.int64], mean: float, rng: np.random.Generator) -> NDArray[np.float64]:
    moved = gait(times / 1e9, mean, rng)
    return moved if sensor == "accelerometer" else (moved / GRAVITY).astype(np.float32).astype(np.float64)


def _ascii(text: str | Sequence[str]) -> NDArray[np.uint8]:
    return np.frombuffer(str(text).encode(), np.uint8)
