"""What every warehouse promises, whichever backend. A new backend is one row in BACKENDS."""

import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from gaitway.core.activity import ACTIVITIES, ActivityRecord, Status, Verdict
from gaitway.core.message import CORE_SENSORS, Block, Kind, Message, Record, Stream, TimeUnit, Transport
from gaitway.ports import Warehouse
from gaitway.warehouse.parquet import ParquetWarehouse
from unit.warehouse.rows import Reading, axes, dies, readings_of, table_rows

DAY = 86_400_000_000_000
BASE = 1_772_734_472_000_000_000
STREAMS = (Stream("phone", "walk"), Stream("phone", "run"), Stream("other", "walk"))
UNITS: tuple[TimeUnit, ...] = ("ns", "us", "ms", "s")
TRANSPORTS: tuple[Transport, ...] = ("http", "mqtt")
KINDS: tuple[Kind, ...] = ("message", "message", "message", "tick")
STATUSES: tuple[Status, ...] = ("final", "revised")

#: A reading with where it came from, bit for bit; None where there is nothing.
Row = tuple[Reading, tuple[Any, ...]]


class Backend(Protocol):
    """One warehouse under test: opened again and again, as a server would."""

    def open(self) -> Warehouse:
        """The warehouse as a process that starts now finds it."""
        ...

    def readings(self) -> Counter[Row]:
        """Every raw row that counts, as a reader would see it."""
        ...

    def activities(self) -> Counter[tuple[int, ActivityRecord]]:
        """Every version that counts, with its position on tape 2."""
        ...

    def dies(self, step: int, action: Callable[[], object]) -> bool:
        """Let an action die at its step-th step of becoming durable; False once it needs fewer."""
        ...


