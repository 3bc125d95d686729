"""Tape 1 for the followers of one process: what the fold has just read and decoded, the warehouse's loader need not."""

import threading
from collections.abc import Mapping, Sequence

from gaitway.core.message import Message, Record, Stream
from gaitway.ports import TapeReader

_MOST = 2048  # records kept: what arrives in about a second under full load


class SharedTape:
    """A `TapeReader` that remembers the newest records one follower has read. Safe for threads.

    The fold reads with `follow`; others read as ever, and get from memory what is still there.
    """

    def __init__(self, tape: TapeReader, most: int = _MOST) -> None:
        self._tape = tape
        self._most = most
        self._lock = threading.Lock()
        self._recent: list[Record] = []

    def follow(self, after: int, limit: int) -> Sequence[Record]:
        """Read on, all sensors, and remember it."""
        records = self._tape.read(after, limit)
        if records:
            with self._lock:
                if self._recent and self._recent[-1].position + 1 != records[0].position:
                    self._recent = []
                self._recent += records
                if len(self._recent) > 2 * self._most:
                    self._recent = self._recent[-self._most :]
        return records

    def read(self, after: int, limit: int, sensors: Sequence[str] | None = None) -> Sequence[Record]:
        """Up to `limit` records after a position; from memory where they are in it, whatever `sensors` leaves out."""
        with self._lock:
            if self._recent:
                at = after + 1 - self._recent[0].position
                if 0 <= at < len(self._recent):
                    return self._recent[at : at + limit]
        return self._tape.read(after, limit, sensors)

    def end(self) -> int:
        """As the tape says."""
        return self._tape.end()

    def start(self) -> int:
        """As the tape says."""
        return self._tape.start()

    def seals(self) -> Mapping[Stream, Sequence[tuple[int, int]]]:
        """As the tape says."""
        return self._tape.seals()

    def samples(
        self, stream: Stream, start: int, end: int, upto: int, sensors: Sequence[str] | None = None
    ) -> Sequence[Message]:
        """As the tape says."""
        return self._tape.samples(stream, start, end, upto, sensors)
