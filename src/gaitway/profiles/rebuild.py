"""`gaitway rebuild`: activities again from the raw readings, where they were lost, damaged, or never judged.

Per stream a tick goes on tape 1 first; what differs from the current versions is published with the tick's position as
its revision, so it wins over what was there. What is unchanged is left alone.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gaitway.core.activity import ActivityRecord, Status, Verdict
from gaitway.core.batch import judge_windows
from gaitway.core.message import ACCELERATION, CORE_SENSORS, Stream
from gaitway.core.ranges import Ranges
from gaitway.core.recognizers import Recognizer
from gaitway.core.samples import NONE, Sources, gather
from gaitway.core.state import ALL, NEVER, GridState, StreamState
from gaitway.engine.readback import TapeReadBack
from gaitway.log.activity import ActivityTape, ActivityTapeReader, Checkpoint
from gaitway.log.reader import SqliteTapeReader
from gaitway.log.tape import SqliteTape
from gaitway.ports import Entry
from gaitway.profiles.folder import DataFolder, FolderLock
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
    """Whether activities or engine state were lost and what is left of the tapes cannot make up for it."""
    written = ParquetWarehouse(data.warehouse).position("activities")
    if not data.activity.exists():
        log = SqliteTapeReader(data.tape, data.registry)
        try:
            return written > 0 or log.start() > 1
        finally:
            log.close()
    tape = ActivityTapeReader(data.activity)
    try:
        return not tape.start() - 1 <= written <= tape.end()
    finally:
        tape.close()


class Rebuilder:
    """A stopped data folder, open for rebuilding. Raises LogError while a server runs on it."""

    def __init__(self, data: DataFolder, recognizers: Sequence[Recognizer], lateness: int) -> None:
        self._locks = [FolderLock(data, part, wait=0.5) for part in ("front", "engine")]
        self._recognizers = recognizers
        self._lateness = lateness
        self._tape = SqliteTape(data.tape, data.registry)
        self._activity = ActivityTape(data.activity)
        self._warehouse = ParquetWarehouse(data.warehouse)
        self._readback = TapeReadBack(self._tape, self._activity, self._warehouse)
        self._line_up()

    def run(self, progress: Callable[[int, int], None] = lambda done, of: None) -> Rebuilt:
        """Rebuild every stream."""
        found = Rebuilt()
        streams = [counts.stream for counts in self._tape.counts()]
        for number, stream in enumerate(streams, 1):
            self._rebuild(stream, found)
            progress(number, len(streams))
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
        saved = self._readback.state(stream)
        state = self._state(sources, None if saved is None else StreamState.load(saved))
        state.tick = receipt.position
        records: list[ActivityRecord] = []
        for recognizer in self._recognizers:
            judged = judge_windows(sources, recognizer)
            found.windows += len(judged)
            records += self._changed(stream, recognizer, judged, receipt.position)
            if recognizer.grid.text in state.grids:
                state.grids[recognizer.grid.text].since[recognizer.name] = ALL
        saved_state = Checkpoint(state.tick, state.sealed_to, state.late, state.dump())
        self._activity.commit(receipt.position, records, {stream: saved_state})
        found.streams += 1
        found.published += len(records)

    def _samples(self, stream: Stream, upto: int) -> Sources:
        messages = [
            *self._warehouse.samples(stream, 0, _ALL, upto),
            *self._tape.samples(stream, 0, _ALL, upto, CORE_SENSORS),
        ]
        return gather(messages, 0, _ALL)

    def _state(self, sources: Sources, saved: StreamState | None) -> StreamState:
        """The state a fold would have after the tick; what samples cannot tell is kept from what was saved."""
        state = StreamState()
        if saved is not None:
            state.sealed_to, state.late = saved.sealed_to, saved.late
        for index, sensor in enumerate(ACCELERATION):
            times = sources.get(sensor, NONE).times
            state.newest[index] = int(times[-1]) if len(times) else NEVER
        if state.head == NEVER:
            return state
        for recognizer in self._recognizers:
            grid = recognizer.grid
            closed = grid.ended(state.head - self._lateness)
            known = None if saved is None else saved.grids.get(grid.text)
            since = {} if known is None else dict(known.since)
            shown = grid.last_at(state.head) + 1
            state.grids.setdefault(grid.text, GridState(closed, shown, Ranges(), since))
        return state

    def _changed(
        self, stream: Stream, recognizer: Recognizer, judged: dict[int, Verdict], position: int
    ) -> list[ActivityRecord]:
        grid = recognizer.grid
        before = self._readback.published(stream, recognizer.name, 0, _ALL)
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
