"""The evidence on one window: which source speaks, and its count, sum and coverage.

A window takes the first acceleration source, in the order of `ACCELERATION`, whose coverage is at least a half, else
the one with the greatest coverage (the first on a tie).
"""

from typing import NamedTuple

import numpy as np

from gaitway.core.grid import CELL
from gaitway.core.magnitude import SCALE, magnitudes, quantised
from gaitway.core.message import ACCELERATION, Floats
from gaitway.core.samples import NONE, Samples, Sources

STANDARD_GRAVITY = 9.80665
_G_BELOW = 2  # a mean norm below 2 can only be in g: iPhones send uncalibrated acceleration so


class Evidence(NamedTuple):
    """What a recogniser judges a window by."""

    n: int
    """Samples of the chosen source."""
    total: int
    """Sum of their magnitudes, in 2^-20 m/s2."""
    coverage: float
    """Share of the window's cells that hold one of them."""

    @property
    def mean(self) -> float:
        """Mean magnitude, m/s2."""
        return self.total / (self.n * SCALE)


def choose(coverages: tuple[float, ...]) -> int:
    """Index of the source that speaks, from the coverage of each in the order of `ACCELERATION`.

    >>> choose((0.3, 0.9, 1.0)), choose((0.2, 0.4, 0.4)), choose((0.0, 0.0, 0.1))
    (1, 1, 2)
    """
    for index, coverage in enumerate(coverages):
        if coverage >= 0.5:
            return index
    return coverages.index(max(coverages))


def evidence(sources: Sources, start: int, end: int) -> Evidence | None:
    """The evidence on [start, end), both multiples of 100 ms, from samples; None where no source has one."""
    windows = [sources.get(sensor, NONE).between(start, end) for sensor in ACCELERATION]
    if not any(len(samples.times) for samples in windows):
        return None
    coverages = tuple(coverage(samples, start, end) for samples in windows)
    chosen = choose(coverages)
    samples = windows[chosen]
    gravity = sources.get("gravity", NONE)
    totals = magnitudes(samples.xyz if chosen == 0 else without_gravity(samples, gravity))
    return Evidence(len(samples.times), int(totals.sum()), coverages[chosen])


def coverage(samples: Samples, start: int, end: int) -> float:
    """The share of the 100 ms cells of [start, end) that hold a sample; all samples lie inside."""
    if not len(samples.times):
        return 0.0
    cells = samples.times // CELL
    return (1 + int(np.count_nonzero(cells[1:] != cells[:-1]))) / ((end - start) // CELL)


def without_gravity(samples: Samples, gravity: Samples) -> Floats:
    """Acceleration that includes gravity, brought to m/s2 and freed of it. Shape (3, n).

    Less the gravity sample of the same time where every sample has one, else less the window's mean per axis.
    """
    xyz = samples.xyz
    count = len(samples.times)
    if int(magnitudes(xyz).sum()) < _G_BELOW * SCALE * count:
        xyz = xyz * STANDARD_GRAVITY
    at = np.searchsorted(gravity.times, samples.times)
    if len(gravity.times) and at[-1] < len(gravity.times) and np.array_equal(gravity.times[at], samples.times):
        freed: Floats = xyz - gravity.xyz[:, at]
        return freed
    mean = np.array([int(axis.sum()) / (count * SCALE) for axis in quantised(xyz)])
    centred: Floats = xyz - mean[:, None]
    return centred
