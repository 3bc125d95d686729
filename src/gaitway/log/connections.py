"""How the log opens SQLite files, and how SQLite's errors become ours."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from gaitway.errors import BusyError, LogError

PAGE_BYTES = 4096
_BUSY_MS = 10_000
_CHECKPOINT_PAGES = 4000  # 16 MB of WAL: rarer and larger checkpoints than SQLite's 4 MB


def open_writer(path: Path) -> sqlite3.Connection:
    """A connection whose commits are fsynced (WAL, synchronous=FULL), in autocommit mode. Creates the file."""
    with sqlite_errors(path):
        uri = f"file:{quote(str(path))}"  # as an address, so that it may attach other files by theirs
        connection = sqlite3.connect(
            uri, uri=True, isolation_level=None, check_same_thread=False, cached_statements=256
        )
        try:
            connection.execute(f"PRAGMA busy_timeout={_BUSY_MS}")
            connection.execute(f"PRAGMA page_size={PAGE_BYTES}")
            connection.execute("PRAGMA journal_mode=wal")
            connection.execute("PRAGMA synchronous=full")
            connection.execute(f"PRAGMA wal_autocheckpoint={_CHECKPOINT_PAGES}")
        except BaseException:
            connection.close()
            raise
    return connection


def open_reader(path: Path) -> sqlite3.Connection:
    """A read-only connection, for one thread at a time. Raises sqlite3.Error, also if there is no file."""
    uri = read_only_uri(path)
    connection = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False, cached_statements=64)
    try:
        connection.execute(f"PRAGMA busy_timeout={_BUSY_MS}")
        connection.execute("PRAGMA cache_size=-1024")
    except BaseException:
        connection.close()
        raise
    return connection


def read_only_uri(path: Path) -> str:
    """The address under which SQLite opens a file without the right to write.

    >>> read_only_uri(Path("/data/a b.sqlite"))
    'file:/data/a%20b.sqlite?mode=ro'
    """
    return f"file:{quote(str(path))}?mode=ro"


@contextmanager
def sqlite_errors(path: Path) -> Iterator[None]:
    """Turns SQLite's errors into LogError, a full disk into BusyError."""
    try:
        yield
    except sqlite3.Error as error:
        raise translated(error, path) from error


def translated(error: sqlite3.Error, path: Path) -> LogError | BusyError:
    """Our error for one of SQLite's."""
    code = getattr(error, "sqlite_errorcode", None)
    if code == sqlite3.SQLITE_FULL:
        return BusyError("the disk is full", where=str(path), hint="free some space; sending again then works")
    hint = "restore it from a backup" if code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT) else ""
    return LogError(f"{path.name}: {error}", where=str(path), hint=hint or "see whether the folder can be written")


def fsync_path(path: Path) -> None:
    """Make a file, or the names in a folder, survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
