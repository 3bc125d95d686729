"""The warehouse's thread outlives what it cannot foresee, and a flush is answered with what really happened."""

import sqlite3
import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest

from gaitway.engine.feed import Ends, Feed
from gaitway.errors import LogError, WarehouseError
from serving import wait_until

FAILURES = [
    WarehouseError("the disk says no", where="a file"),
    LogError("the tape cannot be read"),
    sqlite3.OperationalError("disk I/O error"),
    OSError(5, "I/O error"),
]


class Loader:
    """A loader that fails while told to."""

    def __init__(self) -> None:
        self.position = 0
        self.fails: Exception | None = None

    def step(self) -> bool:
        if self.fails is not None:
            raise self.fails
        return False

    def flush(self, end: int) -> int:
        self.step()
        self.position = end
        return end


class Rig:
    def __init__(self) -> None:
        self.loader = Loader()
        self.answers: list[str] = []
        end = SimpleNamespace(end=lambda: 7)
        self.feed = Feed(cast("Any", self.loader), cast("Any", Loader()), Ends(cast("Any", end), cast("Any", end)))
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.feed.run, args=(self.stop,))

    def ask(self, folded: bool = True) -> None:
        self.feed.ask(lambda position, seconds: folded, self.answers.append)


@pytest.fixture
def rig(monkeypatch: pytest.MonkeyPatch) -> Iterator[Rig]:
    monkeypatch.setattr("gaitway.engine.feed._RETRY", 0.01)
    rig = Rig()
    rig.thread.start()
    yield rig
    rig.stop.set()
    rig.feed.hurry()
    rig.thread.join(10)
    assert not rig.thread.is_alive()


@pytest.mark.parametrize("failure", FAILURES)
def test_whatever_fails_is_told_and_tried_again(rig: Rig, failure: Exception) -> None:
    rig.loader.fails = failure
    rig.feed.hurry()
    wait_until(lambda: rig.feed.problem)
    rig.loader.fails = None
    wait_until(lambda: not rig.feed.problem)
    assert rig.thread.is_alive()


def test_a_flush_is_answered_once_all_is_written(rig: Rig) -> None:
    rig.ask()
    wait_until(lambda: rig.answers)
    assert (rig.answers, rig.loader.position) == ([""], 7)


def test_a_flush_that_could_not_write_says_why(rig: Rig) -> None:
    rig.loader.fails = WarehouseError("the disk says no", where="a file")
    rig.ask()
    wait_until(lambda: rig.answers)
    assert rig.answers == ["the disk says no (a file)"]


def test_a_flush_does_not_claim_what_was_not_folded(rig: Rig) -> None:
    rig.ask(folded=False)
    wait_until(lambda: rig.answers)
    assert "behind" in rig.answers[0]
    assert rig.feed.problem == ""
