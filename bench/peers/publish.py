"""Three ways to publish a reading: two that are durable before they return, and one that does nothing.

They stand in for a broker with acknowledgements and cost less than one: no socket, no second process.
"""

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path

Publish = Callable[[str], None]
#: What is published after a position: (position, text).
Read = Callable[[int], Sequence[tuple[int, str]]]
_BATCH = 5000


@contextmanager
def to_sqlite(folder: Path) -> Iterator[Publish]:
    """One committed insert per reading."""
    path, lock = folder / "topic.sqlite", threading.Lock()
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("CREATE TABLE IF NOT EXISTS topic (position INTEGER PRIMARY KEY, value TEXT)")

        def publish(value: str) -> None:
            with lock:
                connection.execute("INSERT INTO topic (value) VALUES (?)", (value,))

        yield publish


@contextmanager
def from_sqlite(folder: Path) -> Iterator[Read]:
    """The reading side of `to_sqlite`."""
    query = "SELECT position, value FROM topic WHERE position > ? ORDER BY position LIMIT ?"
    with closing(sqlite3.connect(f"file:{folder / 'topic.sqlite'}?mode=ro", uri=True)) as connection:

        def read(after: int) -> Sequence[tuple[int, str]]:
            return connection.execute(query, (after, _BATCH)).fetchall()

        yield read


@contextmanager
def to_file(folder: Path) -> Iterator[Publish]:
    """One appended line per reading, fsynced: the least that durable can mean."""
    lock = threading.Lock()
    with (folder / "topic.jsonl").open("ab", buffering=0) as file:

        def publish(value: str) -> None:
            line = value.encode() + b"\n"
            with lock:
                file.write(line)
                os.fdatasync(file.fileno())

        yield publish


@contextmanager
def from_file(folder: Path) -> Iterator[Read]:
    """The reading side of `to_file`."""
    with (folder / "topic.jsonl").open("rb") as file:

        def read(after: int) -> Sequence[tuple[int, str]]:
            found: list[tuple[int, str]] = []
            while len(found) < _BATCH:
                begin = file.tell()
                line = file.readline()
                if not line.endswith(b"\n"):  # not there yet, or not whole
                    file.seek(begin)
                    break
                found.append((after + len(found) + 1, line[:-1].decode()))
            return found

        yield read


@contextmanager
def to_nothing(_: Path) -> Iterator[Publish]:
    """Forget it."""
    yield lambda value: None


PUBLISHERS: dict[str, Callable[[Path], AbstractContextManager[Publish]]] = {
    "sqlite": to_sqlite,
    "file": to_file,
    "nothing": to_nothing,
}
READERS: dict[str, Callable[[Path], AbstractContextManager[Read]]] = {"sqlite": from_sqlite, "file": from_file}
