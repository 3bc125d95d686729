"""What the engine does now and then: merges closed days, trims tape 2, drops what retention lets go."""

import threading
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import structlog

from gaitway.core.message import Stream
from gaitway.engine.feed import Feed, explained
from gaitway.engine.link import EngineLink
from gaitway.log.activity import ActivityTape
from gaitway.warehouse.compaction import compact
from gaitway.warehouse.layout import day_start
from gaitway.warehouse.retention import drop_files, readings_before

_EVERY = 60.0  # seconds
_MARK_EVERY = 3600.0
_DAY = 86_400_000_000_000
_log = structlog.get_logger(__name__)


class Upkeep:
    """One thread of the engine process. Each chore is safe to repeat; one that fails is tried again the next time."""

    def __init__(self, warehouse: Path, activity: ActivityTape, feed: Feed, link: EngineLink) -> None:
        self._warehouse = warehouse
        self._activity = activity
        self._feed = feed
        self._link = link
        self._marked = 0.0
        self.keep_log = 7 * _DAY
        """How long tape 2 is kept behind the warehouse, ns."""
        self.retention: timedelta | None = None
        """How long raw readings are kept; None: for ever."""
        self.sealed_to: Callable[[Stream], int] = lambda stream: 0
        self.problem = ""
        """Which chore could not be done the last time, and why; empty when all were."""

    def run(self, stop: threading.Event) -> None:
        """Do what is due every minute, until `stop` is set."""
        while not stop.wait(_EVERY):
            self.do(time.time())

    def do(self, now: float) -> None:
        """Do what is due at a time (as `time.time()` gives it)."""
        problems = []
        for name, chore in (("merge", self._merge), ("drop", self._drop), ("trim", self._trim)):
            try:
                chore(now)
            except Exception as error:  # the other chores, and the next round, must not end with this one
                _log.warning("upkeep_put_off", chore=name, why=explained(error))
                problems.append(f"{name}: {explained(error)}")
        self.problem = "; ".join(problems)

    def _merge(self, now: float) -> None:
        merged = compact(self._warehouse, _today(now), now)
        if merged:
            _log.info("days_merged", files=len(merged))

    def _trim(self, now: float) -> None:
        if now - self._marked >= _MARK_EVERY:
            self._activity.mark(round(now * 1e9))
            self._marked = now
        _, written = self._feed.positions
        self._activity.trim(written, round(now * 1e9) - self.keep_log)

    def _drop(self, now: float) -> None:
        """Seal first; drop only once the seals are folded, so that nothing dropped can still be asked for."""
        if self.retention is None:
            return
        before = _today(now) - self.retention
        edge = day_start(before)
        old = readings_before(self._warehouse, before)
        unsealed = [stream for stream in old.streams if self.sealed_to(stream) < edge]
        if unsealed:
            self._link.ask_seals(unsealed, edge)
        elif old.files:
            freed = drop_files(old.files)
            _log.info("raw_dropped", before=str(before), streams=len(old.streams), bytes=freed)


def _today(now: float) -> date:
    return datetime.fromtimestamp(now, UTC).date()
