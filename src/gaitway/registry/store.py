"""The file `registry.sqlite`, opened by the front, the engine and the command line at once."""

import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from gaitway.errors import StateError

SCHEMA_VERSION: Final = 1
#: Tables of other rooms in this file begin with `log_`; they make and change those themselves.
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS registry (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS tokens (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    hash BLOB NOT NULL UNIQUE,
    kind TEXT NOT NULL CHECK (kind IN ('device', 'push', 'read', 'page-link', 'cookie')),
    name TEXT NOT NULL,
    created INTEGER NOT NULL,
    expires INTEGER,
    last_used INTEGER,
    device_id TEXT,
    revoked INTEGER
);
CREATE TABLE IF NOT EXISTS devices (
    device_id TEXT PRIMARY KEY,
    name TEXT,
    platform TEXT,
    model TEXT,
    first_seen INTEGER NOT NULL,
    simulated INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS recognizers (
    name TEXT PRIMARY KEY,
    settings TEXT NOT NULL,
    started INTEGER NOT NULL
) WITHOUT ROWID;
"""


class Registry:
    """A connection to the registry that threads may share: one statement or transaction at a time.

    Writes are durable when a method returns (WAL, synchronous=FULL); another process's writes are waited for up to 5 s.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.RLock()
        self._watchers: list[sqlite3.Connection] = []
        path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path, timeout=5.0, isolation_level=None, check_same_thread=False)
        self._db.row_factory = sqlite3.Row
        try:
            self._prepare()
        except sqlite3.DatabaseError as error:
            self._db.close()
            message = f"the registry cannot be opened: {error}"
            raise StateError(message, where=str(path), hint="Restore it from a backup, or move it away.") from error
        except StateError:
            self._db.close()
            raise

    def _prepare(self) -> None:
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        with self.transaction():
            for statement in _SCHEMA.split(";"):
                self._db.execute(statement)
            self._db.execute("INSERT OR IGNORE INTO registry VALUES ('schema', ?)", (str(SCHEMA_VERSION),))
        found = int(self.rows("SELECT value FROM registry WHERE key = 'schema'")[0][0])
        if found > SCHEMA_VERSION:
            message = f"the registry is of version {found}, this Gaitway knows {SCHEMA_VERSION}"
            raise StateError(message, where=str(self.path), hint="Install the newer Gaitway again.")
        self.path.chmod(0o600)

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[sqlite3.Row]:
        """All rows of a query."""
        with self._lock:
            return self._db.execute(sql, parameters).fetchall()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """A write transaction: all of it, durably, or none of it."""
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def note(self, key: str, value: str) -> None:
        """Keep a small fact for other processes, such as the address under which the server runs."""
        with self.transaction() as db:
            db.execute("INSERT OR REPLACE INTO registry VALUES (?, ?)", (f"note:{key}", value))

    def noted(self, key: str) -> str | None:
        """A fact that was noted."""
        rows = self.rows("SELECT value FROM registry WHERE key = ?", (f"note:{key}",))
        return str(rows[0][0]) if rows else None

    def change_marker(self) -> Callable[[], int]:
        """A cheap question (microseconds) whose answer changes after every commit, whichever connection made it.

        SQLite's `data_version` tells of other connections' commits only, so it is asked on a connection of its own.
        """
        watcher = sqlite3.connect(self.path, timeout=5.0, isolation_level=None, check_same_thread=False)

        def ask() -> int:
            return int(watcher.execute("PRAGMA data_version").fetchone()[0])

        self._watchers.append(watcher)
        return ask

    def close(self) -> None:
        """Let go of the file. Idempotent."""
        with self._lock:
            for watcher in self._watchers:
                watcher.close()
            self._db.close()
