"""Figures beside promises, readable."""

import json
import math

from bench.figures import Figure, Target, as_json, number, table

RATE = Figure("throughput", "200 accelerometer", 412_345.6, "readings/s", 0.02, Target(">=", 250_000), "3 rounds")
DELAY = Figure("latency", "p99", 61.04, "ms", 0.31, Target("<=", 40))
PLAIN = Figure("peers", "Gaitway", 2.5, "us a reading", 0.0)


def test_the_table_is_aligned_markdown() -> None:
    lines = table([RATE, DELAY, PLAIN]).splitlines()
    assert len({len(line) for line in lines}) == 1
    assert all(line.count("|") == 8 for line in lines)


def test_a_promise_that_was_not_kept_stands_out() -> None:
    _, _, rate, delay, plain = table([RATE, DELAY, PLAIN]).splitlines()
    assert "412,000 readings/s" in rate and ">= 250,000" in rate and "| yes" in rate
    assert "61.0 ms" in delay and "| NO" in delay
    assert PLAIN.kept is None and "yes" not in plain


def test_others_are_named_beside_every_figure_and_marked_above_ten_percent() -> None:
    _, _, rate, delay, _ = table([RATE, DELAY, PLAIN]).splitlines()
    assert "2 % " in rate and "(!)" not in rate
    assert "31 % (!)" in delay


def test_figures_survive_json() -> None:
    (found,) = json.loads(json.dumps(as_json([DELAY])))
    assert (found["value"], found["target"], found["kept"]) == (61.04, ["<=", 40], False)


def test_a_figure_of_nothing_is_no_number_and_keeps_no_promise() -> None:
    assert number(math.nan) == "none"
    assert not Target("<=", 250).kept(math.nan)
