"""The tail: what is on a tape and not yet in a file, as Arrow tables in the schemas of the files.

files   ....=====|                 position of the warehouse
tape        ........=============| end
kept             [chunk][chunk][+] only [+] is read now; what the files have caught up with is let go
"""

import threading
from abc import ABC, abstractmethod
from dataclasses import dataclass

import pyarrow as pa

from gaitway.ports import ActivityReader, TapeReader
from gaitway.warehouse.parquet import activity_table
from gaitway.warehouse.raw_columns import by_day, table
from gaitway.warehouse.schemas import ACTIVITIES, RAW
from gaitway.warehouse.sealed import split_sealed

_AT_ONCE = 1024


@dataclass(frozen=True, slots=True)
class _Chunk:
    first: int
    last: int
    rows: pa.Table


class Tail(ABC):
    """Keeps what it read, so that asking again costs only what is new. Safe to use from several threads."""

    schema: pa.Schema

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._after = 0
        """Behind this position the chunks begin."""
        self._chunks: list[_Chunk] = []
        self._known: tuple[tuple[int, int], pa.Table] = ((0, 0), self.schema.empty_table())

    def rows(self, after: int) -> tuple[str, pa.Table]:
        """The rows of every record behind a position that is durable by now, and a name for just these rows.

        A few from before that position may be among them: they are in the files too, and readers drop repeats.
        """
        with self._lock:
            self._forget(after)
            self._read_on()
            if not self._chunks:
                return "tail", self.schema.empty_table()
            span = self._chunks[0].first, self._chunks[-1].last
            if span != self._known[0]:
                self._known = span, pa.concat_tables(chunk.rows for chunk in self._chunks)
            return f"tail {span[0]}-{span[1]}", self._known[1]

    def _forget(self, after: int) -> None:
        if after < self._after:  # the warehouse was begun anew
            self._chunks, self._after = [], after
        while self._chunks and self._chunks[0].last <= after:
            self._after = self._chunks.pop(0).last
        if not self._chunks:
            self._after = after

    def _read_on(self) -> None:
        read = self._chunks[-1].last if self._chunks else self._after
        while found := self._next(read):
            read = found.last
            self._chunks.append(found)

    @abstractmethod
    def _next(self, after: int) -> _Chunk | None:
        """What comes next behind a position; None at the end."""


class RawTail(Tail):
    """Readings on tape 1."""

    schema = RAW

    def __init__(self, tape: TapeReader) -> None:
        super().__init__()
        self._tape = tape

    def _next(self, after: int) -> _Chunk | None:
        records = self._tape.read(after, _AT_ONCE)
        if not records:
            return None
        # Sealed readings are left out here as they are left out of the files.
        messages, _ = split_sealed(records, self._tape.seals())
        pieces = [piece for day in by_day(messages).values() for piece in day]
        return _Chunk(records[0].position, records[-1].position, table(pieces) if pieces else self.schema.empty_table())


class ActivityTail(Tail):
    """Verdicts on tape 2."""

    schema = ACTIVITIES

    def __init__(self, tape: ActivityReader) -> None:
        super().__init__()
        self._tape = tape

    def _next(self, after: int) -> _Chunk | None:
        records = self._tape.read(after, _AT_ONCE)
        return _Chunk(records[0][0], records[-1][0], activity_table(records)) if records else None
