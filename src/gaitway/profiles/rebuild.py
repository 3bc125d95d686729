"""`gaitway rebuild`: activities again from the raw readings, where they were lost, damaged, or never judged.

Per stream a tick goes on tape 1 first; what differs from the warehouse is published with the tick's position as
its revision, so it wins over what was there. What is unchanged is left alone.

    mark --> tape 2 into the warehouse --> stream by stream: tick, records + state --> position, mark off

The position on tape 1 moves only when the last stream is done. While the mark stands, the next start rebuilds again.
"""

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from gaitway.core.activity import ActivityRecord, Status, Verdict
from gaitway.core.batch import judge_windows
from gaitway.core.message import ACCELERATION, CORE_SENSORS, Stream
from gaitway.core.ranges import Ranges
from gaitway.core.recognizers import Recognizer
from gaitway.core.samples import NONE, Sources, gather
from gaitway.core.state import ALL, NEVER, GridState, StreamState
from gaitway.log.activity import ActivityTape, ActivityTapeReader, Checkpoint
from gaitway.log.reader import SqliteTapeReader
from gaitway.log.tape import SqliteTape
from gaitway.ports import Entry
from gaitway.profiles.folder import DataFolder, FolderLock
from gaitway.warehouse.loader import ActivityLoader
from gaitway.warehouse.parquet import ParquetWarehouse

_ALL = 2**63 - 1


@dataclass
class Rebuilt:
    """What rebuilding did."""

    streams: int = 0
    windows: int = 0
    published: int = 0
    """Versions that differed from the current ones, or were missing."""


def is_needed(data: DataFolder) -> bool:
    """Whether activities or engine state were lost and what is left of the tapes cannot make up for it.

    So it is too while a rebuild that was broken off has not been done again.
    """
    written = ParquetWarehouse(data.warehouse).position("activities")
    if not data.activity.exists():
        log = SqliteTapeReader(data.tape, data.registry)
        try:
            return written > 0 or log.start() > 1
        finally:
            log.close()
    tape = ActivityTapeReader(data.activity)
    try:
        return tape.rebuilding() or not tape.start() - 1 <= written <= tape.end()
    finally:
        tape.close()


def returning(data: DataFolder, recognizers: Sequence[Recognizer]) -> list[str]:
    """Names of recognisers that judged here once, were switched off, and are on again: they missed what came since."""
    tape = ActivityTapeReader(data.activity)
    try:
        away = tape.known() - tape.active()
    finally:
        tape.close()
    return [recognizer.name for recognizer in recognizers if recognizer.name in away]


