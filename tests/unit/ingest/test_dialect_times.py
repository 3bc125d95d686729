"""Times are exact: whatever form they come in, the digits sent are the nanoseconds stored."""

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gaitway.ingest.dialect.decoded import Unfit
from gaitway.ingest.dialect.times import Time, all_in_ns, read_time

LATEST = 2 * 10**18


@given(st.integers(10**17, 2**63 - 1))
def test_an_integer_of_nanoseconds_stays_as_it_is(ns: int) -> None:
    assert read_time(ns) == read_time(str(ns)) == Time(ns, "ns")


@given(st.floats(1e17, 9e18))
def test_a_float_is_read_through_its_shortest_decimal_form(sent: float) -> None:
    found = read_time(sent)
    assert found == Time(int(Decimal(repr(sent))), "ns")
    assert found == read_time(repr(sent))


@given(st.integers(10**17, 9 * 10**18))
def test_a_text_of_seconds_keeps_every_nanosecond(ns: int) -> None:
    seconds, rest = divmod(ns, 10**9)
    assert read_time(f"{seconds}.{rest:09d}") == Time(ns, "s")


def test_a_float_is_not_converted_as_a_binary_number() -> None:
    sent = float(1782477373956791300)
    assert int(sent) == 1782477373956791296
    assert read_time(sent) == Time(1782477373956791300, "ns")


@pytest.mark.parametrize(
    ("value", "unit"),
    [
        (10**8, "s"),
        (9 * 10**9, "s"),
        (10**11, "ms"),
        (9 * 10**12, "ms"),
        (10**14, "us"),
        (9 * 10**15, "us"),
        (10**17, "ns"),
    ],
)
def test_the_unit_is_told_by_magnitude(value: int, unit: str) -> None:
    for form in (value, float(value), str(value), f"{value}.0"):
        found = read_time(form)
        assert found is not None
        assert found.unit == unit
    assert all_in_ns(np.array([value]), 2**63 - 1)[1] == unit


@pytest.mark.parametrize(
    "value", [10**8 - 1, 2**63, 1e30, 1e-400, "1e999999", "1" * 70, "", " ", "\uff11", "1e", b"1", None, True]
)
def test_what_is_no_time(value: object) -> None:
    assert read_time(value) is None


@given(st.lists(st.integers(-(10**18), 2**63 - 1), min_size=1, max_size=6))
def test_a_column_is_read_as_its_times_one_by_one_or_not_at_all(sent: list[int]) -> None:
    single = [read_time(value) for value in sent]
    try:
        times, unit, newest = all_in_ns(np.array(sent), LATEST)
    except Unfit:
        assert (
            None in single or len({time.unit for time in single if time}) > 1 or max(t.ns for t in single if t) > LATEST
        )
    else:
        assert [Time(int(ns), unit) for ns in times] == single
        assert newest == max(times)
