"""Tape 1 in segment files: the writer's side.

raw/000001.sqlite ... 000004.sqlite    sealed: read, and at last trimmed
raw/000005.sqlite                      written, one transaction a group, fsynced
registry.sqlite, tables log_*          what outlives trimmed segments
"""

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gaitway.core.message import Message, Record, Stream
from gaitway.errors import LogError
from gaitway.log.arrivals import Arrivals, Plan
from gaitway.log.connections import sqlite_errors
from gaitway.log.disk_guard import DiskGuard
from gaitway.log.folder import SegmentFolder, segment_path
from gaitway.log.ledger import Ledger
from gaitway.log.opening import check_continuous, lock_folder, remove_leftovers, unlink_segments
from gaitway.log.reader import SqliteTapeReader
from gaitway.log.rows import MESSAGE, Row, prepare
from gaitway.log.segment import Segment, create
from gaitway.log.trimmed import Trimmed
from gaitway.log.writer import SAVED, SegmentWriter
from gaitway.ports import Entry, Receipt, StreamCounts


@dataclass(frozen=True, slots=True)
class TapeSettings:
    """How tape 1 is kept."""

    roll_bytes: int = 256 << 20
    """A segment that reaches this size is followed by a new one."""
    roll_age_ns: int = 86_400_000_000_000
    """So is one whose first record is this much older (by `received_at`) than the next one."""
    reserve_bytes: int = 1 << 30
    """With less free disk, messages are refused with BusyError; ticks and seals, which are small, are not."""
    save_rows: int = 10_000
    """The ledger is saved after so many records ..."""
    save_seconds: float = 10.0
    """... or so long after the last save, with the next group."""


