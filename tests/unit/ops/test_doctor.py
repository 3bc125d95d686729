"""How a doctor judges figures, and that a check that breaks is itself a finding."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gaitway.errors import LogError
from gaitway.ops.doctor import (
    Arrival,
    Check,
    Finding,
    Subject,
    diagnose,
    judge_clock,
    judge_disk,
    judge_gaps,
    judge_missing,
    judge_silence,
    worst,
)

S = 10**9


def arrivals(age_s: float, count: int = 20, every_s: float = 1.0) -> list[Arrival]:
    """Messages that come regularly, the newest reading in each so old on arrival."""
    return [Arrival(n * int(every_s * S), n * int(every_s * S) - int(age_s * S)) for n in range(count)]


def test_every_check_speaks_and_one_that_breaks_is_a_failure_with_its_hint() -> None:
    def breaks(_: Subject) -> Iterator[Finding]:
        yield Finding("ok", "so far")
        raise LogError("torn", where="a file", hint="mend it")

    checks = (Check("one", breaks), Check("two", lambda subject: [Finding("warn", str(subject.port))]))
    assert list(diagnose(Subject(port=5), checks)) == [
        ("one", Finding("ok", "so far")),
        ("one", Finding("fail", "torn", "a file", "mend it")),
        ("two", Finding("warn", "5")),
    ]


@given(st.lists(st.sampled_from(["ok", "warn", "fail"])))
def test_the_worst_level_counts(levels: list[str]) -> None:
    order = ["ok", "warn", "fail"]
    found = worst(Finding(level, "") for level in levels)  # type: ignore[arg-type]
    assert found == max(levels, key=order.index, default="ok")


@pytest.mark.parametrize(
    ("age_s", "level", "says"),
    [
        (0.9, "ok", "agrees"),
        (-2, "ok", "agrees"),
        (-60, "warn", "1.0 min ahead"),
        (-200, "fail", "3.3 min ahead"),
        (-3600, "fail", "1.0 h ahead"),
        (3600, "warn", "1.0 h old"),
    ],
)
def test_a_clock_is_judged_by_how_old_readings_are_on_arrival(age_s: float, level: str, says: str) -> None:
    finding = judge_clock(arrivals(age_s))
    assert finding.level == level
    assert says in finding.what
    assert (finding.hint == "") == (level == "ok")


def test_a_few_late_batches_say_nothing_about_the_clock() -> None:
    late = [*arrivals(1.0), *[Arrival(n * S, n * S - 900 * S) for n in range(20, 28)]]
    assert judge_clock(late).level == "ok"


def test_refused_readings_are_told_of_where_the_clock_is_far_ahead() -> None:
    assert "refused" in judge_clock(arrivals(-601)).why
    assert "refused" not in judge_clock(arrivals(-599)).why


def test_breaks_are_counted_and_the_longest_is_told() -> None:
    assert judge_gaps(arrivals(1, every_s=14)).level == "ok"
    broken = [Arrival(at * S, at * S) for at in (0, 1, 31, 32, 195, 196)]
    finding = judge_gaps(broken)
    assert finding.level == "warn"
    assert "2 breaks" in finding.what
    assert "2.7 min" in finding.what


@pytest.mark.parametrize(
    ("silent_s", "battery", "late", "level", "cause"),
    [
        (3, 0.01, True, "ok", ""),
        (60, 0.02, True, "warn", "empty"),
        (60, 0.5, True, "warn", "network"),
        (60, None, False, "warn", "ended"),
    ],
)
def test_a_silent_phone_has_a_most_likely_cause(
    silent_s: int, battery: float | None, late: bool, level: str, cause: str
) -> None:
    finding = judge_silence(silent_s * S, battery, late)
    assert finding.level == level
    assert cause in finding.why


def test_missing_messages_are_told_as_a_share() -> None:
    assert judge_missing(0, 100).level == "ok"
    assert "(20.0%)" in judge_missing(25, 100).what


@given(st.integers(0, 2**45), st.integers(1, 2**40))
def test_less_room_is_never_judged_better(free: int, reserve: int) -> None:
    order = ["ok", "warn", "fail"]
    assert order.index(judge_disk(free, reserve).level) >= order.index(judge_disk(free + 1, reserve).level)
