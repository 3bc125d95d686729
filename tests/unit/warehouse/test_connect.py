"""`connect`: every table in a DuckDB of one's own, with the tail, fresh, and without touching the warehouse."""

import os
from pathlib import Path

import duckdb
import pytest

from gaitway.errors import NotFoundError
from gaitway.warehouse.compaction import compact
from gaitway.warehouse.connect import Tapes, connect
from gaitway.warehouse.layout import utc_day
from gaitway.warehouse.views import write_views_file
from unit.warehouse.written import ANNA, DAY, NOON, FakeActivities, FakeTape, S, judged, push, warehouse


def test_files_and_tail_are_in_it_once(tmp_path: Path) -> None:
    tape = FakeTape(push(ANNA, [NOON]), push(ANNA, [NOON + 1]), push(ANNA, [NOON + 1, NOON + 2]))
    verdicts = FakeActivities(judged(NOON, revision=1), judged(NOON, "running", revision=4))
    store = warehouse(tmp_path)
    store.write_raw(tape.records[:2], 1, 2)
    store.write_activities(verdicts.records[:1], 1, 1)
    with connect(tmp_path, tapes=Tapes(tape, verdicts)) as connection:
        assert connection.execute("SELECT time FROM readings ORDER BY 1").fetchall() == [(NOON + k,) for k in range(3)]
        assert connection.execute("SELECT activity FROM activities_current").fetchall() == [("running",)]
        assert connection.execute("SELECT count(*) FROM ACTIVITY_DB.RAW_DATA.READINGS").fetchall() == [(3,)]
        # what comes later is seen too, and what was the tail is then in a file as well
        store.write_raw([*tape.records[2:], *FakeTape(push(ANNA, [NOON + 3])).records], 3, 4)
        assert connection.execute("SELECT count(*) FROM READINGS").fetchall() == [(3,)]
        for merged in compact(tmp_path / "warehouse", utc_day(NOON + DAY), 0.0):
            os.utime(merged, (0, 0))
        assert connection.execute("SELECT count(*), count(DISTINCT time) FROM READINGS").fetchall() == [(3, 3)]


def test_a_running_server_is_asked_to_write_its_tail_first(tmp_path: Path) -> None:
    store = warehouse(tmp_path)
    tape = FakeTape(push(ANNA, [NOON]))
    with connect(tmp_path, flush=lambda folder: store.write_raw(tape.records, 1, 1)) as connection:
        assert connection.execute("SELECT count(*) FROM readings").fetchall() == [(1,)]


def test_it_takes_time_zone_and_lead_from_the_file_of_views(tmp_path: Path) -> None:
    write_views_file(tmp_path, "Europe/Vienna", "thresholds")
    with connect(tmp_path) as connection:
        found = connection.execute("SELECT timezone, lead FROM GAITWAY.SETTINGS").fetchall()
    assert found == [("Europe/Vienna", "thresholds")]


def test_it_works_without_a_file_of_views(tmp_path: Path) -> None:
    store = warehouse(tmp_path)
    store.write_raw(FakeTape(push(ANNA, list(range(NOON, NOON + 20 * S, S // 10)))).records, 1, 1)
    store.write_activities(FakeActivities(*(judged(NOON + k * 2 * S) for k in range(5))).records, 1, 5)
    for merged in compact(tmp_path / "warehouse", utc_day(NOON + DAY), 0.0):
        os.utime(merged, (0, 0))
    with connect(tmp_path) as connection:
        assert connection.execute("SELECT activity, covered FROM segments").fetchall() == [("walking", 20.0)]
        assert connection.execute("SELECT count(*) FROM readings").fetchall() == [(200,)]


def test_nothing_of_the_folder_changes(tmp_path: Path) -> None:
    write_views_file(tmp_path, "UTC")
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    with connect(tmp_path) as connection:
        connection.execute("CREATE TABLE mine AS SELECT * FROM readings")
        assert connection.execute("SELECT count(*) FROM mine").fetchall() == [(0,)]
        for statement in ("INSERT INTO readings (time) VALUES (1)", "DELETE FROM activities_current"):
            with pytest.raises(duckdb.Error, match=r"is not an? table|[Cc]an only"):
                connection.execute(statement)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_where_there_is_no_warehouse_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no warehouse") as caught:
        connect(tmp_path / "nothing")
    assert "gaitway serve" in caught.value.hint
