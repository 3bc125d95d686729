"""When the followers write, from where they go on, and what they do when the disk or the tape says no."""

import errno
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from unittest.mock import patch

import pytest

from gaitway.core.activity import ActivityRecord
from gaitway.core.message import Message, Record, Stream
from gaitway.errors import WarehouseError
from gaitway.ports import ActivityReader, DeadLetter, TapeReader
from gaitway.warehouse.layout import Layout
from gaitway.warehouse.loader import ActivityLoader, RawLoader, Roll
from gaitway.warehouse.parquet import ParquetWarehouse
from unit.warehouse.rows import NOON, SECOND, WALK, activity, block, kept, record, seal, sent, table_rows, tick

FULL = OSError(errno.ENOSPC, "No space left on device")
NEVER = Roll(rows=1 << 40, seconds=1e9)


@dataclass
class MemoryTape:
    """Tape 1 as a list; `trimmed` records are gone from its beginning."""

    records: list[Record] = field(default_factory=list)
    trimmed: int = 0

    def end(self) -> int:
        return len(self.records)

    def start(self) -> int:
        return self.trimmed + 1

    def read(self, after: int, limit: int, sensors: Sequence[str] | None = None) -> Sequence[Record]:
        assert sensors is None, "the warehouse keeps all sensors"
        return self.records[max(after, self.trimmed) :][:limit]

    def seals(self) -> Mapping[Stream, Sequence[tuple[int, int]]]:
        seals: dict[Stream, list[tuple[int, int]]] = {}
        for each in self.records:
            if each.before is not None:
                seals.setdefault(each.stream, []).append((each.position, each.before))
        return seals

    def samples(
        self, stream: Stream, start: int, end: int, upto: int, sensors: Sequence[str] | None = None
    ) -> Sequence[Message]:
        raise NotImplementedError


@dataclass
class MemoryActivities:
    """Tape 2 as a list."""

    records: list[tuple[int, ActivityRecord]] = field(default_factory=list)

    def end(self) -> int:
        return self.records[-1][0] if self.records else 0

    def read(self, after: int, limit: int) -> Sequence[tuple[int, ActivityRecord]]:
        return [each for each in self.records if each[0] > after][:limit]


_: type[TapeReader] = MemoryTape
__: type[ActivityReader] = MemoryActivities


@dataclass
class Clock:
    now: float = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def tape() -> MemoryTape:
    return MemoryTape([record(p) for p in range(1, 6)])


def follow(tape: MemoryTape, folder: Path, roll: Roll = NEVER, clock: Clock | None = None) -> RawLoader:
    letters: list[DeadLetter] = []
    return RawLoader(tape, ParquetWarehouse(folder), letters.extend, roll, clock or Clock())


def run(loader: RawLoader | ActivityLoader) -> None:
    while loader.step():
        pass


def test_it_gathers_until_asked(tmp_path: Path, tape: MemoryTape) -> None:
    loader = follow(tape, tmp_path)
    run(loader)
    assert (loader.read, loader.rows, loader.position, loader.due()) == (5, 15, 0, False)
    assert loader.flush() == 5
    assert (loader.rows, loader.position) == (0, 5)
    assert kept(tmp_path) == sent(tape.records)


def test_asked_for_a_position_it_reads_up_to_there_first(tmp_path: Path, tape: MemoryTape) -> None:
    assert follow(tape, tmp_path).flush(upto=4) >= 4
    assert kept(tmp_path) == sent(tape.records)


def test_asked_for_more_than_there_is_it_writes_what_there_is(tmp_path: Path, tape: MemoryTape) -> None:
    assert follow(tape, tmp_path).flush(upto=99) == 5


def test_it_rolls_at_rows(tmp_path: Path) -> None:
    tape = MemoryTape([record(p) for p in range(1, 301)])
    loader = follow(tape, tmp_path, Roll(rows=300, seconds=1e9))
    run(loader)
    assert loader.rows < 300
    assert [marker.last - marker.first + 1 for marker in Layout(tmp_path, "raw").markers()] == [128, 128]
    loader.flush()
    assert kept(tmp_path) == sent(tape.records)


def test_it_rolls_at_memory_so_many_tiny_messages_do_not_pile_up(tmp_path: Path) -> None:
    tape = MemoryTape([record(p, block(NOON + p, 1)) for p in range(1, 301)])
    loader = follow(tape, tmp_path, Roll(rows=1 << 40, seconds=1e9, bytes=100_000))
    run(loader)
    assert len(Layout(tmp_path, "raw").markers()) == 2


