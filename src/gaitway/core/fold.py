"""The fold: tape 1 in, activity records out. Pure: a replay of the same records gives the same answer.

record --+-- message --> panes --> windows the watermark passed --> final
         +-- tick -----> open windows, and the revisions of dirty ones
         `-- seal -----> readings before it no longer count
"""

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gaitway.core.activity import ActivityRecord, LiveVerdict
from gaitway.core.grid import Grid
from gaitway.core.live import Live
from gaitway.core.magnitude import magnitudes
from gaitway.core.message import ACCELERATION, Block, Floats, Record, Stream, Times
from gaitway.core.panes import BlockRuns, summarise
from gaitway.core.recognizers.recognizer import Recognizer
from gaitway.core.state import StreamState
from gaitway.core.windows import Publisher, ReadBack, Windows

_QUIET = 4_000_000_000


class Summed(NamedTuple):
    """One acceleration block of a record, summed for each grid."""

    source: int
    times: Times
    totals: NDArray[np.int64]
    """Magnitude of each sample, in 2^-20 m/s2, gravity included where the source includes it."""
    grids: list[BlockRuns]


class Quarantined(NamedTuple):
    """A record the core failed on. The stream goes on; what it held is read back from the tape."""

    record: Record
    error: Exception


class Fold:
    """Folds records in tape order into activity records.

    `recognizers` may be of several grids; `lateness` in ns. The caller puts what `feed` returns on tape 2 together
    with the states of `touched()`, in one transaction, before it feeds more.
    """

    def __init__(self, recognizers: Sequence[Recognizer], lateness: int, readback: ReadBack, lead: str = "") -> None:
        self._lateness = lateness
        self._readback = readback
        self._publisher = Publisher(readback)
        self._windows = [
            Windows(grid, [r for r in recognizers if r.grid == grid], readback, self._publisher)
            for grid in _grids(recognizers)
        ]
        leading = next((r for r in recognizers if r.name == lead), recognizers[0])
        self.live = Live(leading, readback)
        self._states: dict[Stream, StreamState] = {}
        self._touched: set[Stream] = set()
        self.quarantined: list[Quarantined] = []
        """Filled by `feed`; the caller takes them to the dead letters and clears the list."""

    def feed(self, records: Sequence[Record]) -> list[ActivityRecord]:
        """Fold records, in tape order, each once."""
        for sealing, part in groupby(records, lambda record: record.kind == "seal"):
            batch = list(part)
            if sealing:
                for record in batch:
                    self._seal(record)
            else:
                self._feed(batch)
        return self._publisher.take()

    def touched(self) -> dict[Stream, bytes]:
        """The state of every stream that changed since the last call, to be saved."""
        saved = {stream: self._states[stream].dump() for stream in self._touched}
        self._touched.clear()
        return saved

    def unpublished(self, streams: Iterable[Stream]) -> list[Stream]:
        """Those of the streams that have revisions waiting for a tick."""
        return [stream for stream in streams if self._state(stream).unpublished]

    def state(self, stream: Stream) -> StreamState:
        """The running state of a stream, to read."""
        return self._state(stream)

    def is_quiet(self, stream: Stream, at: int) -> bool:
        """Whether nothing of a stream had arrived for some seconds at a time of arrival (ns)."""
        live = self._state(stream).live
        return live is None or at - live.arrived_at > _QUIET

    def forget(self, stream: Stream) -> None:
        """Drop a quiet stream from memory; its saved state is loaded when it speaks again."""
        if stream not in self._touched:
            self._states.pop(stream, None)

    def live_verdicts(self) -> list[LiveVerdict]:
        """The live verdicts due since the last call: at most one a second of arrival and stream."""
        return self.live.take()

    def _feed(self, records: Sequence[Record]) -> None:
        try:
            summed = self._summarise(records)
        except Exception as error:
            if len(records) == 1:
                self._quarantine(records[0], error)
                return
            for record in records:
                self._feed([record])
            return
        for index, record in enumerate(records):
            try:
                if record.kind == "tick":
                    self._tick(record)
                else:
                    self._message(record, summed.get(index, ()))
            except Exception as error:
                self._quarantine(record, error)

    def _summarise(self, records: Sequence[Record]) -> dict[int, list[Summed]]:
        """Per record its acceleration blocks, summed for each grid; one NumPy pass per source and grid."""
        found: dict[int, list[Summed]] = {}
        for source, sensor in enumerate(ACCELERATION):
            where: list[int] = []
            times: list[Times] = []
            xyz: list[Floats] = []
            for index, record in enumerate(records):
                for block in record.message.blocks if record.message is not None else ():
                    if block.sensor == sensor and (kept := self._unsealed(record.stream, block)) is not None:
                        where.append(index)
                        times.append(kept[0])
                        xyz.append(kept[1])
            if where:
                totals = magnitudes(np.concatenate(xyz, axis=1))
                grids = [summarise(times, totals, windows.grid.pane) for windows in self._windows]
                at = 0
                for number, index in enumerate(where):
                    end = at + len(times[number])
                    runs = [blocks[number] for blocks in grids]
                    found.setdefault(index, []).append(Summed(source, times[number], totals[at:end], runs))
                    at = end
        return found

    def _unsealed(self, stream: Stream, block: Block) -> tuple[Times, Floats] | None:
        if block.xyz is None or not len(block):
            return None
        sealed_to = self._state(stream).sealed_to
        if not sealed_to:
            return block.times, block.xyz
        kept = block.times >= sealed_to
        return (block.times[kept], block.xyz[:, kept]) if kept.any() else None

    def _message(self, record: Record, blocks: Sequence[Summed]) -> None:
        state = self._state(record.stream)
        for summed in blocks:
            self._acceleration(state, summed)
        self._gravity(state, record)
        if not blocks:
            return
        self._touched.add(record.stream)
        self.live.add(record, state, blocks)
        watermark = state.head - self._lateness
        for windows in self._windows:
            windows.close(record.stream, state, watermark, record.position)

    def _acceleration(self, state: StreamState, summed: Summed) -> None:
        block = summed.grids[0]
        in_order = block.rising and block.first > state.newest[summed.source]
        watermark = state.head - self._lateness
        if not in_order and state.head >= 0:
            state.late += int(np.count_nonzero(summed.times < watermark))
        for windows, runs in zip(self._windows, summed.grids, strict=True):
            known = state.grids.get(windows.grid.text) or windows.join(state, watermark, runs.first)
            windows.add(known, summed.source, runs, in_order=in_order)
        state.newest[summed.source] = max(state.newest[summed.source], block.newest)

    def _gravity(self, state: StreamState, record: Record) -> None:
        """Gravity changes a verdict only where a source includes it: then what is closed may have to be revised."""
        if max(state.newest[1:]) < 0 or record.message is None:
            return
        for block in record.message.blocks:
            if block.sensor == "gravity" and len(block):
                for windows in self._windows:
                    known = state.grids[windows.grid.text]
                    for pane in np.unique(block.times // windows.grid.pane).tolist():
                        windows.touch(known, pane)
                self._touched.add(record.stream)

    def _tick(self, record: Record) -> None:
        state = self._state(record.stream)
        for windows in self._windows:
            windows.tick(record.stream, state, record.position)
        state.tick = record.position
        self._touched.add(record.stream)

    def _seal(self, record: Record) -> None:
        state = self._state(record.stream)
        state.sealed_to = max(state.sealed_to, record.before or 0)
        self._touched.add(record.stream)

    def _state(self, stream: Stream) -> StreamState:
        state = self._states.get(stream)
        if state is None:
            saved = self._readback.state(stream)
            state = StreamState() if saved is None else StreamState.load(saved)
            self._states[stream] = state
            if saved is not None and state.head >= 0:
                for windows in self._windows:
                    known = windows.join(state, state.head - self._lateness, state.head)
                    windows.restore(known, state.head)
        return state

    def _quarantine(self, record: Record, error: Exception) -> None:
        """Set the record aside; what it may have left half done is read back from the tape."""
        self.quarantined.append(Quarantined(record, error))
        state = self._state(record.stream)
        for windows in self._windows:
            known = state.grids.get(windows.grid.text)
            if known is not None and state.head >= 0:
                windows.restore(known, state.head)


def _grids(recognizers: Sequence[Recognizer]) -> list[Grid]:
    return list(dict.fromkeys(recognizer.grid for recognizer in recognizers))
