"""Many requests, one fsync: what is submitted together is written together."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

import pytest

from gaitway.core.message import Block
from gaitway.errors import BusyError, LogError
from gaitway.log.dead_letters import SqliteDeadLetters
from gaitway.log.group_commit import GroupCommit
from gaitway.log.rows import Row, prepare
from gaitway.log.tape import SqliteTape, TapeSettings
from gaitway.ports import DeadLetter, Entry, Receipt
from unit.log.messages import BASE, WALK, message

LETTER = DeadLetter(BASE, "absurd", "payload[0].values.x", b'{"x":1e9}', WALK, 1)


class FakeTape:
    """A tape in memory that a test can hold up and make fail; it notes what was durable before each group."""

    commit_seconds = 0.25

    def __init__(self) -> None:
        self.groups: list[list[Row]] = []
        self.letters_before: list[int] = []
        self.letters = FakeLetters()
        self.errors: list[Exception] = []
        self.go = threading.Event()
        self.go.set()
        self.entered = threading.Event()

    def prepare(self, entry: Entry) -> Row:
        return prepare(entry)

    def append_rows(self, rows: Sequence[Row]) -> list[Receipt]:
        self.entered.set()
        self.go.wait()
        if self.errors:
            raise self.errors.pop()
        start = sum(map(len, self.groups)) + 1
        self.groups.append(list(rows))
        self.letters_before.append(len(self.letters.kept))
        return [Receipt(start + at, "stored") for at in range(len(rows))]


class FakeLetters:
    def __init__(self) -> None:
        self.kept: list[DeadLetter] = []

    def add(self, letters: Sequence[DeadLetter]) -> None:
        self.kept.extend(letters)


def entry(ident: int) -> Entry:
    return Entry("message", WALK, BASE, message(ident, ident))


def run(test: Callable[[FakeTape, GroupCommit], Coroutine[Any, Any, None]], **options: Any) -> FakeTape:
    """Run a test on a loop with a group commit that is closed at the end."""
    tape = FakeTape()

    async def main() -> None:
        commit = GroupCommit(tape, tape.letters, **options)  # type: ignore[arg-type]  # adding is all it needs
        commit.start(asyncio.get_running_loop())
        try:
            await test(tape, commit)
        finally:
            tape.go.set()
            await asyncio.to_thread(commit.close)

    asyncio.run(main())
    return tape


async def held_up(tape: FakeTape, commit: GroupCommit) -> "asyncio.Future[Receipt]":
    """Have the writer busy with one group, so that what is submitted next waits for the next one."""
    tape.go.clear()
    future = commit.submit(entry(0))
    await asyncio.to_thread(tape.entered.wait)
    return future


def test_what_is_submitted_together_is_one_group_in_order() -> None:
    seen: list[int] = []
    groups: list[tuple[int, float]] = []

    async def test(tape: FakeTape, commit: GroupCommit) -> None:
        first = await held_up(tape, commit)
        futures = [commit.submit(entry(ident)) for ident in range(1, 11)]
        tape.go.set()
        receipts = await asyncio.gather(first, *futures)
        assert [receipt.position for receipt in receipts] == list(range(1, 12))
        assert (commit.commits, commit.rows, commit.fsync_seconds, commit.failures) == (2, 11, 0.5, 0)

    tape = run(test, on_commit=seen.append, observe=lambda rows, seconds: groups.append((rows, seconds)))
    assert [len(group) for group in tape.groups] == [1, 10]
    assert seen == [1, 11]
    assert groups == [(1, 0.25), (10, 0.25)]


def test_a_group_has_a_largest_size() -> None:
    async def test(tape: FakeTape, commit: GroupCommit) -> None:
        first = await held_up(tape, commit)
        futures = [commit.submit(entry(ident)) for ident in range(1, 8)]
        tape.go.set()
        await asyncio.gather(first, *futures)

    assert [len(group) for group in run(test, max_batch=3).groups] == [1, 3, 3, 1]


def test_dead_letters_are_durable_before_the_entries_of_their_group() -> None:
    async def test(tape: FakeTape, commit: GroupCommit) -> None:
        await commit.submit(entry(1), [LETTER, LETTER])

    assert run(test).letters_before == [2]


def test_dead_letters_alone_are_buried_without_a_group() -> None:
    async def test(tape: FakeTape, commit: GroupCommit) -> None:
        assert (await commit.bury([LETTER])).position == 0

    tape = run(test)
    assert (tape.groups, tape.letters.kept) == ([], [LETTER])


def test_an_entry_that_cannot_be_encoded_fails_alone_and_at_once() -> None:
    broken = Entry("message", WALK, BASE, message(1, blocks=(Block("light", message(1).blocks[0].times, values=()),)))

    async def test(tape: FakeTape, commit: GroupCommit) -> None:
        first = await held_up(tape, commit)
        good = commit.submit(entry(1))
        with pytest.raises(LogError):
            commit.submit(broken)
        tape.go.set()
        assert [(await first).position, (await good).position] == [1, 2]

    run(test)


def test_when_a_group_fails_each_of_its_futures_says_so_and_the_next_one_is_written() -> None:
    async def test(tape: FakeTape, commit: GroupCommit) -> None:
        first = await held_up(tape, commit)
        tape.errors.append(BusyError("the disk is full"))
        tape.go.set()
        with pytest.raises(BusyError):
            await first
        assert (await commit.submit(entry(1))).position == 1
        assert (commit.failures, commit.commits) == (1, 1)

    run(test)


@pytest.mark.parametrize("limit", ["max_waiting", "max_waiting_bytes"])
def test_when_too_much_waits_more_is_refused(limit: str) -> None:
    async def test(tape: FakeTape, commit: GroupCommit) -> None:
        first = await held_up(tape, commit)
        setattr(commit, limit, {"max_waiting": 2, "max_waiting_bytes": 2 * len(prepare(entry(0)).body or b"")}[limit])
        futures = [commit.submit(entry(ident)) for ident in range(1, 3)]
        with pytest.raises(BusyError, match="wait"):
            commit.submit(entry(3))
        tape.go.set()
        await asyncio.gather(first, *futures)
        await commit.submit(entry(3))

    run(test)


def test_closing_writes_what_was_submitted_and_then_takes_no_more() -> None:
    async def test(tape: FakeTape, commit: GroupCommit) -> None:
        first = await held_up(tape, commit)
        futures = [commit.submit(entry(ident)) for ident in range(1, 4)]
        closing = asyncio.create_task(asyncio.to_thread(commit.close))
        tape.go.set()
        await closing
        assert [receipt.position for receipt in await asyncio.gather(first, *futures)] == [1, 2, 3, 4]
        assert commit.waiting_bytes == 0
        with pytest.raises(BusyError):
            commit.submit(entry(9))
        commit.close()

    run(test)


def test_before_it_is_started_it_takes_nothing() -> None:
    tape = FakeTape()
    commit = GroupCommit(tape, tape.letters)  # type: ignore[arg-type]
    with pytest.raises(BusyError):
        commit.submit(entry(1))
    commit.close()


def test_a_future_that_nobody_waits_for_any_more_does_no_harm() -> None:
    async def test(tape: FakeTape, commit: GroupCommit) -> None:
        first = await held_up(tape, commit)
        gone = commit.submit(entry(1))
        gone.cancel()
        tape.go.set()
        assert (await first).position == 1
        assert (await commit.submit(entry(2))).position == 3

    run(test)


def test_on_a_real_tape_a_thousand_requests_take_few_fsyncs(tmp_path: Path) -> None:
    tape = SqliteTape(tmp_path / "raw", tmp_path / "registry.sqlite", TapeSettings(reserve_bytes=0))
    letters = SqliteDeadLetters(tmp_path / "refused.sqlite")

    async def main() -> None:
        commit = GroupCommit(tape, letters)
        commit.start(asyncio.get_running_loop())
        receipts = await asyncio.gather(*(commit.submit(entry(ident % 900), [LETTER]) for ident in range(1000)))
        assert [receipt.outcome for receipt in receipts] == ["stored"] * 900 + ["duplicate"] * 100
        assert commit.commits < 10
        commit.close()

    asyncio.run(main())
    assert (tape.end(), letters.counts()) == (900, {WALK: 1000})
    tape.close()
    letters.close()
