"""Segments: runs of equal verdicts for people to read ("walking, 14:02-14:31").

Each window speaks for its central slide, cut to the stretch of samples: first to last sample without a hole longer
than the window's size. The outermost windows of a stretch with coverage of at least a half also speak for what lies
outside them.

    windows     [=====A====]                        size 10 s, slide 2 s
                  [=====A====]
                    [=====B====]
    speak for       |A |A |B |
    samples      a..................................b   hole > size   a'...b'
    segments     |   A    |             B           |                 |unknown: no window has half its cells|

This is the reference. The view SEGMENTS says the same in SQL and is tested against it.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from gaitway.core.grid import CELL
from gaitway.core.message import Times

ENOUGH = 0.5
"""A window with less coverage than this does not speak for what lies outside it."""


class Spoken(NamedTuple):
    """What a window says, of one recogniser and one stream."""

    window_start: int
    """ns."""
    activity: str
    coverage: float


class Segment(NamedTuple):
    """A run of equal verdicts on [start, end), ns; the last of a stretch ends with its last sample, which it holds."""

    activity: str
    start: int
    end: int
    cells: int
    """How many 100 ms cells with a sample begin to be filled in it: every such cell counts in one segment."""

    @property
    def covered(self) -> float:
        """The same in seconds."""
        return self.cells * CELL / 1_000_000_000


def segments(windows: Sequence[Spoken], times: Times, size: int, slide: int) -> list[Segment]:
    """The segments of a stream, by time, from the verdicts that stand and the times of its acceleration samples.

    `times` in ns, in any order, repeats allowed; `size` and `slide` of the windows in ns. A slide of which there is no
    verdict between two that speak is `unknown`.

    >>> s = 1_000_000_000
    >>> said = [Spoken(k * s, "walking", 1.0) for k in (0, 2, 4)]
    >>> found = segments(said, np.arange(0, 14 * s, s // 10), 10 * s, 2 * s)
    >>> [(each.activity, each.start / s, each.end / s, each.covered) for each in found]
    [('walking', 0.0, 13.9, 14.0)]
    """
    times = np.unique(np.asarray(times, np.int64))
    centres = sorted((w.window_start + (size - slide) // 2, w.activity, w.coverage) for w in windows)
    found: list[Segment] = []
    for stretch in _stretches(times, size):
        first, last = int(stretch[0]), int(stretch[-1])
        # A stretch of one instant still meets the slide that holds it.
        meeting = [c for c in centres if c[0] + slide > first and c[0] < max(last, first + 1)]
        turns = _turns(meeting, first, slide)
        ends = [start for start, _ in turns[1:]] + [last]
        filled = _first_of_each_cell(stretch)
        for at, ((start, activity), end) in enumerate(zip(turns, ends, strict=True)):
            inside = (filled >= start) & ((filled < end) | (at == len(turns) - 1))
            found.append(Segment(activity, start, end, int(inside.sum())))
    return found


def _stretches(times: Times, size: int) -> list[Times]:
    if not len(times):
        return []
    return np.split(times, np.flatnonzero(np.diff(times) > size) + 1)


def _turns(centres: Sequence[tuple[int, str, float]], first: int, slide: int) -> list[tuple[int, str]]:
    """(time, activity) from which on another activity holds in the stretch that begins at `first`."""
    good = [at for at, (_, _, coverage) in enumerate(centres) if coverage >= ENOUGH]
    if not good:
        return [(first, "unknown")]
    points: list[tuple[int, str]] = []
    end = None
    for start, activity, _ in centres[good[0] : good[-1] + 1]:
        if end is not None and start > end:
            points.append((end, "unknown"))
        points.append((first if end is None else start, activity))
        end = start + slide
    return [point for at, point in enumerate(points) if at == 0 or point[1] != points[at - 1][1]]


def _first_of_each_cell(times: Times) -> Times:
    cells = times // CELL
    first: Times = times[np.concatenate([[True], cells[1:] != cells[:-1]])]
    return first