class ParquetBackend:
    """A folder of Parquet files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def open(self) -> Warehouse:
        return ParquetWarehouse(self.folder)

    def readings(self) -> Counter[Row]:
        rest = ("rest", "accuracy", "message_id", "transport", "received_at", "position", "time_unit", "envelope")
        return Counter(
            (
                (row["device_id"], row["session_id"], row["sensor"], row["time"], axes(row), row["values"]),
                tuple(row[name] for name in rest),
            )
            for row in table_rows(self.folder, "raw")
        )

    def activities(self) -> Counter[tuple[int, ActivityRecord]]:
        return Counter((row["position"], _activity(row)) for row in table_rows(self.folder, "activities"))

    def dies(self, step: int, action: Callable[[], object]) -> bool:
        return dies(step, action)


def _activity(row: dict[str, Any]) -> ActivityRecord:
    start, end = (int(np.datetime64(row[name], "ns").astype(np.int64)) for name in ("window_start", "window_end"))
    verdict = Verdict(*(row[name] for name in Verdict._fields))
    stream = Stream(row["device_id"], row["session_id"])
    tail = (row["revision"], row["status"], row["schema_version"])
    return ActivityRecord(stream, start, end, row["recognizer"], verdict, *tail)


BACKENDS: dict[str, Callable[[Path], Backend]] = {"parquet": ParquetBackend}


@pytest.fixture(params=BACKENDS, scope="session")
def make(request: pytest.FixtureRequest) -> Callable[[Path], Backend]:
    made: Callable[[Path], Backend] = BACKENDS[request.param]
    return made


@contextmanager
def fresh(make: Callable[[Path], Backend]) -> Iterator[Backend]:
    """A backend of its own for each example."""
    with tempfile.TemporaryDirectory() as folder:
        yield make(Path(folder) / "warehouse")


def rows_of(records: Iterable[Record]) -> Counter[Row]:
    """What READINGS must give back of some records: what was sent."""
    return Counter(row for record in records if record.message for row in _rows(record.position, record.message))


def _rows(position: int, message: Message) -> Iterator[Row]:
    ident = None if message.message_id is None else str(message.message_id)
    for block in message.blocks:
        for row, reading in enumerate(readings_of(message.stream, block)):
            accuracy = -1 if block.accuracy is None else int(block.accuracy[row])
            rest = None if block.rest is None else block.rest[row]
            known = (rest, None if accuracy == -1 else accuracy, ident, message.transport)
            yield reading, (*known, message.received_at, position, block.time_unit, message.rest)


def samples_of(messages: Iterable[Message]) -> set[Reading]:
    return {r for m in messages for b in m.blocks for r in readings_of(m.stream, b) if b.sensor in CORE_SENSORS}


texts = st.text(st.characters(codec="utf-8"), max_size=8)


def any_xyz(n: int) -> st.SearchStrategy[Any]:
    """What an iPhone, an Android phone and anything else may send: float32 x 9.80665, float32, float64."""
    single = hnp.arrays(np.float32, (3, n), elements=st.floats(-1e3, 1e3, width=32)).map(lambda v: v.astype(np.float64))
    double = hnp.arrays(np.float64, (3, n), elements=st.floats(allow_nan=False, allow_infinity=False))
    mixed = st.builds(lambda a, b, pick: np.where(pick, a, b), single, double, hnp.arrays(np.bool_, n))
    return st.one_of(single, single.map(lambda v: v * 9.80665), double, mixed)


@st.composite
def blocks(draw: st.DrawFn) -> Block:
    n = draw(st.integers(0, 6))
    column = st.none() | st.lists(st.none() | texts, min_size=n, max_size=n).map(tuple)
    times = draw(hnp.arrays(np.int64, n, elements=st.integers(-2 * DAY, 2 * DAY))) + BASE
    return Block(
        draw(st.sampled_from((*CORE_SENSORS, "gyroscope", "location")) | texts),
        times if draw(st.booleans()) else np.sort(times),
        draw(st.none() | any_xyz(n)),
        draw(st.none() | hnp.arrays(np.int8, n, elements=st.integers(-1, 3))),
        draw(column),
        draw(column),
        draw(st.sampled_from(UNITS)),
    )


@st.composite
def tapes(draw: st.DrawFn, most: int = 8) -> list[Record]:
    """Tape 1 from its beginning: messages and ticks."""
    records = []
    for position in range(1, draw(st.integers(1, most)) + 1):
        stream, kind = draw(st.sampled_from(STREAMS)), draw(st.sampled_from(KINDS))
        received_at = BASE + draw(st.integers(0, DAY))
        content = tuple(draw(st.lists(blocks(), max_size=3)))
        ident = draw(st.none() | st.integers() | texts)
        message = Message(
            stream, ident, content, received_at, draw(st.sampled_from(TRANSPORTS)), draw(st.none() | texts)
        )
        records.append(Record(position, kind, stream, received_at, message if kind == "message" else None))
    return records


def plain_tape(n: int) -> list[Record]:
    """Records whose readings lie on two days."""
    records = []
    for position in range(1, n + 1):
        times = BASE + np.array([0, DAY]) + position
        message = Message(STREAMS[position % 3], position, (Block("accelerometer", times, np.ones((3, 2))),), BASE)
        records.append(Record(position, "message", message.stream, BASE, message))
    return records


def activity_tape(n: int) -> list[tuple[int, ActivityRecord]]:
    starts = [BASE + (p % 5) * DAY // 4 for p in range(n)]
    verdict = Verdict("running", 0.1, 1 / 3, 7, 0.07)
    return [
        (p + 1, ActivityRecord(STREAMS[p % 3], s, s + 10**10, "thresholds-1/10s-2s/0", verdict, p, STATUSES[p % 2]))
        for p, s in enumerate(starts)
    ]


def cut(n: int, cuts: Iterable[int]) -> list[tuple[int, int]]:
    """1..n as ranges (first, last) that end at the cuts."""
    ends = sorted({c for c in cuts if 0 < c < n} | {n})
    return list(zip([1, *(end + 1 for end in ends[:-1])], ends, strict=True))


@given(tape=tapes())
def test_what_was_sent_comes_back_bit_for_bit(make: Callable[[Path], Backend], tape: list[Record]) -> None:
    with fresh(make) as backend:
        backend.open().write_raw(tape, 1, len(tape))
        assert backend.readings() == rows_of(tape)
        assert backend.open().position("raw") == len(tape)


@given(tape=tapes(), data=st.data())
def test_ranges_in_any_order_repeated_and_with_restarts(
    make: Callable[[Path], Backend], tape: list[Record], data: st.DataObject
) -> None:
    ranges = cut(len(tape), data.draw(st.lists(st.integers(1, len(tape)))))
    order = data.draw(st.lists(st.sampled_from(ranges)).flatmap(lambda more: st.permutations(ranges + more)))
    with fresh(make) as backend:
        warehouse, done = backend.open(), set[tuple[int, int]]()
        for first, last in order:
            if data.draw(st.booleans()):
                warehouse = backend.open()
            warehouse.write_raw(tape[first - 1 : last], first, last)
            done.add((first, last))
            written = [record for a, b in done for record in tape[a - 1 : b]]
            assert backend.readings() == rows_of(written)
            assert warehouse.position("raw") == _run(done)
        assert warehouse.position("raw") == len(tape)


def _run(done: Iterable[tuple[int, int]]) -> int:
    """Where the contiguous run of done positions from 1 ends."""
    last = 0
    for first, end in sorted(done):
        if first == last + 1:
            last = end
    return last


@pytest.mark.parametrize("again_to", [4, 6, 7])
def test_a_crash_at_any_step_of_a_write_neither_loses_nor_doubles(
    make: Callable[[Path], Backend], again_to: int
) -> None:
    """Positions 1..3 are there, the write of 4..6 dies, and the next process cuts its range elsewhere."""
    tape, step, died = plain_tape(9), 0, True
    while died:
        step += 1
        with fresh(make) as backend:
            backend.open().write_raw(tape[:3], 1, 3)
            died = backend.dies(step, lambda b=backend: b.open().write_raw(tape[3:6], 4, 6))  # type: ignore[misc]
            position = backend.open().position("raw")
            assert position in (3, 6) and backend.readings() == rows_of(tape[:position])
            backend.open().write_raw(tape[3:again_to], 4, again_to)
            position = backend.open().position("raw")
            assert backend.readings() == rows_of(tape[:position])
            backend.open().write_raw(tape[position:], position + 1, 9)
            assert (backend.open().position("raw"), backend.readings()) == (9, rows_of(tape))
    assert step > 5


def test_a_crash_at_any_step_of_writing_activities_likewise(make: Callable[[Path], Backend]) -> None:
    tape, step, died = activity_tape(9), 0, True
    while died:
        step += 1
        with fresh(make) as backend:
            died = backend.dies(step, lambda b=backend: b.open().write_activities(tape[:5], 1, 5))  # type: ignore[misc]
            position = backend.open().position("activities")
            assert position in (0, 5) and backend.activities() == Counter(tape[:position])
            warehouse = backend.open()
            warehouse.write_activities(tape[position:], position + 1, 9)
            warehouse.write_activities(tape[position:], position + 1, 9)
            assert (warehouse.position("activities"), backend.activities()) == (9, Counter(tape))
    assert step > 5


finite = st.floats(allow_nan=False, allow_infinity=False)
verdicts = st.builds(Verdict, st.sampled_from(ACTIVITIES), finite, finite, st.integers(0, 1 << 40), finite)
records = st.builds(
    lambda stream, tenth, recognizer, verdict, revision, status: ActivityRecord(
        stream, tenth * 10**8, tenth * 10**8 + 10**10, recognizer, verdict, revision, status
    ),
    st.sampled_from(STREAMS),
    st.integers(BASE // 10**8 - 10**7, BASE // 10**8 + 10**7),
    st.sampled_from(["thresholds-1/10s-2s/5f3a", "learned-2/5s-1s/0"]),
    verdicts,
    st.integers(1, 1 << 60),
    st.sampled_from(STATUSES),
)


@given(written=st.lists(records, max_size=8))
def test_every_version_comes_back(make: Callable[[Path], Backend], written: list[ActivityRecord]) -> None:
    tape = list(enumerate(written, 1))
    with fresh(make) as backend:
        backend.open().write_activities(tape, 1, 8)
        assert backend.activities() == Counter(tape)
        assert (backend.open().position("activities"), backend.open().position("raw")) == (8, 0)


@given(tape=tapes(), data=st.data())
def test_samples_are_the_core_readings_that_were_written(
    make: Callable[[Path], Backend], tape: list[Record], data: st.DataObject
) -> None:
    stream, upto = data.draw(st.sampled_from(STREAMS)), data.draw(st.integers(0, len(tape)))
    start = BASE + data.draw(st.integers(-3 * DAY, 3 * DAY))
    end = start + data.draw(st.integers(0, 3 * DAY))
    with fresh(make) as backend:
        warehouse = backend.open()
        for first, last in cut(len(tape), [len(tape) // 2]):
            warehouse.write_raw(tape, first, last)
        found = list(warehouse.samples(stream, start, end, upto))
    messages = [r.message for r in tape if r.message and r.stream == stream and r.position <= upto]
    asked = {reading for reading in samples_of(messages) if start <= reading[3] < end}
    of_all = samples_of(r.message for r in tape if r.message and r.stream == stream)
    assert asked <= samples_of(found) <= of_all


def test_an_empty_warehouse_begins_at_0(make: Callable[[Path], Backend], tmp_path: Path) -> None:
    warehouse = make(tmp_path).open()
    assert (warehouse.position("raw"), warehouse.position("activities")) == (0, 0)
    assert list(warehouse.samples(STREAMS[0], 0, 1 << 62, 1 << 62)) == []


def test_a_range_without_anything_moves_the_position(make: Callable[[Path], Backend], tmp_path: Path) -> None:
    warehouse = make(tmp_path).open()
    ticks: Sequence[Record] = [Record(p, "tick", STREAMS[0], BASE) for p in (1, 2)]
    warehouse.write_raw(ticks, 1, 2)
    warehouse.write_activities([], 1, 3)
    assert (warehouse.position("raw"), warehouse.position("activities")) == (2, 3)
