"""Chores of the engine: one that fails is told, does not stop the others, and is tried again."""

from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

import gaitway.engine.upkeep as room
from gaitway.core.message import Stream
from gaitway.engine.upkeep import Upkeep
from gaitway.warehouse.retention import Old

NOW = 1_772_734_472.0


class Tape:
    def __init__(self) -> None:
        self.trims = 0
        self.broken = True

    def mark(self, now: int) -> None: ...

    def trim(self, position: int, before: int) -> None:
        self.trims += 1
        if self.broken:
            raise KeyError("of a kind that nobody foresaw")


class Link:
    def __init__(self) -> None:
        self.asked: list[list[Stream]] = []

    def ask_seals(self, streams: list[Stream], before: int) -> None:
        self.asked.append(streams)


@pytest.fixture
def tape() -> Tape:
    return Tape()


@pytest.fixture
def link() -> Link:
    return Link()


@pytest.fixture
def upkeep(tmp_path: Path, tape: Tape, link: Link) -> Upkeep:
    feed = SimpleNamespace(positions=(5, 5))
    return Upkeep(tmp_path, cast("Any", tape), cast("Any", feed), cast("Any", link))


def test_a_chore_that_fails_is_a_problem_until_it_is_done(upkeep: Upkeep, tape: Tape) -> None:
    upkeep.do(NOW)
    assert upkeep.problem.startswith("trim: KeyError")
    tape.broken = False
    upkeep.do(NOW)
    assert (upkeep.problem, tape.trims) == ("", 2)


def test_files_go_only_once_the_streams_in_them_are_sealed(
    upkeep: Upkeep, link: Link, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone, file = Stream("phone", "walk"), tmp_path / "day" / "1.parquet"
    file.parent.mkdir()
    file.write_bytes(b"readings")
    monkeypatch.setattr(room, "readings_before", lambda folder, day: Old([phone], [file]))
    sealed = 0
    upkeep.retention, upkeep.sealed_to = timedelta(days=1), lambda stream: sealed
    upkeep.do(NOW)
    assert (link.asked, file.exists()) == ([[phone]], True)
    sealed = round(NOW * 1e9)
    upkeep.do(NOW)
    assert (len(link.asked), file.exists()) == (1, False)
