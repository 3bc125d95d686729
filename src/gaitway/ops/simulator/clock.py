"""When a simulated phone takes its samples, and how the app writes such a time.

The app is JavaScript: a time in ns passes through a double and is written in its shortest decimal form, so times of
today end in 00 and differ from the sensor's own by up to 178 ns. Real captures show just that.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gaitway.core.message import Times

_JITTER_POINTS = 1024
#: From 2**59 on a double has no room for single nanoseconds, and 17 digits are enough to tell it from its neighbours.
_WIDE = 2**59


def as_written(times: Times) -> Times:
    """Times as the app writes them, as integers.

    >>> as_written(np.array([1772619244507756512])).tolist(), int(float(1772619244507756512))
    ([1772619244507756500], 1772619244507756544)
    """
    doubles = times.astype(np.float64)
    exact = doubles.astype(np.int64)
    short = _nearest(exact, 1000)
    digits = np.where(short.astype(np.float64) == doubles, short, _nearest(exact, 100))
    return np.where(exact >= _WIDE, digits, exact)


def _nearest(values: Times, step: int) -> Times:
    """Multiples of a step; of two equally near the even one."""
    quotient, rest = np.divmod(values, step)
    up = (2 * rest > step) | ((2 * rest == step) & (quotient % 2 == 1))
    out: Times = (quotient + up) * step
    return out


@dataclass(frozen=True, slots=True)
class Grid:
    """Sampling at a steady step with a jitter far below it. Times are ns since the recording began."""

    step: int
    offset: int
    jitter: Times

    @classmethod
    def of(cls, rng: np.random.Generator, step: int, *, spread_ns: float = 0.0, hiccups: float = 0.0) -> "Grid":
        """A grid from a random offset on; `hiccups` is the share of samples that come late by up to 0.3 steps."""
        jitter = rng.normal(0.0, spread_ns, _JITTER_POINTS)
        late = rng.random(_JITTER_POINTS) < hiccups
        jitter += late * rng.uniform(0.1, 0.3, _JITTER_POINTS) * step
        bound = 0.4 * step
        return cls(step, int(rng.integers(0, step)), jitter.clip(-bound, bound).astype(np.int64))

    def span(self, start: int, end: int) -> NDArray[np.int64]:
        """The numbers of the samples that are due in [start, end)."""
        first = -((self.offset - start) // self.step)
        return np.arange(max(first, 0), max(-((self.offset - end) // self.step), 0), dtype=np.int64)

    def nominal(self, index: NDArray[np.int64]) -> Times:
        """When they are due."""
        return index * self.step + self.offset

    def times(self, index: NDArray[np.int64]) -> Times:
        """When they were taken: strictly rising."""
        return self.nominal(index) + self.jitter[index % len(self.jitter)]
