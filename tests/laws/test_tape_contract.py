"""What every tape 1 promises, whichever backend. A new backend is one row in BACKENDS."""

import shutil
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from gaitway.core.message import CORE_SENSORS, Block, Kind, Message, MessageId, Record, Stream, Transport
from gaitway.log.reader import SqliteTapeReader
from gaitway.log.tape import SqliteTape, TapeSettings
from gaitway.ports import Entry, Outcome, Receipt, StreamCounts, Tape, TapeReader

SECOND = 1_000_000_000
BASE = 1_782_477_373_956_791_296
WALK, RUN = Stream("phone", "walk"), Stream("phone", "run")
KINDS: tuple[Kind, ...] = ("message", "tick", "seal")


class Backend(Protocol):
    """One tape under test: opened again and again, as a server would."""

    def open(self) -> Tape: ...

    def crash(self, tape: Tape) -> None:
        """End the writer as kill -9 would: what was returned is durable, nothing is flushed or saved."""
        ...

    def reader(self) -> TapeReader:
        """A reader as another process would have it."""
        ...

    def close(self) -> None: ...


class SqliteBackend:
    """Segments so small, and a ledger saved so seldom, that a few messages meet every case."""

    def __init__(self, folder: Path) -> None:
        self._root = folder
        self._images = 0
        self._open = ExitStack()

    @property
    def _folder(self) -> Path:
        return self._root / str(self._images)

    def open(self) -> SqliteTape:
        small = TapeSettings(roll_bytes=14 * 4096, reserve_bytes=0, save_rows=7)
        return SqliteTape(self._folder / "log", self._folder / "registry.sqlite", small)

    def crash(self, tape: Tape) -> None:
        before = self._folder
        self._images += 1
        shutil.copytree(before, self._folder)  # what a killed process leaves on disk
        tape.close()

    def reader(self) -> SqliteTapeReader:
        reader = SqliteTapeReader(self._folder / "log", self._folder / "registry.sqlite")
        self._open.callback(reader.close)
        return reader

    def close(self) -> None:
        self._open.close()


BACKENDS: dict[str, Callable[[Path], Backend]] = {"sqlite": SqliteBackend}


@dataclass
class Model:
    """The tape as a list: what the contract says, in the plainest words."""

    records: list[Record] = field(default_factory=list)
    firsts: dict[tuple[object, ...], tuple[int, int]] = field(default_factory=dict)
    """Position and refused count of the first arrival of each message."""
    ids: dict[tuple[Stream, Transport], set[int]] = field(default_factory=lambda: defaultdict(set))
    duplicates: dict[Stream, int] = field(default_factory=lambda: defaultdict(int))
    conflicting: dict[Stream, int] = field(default_factory=lambda: defaultdict(int))

    def append(self, entry: Entry) -> tuple[int, Outcome]:
        message = entry.message
        outcome: Outcome = "stored"
        if message is not None:
            first = self.firsts.get(_content(message))
            numbered = isinstance(message.message_id, int) and abs(message.message_id) < 1 << 62
            seen = self.ids[message.stream, message.transport]
            if first is None and numbered and message.message_id in seen:
                outcome = "conflicting"
            if numbered:
                assert isinstance(message.message_id, int)
                seen.add(message.message_id)
            if first is not None and first[1] == 0:
                self.duplicates[entry.stream] += 1
                return first[0], "duplicate"
            self.firsts.setdefault(_content(message), (len(self.records) + 1, message.refused))
            self.conflicting[entry.stream] += outcome == "conflicting"
        record = Record(len(self.records) + 1, entry.kind, entry.stream, entry.received_at, message, entry.before)
        self.records.append(record)
        return record.position, outcome

    def counts(self) -> list[StreamCounts]:
        return [self._counts(stream) for stream in dict.fromkeys(record.stream for record in self.records)]

    def _counts(self, stream: Stream) -> StreamCounts:
        records = [record for record in self.records if record.stream == stream]
        messages = [record.message for record in records if record.message is not None]
        times = [int(time) for message in messages for block in message.blocks for time in block.times]
        seen = [self.ids[stream, transport] for transport in ("http", "mqtt")]
        return StreamCounts(
            stream,
            len(messages),
            self.duplicates[stream],
            self.conflicting[stream],
            sum(max(ids) - min(ids) + 1 - len(ids) for ids in seen if ids),
            min(times, default=None),
            max(times, default=None),
            messages[-1].received_at if messages else 0,
            records[-1].kind,
        )

    def seals(self) -> dict[Stream, list[tuple[int, int]]]:
        found: dict[Stream, list[tuple[int, int]]] = {}
        for record in self.records:
            if record.kind == "seal" and record.before is not None:
                found.setdefault(record.stream, []).append((record.position, record.before))
        return found


