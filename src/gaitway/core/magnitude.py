"""Magnitudes as integers: sums of integers are the same in any order, in Python, NumPy, Spark and SQL."""

import numpy as np
from numpy.typing import NDArray

from gaitway.core.message import Floats

SCALE = 1 << 20
"""Units of a quantised magnitude in one m/s2."""


def magnitudes(xyz: Floats) -> NDArray[np.int64]:
    """floor(|a| * 2^20 + 0.5) of each column of a (3, n) array, |a| = sqrt(x*x + y*y + z*z).

    Left to right in float64: no hypot, einsum or fused multiply-add, which differ in the last bit; no rounding
    function, since NumPy and SQL differ at halves.

    >>> magnitudes(np.array([[3.0], [4.0], [0.0]])).tolist() == [5 * SCALE]
    True
    """
    x, y, z = xyz
    return quantised(np.sqrt(x * x + y * y + z * z))


def quantised(values: Floats) -> NDArray[np.int64]:
    """floor(v * 2^20 + 0.5) as int64."""
    return np.floor(values * SCALE + 0.5).astype(np.int64)
