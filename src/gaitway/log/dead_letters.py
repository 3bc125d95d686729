"""Dead letters in an SQLite file: what was refused, the newest 100 MB of it, and how much it was for ever."""

import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from gaitway.core.message import Stream
from gaitway.errors import LogError, RefusedError
from gaitway.log.connections import open_reader, open_writer, sqlite_errors
from gaitway.ports import DeadLetter, Page

FORMAT = 1
_OVERHEAD = 256  # what a letter counts beside its body
_EXCERPT_CHARACTERS = 200
_WHERE_CHARACTERS = 500
_A_STEP = 100
_SCHEMA = """
CREATE TABLE IF NOT EXISTS dead_meta(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS dead_letters(id INTEGER PRIMARY KEY AUTOINCREMENT, received_at INTEGER NOT NULL,
    device_id TEXT, session_id TEXT, reason TEXT NOT NULL, place TEXT NOT NULL, readings INTEGER NOT NULL,
    position INTEGER, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS dead_counts(device_id TEXT, session_id TEXT, refused INTEGER NOT NULL,
    PRIMARY KEY(device_id, session_id)) WITHOUT ROWID;
"""
_COLUMNS = "received_at, reason, place, body, device_id, session_id, readings, position"
_ADD = f"INSERT INTO dead_letters({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
_COUNT = (
    "INSERT INTO dead_counts VALUES (?, ?, ?)"
    " ON CONFLICT(device_id, session_id) DO UPDATE SET refused = refused + excluded.refused"
)
_PAGE = (
    "SELECT id, received_at, device_id, session_id, reason, place, substr(body, 1, ?) FROM dead_letters"
    " WHERE id < ? ORDER BY id DESC LIMIT ?"
)
_BODIES = f"SELECT id, {_COLUMNS} FROM dead_letters WHERE id > ? AND (? IS NULL OR reason = ?) ORDER BY id LIMIT ?"
#: The counter of bodies that could not be read; no id is empty.
_UNREAD = ("", "")


