"""The handshakes between rooms, on one page. `tests/laws` holds one contract suite per port, run on every backend.

phone -> ingest -> Tape (tape 1) -> engine: core -> ActivityTape (tape 2) -> Warehouse
                                 `-> Warehouse (raw readings)
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Protocol

from gaitway.core.activity import ActivityRecord, Verdict
from gaitway.core.message import Kind, Message, Record, Stream

Outcome = Literal["stored", "duplicate", "conflicting"]


class Receipt(NamedTuple):
    """What became of one appended entry.

    `stored`: new, at `position`. `conflicting`: stored too, but its id came before over the same transport with other
    content. `duplicate`: dropped; `position` is that of its first arrival, or 0 where that was trimmed.
    """

    position: int
    outcome: Outcome


class Entry(NamedTuple):
    """What is appended to tape 1. A message, or a tick or seal (then `message` is None)."""

    kind: Kind
    stream: Stream
    received_at: int
    message: Message | None = None
    before: int | None = None


@dataclass(frozen=True, slots=True)
class StreamCounts:
    """What tape 1 knows of a stream since its first message, trimmed segments included. All count messages."""

    stream: Stream
    messages: int
    """Messages stored, conflicting ones included, duplicates not."""
    duplicates: int
    conflicting: int
    missing: int
    """Gaps in the integer ids, per transport, added up."""
    first_time: int | None
    """Smallest event time of its readings, ns; None before the first reading."""
    last_time: int | None
    last_received: int
    """`received_at` of its newest message."""
    last_kind: Kind
    """Kind of its newest record: a stream whose last record is a message still wants a tick."""


class TapeReader(Protocol):
    """Reading tape 1, from any process, while another one writes it. Positions rise by 1 from 1."""

    def end(self) -> int:
        """The position of the newest durable record; 0 when the tape is empty."""
        ...

    def start(self) -> int:
        """The position of the oldest record that is still there (trimming moves it up); end() + 1 when none is."""
        ...

    def read(self, after: int, limit: int, sensors: Sequence[str] | None = None) -> Sequence[Record]:
        """Up to `limit` records after a position, in order. With `sensors`, blocks of other sensors may be left out."""
        ...

    def seals(self) -> Mapping[Stream, Sequence[tuple[int, int]]]:
        """Per sealed stream (position, before) of its seals, rising; trimmed ones included."""
        ...

    def samples(
        self, stream: Stream, start: int, end: int, upto: int, sensors: Sequence[str] | None = None
    ) -> Sequence[Message]:
        """Messages of a stream that may hold readings with start <= time < end, at positions <= upto, in any order.

        It may give more than asked (whole messages); it never leaves out a reading of `CORE_SENSORS`.
        """
        ...


class Tape(TapeReader, Protocol):
    """Tape 1, `raw_sensor_data`. One writer at a time."""

    def append(self, entries: Sequence[Entry]) -> Sequence[Receipt]:
        """Append in order, in one transaction. What is returned is durable: fsynced, or acknowledged by the broker.

        A repeated message is dropped when nothing of its first arrival was refused. Raises LogError when nothing of
        the batch was stored, BusyError when the disk reserve is reached.
        """
        ...

    def counts(self) -> Sequence[StreamCounts]:
        """Every stream ever appended to, in order of first arrival. Also counts what was dropped."""
        ...

    def trim(self, before: int) -> int:
        """Drop whole segments whose records are all before a position; returns the new start(). Keys are kept."""
        ...

    def close(self) -> None:
        """Flush and let go. Idempotent."""
        ...


class ActivityReader(Protocol):
    """Reading tape 2, `processed_activity`. Its own positions rise by 1 from 1."""

    def end(self) -> int:
        """The position of the newest durable activity record; 0 when there is none."""
        ...

    def read(self, after: int, limit: int) -> Sequence[tuple[int, ActivityRecord]]:
        """Up to `limit` (position, record) after a position, in order."""
        ...


class Warehouse(Protocol):
    """Where history stays. Follows both tapes, each by ranges of positions, exactly once."""

    def position(self, table: Literal["raw", "activities"]) -> int:
        """The last tape position that is durably in the warehouse."""
        ...

    def write_raw(self, records: Sequence[Record], first: int, last: int) -> None:
        """Write the readings of tape-1 positions first..last; durable on return, and safe to call again."""
        ...

    def write_activities(self, records: Sequence[tuple[int, ActivityRecord]], first: int, last: int) -> None:
        """Write tape-2 positions first..last; durable on return, and safe to call again."""
        ...

    def samples(self, stream: Stream, start: int, end: int, upto: int) -> Iterable[Message]:
        """As `TapeReader.samples`, for `CORE_SENSORS`, over what the warehouse holds."""
        ...

    def published(self, stream: Stream, recognizer: str, start: int, end: int) -> Mapping[int, Verdict]:
        """The verdicts with the highest revision of windows with start <= window_start < end, by window_start (ns)."""
        ...


@dataclass(frozen=True, slots=True)
class Selection:
    """What a reader asks of history. Times are ns; `start` is inclusive, `end` exclusive; None selects all."""

    device_id: str | None = None
    session_id: str | None = None
    sensor: str | None = None
    recognizer: str | None = None
    """A whole name, or a family alone (`thresholds`)."""
    start: int | None = None
    end: int | None = None
    until: int | None = None
    """Readings at tape-1 positions up to here only."""
    limit: int = 1000
    cursor: str | None = None


class Page(NamedTuple):
    """Rows as plain dictionaries, ordered by stream, then time; `next` is the cursor of what follows, or None."""

    rows: list[dict[str, Any]]
    next: str | None


class History(Protocol):
    """Answers from the warehouse and its not yet written tail: everything acknowledged before the call."""

    def readings(self, selection: Selection) -> Page:
        """Rows {device_id, session_id, sensor, time (ns), values (x, y, z merged in)}; an equal reading once."""
        ...

    def activities(self, selection: Selection) -> Page:
        """Current versions, as `processed_activity` records with ISO 8601 times."""
        ...

    def segments(self, selection: Selection) -> Page:
        """Rows {device_id, session_id, recognizer, activity, start, end, covered (s)}."""
        ...

    def reading_counts(self) -> Mapping[Stream, int]:
        """How many distinct readings each stream has."""
        ...


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """What was refused, with a reason. `body` is the first 64 KiB of what was sent."""

    received_at: int
    reason: str
    """A short word: `not_json`, `ids`, `null`, `not_finite`, `absurd`, `time`, `late`, `sealed`, `core_error` ..."""
    where: str
    """Which field, as a path: `payload[3].values.z`."""
    body: bytes
    stream: Stream | None = None
    readings: int = 0
    """How many readings it stands for (0: the body as a whole could not be read)."""
    position: int | None = None
    """Tape position of the message it belongs to, where there is one."""


class DeadLetters(Protocol):
    """A store of dead letters, bounded in bytes: the oldest go first."""

    def add(self, letters: Sequence[DeadLetter]) -> None:
        """Durable on return."""
        ...

    def page(self, limit: int, cursor: str | None) -> Page:
        """Newest first: {id, received_at, device_id, session_id, reason, where, excerpt}."""
        ...

    def bodies(self, reason: str | None = None) -> Iterable[tuple[int, DeadLetter]]:
        """(id, letter), oldest first, for replay."""
        ...

    def counts(self) -> Mapping[Stream | None, int]:
        """Readings refused per stream; under None the bodies that could not be read."""
        ...
