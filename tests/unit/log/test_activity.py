"""Tape 2: records, states and the position they stand for are committed together."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from gaitway.core.activity import ActivityRecord, Verdict
from gaitway.core.message import Stream
from gaitway.errors import LogError
from gaitway.log.activity import ActivityTape, ActivityTapeReader, Checkpoint

PHONE = Stream("phone", "walk")
SECOND = 1_000_000_000


def record(window: int, revision: int, activity: str = "walking", stream: Stream = PHONE) -> ActivityRecord:
    verdict = Verdict(activity, 0.5, 2.25, 10, 0.75)  # type: ignore[arg-type]
    start = window * 2 * SECOND
    return ActivityRecord(stream, start, start + 10 * SECOND, "thresholds-1/10s-2s/abcd", verdict, revision, "final")


@pytest.fixture
def tape(tmp_path: Path) -> Iterator[ActivityTape]:
    made = ActivityTape(tmp_path / "log" / "activity.sqlite")
    yield made
    made.close()


def test_records_come_back_as_they_were_in_order(tape: ActivityTape) -> None:
    records = [record(1, 7), record(2, 9, "unknown"), record(1, 9, "running", Stream("other", "run"))]

    assert tape.commit(9, records, {}) == (1, 3)
    assert tape.read(0, 10) == list(enumerate(records, 1))
    assert tape.read(1, 1) == [(2, records[1])]


def test_a_restart_finds_the_position_and_the_states(tape: ActivityTape, tmp_path: Path) -> None:
    tape.commit(5, [record(1, 5)], {PHONE: Checkpoint(4, 0, 2, b"state")})
    tape.close()

    with closing(ActivityTape(tmp_path / "log" / "activity.sqlite")) as again:
        assert (again.folded(), again.end(), again.state(PHONE)) == (5, 1, b"state")
        assert again.commit(6, [record(2, 6)], {}) == (2, 2)


def test_a_commit_that_fails_leaves_nothing(tape: ActivityTape) -> None:
    broken = record(2, 7)
    object.__setattr__(broken, "revision", object())

    with pytest.raises(Exception, match=r"binding|type"):
        tape.commit(7, [record(1, 7), broken], {PHONE: Checkpoint(0, 0, 0, b"new")})

    assert (tape.folded(), tape.end(), tape.state(PHONE)) == (0, 0, None)
    assert tape.commit(7, [record(1, 7)], {}) == (1, 1)


def test_the_current_verdict_is_the_one_with_the_highest_revision(tape: ActivityTape) -> None:
    tape.commit(5, [record(1, 3), record(1, 5, "running"), record(2, 5)], {})

    found = tape.published(PHONE, "thresholds-1/10s-2s/abcd", 2 * SECOND, 4 * SECOND)

    assert {start: verdict.activity for start, verdict in found.items()} == {2 * SECOND: "running"}


def test_another_connection_reads_while_it_is_written(tape: ActivityTape, tmp_path: Path) -> None:
    reader = ActivityTapeReader(tmp_path / "log" / "activity.sqlite")
    tape.commit(5, [record(1, 5)], {PHONE: Checkpoint(4, 9, 2, b"state")})

    assert reader.end() == 1
    assert reader.checkpoints() == {PHONE: Checkpoint(4, 9, 2, b"state")}
    tape.commit(6, [record(2, 6)], {})
    assert [position for position, _ in reader.read(0, 10)] == [1, 2]
    reader.close()


def test_trimming_drops_what_is_old_and_in_the_warehouse_and_positions_go_on(tape: ActivityTape) -> None:
    tape.commit(5, [record(1, 5), record(2, 5)], {})
    tape.mark(100)
    tape.commit(6, [record(3, 6)], {})

    assert tape.trim(3, older_than=99) == 0
    assert tape.trim(1, older_than=100) == 1
    assert tape.trim(3, older_than=100) == 1
    assert (tape.start(), tape.end()) == (3, 3)
    assert tape.commit(7, [record(4, 7)], {}) == (4, 4)


def test_positions_go_on_after_everything_was_trimmed_and_a_restart(tape: ActivityTape, tmp_path: Path) -> None:
    tape.commit(5, [record(1, 5)], {})
    tape.mark(100)
    tape.trim(1, older_than=100)
    tape.close()

    with closing(ActivityTape(tmp_path / "log" / "activity.sqlite")) as again:
        assert again.end() == 1
        assert again.commit(6, [record(2, 6)], {}) == (2, 2)


@pytest.mark.parametrize("opened", [ActivityTape, ActivityTapeReader])
def test_a_file_that_is_no_tape_says_what_to_do(tmp_path: Path, opened: type[ActivityTapeReader]) -> None:
    (tmp_path / "activity.sqlite").write_bytes(b"not a database at all, but long enough to be looked at" * 20)

    with pytest.raises(LogError, match="cannot be opened") as caught:
        opened(tmp_path / "activity.sqlite")

    assert "rebuild" in caught.value.hint
