"""Samples: what the core reads of messages, as a set.

There is one sample per (stream, sensor, time): the greatest (x, y, z) as float64 stands. Merging is commutative,
associative and idempotent, so order, batching and repeats cannot matter.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from gaitway.core.message import CORE_SENSORS, Floats, Message, Times


class Samples(NamedTuple):
    """Samples of one sensor, sorted by time, each time once."""

    times: Times
    """Shape (n,), ns."""
    xyz: Floats
    """Shape (3, n)."""

    def between(self, start: int, end: int) -> "Samples":
        """Those with start <= time < end (views, not copies)."""
        first, last = np.searchsorted(self.times, (start, end))
        return Samples(self.times[first:last], self.xyz[:, first:last])


NONE = Samples(np.empty(0, np.int64), np.empty((3, 0), np.float64))

Sources = Mapping[str, Samples]
"""Samples by sensor name; a sensor without samples may be left out."""


def merge(times: Sequence[Times], xyz: Sequence[Floats]) -> Samples:
    """Merge parts in any order, with repeats, into samples.

    >>> a = np.array([[1.0], [0.0], [0.0]]); b = np.array([[2.0], [0.0], [0.0]])
    >>> merge([np.array([5]), np.array([5])], [b, a]).xyz[0].tolist()
    [2.0]
    """
    if not times:
        return NONE
    t, v = np.concatenate(times), np.concatenate(xyz, axis=1)
    if len(t) > 1 and not (t[1:] > t[:-1]).all():
        order = np.lexsort((v[2], v[1], v[0], t))
        t, v = t[order], v[:, order]
        last = np.append(t[1:] != t[:-1], True)
        t, v = t[last], v[:, last]
    return Samples(t, v)


def gather(messages: Iterable[Message], start: int, end: int) -> Sources:
    """The samples with start <= time < end of messages of one stream, by sensor."""
    parts: dict[str, tuple[list[Times], list[Floats]]] = {}
    for message in messages:
        for block in message.blocks:
            if block.sensor not in CORE_SENSORS or block.xyz is None:
                continue
            inside = (block.times >= start) & (block.times < end)
            times, xyz = parts.setdefault(block.sensor, ([], []))
            times.append(block.times[inside])
            xyz.append(block.xyz[:, inside])
    return {sensor: merge(*columns) for sensor, columns in parts.items()}
