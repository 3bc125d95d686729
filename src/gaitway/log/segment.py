"""One segment file of tape 1: its tables, its rows, and the questions asked of it.

A segment is complete in itself: it holds the numbers of the streams that occur in it. Its secondary index answers
"messages of this stream from about this time"; messages longer than `NARROW` are listed apart, so that one freak
message does not widen every search.
"""

import os
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gaitway.core.message import Stream
from gaitway.errors import LogError
from gaitway.log.codec import HEAD_BYTES
from gaitway.log.connections import fsync_path, open_writer
from gaitway.log.rows import INT64

FORMAT = 1
APPLICATION_ID = 0x47414954  # "GAIT"
#: Messages that span at most this long (ns) are found through the index.
NARROW = 16_000_000_000

_SCHEMA = f"""
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {FORMAT};
CREATE TABLE meta(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE streams(no INTEGER PRIMARY KEY, device_id TEXT NOT NULL, session_id TEXT NOT NULL, upto INTEGER,
    stats BLOB);
CREATE TABLE tape(pos INTEGER PRIMARY KEY, stream INTEGER NOT NULL, kind INTEGER NOT NULL,
    received_at INTEGER NOT NULL, t_min INTEGER, t_max INTEGER, n INTEGER NOT NULL, key BLOB, mid INTEGER,
    transport INTEGER NOT NULL, refused INTEGER NOT NULL, conflicting INTEGER NOT NULL, body BLOB);
CREATE INDEX tape_time ON tape(stream, t_min) WHERE kind = 0;
CREATE TABLE wide(stream INTEGER, t_max INTEGER, pos INTEGER, t_min INTEGER,
    PRIMARY KEY(stream, t_max, pos)) WITHOUT ROWID;
CREATE TABLE seals(pos INTEGER PRIMARY KEY, stream INTEGER NOT NULL, before INTEGER NOT NULL);
"""
_COLUMNS = 13
_GROUP = 64
_INSERT = {
    size: "INSERT INTO tape VALUES " + ",".join(["(" + ",".join("?" * _COLUMNS) + ")"] * size)
    for size in (1, 2, 4, 8, 16, 32, _GROUP)
}

#: A row of table `tape`, in the order of its columns.
TapeRow = tuple[int, int, int, int, int | None, int | None, int, bytes | None, int | None, int, int, int, bytes | None]


@dataclass(slots=True)
class Segment:
    """What is known of one file. Positions first..last are in it; `last` is None while it is being written."""

    number: int
    path: Path
    first: int
    last: int | None = None
    low: int | None = None
    """No message in it has a t_min below; None: not known."""
    high: int | None = None
    """No message in it has a t_max above; None: not known."""
    streams: dict[int, Stream] = field(default_factory=dict)
    numbers: dict[Stream, int] = field(default_factory=dict)

    def learn_streams(self, connection: sqlite3.Connection) -> None:
        """Read the numbers of the streams that occur in it."""
        for no, device_id, session_id in connection.execute("SELECT no, device_id, session_id FROM streams"):
            stream = Stream(device_id, session_id)
            self.streams[no] = stream
            self.numbers[stream] = no

    def may_hold(self, start: int, end: int) -> bool:
        """Whether it may hold readings with start <= time < end."""
        return (self.low is None or self.low < end) and (self.high is None or self.high >= start)


def create(path: Path, first: int) -> None:
    """Make an empty segment whose first position will be `first`. It appears under its name complete and fsynced."""
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    connection = open_writer(draft)
    try:
        connection.executescript(_SCHEMA)
        connection.executemany("INSERT INTO meta VALUES (?, ?)", [("first", first), ("snapshot", first - 1)])
    finally:
        connection.close()
    fsync_path(draft)
    os.rename(draft, path)
    fsync_path(path.parent)


def read_segment(connection: sqlite3.Connection, path: Path) -> Segment:
    """What a file says of itself. Raises LogError when it is no segment or from a newer version."""
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if application != APPLICATION_ID:
        raise LogError(
            f"{path.name} is not a segment of the tape", where=str(path), hint="move it out of the log folder"
        )
    if version != FORMAT:
        raise LogError(
            f"{path.name} has format {version}, this Gaitway reads {FORMAT}",
            where=str(path),
            hint="the log was written by a newer Gaitway: upgrade this one",
        )
    meta = dict(connection.execute("SELECT name, value FROM meta"))
    segment = Segment(int(path.stem), path, meta["first"], meta.get("last"), meta.get("low"), meta.get("high"))
    segment.learn_streams(connection)
    return segment