class SqliteTape:
    """A `Tape` in a folder of segment files. One writer per folder; its methods may be called from any thread.

    `append` is durable on return. Counts of repeats are durable with it. Opening reads the saved ledger and counts at
    most `save_rows` records (and the last group) again. Raises LogError for damaged files, for files of a newer
    version, and when another process writes the folder.
    """

    def __init__(
        self,
        folder: Path,
        registry: Path,
        settings: TapeSettings | None = None,
        guard: DiskGuard | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder = folder
        self._settings = settings or TapeSettings()
        self._guard = guard or DiskGuard(folder, self._settings.reserve_bytes)
        self._clock = clock
        self._writing = threading.RLock()  # held through the fsync
        self._counting = threading.Lock()  # held for moments: the ledger
        self._trimming = threading.Lock()
        self._closed = self._stale = False
        self._folder_lock = lock_folder(folder)
        try:
            self._open(registry)
        except BaseException:
            os.close(self._folder_lock)
            raise
        self._reader = SqliteTapeReader(folder, registry)

    @property
    def commit_seconds(self) -> float:
        """How long the last commit, with its fsync, took."""
        return self._writer.commit_seconds

    def prepare(self, entry: Entry) -> Row:
        """Encode an entry for `append_rows`. Raises LogError if it cannot be stored, BusyError at the disk reserve."""
        if entry.message is not None:
            self._guard.check()
        return prepare(entry)

    def append(self, entries: Sequence[Entry]) -> list[Receipt]:
        """Append in order, in one transaction; durable on return."""
        return self.append_rows([prepare(entry) for entry in entries])

    def append_rows(self, rows: Sequence[Row]) -> list[Receipt]:
        """`append` for entries that are encoded already."""
        if not rows:
            return []
        with self._writing, sqlite_errors(self._folder):
            self._make_ready()
            if any(row.kind == MESSAGE for row in rows):
                self._guard.check()
            with self._undoing():
                self._roll_if_due(rows[0].received_at)
                with self._counting:
                    plan = self._arrivals.plan(rows, self._writer.end)
                self._write(plan)
            return plan.receipts

    def counts(self) -> list[StreamCounts]:
        """Every stream ever appended to, in order of first arrival. A group shows as soon as it is being written."""
        if self._stale:
            with self._writing, sqlite_errors(self._folder):
                self._make_ready()
        with self._counting:
            return [account.counts() for account in self._ledger]

    def end(self) -> int:
        """The position of the newest durable record; 0 when the tape is empty."""
        return self._writer.end

    def start(self) -> int:
        """The position of the oldest record that is still there; end() + 1 when none is."""
        return self._reader.start()

    def read(self, after: int, limit: int, sensors: Sequence[str] | None = None) -> list[Record]:
        """Up to `limit` records after a position, in order."""
        return self._reader.read(after, limit, sensors)

    def seals(self) -> Mapping[Stream, Sequence[tuple[int, int]]]:
        """Per sealed stream (position, before) of its seals, rising; trimmed ones included."""
        return self._reader.seals()

    def samples(
        self, stream: Stream, start: int, end: int, upto: int, sensors: Sequence[str] | None = None
    ) -> list[Message]:
        """Messages of a stream that may hold readings with start <= time < end, at positions <= upto, in any order."""
        return self._reader.samples(stream, start, end, upto, sensors)

    def trim(self, before: int) -> int:
        """Drop whole segments whose records are all before a position; returns the new start().

        Keys, counts, stream numbers and seals move to the registry first. Appending goes on meanwhile.
        """
        with self._trimming:
            for segment in self._trimmable(before):
                self._trimmed.absorb(segment)
                with self._writing:
                    unlink_segments(self._folder, [segment.number])
                    self._files.refresh()
        return self.start()

    def close(self) -> None:
        """Save the ledger and let go of all files. Idempotent."""
        with self._trimming, self._writing:
            if self._closed:
                return
            self._closed = True
            try:
                with sqlite_errors(self._folder):
                    if not self._stale:
                        self._write(Plan(self._writer.end), save=True)
            finally:
                self._writer.close()
                self._files.close()
                self._trimmed.close()
                self._reader.close()
                os.close(self._folder_lock)

    def _open(self, registry: Path) -> None:
        remove_leftovers(self._folder)
        self._trimmed = Trimmed(registry)
        self._files = SegmentFolder(self._folder)
        try:
            with sqlite_errors(self._folder):
                self._files.refresh()
                self._finish_trim()
                check_continuous(self._files.segments)
                if not self._files.segments:
                    self._create(self._trimmed.last_number + 1, self._trimmed.upto + 1)
                self._open_newest()
        except BaseException:
            self._files.close()
            self._trimmed.close()
            raise

    def _finish_trim(self) -> None:
        """Unlink what a crash left of segments whose keys are in the registry already."""
        upto = self._trimmed.upto
        unlink_segments(self._folder, [s.number for s in self._files.segments if s.last is not None and s.last <= upto])
        self._files.refresh()

    def _create(self, number: int, first: int) -> None:
        create(segment_path(self._folder, number), first)
        self._files.refresh()

    def _open_newest(self) -> None:
        """Open the newest segment for writing, and read from the files what is kept in memory."""
        writer = SegmentWriter(self._files.segments[-1].path)
        if writer.is_sealed:  # something came between sealing it and the next segment
            writer.close()
            self._create(self._files.segments[-1].number + 1, writer.end + 1)
            writer = SegmentWriter(self._files.segments[-1].path)
        try:
            ledger = self._read_ledger(writer)
        except BaseException:
            writer.close()
            raise
        self._arrivals = Arrivals(ledger, self._trimmed, self._files, writer.connection)
        with self._counting:
            self._ledger = ledger
        self._writer = writer
        self._saved_at = self._clock()
        self._stale = False

    def _read_ledger(self, writer: SegmentWriter) -> Ledger:
        ledger = Ledger()
        ledger.load(self._trimmed.streams())
        for segment in self._files.segments[:-1]:
            ledger.load(self._files.ask(segment, lambda connection, _: connection.execute(SAVED).fetchall()))
        writer.load_into(ledger)
        return ledger

    def _make_ready(self) -> None:
        if self._closed:
            raise LogError("the tape is closed", where=str(self._folder), hint="open it again")
        if self._stale:
            self._files.refresh()
            self._open_newest()

    @contextmanager
    def _undoing(self) -> Iterator[None]:
        """When a group fails: undo it, and have memory read again from the files before the next one."""
        try:
            yield
        except BaseException:
            self._stale = True
            self._writer.close()
            raise

    def _write(self, plan: Plan, *, save: bool = False) -> None:
        ledger = self._ledger
        for account in (*plan.stored.values(), *plan.dropped.values()):
            ledger.changed(account)
        save = save or self._is_save_due(plan.end)
        accounts = ledger.unsaved() if save else list(plan.dropped.values())
        self._writer.write(plan, accounts, all_saved=save)
        ledger.saved(accounts)
        if save:
            self._saved_at = self._clock()

    def _is_save_due(self, end: int) -> bool:
        settings = self._settings
        if end - self._writer.saved_upto >= settings.save_rows:
            return True
        return self._clock() - self._saved_at >= settings.save_seconds

    def _roll_if_due(self, received_at: int) -> None:
        opened_at = self._writer.opened_at
        if opened_at is None:
            return
        too_old = received_at - opened_at >= self._settings.roll_age_ns
        if too_old or self._writer.size() >= self._settings.roll_bytes:
            self._roll()

    def _roll(self) -> None:
        """Seal the newest segment, with all accounts saved in it, and go on in a new one."""
        old = self._writer
        self._write(Plan(old.end), save=True)
        old.seal_off()
        self._create(self._files.segments[-1].number + 1, old.end + 1)
        self._writer = SegmentWriter(self._files.segments[-1].path)
        self._arrivals = Arrivals(self._ledger, self._trimmed, self._files, self._writer.connection)
        old.close()

    def _trimmable(self, before: int) -> list[Segment]:
        with self._writing, sqlite_errors(self._folder):
            self._make_ready()
            if self._writer.opened_at is not None and self._writer.end < before:
                with self._undoing():
                    self._roll()
            return [segment for segment in self._files.segments if segment.last is not None and segment.last < before]
