"""Dead letters in a file of their own, in somebody else's file, and seen from another process."""

import sqlite3
from pathlib import Path

import pytest

from gaitway.core.message import Stream
from gaitway.errors import LogError
from gaitway.log.dead_letters import SqliteDeadLetters
from gaitway.ports import DeadLetter

WALK = Stream("phone", "walk")


def letter(body: bytes = b"{}", readings: int = 1) -> DeadLetter:
    return DeadLetter(5, "absurd", "payload[0]", body, WALK, readings)


def test_the_store_shares_a_file_with_other_tables(tmp_path: Path) -> None:
    path = tmp_path / "activity.sqlite"
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE meta(key)")
    other.execute("PRAGMA user_version = 7")
    other.commit()
    store = SqliteDeadLetters(path)
    store.add([letter()])
    assert other.execute("PRAGMA user_version").fetchone() == (7,)
    tables = [name for (name,) in other.execute("SELECT name FROM sqlite_master WHERE name LIKE 'dead%'")]
    assert sorted(tables) == ["dead_counts", "dead_letters", "dead_meta"]
    store.close()
    other.close()


def test_another_process_looks_on_without_making_anything(tmp_path: Path) -> None:
    path = tmp_path / "refused.sqlite"
    looker = SqliteDeadLetters(path, read_only=True)
    assert (looker.page(10, None).rows, dict(looker.counts()), list(looker.bodies())) == ([], {}, [])
    assert not path.exists()
    sqlite3.connect(path).close()
    assert looker.page(10, None).rows == []
    store = SqliteDeadLetters(path)
    store.add([letter()])
    assert (len(looker.page(10, None).rows), dict(looker.counts())) == (1, {WALK: 1})
    with pytest.raises(LogError, match="read-only"):
        looker.add([letter()])
    looker.close()
    store.close()


def test_the_file_stops_growing(tmp_path: Path) -> None:
    path = tmp_path / "refused.sqlite"
    store = SqliteDeadLetters(path, total_bytes=200_000)
    for _ in range(60):
        store.add([letter(b"x" * 20_000)])
    assert sum(len(kept.body) for _, kept in store.bodies()) <= 200_000
    store.close()
    assert path.stat().st_size < 300_000


def test_a_newer_or_damaged_file_is_an_error_with_a_hint(tmp_path: Path) -> None:
    path = tmp_path / "refused.sqlite"
    SqliteDeadLetters(path).close()
    newer = sqlite3.connect(path)
    newer.execute("UPDATE dead_meta SET value = 99")
    newer.commit()
    newer.close()
    with pytest.raises(LogError, match="format 99") as caught:
        SqliteDeadLetters(path)
    assert "upgrade" in caught.value.hint
    path.write_bytes(b"no database" * 1000)
    with pytest.raises(LogError, match="not a database"):
        SqliteDeadLetters(path)


def test_a_closed_store_says_so(tmp_path: Path) -> None:
    store = SqliteDeadLetters(tmp_path / "refused.sqlite")
    store.close()
    store.close()
    with pytest.raises(LogError, match="closed"):
        store.add([letter()])