class Rebuilder:
    """A stopped data folder, open for rebuilding. Raises LogError while a server runs on it.

    `recognizers` are all that are switched on; those that `only` names (None: all) judge from the first reading on.
    """

    def __init__(
        self, data: DataFolder, recognizers: Sequence[Recognizer], lateness: int, only: Collection[str] | None = None
    ) -> None:
        self._locks = [FolderLock(data, part, wait=0.5) for part in ("front", "engine")]
        self._recognizers = recognizers
        self._lateness = lateness
        self._only = only
        self._mark = data.rebuilding
        self._tape = SqliteTape(data.tape, data.registry)
        self._activity = ActivityTape(data.activity)
        self._warehouse = ParquetWarehouse(data.warehouse)
        self._folded = self._activity.folded()
        self._seals = self._tape.seals()
        self._line_up()

    def run(self, progress: Callable[[int, int], None] = lambda done, of: None) -> Rebuilt:
        """Rebuild every stream. Broken off, it is to be run again: what was published by then is not again."""
        found = Rebuilt()
        self._mark.touch()
        self._activity.begin_rebuild()
        # What is compared with is the warehouse alone: rows missing there may still be on tape 2, long carried over.
        ActivityLoader(self._activity, self._warehouse).flush(self._activity.end())
        streams = [counts.stream for counts in self._tape.counts()]
        for number, stream in enumerate(streams, 1):
            self._rebuild(stream, found)
            progress(number, len(streams))
        self._activity.activate([recognizer.name for recognizer in self._recognizers])
        self._activity.end_rebuild(self._tape.end())
        self._mark.unlink()
        return found

    def close(self) -> None:
        """Let a server in again."""
        self._activity.close()
        self._tape.close()
        for lock in self._locks:
            lock.release()

    def _line_up(self) -> None:
        """Bring tape 2 and the warehouse to one position, where one of them was lost."""
        written = self._warehouse.position("activities")
        self._activity.skip_to(written)
        trimmed = self._activity.start() - 1
        if trimmed > written:
            self._warehouse.write_activities([], written + 1, trimmed)

    def _rebuild(self, stream: Stream, found: Rebuilt) -> None:
        (receipt,) = self._tape.append([Entry("tick", stream, time.time_ns())])
        sources = self._samples(stream, receipt.position)
        state = self._state(stream, sources)
        state.tick = receipt.position
        records: list[ActivityRecord] = []
        for recognizer in self._recognizers:
            judged = judge_windows(sources, recognizer)
            since = self._since(state, recognizer)
            open_to = {w: v for w, v in judged.items() if w >= since and recognizer.grid.start(w) >= state.sealed_to}
            found.windows += len(open_to)
            records += self._changed(stream, recognizer, open_to, receipt.position)
        saved_state = Checkpoint(state.tick, state.sealed_to, state.late, state.dump())
        self._activity.commit(self._folded, records, {stream: saved_state})
        found.streams += 1
        found.published += len(records)

    def _since(self, state: StreamState, recognizer: Recognizer) -> int:
        """The first window a recogniser judges, from now on."""
        grid = state.grids.get(recognizer.grid.text)
        if grid is None:
            return ALL
        if self._only is None or recognizer.name in self._only:
            grid.since[recognizer.name] = ALL
        return grid.since.setdefault(recognizer.name, grid.closed)

    def _samples(self, stream: Stream, upto: int) -> Sources:
        messages = [
            *self._warehouse.samples(stream, 0, _ALL, upto),
            *self._tape.samples(stream, 0, _ALL, upto, CORE_SENSORS),
        ]
        return gather(messages, 0, _ALL)

    def _state(self, stream: Stream, sources: Sources) -> StreamState:
        """The state a fold would have after the tick; what samples cannot tell is kept from what was saved."""
        blob = self._activity.state(stream)
        saved = None if blob is None else StreamState.load(blob)
        state = StreamState()
        if saved is not None:
            state.sealed_to, state.late = saved.sealed_to, saved.late
            state.newest = list(saved.newest)  # its sample may lie behind a seal
        state.sealed_to = max([state.sealed_to, *(before for _, before in self._seals.get(stream, ()))])
        for index, sensor in enumerate(ACCELERATION):
            times = sources.get(sensor, NONE).times
            state.newest[index] = max(state.newest[index], int(times[-1]) if len(times) else NEVER)
        if state.head == NEVER:
            return state
        for recognizer in self._recognizers:
            grid = recognizer.grid
            closed = grid.ended(state.head - self._lateness)
            known = None if saved is None else saved.grids.get(grid.text)
            made = GridState(closed, grid.last_at(state.head) + 1, Ranges(), {} if known is None else dict(known.since))
            state.grids.setdefault(grid.text, made)
        return state

    def _changed(
        self, stream: Stream, recognizer: Recognizer, judged: dict[int, Verdict], position: int
    ) -> list[ActivityRecord]:
        grid = recognizer.grid
        before = self._warehouse.published(stream, recognizer.name, 0, _ALL)
        records = []
        for window, verdict in judged.items():
            start = grid.start(window)
            known = before.get(start)
            if known != verdict:
                status: Status = "final" if known is None else "revised"
                records.append(
                    ActivityRecord(stream, start, start + grid.size, recognizer.name, verdict, position, status)
                )
        return records
