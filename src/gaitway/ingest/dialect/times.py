"""Reading times: int64 nanoseconds since the epoch, whatever unit and type they were sent in.

The unit is told by magnitude: from 1e17 on a time is in ns, from 1e14 in us, from 1e11 in ms, from 1e8 in s; what is
smaller has no usable time. Integers stay integers; a float or a text is read through its decimal digits, never
converted as a binary number, which would be up to 128 ns off.
"""

import re
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import NamedTuple

from gaitway.core.message import Times, TimeUnit
from gaitway.ingest.dialect.decoded import Unfit

_UNITS: tuple[tuple[int, int, TimeUnit], ...] = (
    (10**17, 1, "ns"),
    (10**14, 10**3, "us"),
    (10**11, 10**6, "ms"),
    (10**8, 10**9, "s"),
)
_DECIMAL = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?")
_MOST_TEXT = 60
_END = 1 << 63
_CONTEXT = Context(prec=_MOST_TEXT + 30, rounding=ROUND_HALF_EVEN)


class Time(NamedTuple):
    """A time in ns, within int64, and the unit it came in."""

    ns: int
    unit: TimeUnit


def read_time(value: object) -> Time | None:
    """The time a JSON value stands for; None where it stands for none.

    >>> read_time(1678886400000)
    Time(ns=1678886400000000000, unit='ms')
    >>> read_time(1.7824773739567913e18), read_time("1782477373.956791300")
    (Time(ns=1782477373956791300, unit='ns'), Time(ns=1782477373956791300, unit='s'))
    >>> read_time(0), read_time(True), read_time("yesterday"), read_time(float("nan"))
    (None, None, None, None)
    """
    if type(value) is int:
        return _of_integer(value)
    number = _decimal(value)
    # A number of 21 digits is no time in any unit; looking at the exponent first keeps 1e999999 from being spelt out.
    if number is None or not 8 <= number.adjusted() <= 20:
        return None
    for floor, factor, unit in _UNITS:
        if number >= floor:
            scaled = _CONTEXT.multiply(number, Decimal(factor))
            return _within(int(scaled.to_integral_value(ROUND_HALF_EVEN, _CONTEXT)), unit)
    return None


def all_in_ns(times: Times, latest: int) -> tuple[Times, TimeUnit, int]:
    """A whole column in ns, its unit, and its newest time.

    Raises Unfit where its times are of several units, unusable, or later than `latest`.
    """
    lowest, newest = int(times.min()), int(times.max())
    for floor, factor, unit in _UNITS:
        if lowest >= floor:
            if (factor > 1 and newest >= floor * 1000) or newest * factor > latest:
                break
            return (times if factor == 1 else times * factor), unit, newest * factor
    raise Unfit


def _of_integer(value: int) -> Time | None:
    for floor, factor, unit in _UNITS:
        if value >= floor:
            return _within(value * factor, unit)
    return None


def _within(ns: int, unit: TimeUnit) -> Time | None:
    return Time(ns, unit) if ns < _END else None


def _decimal(value: object) -> Decimal | None:
    text = repr(value) if type(value) is float else value.strip() if isinstance(value, str) else ""
    return Decimal(text) if len(text) <= _MOST_TEXT and _DECIMAL.fullmatch(text) else None
