"""The tail gives what is behind a position, reading each record once, and lets go of what the files have."""

from pathlib import Path

import pytest

from gaitway.core.message import Record
from gaitway.warehouse import tail as tail_module
from gaitway.warehouse.schemas import ACTIVITIES, RAW
from gaitway.warehouse.tail import ActivityTail, RawTail
from unit.warehouse.written import ANNA, BERT, NOON, FakeActivities, FakeTape, S, judged, push


def test_it_has_the_columns_of_the_files() -> None:
    assert RawTail(FakeTape()).rows(0)[1].schema == RAW
    assert ActivityTail(FakeActivities()).rows(0)[1].schema == ACTIVITIES
    assert RawTail(FakeTape(push(ANNA, [NOON]))).rows(0)[1].schema == RAW
    assert ActivityTail(FakeActivities(judged(NOON))).rows(0)[1].schema == ACTIVITIES


def test_it_reads_on_where_it_stopped() -> None:
    tape = FakeTape(push(ANNA, [NOON]), push(BERT, [NOON, NOON + 1]))
    tail = RawTail(tape)
    name, rows = tail.rows(0)
    assert rows["time"].to_pylist() == [NOON, NOON, NOON + 1]
    assert tail.rows(0) == (name, rows)
    tape.add(push(ANNA, [NOON + 2]))
    assert tail.rows(0)[1]["time"].to_pylist() == [NOON, NOON, NOON + 1, NOON + 2]
    assert tail.rows(0)[0] != name
    assert tape.read_from == [0, 2, 2, 2, 3, 3]


def test_what_the_files_have_caught_up_with_is_let_go() -> None:
    tape = FakeTape(push(ANNA, [NOON]))
    tail = RawTail(tape)
    tail.rows(0)
    tape.add(push(ANNA, [NOON + 1]))
    tail.rows(0)
    assert tail.rows(1)[1]["position"].to_pylist() == [2]
    assert tail.rows(2)[1].num_rows == 0
    tape.add(push(ANNA, [NOON + 2]))
    assert tail.rows(2)[1]["position"].to_pylist() == [3]


def test_a_few_rows_from_before_the_position_may_stay() -> None:
    tape = FakeTape(push(ANNA, [NOON]), push(ANNA, [NOON + 1]))
    tail = RawTail(tape)
    tail.rows(0)
    assert set(tail.rows(1)[1]["position"].to_pylist()) >= {2}


def test_a_warehouse_begun_anew_is_followed_from_its_start() -> None:
    tape = FakeTape(*(push(ANNA, [NOON + k]) for k in range(5)))
    tail = RawTail(tape)
    assert tail.rows(3)[1]["position"].to_pylist() == [4, 5]
    assert tail.rows(0)[1]["position"].to_pylist() == [1, 2, 3, 4, 5]


def test_long_tails_are_read_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tail_module, "_AT_ONCE", 2)
    verdicts = FakeActivities(*(judged(NOON + k * 2 * S, revision=k) for k in range(5)))
    assert ActivityTail(verdicts).rows(1)[1]["revision"].to_pylist() == [1, 2, 3, 4]


def test_ticks_have_no_rows_and_sealed_readings_none(tmp_path: Path) -> None:
    tape = FakeTape()
    tape.records = [Record(1, "tick", ANNA, NOON), Record(2, "seal", ANNA, NOON, before=NOON + 5)]
    tape.add(push(ANNA, [NOON, NOON + 7]))
    rows = RawTail(tape).rows(0)[1]
    assert rows["time"].to_pylist() == [NOON + 7]
    assert set(rows["position"].to_pylist()) == {3}
