"""Small warehouses and tapes for the tests of the reading side."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb
import numpy as np

from gaitway.core.activity import ActivityRecord, Status, Verdict
from gaitway.core.message import Block, Message, Record, Stream, Transport
from gaitway.warehouse.parquet import ParquetWarehouse
from gaitway.warehouse.views import FILE

S = 1_000_000_000
#: Thursday 5 March 2026, 10:00 UTC.
NOON = 1_772_704_800 * S
DAY = 86_400 * S
ANNA, BERT = Stream("anna", "walk"), Stream("bert", "run")
RECOGNIZER = "thresholds-1/10s-2s/5f3a"


def push(
    stream: Stream,
    times: Sequence[int],
    sensor: str = "accelerometer",
    *,
    x: float = 1.0,
    number: int = 1,
    transport: Transport = "http",
) -> Message:
    """A message of one sensor: x as given, y and z 0."""
    xyz = np.zeros((3, len(times)))
    xyz[0] = x
    block = Block(sensor, np.array(times, np.int64), xyz)
    return Message(stream, number, (block,), int(max(times, default=NOON)) + S // 20, transport)


def records(*messages: Message, first: int = 1) -> list[Record]:
    """Messages as records of tape 1 from position `first` on."""
    return [Record(at, "message", m.stream, m.received_at, m) for at, m in enumerate(messages, first)]


def judged(
    start: int,
    activity: str = "walking",
    *,
    stream: Stream = ANNA,
    revision: int = 1,
    coverage: float = 1.0,
    recognizer: str = RECOGNIZER,
    size: int = 10 * S,
    status: Status = "final",
) -> ActivityRecord:
    """One version of the verdict on a window."""
    verdict = Verdict(activity, 0.75, 3.5, 1000, coverage)  # type: ignore[arg-type]
    return ActivityRecord(stream, start, start + size, recognizer, verdict, revision, status)


def numbered(*verdicts: ActivityRecord, first: int = 1) -> list[tuple[int, ActivityRecord]]:
    """Records of tape 2 from position `first` on."""
    return list(enumerate(verdicts, first))


def warehouse(data: Path) -> ParquetWarehouse:
    """The warehouse of a data folder, with the files of the columns."""
    found = ParquetWarehouse(data / "warehouse")
    found.prepare()
    return found


def through_file(data: Path) -> duckdb.DuckDBPyConnection:
    """The file of views, as a stranger opens it."""
    return duckdb.connect(str(data / "warehouse" / FILE), read_only=True, config={"threads": 1})


class FakeTape:
    """A TapeReader over a list."""

    def __init__(self, *messages: Message) -> None:
        self.records: list[Record] = records(*messages)
        self.read_from: list[int] = []

    def add(self, *messages: Message) -> None:
        """More messages arrive."""
        self.records += records(*messages, first=len(self.records) + 1)

    def end(self) -> int:
        return len(self.records)

    def start(self) -> int:
        return 1

    def read(self, after: int, limit: int, sensors: Sequence[str] | None = None) -> Sequence[Record]:
        self.read_from.append(after)
        return self.records[after : after + limit]

    def seals(self) -> Mapping[Stream, Sequence[tuple[int, int]]]:
        found: dict[Stream, list[tuple[int, int]]] = {}
        for record in self.records:
            if record.before is not None:
                found.setdefault(record.stream, []).append((record.position, record.before))
        return found

    def samples(
        self, stream: Stream, start: int, end: int, upto: int, sensors: Sequence[str] | None = None
    ) -> Sequence[Message]:
        raise NotImplementedError


class FakeActivities:
    """An ActivityReader over a list."""

    def __init__(self, *verdicts: ActivityRecord) -> None:
        self.records = numbered(*verdicts)

    def add(self, *verdicts: ActivityRecord) -> None:
        """More verdicts are published."""
        self.records += numbered(*verdicts, first=len(self.records) + 1)

    def end(self) -> int:
        return len(self.records)

    def read(self, after: int, limit: int) -> Sequence[tuple[int, ActivityRecord]]:
        return self.records[after : after + limit]