def _content(message: Message) -> tuple[object, ...]:
    ident = (type(message.message_id), message.message_id)
    payload = tuple((block.sensor, block.times.tobytes()) for block in message.blocks)
    return (message.stream, ident, payload)


def readings(start: float, sensor: str = "accelerometer", span: float = 1.0, n: int = 3) -> Block:
    """n readings over `span` seconds, `start` seconds after BASE."""
    times = BASE + np.linspace(start * SECOND, (start + span) * SECOND, n).astype(np.int64)
    return Block(sensor, times, np.ones((3, n)))


PAYLOADS: tuple[tuple[Block, ...], ...] = (
    (),
    *((readings(at),) for at in range(6)),
    (readings(0, "light"),),
    (readings(7), readings(2, "gravity"), readings(90, "location")),
    (readings(1, span=15),),
    (readings(1, span=40),),  # longer than a search through an index looks
    (readings(3, n=1000),),  # fills a segment
)


@st.composite
def entries(draw: st.DrawFn) -> Entry:
    kind = draw(st.sampled_from((*["message"] * 8, *KINDS[1:])))
    stream = draw(st.sampled_from([WALK, RUN]))
    received_at = BASE + draw(st.integers(0, 100)) * SECOND
    if kind == "tick":
        return Entry("tick", stream, received_at)
    if kind == "seal":
        return Entry("seal", stream, received_at, before=BASE + draw(st.integers(-5, 5)))
    ids: st.SearchStrategy[MessageId] = st.integers(-1, 12) | st.sampled_from([None, "a", 1 << 70])
    transports: tuple[Transport, ...] = ("http", "mqtt")
    message = Message(
        stream,
        draw(ids),
        draw(st.sampled_from(PAYLOADS)),
        received_at,
        draw(st.sampled_from(transports)),
        refused=draw(st.sampled_from([0, 0, 0, 2])),
    )
    return Entry("message", stream, received_at, message)


class TapeMachine(RuleBasedStateMachine):
    """Appends, restarts, crashes and trims in any order; the tape must always say what the model says."""

    def __init__(self, make: Callable[[Path], Backend]) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory(prefix="tape-contract-")
        self._backend = make(Path(self._folder.name))
        self._model = Model()
        self._sent: list[Entry] = []

    @initialize()
    def open(self) -> None:
        self._tape = self._backend.open()
        self._reader = self._backend.reader()

    @rule(new=st.lists(entries(), max_size=6), again=st.lists(st.integers(0, 50), max_size=3))
    def append(self, new: list[Entry], again: list[int]) -> None:
        repeats = [self._sent[-1 - back] for back in again if back < len(self._sent)]
        receipts = self._tape.append([*repeats, *new])
        start = self._tape.start()
        for entry, receipt in zip([*repeats, *new], receipts, strict=True):
            position, outcome = self._model.append(entry)
            trimmed = outcome == "duplicate" and position < start
            assert receipt == Receipt(0 if trimmed else position, outcome)
        self._sent.extend(new)

    @rule()
    def restart(self) -> None:
        self._tape.close()
        self._tape.close()
        self._tape = self._backend.open()

    @rule()
    def crash(self) -> None:
        self._backend.crash(self._tape)
        self._tape = self._backend.open()
        self._reader = self._backend.reader()

    @rule(share=st.integers(0, 100))
    def trim(self, share: int) -> None:
        before = 1 + len(self._model.records) * share // 100
        old = self._tape.start()
        start = self._tape.trim(before)
        assert start == self._tape.start()
        assert old <= start <= max(before, old)

    @rule(share=st.integers(0, 100), limit=st.integers(1, 30))
    def read(self, share: int, limit: int) -> None:
        after = len(self._model.records) * share // 100
        first = max(after + 1, self._tape.start())
        expected = self._model.records[first - 1 : first - 1 + limit]
        for tape in (self._tape, self._reader):
            assert tape.read(after, limit) == expected

    @rule(start=st.integers(-2, 100), span=st.integers(0, 30), share=st.integers(0, 100))
    def samples(self, start: int, span: int, share: int) -> None:
        upto = len(self._model.records) * share // 100
        low, high = BASE + start * SECOND, BASE + (start + span) * SECOND
        there = self._model.records[self._tape.start() - 1 : upto]
        of_stream = [record.message for record in there if record.stream == WALK and record.message is not None]
        for tape in (self._tape, self._reader):
            found = tape.samples(WALK, low, high, upto)
            assert all(message in of_stream for message in found)
            for message in of_stream:
                assert message in found or not _holds_core_reading(message, low, high)

    @invariant()
    def says_what_the_model_says(self) -> None:
        assert self._tape.end() == self._reader.end() == len(self._model.records)
        assert self._tape.start() == self._reader.start()
        assert self._tape.counts() == self._model.counts()
        for tape in (self._tape, self._reader):
            assert {stream: list(seals) for stream, seals in tape.seals().items()} == self._model.seals()

    def teardown(self) -> None:
        if hasattr(self, "_tape"):
            self._tape.close()
        self._backend.close()
        self._folder.cleanup()


