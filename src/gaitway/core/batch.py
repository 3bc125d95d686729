"""The reference: what the warehouse must say, as one function over all readings of a stream.

Every engine is tested against it, and `gaitway verify` runs it over a real warehouse.
"""

from collections.abc import Iterable, Sequence

import numpy as np

from gaitway.core.activity import Verdict
from gaitway.core.evidence import evidence
from gaitway.core.grid import Grid
from gaitway.core.message import ACCELERATION, Message
from gaitway.core.recognizers.recognizer import Recognizer
from gaitway.core.samples import Sources, gather

_EVER = (0, 2**63 - 1)


def activities(messages: Iterable[Message], recognizer: Recognizer) -> dict[int, Verdict]:
    """The verdict on every window of a stream that holds an acceleration sample, by window number."""
    return judge_windows(gather(messages, *_EVER), recognizer)


def judge_windows(sources: Sources, recognizer: Recognizer, only: Sequence[int] | None = None) -> dict[int, Verdict]:
    """The verdicts on the windows (or only on some of them) that hold an acceleration sample of these sources."""
    verdicts: dict[int, Verdict] = {}
    grid = recognizer.grid
    for window in occupied(sources, grid) if only is None else only:
        start = grid.start(window)
        seen = evidence(sources, start, start + grid.size)
        if seen is not None:
            verdicts[window] = recognizer.judge(seen)
    return verdicts


def occupied(sources: Sources, grid: Grid) -> list[int]:
    """The windows that hold an acceleration sample, rising."""
    found: set[int] = set()
    for sensor in ACCELERATION:
        if sensor in sources:
            panes = np.unique(sources[sensor].times // grid.pane)
            for pane in panes.tolist():
                found.update(grid.windows_at(pane * grid.pane))
    return sorted(found)
