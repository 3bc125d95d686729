"""The windows of one grid over one stream: fed with panes, closed by the watermark, revised at ticks.

    samples      ..............|  head
    watermark            |<-2s>|
    windows   [---------)            below `closed`: final; later samples make them dirty
                 [---------)         from `closed` on: open, made of panes
                    [---------)

In order and free of repeats, samples go straight into panes. Anything else makes the panes it touches stale: they
are read back as a set when a window wants them. Samples behind `closed` make windows dirty: the next tick reads them
back and publishes what changed. So only the panes of open windows are in memory, and lateness of any age is right.

A tick publishes the open windows too, but leaves them open: otherwise each tick of a phone that goes on sending would
reopen what it has just closed (docs/decisions/0006-ticks.md).
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Protocol

from gaitway.core.activity import ActivityRecord, Status, Verdict
from gaitway.core.batch import judge_windows
from gaitway.core.evidence import Evidence, choose, evidence
from gaitway.core.grid import Grid
from gaitway.core.magnitude import magnitudes
from gaitway.core.message import ACCELERATION, Stream
from gaitway.core.panes import BlockRuns, Pane, exact_panes
from gaitway.core.ranges import Ranges
from gaitway.core.recognizers.recognizer import Recognizer
from gaitway.core.samples import Sources
from gaitway.core.state import ALL, EVERY, GridState, StreamState

_FEW = 16  # so many windows are looked at one by one; more are found from the panes that are held
_CHUNK = 512  # dirty windows judged per read-back: bounds memory however late the data


class ReadBack(Protocol):
    """What the core asks for when memory is not enough. Every answer is a function of the tapes up to a position."""

    def samples(self, stream: Stream, start: int, end: int, upto: int) -> Sources:
        """Samples with start <= time < end (or more), of records at positions up to `upto`."""
        ...

    def published(self, stream: Stream, recognizer: str, start: int, end: int) -> Mapping[int, Verdict]:
        """The current verdicts of windows with start <= window_start < end, by window_start."""
        ...

    def state(self, stream: Stream) -> bytes | None:
        """The saved state of a stream; None for a new one."""
        ...


class Publisher:
    """Collects the records of one feed, and knows what is current, with those included."""

    def __init__(self, readback: ReadBack) -> None:
        self._readback = readback
        self._records: list[ActivityRecord] = []
        self._overlay: dict[tuple[Stream, str, int], Verdict] = {}

    def current(self, stream: Stream, recognizer: str, start: int, end: int) -> dict[int, Verdict]:
        """The current verdicts of windows with start <= window_start < end, by window_start."""
        found = dict(self._readback.published(stream, recognizer, start, end))
        for (of, name, at), verdict in self._overlay.items():
            if of == stream and name == recognizer and start <= at < end:
                found[at] = verdict
        return found

    def publish(self, record: ActivityRecord) -> None:
        """Add a record."""
        self._records.append(record)
        self._overlay[(record.stream, record.recognizer, record.window_start)] = record.verdict

    def take(self) -> list[ActivityRecord]:
        """The records since the last call; they count as current from now on only once they are on tape 2."""
        records, self._records, self._overlay = self._records, [], {}
        return records


class Windows:
    """The logic of one grid and its recognisers; the state of each stream is a `GridState`."""

    def __init__(self, grid: Grid, recognizers: Sequence[Recognizer], readback: ReadBack, publisher: Publisher) -> None:
        self.grid = grid
        self._recognizers = recognizers
        self._readback = readback
        self._publisher = publisher

    def join(self, state: StreamState, watermark: int, first: int) -> GridState:
        """The grid's state of a stream; made where the grid is new to it, from the open windows on."""
        known = state.grids.get(self.grid.text)
        if known is None:
            new = state.head < 0
            closed = self.grid.first_at(first) if new else self.grid.ended(watermark)
            known = GridState(closed, closed, Ranges(), {})
            state.grids[self.grid.text] = known
        since = known.since.pop(EVERY, ALL if state.head < 0 else known.closed)
        for recognizer in self._recognizers:
            known.since.setdefault(recognizer.name, since)
        return known

    def restore(self, known: GridState, head: int) -> None:
        """Make the panes of open windows stale: after a restart they are read back when wanted."""
        pane = self.grid.pane
        known.stale.update(range(known.closed * self.grid.slide // pane, head // pane + 1))

    def add(self, known: GridState, source: int, block: BlockRuns, *, in_order: bool) -> None:
        """Take in a block of one source; `in_order`: it rises and lies above all of this source so far."""
        panes = known.panes[source]
        for pane, content in block.runs:
            if not self.touch(known, pane):
                continue
            if not in_order:
                known.stale.add(pane)
            if pane in known.stale:
                continue
            before = panes.get(pane)
            panes[pane] = content if before is None else _merged(before, content)

    def touch(self, known: GridState, pane: int) -> bool:
        """Make the closed windows of a pane dirty; whether open ones hold it too."""
        start = pane * self.grid.pane
        first, last = self.grid.first_at(start), self.grid.last_at(start)
        if first < known.closed:
            known.dirty.add(first, min(last + 1, known.closed))
        return last >= known.closed

    def close(self, stream: Stream, state: StreamState, watermark: int, position: int) -> None:
        """Close the windows that end at or before the watermark."""
        known = state.grids[self.grid.text]
        through = self.grid.ended(watermark)
        if through <= known.closed:
            return
        self._judge_open(stream, known, through, (position, state.sealed_to))
        known.closed = through
        known.shown = max(known.shown, through)
        slide, width = self.grid.slide, self.grid.pane
        for panes in known.panes:
            for pane in [p for p in panes if p * width // slide < through]:
                del panes[pane]
        if known.stale:
            known.stale = {p for p in known.stale if p * width // slide >= through}

    def tick(self, stream: Stream, state: StreamState, position: int) -> None:
        """Publish what is open, up to the last sample, and the revisions of what is dirty."""
        known = state.grids.get(self.grid.text)
        if known is None or state.head < 0:
            return
        through = self.grid.last_at(state.head) + 1
        self._judge_open(stream, known, through, (position, state.sealed_to))
        known.shown = max(known.shown, through)
        for first, end in known.dirty.spans():
            for at in range(first, end, _CHUNK):
                self._revise(stream, known, range(at, min(at + _CHUNK, end)), (position, state.sealed_to))
        known.dirty.clear()

    def _judge_open(self, stream: Stream, known: GridState, through: int, at: tuple[int, int]) -> None:
        """Judge open windows; of those that reach back behind a seal, only what was never published."""
        position, sealed_to = at
        if known.stale:
            self._refresh(stream, known, position)
        closed = known.closed
        judged = [
            (window, seen)
            for window in self._candidates(known, through)
            if (window >= known.shown or self.grid.start(window) >= sealed_to)
            and (seen := self._evidence(stream, known, window, position)) is not None
        ]
        span = (self.grid.start(closed), self.grid.start(min(known.shown, through)))
        for recognizer in self._recognizers:
            before = self._publisher.current(stream, recognizer.name, *span) if closed < known.shown else {}
            since = known.since.get(recognizer.name, ALL)
            for window, seen in judged:
                if window >= since:
                    self._publish(stream, recognizer, (window, recognizer.judge(seen), position), before)

    def _candidates(self, known: GridState, through: int) -> Iterable[int]:
        """The open windows below `through` that may hold a sample, rising; across a hole only those at its edges."""
        closed, width = known.closed, self.grid.pane
        if through - closed <= _FEW:
            return range(closed, through)
        held = {pane for panes in known.panes for pane in panes}
        return sorted({w for p in held for w in self.grid.windows_at(p * width) if closed <= w < through})

    def _revise(self, stream: Stream, known: GridState, windows: range, at: tuple[int, int]) -> None:
        """Judge closed windows again; those that reach back behind a seal stay as they are."""
        position, sealed_to = at
        start, end = self.grid.start(windows.start), self.grid.start(windows[-1]) + self.grid.size
        sources = self._readback.samples(stream, start, end, position)
        open_to = [window for window in windows if self.grid.start(window) >= sealed_to]
        for recognizer in self._recognizers:
            since = known.since.get(recognizer.name, ALL)
            before = self._publisher.current(stream, recognizer.name, start, end)
            judged = judge_windows(sources, recognizer, [window for window in open_to if window >= since])
            for window, verdict in judged.items():
                self._publish(stream, recognizer, (window, verdict, position), before)

    def _publish(
        self, stream: Stream, recognizer: Recognizer, found: tuple[int, Verdict, int], before: Mapping[int, Verdict]
    ) -> None:
        window, verdict, position = found
        start = self.grid.start(window)
        known = before.get(start)
        if known == verdict:
            return
        status: Status = "final" if known is None else "revised"
        end = start + self.grid.size
        self._publisher.publish(ActivityRecord(stream, start, end, recognizer.name, verdict, position, status))

    def _evidence(self, stream: Stream, known: GridState, window: int, position: int) -> Evidence | None:
        """The evidence on an open window: from panes, or read back where another source than the summed one speaks."""
        summed, *others = known.panes
        n, total, filled = self._sum(summed, window)
        if filled * 2 >= self.grid.cells or not any(others):
            return Evidence(n, total, filled / self.grid.cells) if n else None
        coverages = (filled, *(self._sum(panes, window)[2] for panes in others))
        if not any(coverages):
            return None
        if choose(tuple(cells / self.grid.cells for cells in coverages)) == 0:
            return Evidence(n, total, filled / self.grid.cells)
        start = self.grid.start(window)
        sources = self._readback.samples(stream, start, start + self.grid.size, position)
        return evidence(sources, start, start + self.grid.size)

    def _sum(self, panes: dict[int, Pane], window: int) -> tuple[int, int, int]:
        n = total = filled = 0
        for number in self.grid.panes_of(window):
            pane = panes.get(number)
            if pane is not None:
                n += pane[0]
                total += pane[1]
                filled += pane[2].bit_count()
        return n, total, filled

    def _refresh(self, stream: Stream, known: GridState, position: int) -> None:
        """Read stale panes back as a set, a run of neighbours at a time."""
        width = self.grid.pane
        for _, run in groupby(enumerate(sorted(known.stale)), lambda item: item[1] - item[0]):
            numbers = [number for _, number in run]
            start, end = numbers[0] * width, (numbers[-1] + 1) * width
            sources = self._readback.samples(stream, start, end, position)
            for source, sensor in enumerate(ACCELERATION):
                found: dict[int, Pane] = {}
                if sensor in sources:
                    samples = sources[sensor].between(start, end)
                    found = exact_panes(samples, magnitudes(samples.xyz), width)
                for number in numbers:
                    known.panes[source].pop(number, None)
                known.panes[source].update(found)
        known.stale.clear()


def _merged(a: Pane, b: Pane) -> Pane:
    return Pane(a[0] + b[0], a[1] + b[1], a[2] | b[2])