def _holds_core_reading(message: Message, low: int, high: int) -> bool:
    return any(
        block.sensor in CORE_SENSORS and bool(((block.times >= low) & (block.times < high)).any())
        for block in message.blocks
    )


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Backend]:
    backend = BACKENDS[request.param](tmp_path)
    yield backend
    backend.close()


@pytest.mark.parametrize("name", BACKENDS)
def test_a_tape_is_a_list_that_drops_repeats(name: str) -> None:
    run_state_machine_as_test(
        lambda: TapeMachine(BACKENDS[name]),  # type: ignore[arg-type]  # it takes any factory
        settings=settings(
            max_examples=40, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )


def entry(ident: MessageId, at: float = 0, **changes: object) -> Entry:
    message = replace(Message(WALK, ident, (readings(at),), BASE + round((at + 1) * SECOND)), **changes)  # type: ignore[arg-type]
    return Entry("message", message.stream, message.received_at, message)


def outcomes(receipts: Sequence[Receipt]) -> list[tuple[int, str]]:
    return [(receipt.position, receipt.outcome) for receipt in receipts]


def test_an_empty_tape_ends_at_0_and_starts_at_1(backend: Backend) -> None:
    tape = backend.open()
    assert (tape.end(), tape.start(), tape.read(0, 10), tape.counts(), tape.seals()) == (0, 1, [], [], {})
    assert tape.append([]) == []
    tape.close()


def test_a_reader_may_come_before_the_writer(backend: Backend) -> None:
    reader = backend.reader()
    assert (reader.end(), reader.start(), reader.read(0, 10), dict(reader.seals())) == (0, 1, [], {})
    assert reader.samples(WALK, 0, BASE, 10) == []
    tape = backend.open()
    tape.append([entry(1)])
    assert [record.position for record in reader.read(0, 10)] == [1]
    tape.close()


def test_a_repeat_is_dropped_within_a_group_and_later(backend: Backend) -> None:
    tape = backend.open()
    assert outcomes(tape.append([entry(1), entry(1)])) == [(1, "stored"), (1, "duplicate")]
    assert outcomes(tape.append([entry(1, transport="mqtt"), entry(1, received_at=5)])) == [(1, "duplicate")] * 2
    assert tape.end() == 1
    tape.close()


def test_a_repeat_is_stored_again_when_something_of_its_first_arrival_was_refused(backend: Backend) -> None:
    tape = backend.open()
    assert outcomes(tape.append([entry(1, refused=2)])) == [(1, "stored")]
    assert outcomes(tape.append([entry(1)])) == [(2, "stored")]
    tape.close()


def test_the_first_arrival_decides_also_after_it_was_trimmed(backend: Backend) -> None:
    tape = backend.open()
    long = (readings(0, n=2000),)
    tape.append([entry(1, refused=2), entry(1), entry(2, blocks=long, refused=2)])
    tape.append([entry(2, blocks=long)])
    assert tape.trim(5) == 5
    assert outcomes(tape.append([entry(1), entry(2, blocks=long)])) == [(5, "stored"), (6, "stored")]
    tape.close()


def test_a_repeat_over_the_other_transport_is_not_missing_there(backend: Backend) -> None:
    tape = backend.open()
    tape.append([entry(ident, at=ident) for ident in (1, 2, 3)])
    tape.append([entry(ident, at=ident, transport="mqtt") for ident in (1, 2, 3)])
    assert (tape.counts()[0].missing, tape.counts()[0].duplicates) == (0, 3)
    tape.append([entry(6, at=6, transport="mqtt"), entry(5, at=5)])
    assert tape.counts()[0].missing == 2 + 1
    tape.close()


def test_the_same_id_with_other_content_conflicts_only_over_the_same_transport(backend: Backend) -> None:
    tape = backend.open()
    tape.append([entry(1)])
    other = entry(1, at=5, transport="mqtt")
    assert outcomes(tape.append([other, entry(1, at=6)])) == [(2, "stored"), (3, "conflicting")]
    assert outcomes(tape.append([other])) == [(2, "duplicate")]
    assert tape.counts()[0].conflicting == 1
    tape.close()


def test_repeats_are_known_after_a_crash_and_after_trimming(backend: Backend) -> None:
    tape = backend.open()
    for ident in range(20):
        tape.append([entry(ident, at=ident, blocks=(readings(ident, n=500),))])
    backend.crash(tape)
    tape = backend.open()
    assert tape.trim(18) > 1
    again = [entry(ident, at=ident, blocks=(readings(ident, n=500),)) for ident in range(20)]
    assert {receipt.outcome for receipt in tape.append(again)} == {"duplicate"}
    assert (tape.end(), tape.counts()[0].duplicates) == (20, 20)
    tape.close()


def test_counts_of_repeats_survive_a_crash(backend: Backend) -> None:
    tape = backend.open()
    tape.append([entry(1), entry(3)])
    tape.append([entry(1), entry(1)])
    backend.crash(tape)
    tape = backend.open()
    assert (tape.counts()[0].duplicates, tape.counts()[0].missing) == (2, 1)
    tape.close()


def test_positions_go_on_after_everything_was_trimmed(backend: Backend) -> None:
    tape = backend.open()
    tape.append([entry(1), entry(2, at=1), Entry("seal", WALK, BASE, before=BASE)])
    assert tape.trim(tape.end() + 1) == 4
    assert (tape.start(), tape.end(), tape.read(0, 10)) == (4, 3, [])
    tape.close()
    tape = backend.open()
    assert (tape.start(), tape.end(), dict(tape.seals())) == (4, 3, {WALK: [(3, BASE)]})
    assert outcomes(tape.append([entry(1), entry(3, at=2)])) == [(0, "duplicate"), (4, "stored")]
    assert [record.position for record in backend.reader().read(0, 10)] == [4]
    tape.close()


@pytest.mark.parametrize("span", [0.5, 15, 16, 17, 1e6])
def test_samples_are_found_by_any_part_of_a_message(backend: Backend, span: float) -> None:
    tape = backend.open()
    tape.append([entry(1), entry(2, blocks=(readings(10, span=span, n=2),)), entry(3, at=20)])
    first, last = BASE + 10 * SECOND, BASE + round((10 + span) * SECOND)
    for start in (first, last):
        assert 2 in [message.message_id for message in tape.samples(WALK, start, start + 1, upto=3)]
        assert tape.samples(WALK, start, start + 1, upto=1) == []
    assert 2 not in [message.message_id for message in tape.samples(WALK, last + 1, last + 2, upto=3)]
    tape.close()


def test_blocks_of_other_sensors_may_be_left_out_but_never_those_asked_for(backend: Backend) -> None:
    tape = backend.open()
    tape.append([entry(1, blocks=(readings(0, "light"), readings(0), readings(0, "gravity")))])
    for message in (tape.read(0, 1, ["gravity"])[0].message, *tape.samples(WALK, 0, 1 << 62, 1, ["gravity"])):
        assert message is not None
        assert readings(0, "gravity") in message.blocks
    tape.close()
