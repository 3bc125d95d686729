"""What outlives a trimmed segment, in tables `log_*` of the registry file: keys, stream numbers, counts and seals."""

import sqlite3
from pathlib import Path

from gaitway.core.message import Stream
from gaitway.errors import LogError
from gaitway.log.connections import open_reader, open_writer, read_only_uri, sqlite_errors
from gaitway.log.segment import Segment

FORMAT = 1
_KEYS_A_STEP = 10_000  # each step locks the registry for some 50 ms
_SCHEMA = """
CREATE TABLE IF NOT EXISTS log_meta(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS log_streams(no INTEGER PRIMARY KEY, device_id TEXT NOT NULL, session_id TEXT NOT NULL,
    upto INTEGER, stats BLOB);
CREATE TABLE IF NOT EXISTS log_keys(stream INTEGER, key BLOB, refused INTEGER NOT NULL,
    PRIMARY KEY(stream, key)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS log_seals(pos INTEGER PRIMARY KEY, stream INTEGER NOT NULL, before INTEGER NOT NULL);
"""
_MOVE = (
    "INSERT INTO log_streams SELECT no, device_id, session_id, upto, stats FROM segment.streams WHERE true"
    " ON CONFLICT(no) DO UPDATE SET upto = excluded.upto, stats = excluded.stats"
    " WHERE excluded.stats IS NOT NULL AND excluded.upto >= coalesce(log_streams.upto, 0)",
    "INSERT OR IGNORE INTO log_seals SELECT pos, stream, before FROM segment.seals",
)


class Trimmed:
    """The registry's side of the tape. Looking up is for the writer; `absorb` may run in another thread meanwhile."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        with sqlite_errors(path):
            self._connection = open_writer(path)
            try:
                self._connection.executescript(_SCHEMA)
                self._check_format()
                self._has_keys = self._connection.execute("SELECT 1 FROM log_keys LIMIT 1").fetchone() is not None
            except BaseException:
                self._connection.close()
                raise

    def _check_format(self) -> None:
        self._connection.execute("INSERT OR IGNORE INTO log_meta VALUES ('format', ?)", (FORMAT,))
        found = self._meta("format")
        if found != FORMAT:
            raise LogError(
                f"the log's tables in {self._path.name} have format {found}, this Gaitway reads {FORMAT}",
                where=str(self._path),
                hint="the log was written by a newer Gaitway: upgrade this one",
            )

    @property
    def upto(self) -> int:
        """The last position that was trimmed; 0 when none was."""
        return self._meta("upto")

    @property
    def last_number(self) -> int:
        """The number of the last segment that was trimmed; 0 when none was."""
        return self._meta("number")

    def first_arrival(self, stream: int, key: bytes) -> int | None:
        """1 if readings of the first message with this key were refused, else 0; None if there is no such message."""
        if not self._has_keys:
            return None
        found = self._connection.execute(
            "SELECT refused FROM log_keys WHERE stream = ? AND key = ?", (stream, key)
        ).fetchone()
        return None if found is None else int(found[0])

    def streams(self) -> list[tuple[int, str, str, int | None, bytes | None]]:
        """Saved accounts, as `Ledger.load` takes them."""
        return self._connection.execute("SELECT no, device_id, session_id, upto, stats FROM log_streams").fetchall()

    def absorb(self, segment: Segment) -> None:
        """Take over what must outlive a segment; durable on return, and safe to call again."""
        with sqlite_errors(self._path):
            connection = open_writer(self._path)
            try:
                connection.execute("ATTACH ? AS segment", (read_only_uri(segment.path),))
                self._absorb_keys(connection, segment)
                self._absorb_rest(connection, segment)
            finally:
                connection.close()

    def _absorb_keys(self, connection: sqlite3.Connection, segment: Segment) -> None:
        last = segment.last or 0
        for start in range(segment.first, last + 1, _KEYS_A_STEP):
            connection.execute(
                "INSERT OR IGNORE INTO log_keys SELECT stream, key, refused > 0 FROM segment.tape NOT INDEXED"
                " WHERE pos BETWEEN ? AND ? AND kind = 0 ORDER BY pos",
                (start, min(start + _KEYS_A_STEP - 1, last)),
            )
        self._has_keys = True

    def _absorb_rest(self, connection: sqlite3.Connection, segment: Segment) -> None:
        connection.execute("BEGIN IMMEDIATE")
        for statement in _MOVE:
            connection.execute(statement)
        connection.executemany(
            "INSERT INTO log_meta VALUES (?, ?) ON CONFLICT(name) DO UPDATE SET value = max(value, excluded.value)",
            [("upto", segment.last), ("number", segment.number)],
        )
        connection.execute("COMMIT")

    def close(self) -> None:
        """Let go of the file. Idempotent."""
        self._connection.close()

    def _meta(self, name: str) -> int:
        found = self._connection.execute("SELECT value FROM log_meta WHERE name = ?", (name,)).fetchone()
        return 0 if found is None else int(found[0])


def trimmed_seals(path: Path) -> list[tuple[int, Stream, int]]:
    """(position, stream, before) of the seals in trimmed segments; none when nothing was ever trimmed."""
    if not path.exists():
        return []
    with sqlite_errors(path):
        connection = open_reader(path)
        try:
            if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'log_seals'").fetchone() is None:
                return []
            rows = connection.execute(
                "SELECT pos, device_id, session_id, before FROM log_seals JOIN log_streams ON stream = no ORDER BY pos"
            ).fetchall()
        finally:
            connection.close()
    return [(position, Stream(device_id, session_id), before) for position, device_id, session_id, before in rows]
