"""The log and its databases: whole, of a version we read, and without a hole between segments."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

from gaitway.errors import GaitwayError
from gaitway.log import activity
from gaitway.log.connections import open_reader
from gaitway.log.folder import segment_numbers, segment_path
from gaitway.log.segment import last_position, read_segment
from gaitway.ops.doctor import Finding, Subject
from gaitway.profiles.folder import DataFolder
from gaitway.registry import store

_BACKUP = "Restore it from a backup, or move it away: what is behind the warehouse is safe there."


def segments(subject: Subject) -> Iterator[Finding]:
    """Every segment opens, is whole, and begins where the one before it ended."""
    if subject.data is None or not subject.data.is_dir():
        return
    folder = DataFolder(subject.data).tape
    numbers, before, faults = segment_numbers(folder), None, 0
    for number in numbers:
        path = segment_path(folder, number)
        fault, span = _segment(path)
        if fault is None and span is not None and before is not None and span[0] != before + 1:
            what = f"{path.name} begins at position {span[0]}, the one before it ended at {before}"
            fault = Finding("fail", what, "a segment between them is gone", "Restore it from a backup.")
        if fault is not None:
            faults += 1
            yield fault
        before = None if span is None else span[1]
    if not numbers:
        yield Finding("ok", "the log holds nothing yet")
    elif not faults:
        yield Finding("ok", f"the log is whole: {len(numbers)} segments up to position {before}")


def databases(subject: Subject) -> Iterator[Finding]:
    """The other SQLite files are whole and of a version we read."""
    if subject.data is None or not subject.data.is_dir():
        return
    data = DataFolder(subject.data)
    faults = []
    asked: tuple[tuple[Path, Callable[[sqlite3.Connection], int], int], ...] = (
        (data.registry, _registry_version, store.SCHEMA_VERSION),
        (data.activity, _user_version, activity.VERSION),
        (data.refused, _no_version, 0),
        (data.core_errors, _no_version, 0),
    )
    there = [(path, version, known) for path, version, known in asked if path.exists()]
    for path, version, known in there:
        faults += _database(path, version, known)
    yield from faults
    if there and not faults:
        yield Finding("ok", f"whole: {', '.join(path.name for path, _, _ in there)}")


def _segment(path: Path) -> tuple[Finding | None, tuple[int, int] | None]:
    """What is wrong with a segment, and the positions it holds (first, last)."""
    try:
        with closing(open_reader(path)) as connection:
            segment = read_segment(connection, path)
            last = last_position(connection)
            fault = _unsound(path, connection)
            return fault, (segment.first, segment.first - 1 if last is None else last)
    except GaitwayError as error:
        return Finding("fail", str(error), error.where, error.hint), None
    except sqlite3.Error as error:
        return Finding("fail", f"{path.name} cannot be read", str(error), _BACKUP), None


def _database(path: Path, version: Callable[[sqlite3.Connection], int], known: int) -> list[Finding]:
    try:
        with closing(open_reader(path)) as connection:
            fault = _unsound(path, connection)
            found = version(connection)
    except sqlite3.Error as error:
        return [Finding("fail", f"{path.name} cannot be read", str(error), _hint(path))]
    if fault is not None:
        return [fault]
    if found > known:
        what = f"{path.name} has version {found}, this Gaitway knows {known}"
        return [Finding("fail", what, "a newer Gaitway wrote it", "Run the newer Gaitway again.")]
    return []


def _unsound(path: Path, connection: sqlite3.Connection) -> Finding | None:
    said = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
    return None if said == "ok" else Finding("fail", f"{path.name} is damaged", said, _hint(path))


def _hint(path: Path) -> str:
    if path.name == "activity.sqlite":
        return "Move it away and run `gaitway rebuild`: activities are computed anew from the readings."
    return _BACKUP


def _registry_version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT value FROM registry WHERE key = 'schema'").fetchone()[0])


def _user_version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _no_version(_: sqlite3.Connection) -> int:
    return 0