def insert(connection: sqlite3.Connection, rows: Sequence[TapeRow]) -> None:
    """Add rows, many to a statement: a third cheaper than one by one."""
    at = 0
    while at < len(rows):
        size = min(_GROUP, 1 << ((len(rows) - at).bit_length() - 1))
        connection.execute(_INSERT[size], [value for row in rows[at : at + size] for value in row])
        at += size
    wide = [(row[1], row[5], row[0], row[4]) for row in rows if _is_wide(row)]
    if wide:
        connection.executemany("INSERT INTO wide VALUES (?, ?, ?, ?)", wide)


def _is_wide(row: TapeRow) -> bool:
    t_min, t_max = row[4], row[5]
    return t_min is not None and t_max is not None and t_max - t_min > NARROW


def seal_off(connection: sqlite3.Connection, last: int) -> None:
    """Note that no row will follow, and which times the rows hold, so that searches can pass the file by."""
    low, high = connection.execute(
        "SELECT min(t_min), max(t_min) FROM tape INDEXED BY tape_time WHERE kind = 0"
    ).fetchone()
    widest = connection.execute("SELECT max(t_max) FROM wide").fetchone()[0]
    meta = [("last", last)]
    if low is not None:
        meta += [("low", low), ("high", min(max(high + NARROW, high if widest is None else widest), INT64.stop - 1))]
    connection.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", meta)


def last_position(connection: sqlite3.Connection) -> int | None:
    """The position of its newest row; None when it has none."""
    found: int | None = connection.execute("SELECT max(pos) FROM tape").fetchone()[0]
    return found


def rows_after(connection: sqlite3.Connection, after: int, limit: int) -> list[tuple[int, int, int, int, bytes | None]]:
    """(pos, stream, kind, received_at, body) of up to `limit` rows."""
    return connection.execute(
        "SELECT pos, stream, kind, received_at, body FROM tape WHERE pos > ? ORDER BY pos LIMIT ?", (after, limit)
    ).fetchall()


def facts_after(connection: sqlite3.Connection, after: int) -> Iterable[tuple[Any, ...]]:
    """What the ledger counts of the rows after a position, without their bodies (only the blob's head)."""
    return connection.execute(
        "SELECT pos, stream, kind, received_at, t_min, mid, transport, conflicting,"
        f" CASE kind WHEN 0 THEN substr(body, 1, {HEAD_BYTES}) END FROM tape WHERE pos > ? ORDER BY pos",
        (after,),
    )


def first_arrival(connection: sqlite3.Connection, stream: int, t_min: int | None, key: bytes) -> tuple[int, int] | None:
    """(position, refused) of the first message with this key; its t_min is part of what the key is made of."""
    found: tuple[int, int] | None = connection.execute(
        "SELECT pos, refused FROM tape INDEXED BY tape_time"
        " WHERE kind = 0 AND stream = ? AND t_min IS ? AND key = ? ORDER BY pos LIMIT 1",
        (stream, t_min, key),
    ).fetchone()
    return found


def bodies_within(connection: sqlite3.Connection, stream: int, start: int, end: int, upto: int) -> list[bytes]:
    """Blobs of a stream's messages with t_min < end and t_max >= start, at positions up to `upto`."""
    earliest = max(start - NARROW, INT64.start)
    narrow = connection.execute(
        "SELECT body FROM tape INDEXED BY tape_time WHERE kind = 0 AND stream = ? AND t_min >= ? AND t_min < ?"
        " AND t_max >= ? AND t_max - t_min <= ? AND pos <= ?",
        (stream, earliest, end, start, NARROW, upto),
    ).fetchall()
    wide = connection.execute(
        "SELECT body FROM wide JOIN tape USING(pos) WHERE wide.stream = ? AND wide.t_max >= ? AND wide.t_min < ?"
        " AND pos <= ?",
        (stream, start, end, upto),
    ).fetchall()
    return [body for (body,) in (*narrow, *wide)]


def seals_of(connection: sqlite3.Connection) -> list[tuple[int, int, int]]:
    """(position, stream, before) of its seals."""
    return connection.execute("SELECT pos, stream, before FROM seals ORDER BY pos").fetchall()
