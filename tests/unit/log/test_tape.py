"""Tape 1 in segment files: rolling, restarts, damage, other processes."""

import multiprocessing
import os
import shutil
import signal
import sqlite3
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gaitway.core.message import Block, Message, Stream
from gaitway.errors import BusyError, LogError
from gaitway.log.disk_guard import DiskGuard
from gaitway.log.reader import SqliteTapeReader
from gaitway.log.tape import SqliteTape, TapeSettings
from gaitway.ports import Entry
from unit.log.messages import BASE, SECOND, WALK, block, message

SMALL = TapeSettings(roll_bytes=14 * 4096, reserve_bytes=0)
BIG = Block("gyroscope", BASE + np.arange(2000), np.ones((3, 2000)))
spawn = multiprocessing.get_context("spawn")


class Folder:
    """A data folder whose tapes are closed at the end."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.raw = path / "log" / "raw"
        self.registry = path / "registry.sqlite"
        self._open: list[SqliteTape | SqliteTapeReader] = []

    def tape(self, settings: TapeSettings = SMALL, **more: Any) -> SqliteTape:
        tape = SqliteTape(self.raw, self.registry, settings, **more)
        self._open.append(tape)
        return tape

    def reader(self) -> SqliteTapeReader:
        reader = SqliteTapeReader(self.raw, self.registry)
        self._open.append(reader)
        return reader

    def segments(self) -> list[str]:
        return sorted(path.name for path in self.raw.glob("*.sqlite*"))

    def image(self) -> "Folder":
        """What a process killed now would leave on disk."""
        copy = self.path.with_name(self.path.name + "-image")
        shutil.copytree(self.path, copy)
        image = Folder(copy)
        image._open = self._open
        return image

    def close(self) -> None:
        for opened in self._open:
            opened.close()


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Folder]:
    folder = Folder(tmp_path / "data")
    yield folder
    folder.close()


def entry(ident: int | str | None, at: int = 0, **changes: Any) -> Entry:
    sent = message(ident, at, **changes)
    return Entry("message", sent.stream, sent.received_at, sent)


def big(ident: int) -> Entry:
    return entry(ident, ident, blocks=(block(BASE + ident * SECOND), BIG))


def positions(reader: SqliteTape | SqliteTapeReader) -> list[int]:
    return [record.position for record in reader.read(0, 1000)]


def test_a_segment_that_is_full_is_followed_by_a_new_one(folder: Folder) -> None:
    tape = folder.tape()
    for ident in range(6):
        tape.append([big(ident)])
    assert {"000001.sqlite", "000002.sqlite", "000003.sqlite"} <= set(folder.segments())
    assert positions(tape) == positions(folder.reader()) == [1, 2, 3, 4, 5, 6]


def test_a_segment_that_is_a_day_old_is_followed_by_a_new_one(folder: Folder) -> None:
    tape = folder.tape(TapeSettings(roll_age_ns=100, reserve_bytes=0))
    for received_at in (1000, 1099, 1100, 1150, 900, 1200):
        tape.append([Entry("tick", WALK, received_at)])
    assert [segment for segment in folder.segments() if segment.endswith(".sqlite")] == [
        "000001.sqlite",
        "000002.sqlite",
        "000003.sqlite",
    ]


def test_trimming_unlinks_whole_files_and_what_belongs_to_them(folder: Folder) -> None:
    tape = folder.tape()
    for ident in range(6):
        tape.append([big(ident)])
    reader = folder.reader()
    assert positions(reader) == [1, 2, 3, 4, 5, 6]
    start = tape.trim(5)
    assert not [name for name in folder.segments() if name.startswith("000001")]
    assert reader.start() == start > 1
    assert positions(reader) == positions(tape) == list(range(start, 7))


def test_stream_numbers_survive_trimming_and_restarts(folder: Folder) -> None:
    tape = folder.tape()
    streams = [Stream("phone", str(number)) for number in range(8)]
    for stream in streams:
        tape.append([entry(1, stream=stream, blocks=(BIG,))])
    tape.trim(5)
    tape.close()
    tape = folder.tape()
    tape.append([entry(1, stream=Stream("phone", "new")), entry(2, stream=streams[0])])
    assert [count.stream for count in tape.counts()] == [*streams, Stream("phone", "new")]
    assert [record.stream for record in tape.read(8, 2)] == [Stream("phone", "new"), streams[0]]


@pytest.mark.parametrize("save_rows", [1, 3, 1000])
def test_after_a_crash_the_ledger_is_counted_again(folder: Folder, save_rows: int) -> None:
    tape = folder.tape(TapeSettings(reserve_bytes=0, save_rows=save_rows))
    for group in range(5):
        tape.append([entry(group * 7 + step, step) for step in range(3)])
        tape.append([entry(group * 7, 99), Entry("seal", WALK, BASE, before=BASE)])
    image = folder.image()
    assert image.tape().counts() == tape.counts()
    assert tape.counts()[0].conflicting == 5


def test_the_ledger_is_saved_with_the_next_group_when_it_is_due(folder: Folder) -> None:
    now = [0.0]
    tape = folder.tape(TapeSettings(reserve_bytes=0, save_seconds=10), clock=lambda: now[0])
    saved = sqlite3.connect(folder.raw / "000001.sqlite")
    for now[0], expected in ((5.0, 0), (9.9, 0), (10.0, 3), (15.0, 3), (20.0, 5)):
        tape.append([entry(int(now[0]), int(now[0]))])
        assert saved.execute("SELECT value FROM meta WHERE name = 'snapshot'").fetchone() == (expected,)
    saved.close()


def test_a_crash_between_sealing_a_segment_and_the_next_one(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    tape = folder.tape()
    tape.append([big(1), big(2)])

    def fail(path: Path, first: int) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr("gaitway.log.tape.create", fail)
    with pytest.raises(LogError, match="disk I/O error"):
        tape.append([big(3)])
    image = folder.image()
    monkeypatch.undo()
    for same in (tape, image.tape()):
        assert same.append([big(2), big(3)])[1].position == 3
        assert positions(same) == [1, 2, 3]
        assert same.counts()[0].messages == 3


def test_a_crash_while_a_segment_is_made_or_trimmed_leaves_nothing_behind(folder: Folder) -> None:
    tape = folder.tape()
    for ident in range(4):
        tape.append([big(ident)])
    oldest = (folder.raw / "000001.sqlite").read_bytes()
    start = tape.trim(3)
    tape.close()
    (folder.raw / "000001.sqlite").write_bytes(oldest)  # moved to the registry, not yet unlinked
    (folder.raw / "000000.sqlite-wal").write_bytes(b"")
    (folder.raw / "000009.sqlite.new").write_bytes(b"half")
    tape = folder.tape()
    assert not [name for name in folder.segments() if name[:6] in ("000000", "000001", "000009")]
    assert tape.start() == start


def test_after_a_failed_group_memory_says_what_the_files_say(folder: Folder) -> None:
    tape = folder.tape(TapeSettings(reserve_bytes=0))
    tape.append([entry(1)])
    blocker = sqlite3.connect(folder.raw / "000001.sqlite", isolation_level=None)
    blocker.execute("CREATE TRIGGER full BEFORE INSERT ON tape BEGIN SELECT RAISE(ABORT, 'no'); END")
    with pytest.raises(LogError, match="no"):
        tape.append([entry(2), entry(9)])
    assert (tape.end(), tape.counts()[0].messages, tape.counts()[0].missing) == (1, 1, 0)
    blocker.execute("DROP TRIGGER full")
    blocker.close()
    assert [receipt.position for receipt in tape.append([entry(1), entry(2)])] == [1, 2]


def test_below_the_disk_reserve_messages_are_refused_and_ticks_are_not(folder: Folder) -> None:
    free = [10]
    now = [0.0]
    guard = DiskGuard(folder.raw, 5, free_bytes=lambda _: free[0], clock=lambda: now[0])
    tape = folder.tape(guard=guard)
    tape.append([entry(1)])
    free[0], now[0] = 1, 1.0
    with pytest.raises(BusyError):
        tape.append([entry(2)])
    with pytest.raises(BusyError):
        tape.prepare(entry(2))
    assert tape.append([Entry("tick", WALK, BASE), Entry("seal", WALK, BASE, before=BASE)])[-1].position == 3
    free[0], now[0] = 10, 2.0
    assert tape.append([entry(2)])[0].position == 4


def test_a_full_disk_is_busy_not_broken(folder: Folder) -> None:
    tape = folder.tape(TapeSettings(reserve_bytes=0))
    tape.append([entry(1)])
    pages = tape._writer.connection.execute("PRAGMA page_count").fetchone()[0]
    tape._writer.connection.execute(f"PRAGMA max_page_count = {pages + 2}")
    with pytest.raises(BusyError, match="full"):
        tape.append([big(2)])
    assert tape.append([big(2)])[0].position == 2


def test_one_folder_has_one_writer(folder: Folder) -> None:
    folder.tape()
    with pytest.raises(LogError, match="being written already") as caught:
        folder.tape()
    assert caught.value.hint


def test_a_closed_tape_says_so(folder: Folder) -> None:
    tape = folder.tape()
    tape.close()
    for use in (lambda: tape.append([entry(1)]), lambda: tape.trim(1)):
        with pytest.raises(LogError, match="closed"):
            use()


def _scribble(path: Path) -> None:
    path.write_bytes(b"no database at all" * 1000)


def _other_program(path: Path) -> None:
    path.unlink()
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE notes(text)")
    other.close()


def _newer(path: Path) -> None:
    newer = sqlite3.connect(path)
    newer.execute("PRAGMA user_version = 99")
    newer.close()


def _remove(path: Path) -> None:
    path.unlink()


@pytest.mark.parametrize(
    ("harm", "says", "hint"),
    [
        (_scribble, "not a database", "backup"),
        (_other_program, "not a segment", "move"),
        (_newer, "format 99", "upgrade"),
        (_remove, "positions are missing", "backup"),
    ],
)
def test_a_damaged_folder_is_an_error_with_a_hint(
    folder: Folder, harm: Callable[[Path], None], says: str, hint: str
) -> None:
    tape = folder.tape()
    for ident in range(6):
        tape.append([big(ident)])
    tape.close()
    harm(folder.raw / "000002.sqlite")
    with pytest.raises(LogError, match=says) as caught:
        folder.tape()
    assert hint in caught.value.hint
    assert caught.value.where


def test_a_newer_registry_is_an_error_with_a_hint(folder: Folder) -> None:
    folder.tape().close()
    registry = sqlite3.connect(folder.registry)
    registry.execute("UPDATE log_meta SET value = 99 WHERE name = 'format'")
    registry.commit()
    registry.close()
    with pytest.raises(LogError, match="format 99"):
        folder.tape()


def test_records_that_vanished_from_a_segment_are_an_error(folder: Folder) -> None:
    tape = folder.tape(TapeSettings(reserve_bytes=0))
    tape.append([entry(1), entry(2, 1), entry(3, 2)])
    harm = sqlite3.connect(folder.raw / "000001.sqlite")
    harm.execute("DELETE FROM tape WHERE pos = 2")
    harm.commit()
    harm.close()
    with pytest.raises(LogError, match="lacks records after position 0"):
        folder.reader().read(0, 10)


@pytest.mark.parametrize(
    "entry",
    [
        Entry("message", WALK, BASE),
        Entry("tick", WALK, BASE, message(1)),
        Entry("message", Stream("other", "walk"), BASE, message(1)),
        Entry("seal", WALK, BASE),
        Entry("seal", WALK, BASE, before=1 << 63),
        Entry("tick", WALK, 1 << 63),
        Entry("tick", Stream("\ud800", "walk"), BASE),
    ],
)
def test_an_entry_that_cannot_be_stored_is_refused_before_anything_is_written(folder: Folder, entry: Entry) -> None:
    tape = folder.tape()
    with pytest.raises(LogError):
        tape.append([Entry("tick", WALK, BASE), entry])
    assert tape.end() == 0


def test_a_crash_image_can_be_read_without_a_writer(folder: Folder) -> None:
    folder.tape().append([entry(1), entry(2, 1)])
    assert positions(folder.image().reader()) == [1, 2]


def _write_until_killed(raw: Path, registry: Path, told: Connection) -> None:
    tape = SqliteTape(raw, registry, TapeSettings(roll_bytes=40 * 4096, reserve_bytes=0, save_rows=50))
    ident = 0
    while True:
        tape.append([entry(ident + step, ident + step) for step in range(8)])
        ident += 8
        if ident % 400 == 0:
            tape.trim(ident - 200)
        told.send(ident)


def test_nothing_acknowledged_is_lost_by_kill_9_and_another_process_reads_all_the_while(folder: Folder) -> None:
    mine, theirs = spawn.Pipe()
    writer = spawn.Process(target=_write_until_killed, args=(folder.raw, folder.registry, theirs))
    writer.start()
    reader = folder.reader()
    acknowledged = after = 0
    while acknowledged < 1200:
        acknowledged = mine.recv()
        records = reader.read(after, 1000)
        assert [record.position for record in records[1:]] == [record.position + 1 for record in records[:-1]]
        after = records[-1].position if records else after
        assert reader.end() >= acknowledged
    assert writer.pid is not None
    os.kill(writer.pid, signal.SIGKILL)
    writer.join()
    tape = folder.tape()
    assert tape.end() >= acknowledged > 0
    (count,) = tape.counts()
    assert (count.messages, count.missing, count.duplicates) == (tape.end(), 0, 0)
    assert {receipt.outcome for receipt in tape.append([entry(ident, ident) for ident in range(100)])} == {"duplicate"}
    assert positions(tape)[-1] == tape.end() == count.messages


def test_a_reader_goes_on_reading_a_segment_that_is_trimmed_under_it(folder: Folder) -> None:
    tape = folder.tape()
    for ident in range(4):
        tape.append([big(ident)])
    reader = folder.reader()
    assert [record.position for record in reader.read(0, 1)] == [1]
    tape.trim(4)
    found = [record.position for record in reader.read(1, 10)]
    assert found == list(range(found[0], 5))
    assert reader.start() == tape.start() > found[0]


def test_messages_are_found_through_one_index(folder: Folder) -> None:
    folder.tape().close()
    segment = sqlite3.connect(folder.raw / "000001.sqlite")
    indexes = segment.execute("SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL").fetchall()
    assert indexes == [("tape_time",)]
    assert segment.execute("PRAGMA page_size").fetchone() == (4096,)
    assert segment.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    segment.close()


def test_messages_larger_than_a_page_and_without_readings_come_back(folder: Folder) -> None:
    tape = folder.tape()
    sent: list[Message] = [message(1, blocks=(BIG, BIG)), message(2, blocks=()), message("z", rest='{"a":1}')]
    tape.append([Entry("message", WALK, m.received_at, m) for m in sent])
    assert [record.message for record in tape.read(0, 10)] == sent
    assert tape.append([Entry("message", WALK, 0, sent[1])])[0].outcome == "duplicate"
