"""How far tape 1 may be trimmed: behind its followers, until one was away for too long."""

from collections.abc import Sequence
from typing import Any, cast

import pytest

from gaitway.config import Settings
from gaitway.core.message import Record, Stream
from gaitway.errors import BusyError
from gaitway.profiles.trimming import UNSEEN, Trimmer

DAY = 86_400_000_000_000
START = 100 * DAY


class Tape:
    """Record n arrived on day n."""

    trimmed = 0

    def start(self) -> int:
        return 1

    def end(self) -> int:
        return 200

    def read(self, after: int, limit: int, sensors: Sequence[str] | None = None) -> list[Record]:
        return [Record(after + 1, "tick", Stream("phone", "walk"), (after + 1) * DAY, None)]

    def trim(self, before: int) -> int:
        self.trimmed = before
        return before


class Link:
    def __init__(self) -> None:
        self.health: dict[str, Any] = {}

    def says(self, engine: int, raw: int) -> None:
        self.health = {"positions": {"engine": engine, "raw": raw}}


@pytest.fixture
def link() -> Link:
    return Link()


def trimmer(link: Link, keep_days: float = 7.0) -> Trimmer:
    return Trimmer(Settings(log_keep_days=keep_days), cast("Any", Tape()), link, START)


def test_the_slowest_follower_holds_the_log(link: Link) -> None:
    link.says(engine=60, raw=50)
    assert trimmer(link).trim(START) == 51


def test_what_is_young_stays_also_when_all_have_read_it(link: Link) -> None:
    link.says(engine=100, raw=100)
    assert trimmer(link, keep_days=7).trim(START) == 93  # records 93..100 are up to seven days old


def test_a_follower_that_never_came_holds_it_for_seven_days_from_the_start(link: Link) -> None:
    subject = trimmer(link)
    with pytest.raises(BusyError):
        subject.trim(START + UNSEEN - 1)
    assert subject.trim(START + UNSEEN) == 100


def test_one_that_went_away_holds_it_where_it_was_and_then_no_longer(link: Link) -> None:
    subject = trimmer(link)
    link.says(engine=50, raw=50)
    subject.trim(START + DAY)
    link.health = {}
    assert subject.trim(START + UNSEEN) == 51
    assert subject.trim(START + DAY + UNSEEN) == 101


def test_one_that_comes_back_holds_it_again(link: Link) -> None:
    subject = trimmer(link)
    link.says(engine=50, raw=50)
    assert subject.trim(START + 2 * UNSEEN) == 51


def test_without_its_follower_a_log_that_is_not_kept_still_keeps_seven_days(link: Link) -> None:
    assert trimmer(link, keep_days=0).trim(START + UNSEEN) == 100
