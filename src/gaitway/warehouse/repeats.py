"""Which of the readings at one time are equal (law 4): by stream, sensor, time, x, y, z and the other values."""

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gaitway.warehouse.samples import exact_axes


def first_of_equals(
    rows: pa.Table, series: NDArray[np.int64], time: NDArray[np.int64], order: NDArray[np.intp]
) -> NDArray[np.bool_]:
    """For rows taken in `order` (by series, time, position): whether no equal one came before. Shape as `order`."""
    alike = (np.diff(series[order]) == 0) & (np.diff(time[order]) == 0)
    keep = np.ones(len(order), np.bool_)
    if not alike.any():
        return keep
    # Only rows that share their time with a neighbour are compared: nearly always few.
    shared = np.flatnonzero(np.append(alike, False) | np.insert(alike, 0, False))
    group = np.cumsum(np.insert(~alike, 0, True))[shared]
    keys = [group, *_value_keys(rows.take(order[shared]))]
    # lexsort is stable: of equal rows the one with the smallest position comes first.
    by_value = np.lexsort(keys[::-1])
    equal = np.logical_and.reduce([np.diff(key[by_value]) == 0 for key in keys])
    keep[shared[by_value[1:][equal]]] = False
    return keep


def _value_keys(rows: pa.Table) -> list[NDArray[np.int64]]:
    """Integers that are equal where values are: -0.0 equals 0.0, and a missing value only a missing one."""
    bits = [(axis + 0.0).view(np.int64) for axis in exact_axes(rows)]
    return [*bits, _text_codes(rows["values"])]


def _text_codes(column: Any) -> NDArray[np.int64]:
    codes = column.combine_chunks().dictionary_encode().indices.fill_null(-1)
    return np.asarray(codes.to_numpy(zero_copy_only=False), np.int64)
