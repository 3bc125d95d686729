"""The folder of segment files as a reader sees it: which are there, and a few of them open."""

import os
import re
import sqlite3
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from gaitway.errors import LogError
from gaitway.log.connections import open_reader, translated
from gaitway.log.segment import Segment, read_segment

_NAME = re.compile(r"(\d{6,})\.sqlite")
_KEEP_OPEN = 16
_ATTEMPTS = 20
T = TypeVar("T")


class SegmentGoneError(LogError):
    """The file was trimmed away since the folder was last read: a reader looks again."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path.name} is gone", where=str(path), hint="restore it from a backup")


def segment_numbers(folder: Path) -> list[int]:
    """The numbers of the segment files in a folder, rising; none when there is no folder."""
    try:
        names = os.listdir(folder)
    except FileNotFoundError:
        return []
    return sorted(int(match[1]) for match in map(_NAME.fullmatch, names) if match)


def segment_path(folder: Path, number: int) -> Path:
    """Where a segment lies.

    >>> segment_path(Path("raw"), 7).name
    '000007.sqlite'
    """
    return folder / f"{number:06d}.sqlite"


class SegmentFolder:
    """Segments in order, read-only. Not safe for threads at the same time: its owner holds a lock."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.segments: list[Segment] = []
        self._open: OrderedDict[int, sqlite3.Connection] = OrderedDict()

    def refresh(self) -> None:
        """See what was added or trimmed. Raises LogError for a file that is no segment."""
        numbers = segment_numbers(self.folder)
        known = {segment.number: segment for segment in self.segments}
        for gone in known.keys() - set(numbers):
            self._close(gone)
        kept: list[Segment] = []
        for number in numbers:
            segment = known.get(number)
            if segment is None or (segment.last is None and number != numbers[-1]):
                try:
                    segment = self.ask(Segment(number, segment_path(self.folder, number), 0), read_segment)
                except SegmentGoneError:
                    continue
            kept.append(segment)
        self.segments = kept

    def holding(self, position: int) -> Segment | None:
        """The segment of a position, the oldest one for a position that was trimmed; None when there is none."""
        at = bisect_right(self.segments, position, key=lambda segment: segment.first)
        return self.segments[max(at - 1, 0)] if self.segments else None

    def ask(self, segment: Segment, question: Callable[[sqlite3.Connection, Path], T]) -> T:
        """Put a question to a segment. Raises SegmentGoneError when it was trimmed, LogError when it is damaged."""
        try:
            return question(self._connection(segment), segment.path)
        except sqlite3.Error as error:
            self._close(segment.number)
            if not segment.path.exists():
                raise SegmentGoneError(segment.path) from error
            raise translated(error, segment.path) from error

    def retried(self, attempt: Callable[[], T]) -> T:
        """The result of an attempt, made again after looking at the folder whenever a segment went away meanwhile."""
        for _ in range(_ATTEMPTS):
            try:
                return attempt()
            except SegmentGoneError:
                self.refresh()
        raise LogError(
            "segments vanish faster than they can be read",
            where=str(self.folder),
            hint="trim less often, or read again",
        )

    def close(self) -> None:
        """Let go of all files. Idempotent."""
        for number in list(self._open):
            self._close(number)

    def _connection(self, segment: Segment) -> sqlite3.Connection:
        connection = self._open.get(segment.number)
        if connection is None:
            connection = self._open[segment.number] = open_reader(segment.path)
            if len(self._open) > _KEEP_OPEN:
                self._close(next(iter(self._open)))
        self._open.move_to_end(segment.number)
        return connection

    def _close(self, number: int) -> None:
        connection = self._open.pop(number, None)
        if connection is not None:
            connection.close()