def test_it_rolls_at_age_counted_from_the_oldest_it_holds(tmp_path: Path, tape: MemoryTape) -> None:
    clock = Clock()
    loader = follow(tape, tmp_path, Roll(rows=1 << 40, seconds=300), clock)
    assert loader.step() and not loader.step()
    clock.now += 200
    tape.records.append(tick(6))
    assert loader.step() and not loader.due()
    clock.now += 100
    assert loader.due() and loader.step()
    assert (loader.position, loader.due(), loader.step()) == (6, False, False)
    clock.now += 1000
    assert not loader.due()


def test_ticks_alone_move_the_position_without_a_file(tmp_path: Path) -> None:
    loader = follow(MemoryTape([tick(1), tick(2)]), tmp_path)
    assert loader.flush(upto=2) == 2
    assert table_rows(tmp_path, "raw") == []


def test_it_goes_on_where_the_warehouse_ends(tmp_path: Path, tape: MemoryTape) -> None:
    follow(tape, tmp_path).flush(upto=5)
    run(follow(tape, tmp_path))  # read on, and died before it wrote
    tape.records += [record(6), record(7)]
    loader = follow(tape, tmp_path)
    assert loader.position == loader.read == 5
    loader.flush(upto=7)
    assert kept(tmp_path) == sent(tape.records)


def test_a_full_disk_loses_nothing_and_does_not_fill_the_memory(tmp_path: Path) -> None:
    tape = MemoryTape([record(p) for p in range(1, 301)])
    loader = follow(tape, tmp_path, Roll(rows=300, seconds=1e9))
    assert loader.step()
    held = loader.rows
    with patch.object(os, "replace", side_effect=FULL):
        for _ in range(3):
            with pytest.raises(WarehouseError, match="No space left"):
                loader.step()
            assert loader.rows == held
    run(loader)
    loader.flush()
    assert kept(tmp_path) == sent(tape.records)


def test_a_tape_trimmed_up_to_the_position_is_fine(tmp_path: Path, tape: MemoryTape) -> None:
    follow(tape, tmp_path).flush(upto=5)
    tape.trimmed = 5
    tape.records.append(record(6))
    assert follow(tape, tmp_path).flush(upto=6) == 6


@pytest.mark.parametrize("trimmed", [3, 5])
def test_a_tape_trimmed_further_is_an_error_that_says_so(tmp_path: Path, tape: MemoryTape, trimmed: int) -> None:
    tape.trimmed = trimmed
    with pytest.raises(WarehouseError, match=f"begins at {trimmed + 1}, but the warehouse ends at 0") as error:
        follow(tape, tmp_path).step()
    assert "backup" in error.value.hint


def test_a_tape_younger_than_the_warehouse_is_an_error_not_a_silent_loss(tmp_path: Path, tape: MemoryTape) -> None:
    follow(tape, tmp_path).flush(upto=5)
    with pytest.raises(WarehouseError, match="the warehouse ends at 5"):
        follow(MemoryTape([record(1)]), tmp_path)


def test_what_a_seal_forbids_goes_to_the_dead_letters_wherever_the_range_was_cut(tmp_path: Path) -> None:
    tape = MemoryTape([record(1), seal(2, NOON + 10 * SECOND)])
    letters: list[DeadLetter] = []
    loader = RawLoader(tape, ParquetWarehouse(tmp_path), letters.extend, NEVER, Clock())
    loader.flush(upto=2)
    tape.records += [record(3), record(4, block(NOON + 20 * SECOND))]
    loader.flush(upto=4)
    assert [(letter.position, letter.readings, letter.stream) for letter in letters] == [(3, 3, WALK)]
    assert kept(tmp_path) == sent([tape.records[0], tape.records[3]])
    again = RawLoader(tape, ParquetWarehouse(tmp_path), letters.extend, NEVER, Clock())
    tape.records.append(record(5))
    again.flush(upto=5)
    assert [letter.position for letter in letters] == [3, 5]


def test_activities_are_followed_in_the_same_way(tmp_path: Path) -> None:
    tape = MemoryActivities([(p, activity(NOON + p * 2 * SECOND)) for p in range(1, 8)])
    clock = Clock()
    loader = ActivityLoader(tape, ParquetWarehouse(tmp_path), Roll(rows=1 << 40, seconds=60), clock)
    run(loader)
    assert (loader.rows, loader.position) == (7, 0)
    clock.now += 60
    assert loader.due()
    run(loader)
    assert loader.position == 7
    assert [row["position"] for row in table_rows(tmp_path, "activities")] == list(range(1, 8))


def test_a_hole_in_tape_2_is_an_error(tmp_path: Path) -> None:
    tape = MemoryActivities([(3, activity(NOON))])
    with pytest.raises(WarehouseError, match="begins at 3"):
        ActivityLoader(tape, ParquetWarehouse(tmp_path), NEVER, Clock()).step()
