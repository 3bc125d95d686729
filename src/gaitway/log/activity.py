"""Tape 2, `processed_activity`, with the engine's checkpoint: one SQLite file that only the engine writes.

Records, states and the position on tape 1 they stand for are committed together, so a crash at any point repeats
nothing and leaves nothing out.
"""

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, get_args

from gaitway.core.activity import Activity as ActivityName
from gaitway.core.activity import ActivityRecord, Status, Verdict
from gaitway.core.message import Stream
from gaitway.core.state import StreamState
from gaitway.errors import LogError

VERSION = 1
_ACTIVITIES: tuple[ActivityName, ...] = get_args(ActivityName)
_STATUS: tuple[Status, ...] = get_args(Status)
_CODES = {name: code for code, name in enumerate(_ACTIVITIES)}

_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta(key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS stream(no INTEGER PRIMARY KEY, device TEXT NOT NULL, session TEXT NOT NULL,
  UNIQUE(device, session));
CREATE TABLE IF NOT EXISTS recognizer(no INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,
  active INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS activity(pos INTEGER PRIMARY KEY, stream INTEGER NOT NULL, recognizer INTEGER NOT NULL,
  start INTEGER NOT NULL, size INTEGER NOT NULL, activity INTEGER NOT NULL, confidence REAL NOT NULL,
  magnitude REAL NOT NULL, samples INTEGER NOT NULL, coverage REAL NOT NULL, revision INTEGER NOT NULL,
  status INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS activity_window ON activity(stream, start);
CREATE TABLE IF NOT EXISTS state(stream INTEGER PRIMARY KEY, tick INTEGER NOT NULL, sealed_to INTEGER NOT NULL,
  late INTEGER NOT NULL, blob BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS mark(at INTEGER PRIMARY KEY, pos INTEGER NOT NULL);
"""
_COLUMNS = "pos, stream, recognizer, start, size, activity, confidence, magnitude, samples, coverage, revision, status"
_INSERT = f"INSERT INTO activity({_COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?,?,?,?)"

_LOST = "Move it aside and start the server, or run `gaitway rebuild`: activities are computed anew from the readings."


class Checkpoint(NamedTuple):
    """A stream's saved state, and what others may know of it."""

    tick: int
    """Tape-1 position of its last tick."""
    sealed_to: int
    late: int
    blob: bytes

    @property
    def since(self) -> dict[str, int]:
        """Per recogniser that came later than the stream, the first window_start (ns) it judges."""
        return StreamState.load(self.blob).since()


class ActivityTapeReader:
    """Reads tape 2 from any thread or process, while the engine writes it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._db = _open(path, read_only=True)
        self._streams: dict[int, Stream] = {}
        self._recognizers: dict[int, str] = {}

    def end(self) -> int:
        """The position of the newest activity record; 0 when there is none yet."""
        return max(int(self._db.execute("SELECT coalesce(max(pos), 0) FROM activity").fetchone()[0]), self.start() - 1)

    def start(self) -> int:
        """The position of the oldest record that was not trimmed."""
        return self._meta("trimmed") + 1

    def folded(self) -> int:
        """The position on tape 1 up to which the engine has folded."""
        return self._meta("folded")

    def rebuilding(self) -> bool:
        """Whether a rebuild was begun and has not come to its end: states and `folded` do not belong together."""
        return self._meta("rebuilding") != 0

    def read(self, after: int, limit: int) -> list[tuple[int, ActivityRecord]]:
        """Up to `limit` (position, record) after a position, in order."""
        rows = self._db.execute(f"SELECT {_COLUMNS} FROM activity WHERE pos > ? ORDER BY pos LIMIT ?", (after, limit))
        return [(row[0], self._record(row)) for row in rows.fetchall()]

    def checkpoints(self) -> dict[Stream, Checkpoint]:
        """Every stream the engine has seen."""
        rows = self._db.execute("SELECT stream, tick, sealed_to, late, blob FROM state").fetchall()
        return {self._stream(row[0]): Checkpoint(*row[1:]) for row in rows}

    def active(self) -> set[str]:
        """The recognisers that judge now; others that have judged are retired."""
        return {row[0] for row in self._db.execute("SELECT name FROM recognizer WHERE active").fetchall()}

    def known(self) -> set[str]:
        """Every recogniser that ever judged here."""
        return {row[0] for row in self._db.execute("SELECT name FROM recognizer").fetchall()}

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def _meta(self, key: str) -> int:
        row = self._db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return 0 if row is None else int(row[0])

    def _record(self, row: Sequence[int]) -> ActivityRecord:
        _, stream, recognizer, start, size, activity, confidence, magnitude, samples, coverage, revision, status = row
        verdict = Verdict(_ACTIVITIES[activity], confidence, magnitude, samples, coverage)
        name = self._recognizer(recognizer)
        return ActivityRecord(self._stream(stream), start, start + size, name, verdict, revision, _STATUS[status])

    def _stream(self, number: int) -> Stream:
        if number not in self._streams:
            rows = self._db.execute("SELECT no, device, session FROM stream").fetchall()
            self._streams.update({no: Stream(device, session) for no, device, session in rows})
        return self._streams[number]

    def _recognizer(self, number: int) -> str:
        if number not in self._recognizers:
            self._recognizers.update(dict(self._db.execute("SELECT no, name FROM recognizer").fetchall()))
        return self._recognizers[number]


class ActivityTape(ActivityTapeReader):
    """The writing side; one per data folder."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        _create(path)
        super().__init__(path)
        self._db.close()
        self._db = _open(path, read_only=False)
        self._numbers: dict[Stream, int] = {}
        self._names: dict[str, int] = {}
        self._next = self.end() + 1

    def commit(
        self, folded: int, records: Sequence[ActivityRecord], states: Mapping[Stream, Checkpoint]
    ) -> tuple[int, int]:
        """Put records on the tape, with the states and the tape-1 position they stand for; durable on return.

        Returns the positions of the first and last record (last < first where there was none).
        """
        first = self._next
        with _transaction(self._db):
            rows = [self._row(first + index, record) for index, record in enumerate(records)]
            self._db.executemany(_INSERT, rows)
            self._db.executemany(
                "INSERT OR REPLACE INTO state VALUES (?,?,?,?,?)",
                [(self._number(stream), *state) for stream, state in states.items()],
            )
            self._db.execute("INSERT OR REPLACE INTO meta VALUES ('folded', ?)", (folded,))
        self._next = first + len(records)
        return first, self._next - 1

    def begin_rebuild(self) -> None:
        """Note, durably, that states are about to be replaced one after the other."""
        with _transaction(self._db):
            self._db.execute("INSERT OR REPLACE INTO meta VALUES ('rebuilding', 1)")

    def end_rebuild(self, folded: int) -> None:
        """Note that all states stand for this position on tape 1 now; durable on return."""
        with _transaction(self._db):
            self._db.execute("INSERT OR REPLACE INTO meta VALUES ('folded', ?)", (folded,))
            self._db.execute("DELETE FROM meta WHERE key = 'rebuilding'")

    def activate(self, names: Sequence[str]) -> None:
        """Note which recognisers judge from now on."""
        with _transaction(self._db):
            for name in names:
                self._name(name)
            self._db.execute(
                "UPDATE recognizer SET active = name IN (SELECT value FROM json_each(?))", (json.dumps(names),)
            )

    def published(self, stream: Stream, recognizer: str, start: int, end: int) -> dict[int, Verdict]:
        """The current verdicts of windows with start <= window_start < end, by window_start."""
        name = self._names.get(recognizer) or self._name(recognizer)
        rows = self._db.execute(
            "SELECT start, activity, confidence, magnitude, samples, coverage FROM activity"
            " WHERE stream = ? AND start >= ? AND start < ? AND recognizer = ? ORDER BY revision",
            (self._number(stream), start, end, name),
        )
        return {row[0]: Verdict(_ACTIVITIES[row[1]], *row[2:]) for row in rows.fetchall()}

    def state(self, stream: Stream) -> bytes | None:
        """The saved state of a stream."""
        row = self._db.execute(
            "SELECT blob FROM state JOIN stream ON no = state.stream WHERE device = ? AND session = ?", stream
        ).fetchone()
        return None if row is None else bytes(row[0])

    def skip_to(self, position: int) -> None:
        """Let the tape go on behind a position, where records up to it are known to be elsewhere."""
        if position >= self._next:
            with _transaction(self._db):
                self._db.execute("INSERT OR REPLACE INTO meta VALUES ('trimmed', ?)", (position,))
            self._next = position + 1

    def mark(self, at: int) -> None:
        """Remember how far the tape had come at a time (ns), for `trim`."""
        with _transaction(self._db):
            self._db.execute("INSERT OR REPLACE INTO mark VALUES (?, ?)", (at, self.end()))

    def trim(self, upto: int, older_than: int) -> int:
        """Drop records at positions <= upto that were on the tape at a time; returns how many."""
        row = self._db.execute("SELECT coalesce(max(pos), 0) FROM mark WHERE at <= ?", (older_than,)).fetchone()
        last = min(upto, int(row[0]))
        if last < self.start():
            return 0
        with _transaction(self._db):
            dropped = self._db.execute("DELETE FROM activity WHERE pos <= ?", (last,)).rowcount
            self._db.execute("DELETE FROM mark WHERE pos < ?", (last,))
            self._db.execute("INSERT OR REPLACE INTO meta VALUES ('trimmed', ?)", (last,))
        return dropped

    def _row(self, position: int, record: ActivityRecord) -> tuple[object, ...]:
        activity, confidence, magnitude, samples, coverage = record.verdict
        name = self._names.get(record.recognizer) or self._name(record.recognizer)
        size = record.window_end - record.window_start
        return (
            *(position, self._number(record.stream), name, record.window_start, size, _CODES[activity]),
            *(confidence, magnitude, samples, coverage, record.revision, _STATUS.index(record.status)),
        )

    def _number(self, stream: Stream) -> int:
        number = self._numbers.get(stream)
        if number is None:
            self._db.execute("INSERT OR IGNORE INTO stream(device, session) VALUES (?, ?)", stream)
            row = self._db.execute("SELECT no FROM stream WHERE device = ? AND session = ?", stream).fetchone()
            number = self._numbers[stream] = int(row[0])
        return number

    def _name(self, recognizer: str) -> int:
        self._db.execute("INSERT OR IGNORE INTO recognizer(name) VALUES (?)", (recognizer,))
        row = self._db.execute("SELECT no FROM recognizer WHERE name = ?", (recognizer,)).fetchone()
        self._names[recognizer] = int(row[0])
        return self._names[recognizer]


def _create(path: Path) -> None:
    db = sqlite3.connect(path, isolation_level=None)
    try:
        db.execute("PRAGMA page_size = 4096")
        db.execute("PRAGMA journal_mode = WAL")
        found = int(db.execute("PRAGMA user_version").fetchone()[0])
        if found > VERSION:
            message = f"tape 2 has version {found}, this program knows up to {VERSION}"
            raise LogError(message, where=str(path), hint="Run the newer version of Gaitway that wrote it.")
        db.executescript(_SCHEMA)
        db.execute(f"PRAGMA user_version = {VERSION}")
    except sqlite3.DatabaseError as error:
        message = f"tape 2 cannot be opened: {error}"
        raise LogError(message, where=str(path), hint=_LOST) from error
    finally:
        db.close()


def _open(path: Path, *, read_only: bool) -> sqlite3.Connection:
    mode = "ro" if read_only else "rw"
    try:
        db = sqlite3.connect(
            f"{path.resolve().as_uri()}?mode={mode}", uri=True, isolation_level=None, check_same_thread=False
        )
        db.execute("PRAGMA busy_timeout = 5000")
        db.execute("SELECT count(*) FROM sqlite_schema").fetchone()  # connecting alone does not look into the file
        if not read_only:
            db.execute("PRAGMA synchronous = FULL")
    except sqlite3.DatabaseError as error:
        message = f"tape 2 cannot be opened: {error}"
        raise LogError(message, where=str(path), hint=_LOST) from error
    return db


@contextmanager
def _transaction(db: sqlite3.Connection) -> Iterator[None]:
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")
