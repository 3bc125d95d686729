"""Feeds the warehouse from both tapes, in a thread beside the fold, and writes the tail when somebody asks."""

import queue
import threading
from collections.abc import Callable
from typing import NamedTuple

import structlog

from gaitway.errors import BusyError, GaitwayError
from gaitway.ports import ActivityReader, TapeReader
from gaitway.warehouse.loader import ActivityLoader, RawLoader

_IDLE = 0.5  # seconds between looks; nothing waits for it, and more at once costs less
_RETRY = 2.0  # seconds after a disk that said no
_PATIENCE = 50.0  # seconds a flush waits for the fold
_log = structlog.get_logger(__name__)

Wait = Callable[[int, float], bool]
"""Blocks until tape 1 is folded up to a position, at most so many seconds; whether it is."""
Answer = Callable[[str], None]
"""Gets "" once everything is written, else why it is not."""


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
        self._asked: queue.SimpleQueue[tuple[Wait, Answer]] = queue.SimpleQueue()
        self._called = threading.Event()
        self.problem = ""
        """Why the warehouse cannot be written at the moment; empty when all is well. Nothing is lost meanwhile."""

    @property
    def positions(self) -> tuple[int, int]:
        """What is durably in the warehouse, of tape 1 and of tape 2."""
        return self._raw.position, self._activities.position

    def run(self, stop: threading.Event) -> None:
        """Carry on until `stop` is set, then write the tail. Whatever fails is tried again, and told in `problem`."""
        while not stop.is_set():
            if not self._attempt(self._catch_up):
                stop.wait(_RETRY)
            elif self._asked.empty():
                self._called.wait(_IDLE)
                self._called.clear()
        self._attempt(self.flush)

    def ask(self, wait: Wait, answer: Answer) -> None:
        """Have all that is on tape 1 by now folded (`wait` blocks for it) and written; then call `answer`."""
        self._asked.put((wait, answer))
        self._called.set()

    def hurry(self) -> None:
        """Look again now."""
        self._called.set()

    def flush(self) -> None:
        """Write all that is on both tapes. Raises WarehouseError where the disk says no."""
        self._raw.flush(self._ends.tape.end())
        self._activities.flush(self._ends.activity.end())

    def _attempt(self, work: Callable[[], None]) -> bool:
        try:
            work()
        except Exception as error:  # a thread that ended here would stop the warehouse for good, and unseen
            told = explained(error)
            if told != self.problem:
                _log.error("warehouse_not_written", error=told, hint=getattr(error, "hint", ""))
            self.problem = told
            self._refuse_all()
            return False
        self.problem = ""
        return True

    def _catch_up(self) -> None:
        while self._raw.step() | self._activities.step():
            if not self._asked.empty():
                break
        while not self._asked.empty():
            wait, answer = self._asked.get()
            why = ""
            try:
                self._write_all(wait)
            except BusyError as error:  # behind, not broken: whoever asked is told, and may ask again
                why = str(error)
            except Exception as error:
                why = explained(error)
                raise
            finally:
                answer(why)

    def _write_all(self, wait: Wait) -> None:
        if not wait(self._ends.tape.end(), _PATIENCE):
            raise BusyError(f"the engine is behind: not all was folded within {_PATIENCE:g} s", where="engine")
        self.flush()

    def _refuse_all(self) -> None:
        while not self._asked.empty():
            _, answer = self._asked.get()
            answer(self.problem)


def explained(error: Exception) -> str:
    """What went wrong and where, in one line."""
    where = getattr(error, "where", "")
    text = str(error) if isinstance(error, GaitwayError) else f"{type(error).__name__}: {error}"
    return " ".join(f"{text} ({where})".split() if where else text.split())
