"""Trims tape 1 behind its followers: a week behind the warehouse, and never past somebody who still has to read.

A follower unseen for seven days no longer holds the log: else one that never comes back would fill the disk.
"""

from typing import Any, Protocol

from gaitway.config import Settings
from gaitway.errors import BusyError
from gaitway.ports import TapeReader

_DAY = 86_400_000_000_000
UNSEEN = 7 * _DAY
"""How long (ns) a follower that is away holds the log."""


class TrimmedTape(TapeReader, Protocol):
    """What trimming needs of the tape."""

    def trim(self, before: int) -> int:
        """Drop whole segments before a position; the new start."""
        ...


class Health(Protocol):
    """Where the followers' positions come from."""

    health: dict[str, Any]


class Trimmer:
    """Decides how far tape 1 may be trimmed."""

    def __init__(self, settings: Settings, tape: TrimmedTape, link: Health, started: int) -> None:
        """`started` is now (ns): followers that never came count as seen then."""
        self._keep = round(settings.log_keep_days * _DAY)
        self._tape = tape
        self._link = link
        self._followed: int | None = None
        self._seen = started

    def trim(self, now: int) -> int:
        """Trim; the tape's new start. Raises BusyError while the followers' positions are not known."""
        positions = self._link.health.get("positions")
        if positions is not None:
            self._followed, self._seen = min(positions["engine"], positions["raw"]), now
        elif now - self._seen >= UNSEEN:
            return self._tape.trim(first_since(self._tape, now - max(self._keep, UNSEEN)) + 1)
        if self._followed is None:
            raise BusyError("the engine is not connected", where="engine", hint="Trimming waits for it.")
        return self._tape.trim(min(self._followed, first_since(self._tape, now - self._keep)) + 1)


def first_since(tape: TapeReader, arrival: int) -> int:
    """The last position on the tape that arrived before a time (ns): binary search, a record at a time."""
    low, high = tape.start() - 1, tape.end()
    while low < high:
        middle = (low + high + 1) // 2
        (record,) = tape.read(middle - 1, 1, ())
        if record.received_at < arrival:
            low = middle
        else:
            high = middle - 1
    return low
