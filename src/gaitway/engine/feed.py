"""Feeds the warehouse from both tapes, in a thread beside the fold, and writes the tail when somebody asks."""

import queue
import threading
from collections.abc import Callable
from typing import NamedTuple

import structlog

from gaitway.errors import WarehouseError
from gaitway.ports import ActivityReader, TapeReader
from gaitway.warehouse.loader import ActivityLoader, RawLoader

_IDLE = 0.5  # seconds between looks; nothing waits for it, and more at once costs less
_RETRY = 2.0  # seconds after a disk that said no
_PATIENCE = 50.0  # seconds a flush waits for the fold
_log = structlog.get_logger(__name__)


class Ends(NamedTuple):
    """Both tapes, read by this thread alone."""

    tape: TapeReader
    activity: ActivityReader


class Feed:
    """Owns both loaders. `run` belongs to one thread; everything else may be called from any."""

    def __init__(self, raw: RawLoader, activities: ActivityLoader, ends: Ends) -> None:
        self._raw = raw
        self._activities = activities
        self._ends = ends
        self._asked: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._called = threading.Event()
        self.problem = ""
        """Why the warehouse cannot be written at the moment; empty when all is well. Nothing is lost meanwhile."""

    @property
    def positions(self) -> tuple[int, int]:
        """What is durably in the warehouse, of tape 1 and of tape 2."""
        return self._raw.position, self._activities.position

    def run(self, stop: threading.Event) -> None:
        """Carry on until `stop` is set, then write the tail."""
        while not stop.is_set():
            if not self._attempt():
                stop.wait(_RETRY)
            elif self._asked.empty():
                self._called.wait(_IDLE)
                self._called.clear()
        self.flush()

    def ask(self, wait: Callable[[int, float], bool], answer: Callable[[], None]) -> None:
        """Have all that is on tape 1 now folded (`wait` blocks for it) and written; then call `answer`."""
        target = self._ends.tape.end()

        def write() -> None:
            wait(target, _PATIENCE)
            self.flush()
            answer()

        self._asked.put(write)
        self._called.set()

    def hurry(self) -> None:
        """Look again now."""
        self._called.set()

    def flush(self) -> None:
        """Write all that is on both tapes. Raises WarehouseError where the disk says no."""
        self._raw.flush(self._ends.tape.end())
        self._activities.flush(self._ends.activity.end())

    def _attempt(self) -> bool:
        try:
            while self._raw.step() | self._activities.step():
                if not self._asked.empty():
                    break
            while not self._asked.empty():
                self._asked.get()()
        except WarehouseError as error:
            if str(error) != self.problem:
                _log.error("warehouse_not_written", error=str(error), where=error.where, hint=error.hint)
            self.problem = str(error)
            return False
        self.problem = ""
        return True
