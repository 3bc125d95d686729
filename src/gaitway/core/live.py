"""Live verdicts: provisional, on the newest span of a stream, on no grid; for the page only.

One per second of arrival time and stream at most. They come from the magnitudes of the last span as they arrived,
repeats included; the records of tape 2 are exact, these are quick.
"""

from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gaitway.core.activity import LiveVerdict, Verdict
from gaitway.core.evidence import Evidence, evidence
from gaitway.core.grid import CELL, SECOND
from gaitway.core.message import Record, Stream, Times
from gaitway.core.recognizers.recognizer import Recognizer

if TYPE_CHECKING:
    from gaitway.core.fold import Summed
    from gaitway.core.state import StreamState
    from gaitway.core.windows import ReadBack

_EVERY = SECOND
_LEAST = 2 * SECOND  # a verdict needs at least this much of a stream


class _Part(NamedTuple):
    times: Times
    totals: NDArray[np.int64]
    newest: int


class LiveState:
    """The newest span of one stream."""

    __slots__ = ("arrived_at", "begun", "newest", "parts", "phase", "position", "slot")

    def __init__(self, received_at: int) -> None:
        self.parts: deque[_Part] = deque()
        self.newest = -1
        self.begun = 0
        """First sample after the last hole longer than a window."""
        self.arrived_at = received_at
        self.phase = received_at - _EVERY // 2
        """Seconds of arrival begin half a second before the first message: one a second, whatever its jitter, falls
        into each."""
        self.slot = -1
        self.position = 0


class Live:
    """Keeps the newest span of every stream and says what the leading recogniser makes of it."""

    def __init__(self, recognizer: Recognizer, readback: "ReadBack") -> None:
        self._recognizer = recognizer
        self._readback = readback
        self._size = recognizer.grid.size
        self._due: dict[Stream, LiveState] = {}

    def add(self, record: Record, state: "StreamState", blocks: Sequence["Summed"]) -> None:
        """Take in the acceleration blocks of a message."""
        live = state.live
        if live is None:
            live = state.live = LiveState(record.received_at)
        for block in blocks:
            first, newest = block.grids[0].first, block.grids[0].newest
            if first > live.newest + self._size:
                live.begun = first
                live.parts.clear()
            live.newest = max(live.newest, newest)
            if block.source == 0 and newest > live.newest - self._size:
                live.parts.append(_Part(block.times, block.totals.copy(), newest))
        while live.parts and live.parts[0].newest < live.newest - self._size:
            live.parts.popleft()
        live.position = record.position
        slot = (record.received_at - live.phase) // _EVERY
        if slot != live.slot:
            live.slot = slot
            self._due[record.stream] = live
        live.arrived_at = record.received_at

    def take(self) -> list[LiveVerdict]:
        """The verdicts due since the last call, newest state of each stream."""
        due, self._due = self._due, {}
        found = []
        for stream, live in due.items():
            if (verdict := self._verdict(stream, live)) is not None:
                found.append(verdict)
        return found

    def _verdict(self, stream: Stream, live: LiveState) -> LiveVerdict | None:
        end = (live.newest // CELL + 1) * CELL
        start = end - self._size
        since = max(start, live.begun // CELL * CELL)
        seen = self._summed(live, start, end) or self._read_back(stream, live, start, end)
        if seen is None:
            return None
        coverage = min(1.0, seen.coverage * self._size / (end - since)) if end - since >= _LEAST else 0.0
        verdict = self._recognizer.judge(Evidence(seen.n, seen.total, coverage))
        return LiveVerdict(stream, start, end, self._recognizer.name, Verdict(*verdict))

    def _summed(self, live: LiveState, start: int, end: int) -> Evidence | None:
        """The evidence of the summed source; None where another one may speak."""
        if not live.parts:
            return None
        times = np.concatenate([part.times for part in live.parts])
        totals = np.concatenate([part.totals for part in live.parts])
        inside = (times >= start) & (times < end)
        count = int(np.count_nonzero(inside))
        if not count:
            return None
        cells = np.bincount((times[inside] - start) // CELL)
        return Evidence(count, int(totals[inside].sum()), int(np.count_nonzero(cells)) * CELL / (end - start))

    def _read_back(self, stream: Stream, live: LiveState, start: int, end: int) -> Evidence | None:
        sources = self._readback.samples(stream, start, end, live.position)
        return evidence(sources, start, end)