class SqliteDeadLetters:
    """A `DeadLetters` store. Its tables begin with `dead_`, so it may share a file with others.

    A body is cut at `keep_bytes`; when all letters together exceed `total_bytes` the oldest go. Counts stay. With
    `read_only` it looks at the store of another process, and is empty while there is none. Safe for threads.
    """

    def __init__(
        self, path: Path, keep_bytes: int = 65_536, total_bytes: int = 100_000_000, *, read_only: bool = False
    ) -> None:
        self._path = path
        self._keep_bytes = keep_bytes
        self._total_bytes = total_bytes
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._read_only = read_only
        self._bytes = 0
        if not read_only:
            path.parent.mkdir(parents=True, exist_ok=True)
            with sqlite_errors(path):
                self._connection = self._create()

    def add(self, letters: Sequence[DeadLetter]) -> None:
        """Keep letters; durable on return."""
        if self._read_only:
            raise LogError("these dead letters are read-only", where=str(self._path), hint="its owner adds to it")
        rows = [self._row(letter) for letter in letters]
        with self._lock, sqlite_errors(self._path):
            connection = self._checked(self._connection)
            connection.execute("BEGIN IMMEDIATE")
            try:
                connection.executemany(_ADD, rows)
                connection.executemany(_COUNT, [_count(letter) for letter in letters])
                total = self._drop_oldest(connection, self._bytes + sum(len(row[3]) + _OVERHEAD for row in rows))
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.rollback()
                raise
            self._bytes = total

    def page(self, limit: int, cursor: str | None) -> Page:
        """Newest first: {id, received_at, device_id, session_id, reason, where, excerpt}.

        Raises RefusedError (400) for a cursor that it did not give.
        """
        before = _before(cursor)
        found = self._query(_PAGE, (4 * _EXCERPT_CHARACTERS, before, limit + 1))
        rows = [_shown(row) for row in found[:limit]]
        return Page(rows, str(rows[-1]["id"]) if rows and len(found) > limit else None)

    def bodies(self, reason: str | None = None) -> Iterator[tuple[int, DeadLetter]]:
        """(id, letter), oldest first, of all reasons or of one. Letters that come meanwhile are included."""
        after = 0
        while True:
            found = self._query(_BODIES, (after, reason, reason, _A_STEP))
            if not found:
                return
            yield from ((row[0], _letter(row[1:])) for row in found)
            after = found[-1][0]

    def counts(self) -> Mapping[Stream | None, int]:
        """Readings refused per stream, dropped letters included; under None the bodies that could not be read."""
        found = self._query("SELECT device_id, session_id, refused FROM dead_counts", ())
        return {None if ids == _UNREAD else Stream(*ids): refused for *pair, refused in found if (ids := tuple(pair))}

    def close(self) -> None:
        """Let go of the file. Idempotent."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _create(self) -> sqlite3.Connection:
        connection = open_writer(self._path)
        try:
            connection.executescript(_SCHEMA)
            connection.execute("INSERT OR IGNORE INTO dead_meta VALUES ('format', ?)", (FORMAT,))
            found = connection.execute("SELECT value FROM dead_meta WHERE name = 'format'").fetchone()[0]
            if found != FORMAT:
                raise LogError(
                    f"the dead letters in {self._path.name} have format {found}, this Gaitway reads {FORMAT}",
                    where=str(self._path),
                    hint="they were written by a newer Gaitway: upgrade this one",
                )
            sizes = f"SELECT coalesce(sum(length(body) + {_OVERHEAD}), 0) FROM dead_letters"
            self._bytes = connection.execute(sizes).fetchone()[0]
        except BaseException:
            connection.close()
            raise
        return connection

    def _row(self, letter: DeadLetter) -> tuple[Any, ...]:
        device_id, session_id = (None, None) if letter.stream is None else map(_storable, letter.stream)
        return (
            letter.received_at,
            _storable(letter.reason),
            _storable(letter.where[:_WHERE_CHARACTERS]),
            letter.body[: self._keep_bytes],
            device_id,
            session_id,
            letter.readings,
            letter.position,
        )

    def _drop_oldest(self, connection: sqlite3.Connection, total: int) -> int:
        """Delete the oldest letters until the rest fits; returns what the rest takes."""
        while total > self._total_bytes:
            oldest = connection.execute("SELECT id, length(body) FROM dead_letters ORDER BY id LIMIT 1").fetchone()
            if oldest is None:
                return 0
            connection.execute("DELETE FROM dead_letters WHERE id = ?", (oldest[0],))
            total -= oldest[1] + _OVERHEAD
        return total

    def _query(self, sql: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
        with self._lock, sqlite_errors(self._path):
            if self._read_only and not self._is_there():
                return []
            return self._checked(self._connection).execute(sql, parameters).fetchall()

    def _is_there(self) -> bool:
        """Whether the other process has made its store; opens it then."""
        if self._connection is None:
            if not self._path.exists():
                return False
            self._connection = open_reader(self._path)
        tables = "SELECT count(*) FROM sqlite_master WHERE name IN ('dead_letters', 'dead_counts')"
        return bool(self._connection.execute(tables).fetchone()[0] == 2)

    def _checked(self, connection: sqlite3.Connection | None) -> sqlite3.Connection:
        if connection is None:
            raise LogError("the store of dead letters is closed", where=str(self._path), hint="open it again")
        return connection


def _storable(text: str) -> str:
    """Text that SQLite takes: half a surrogate pair becomes its escape."""
    return text.encode("utf-8", "backslashreplace").decode()


def _count(letter: DeadLetter) -> tuple[str, str, int]:
    if letter.stream is None or not letter.readings:
        return (*_UNREAD, 1)
    device_id, session_id = map(_storable, letter.stream)
    return device_id, session_id, letter.readings


def _before(cursor: str | None) -> int:
    if cursor is None:
        return (1 << 63) - 1
    if not cursor.isdecimal() or len(cursor) > 18:
        raise RefusedError(
            f"{cursor!r} is no cursor", where="cursor", hint="use `next` of the page before", reason="cursor"
        )
    return int(cursor)


def _shown(row: Sequence[Any]) -> dict[str, Any]:
    names = ("id", "received_at", "device_id", "session_id", "reason", "where")
    # substr() of an empty body is NULL
    excerpt = (row[6] or b"").decode("utf-8", "replace")[:_EXCERPT_CHARACTERS]
    return {**dict(zip(names, row[:6], strict=True)), "excerpt": excerpt}


def _letter(row: Sequence[Any]) -> DeadLetter:
    received_at, reason, place, body, device_id, session_id, readings, position = row
    stream = None if device_id is None else Stream(device_id, session_id)
    return DeadLetter(received_at, reason, place, bytes(body), stream, readings, position)
