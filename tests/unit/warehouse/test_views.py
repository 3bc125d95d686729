"""The file of views: the names that all backends share, exact, and readable by strangers while files come and go."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest

from gaitway.core.message import Block, Message
from gaitway.errors import WarehouseError
from gaitway.warehouse.columns import COLUMNS
from gaitway.warehouse.compaction import compact, merge_now
from gaitway.warehouse.layout import Layout, Range, utc_day
from gaitway.warehouse.schemas import write_empty
from gaitway.warehouse.views import FILE, ViewSettings, settings_of, views_are_current, write_views_file
from unit.warehouse.written import (
    ANNA,
    DAY,
    NOON,
    RECOGNIZER,
    S,
    judged,
    numbered,
    push,
    records,
    through_file,
    warehouse,
)

DOCS = Path(__file__).parents[3] / "docs" / "reference" / "warehouse.md"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """An empty warehouse with its file of views, in a folder whose name SQL and globs might trip over."""
    found = tmp_path / "anna's [data] *?"
    found.mkdir()
    write_views_file(found, "Europe/Vienna", "thresholds")
    return found


def ask(data: Path, query: str) -> list[Any]:
    with through_file(data) as connection:
        return connection.execute(query).fetchall()


def age(path: Path, seconds: float = 90.0) -> None:
    """Make a file older."""
    then = time.time() - seconds
    os.utime(path, (then, then))


def test_views_work_before_the_first_row(data: Path) -> None:
    for view, columns in COLUMNS.items():
        with through_file(data) as connection:
            found = connection.execute(f"SELECT * FROM ACTIVITY_DB.{view}")
            assert [column[0] for column in found.description or []] == list(columns), view
            if not view.startswith("GAITWAY"):
                assert found.fetchall() == []


def test_every_column_is_explained_in_the_file_and_in_the_docs(data: Path) -> None:
    text = DOCS.read_text(encoding="utf-8")
    comments = ask(data, "SELECT schema_name || '.' || view_name, column_name, data_type FROM (SELECT 1) a(b), "
                         "(SELECT schema_name, table_name AS view_name, column_name, data_type FROM duckdb_columns() "
                         "WHERE database_name = 'activity_db' AND NOT internal) c")  # fmt: skip
    types = {(view.upper(), column): type_ for view, column, type_ in comments}
    for view, columns in COLUMNS.items():
        _, _, part = text.partition(f"## `{view}`")
        part = part.partition("\n## ")[0]
        assert part, f"{view} is not in {DOCS.name}"
        for column, what in columns.items():
            assert f"| `{column}` | {types[view, column]} | {what} |" in part, f"{view}.{column}"
    assert {(view, column) for view, columns in COLUMNS.items() for column in columns} == set(types)


def test_readings_are_exact_and_an_equal_one_is_there_once(data: Path) -> None:
    xyz = np.array([[9.80665 * np.float32(0.1), 0.1], [1.0, 2.0], [-0.5, 0.25]])
    message = Message(
        ANNA, 7, (Block("magnetometer", np.array([NOON, NOON + 1]), xyz, values=('{"b":1}', None)),), NOON
    )
    again = Message(ANNA, 8, message.blocks, NOON + S, "mqtt")
    warehouse(data).write_raw(records(message, again, push(ANNA, [NOON], "magnetometer", x=5.0)), 1, 3)
    columns = 'time, ts, x, y, z, "values", accuracy, message_id, transport, received_at, position'
    rows = ask(data, f"SELECT {columns} FROM RAW_DATA.READINGS ORDER BY time, position")
    ts = ask(data, f"SELECT make_timestamp({NOON // 1000})")[0][0]
    assert rows == [
        (NOON, ts, float(xyz[0, 0]), 1.0, -0.5, '{"b":1}', None, "7", "http", NOON, 1),
        (NOON, ts, 5.0, 0.0, 0.0, None, None, "1", "http", NOON + S // 20, 3),
        (NOON + 1, ts, 0.1, 2.0, 0.25, None, None, "7", "http", NOON, 1),
    ]


def test_messages_are_put_together_as_the_app_sent_them(data: Path) -> None:
    blocks = (
        Block(
            "magnetometer",
            np.array([NOON]),
            np.array([[0.5], [1e-7], [3.0]]),
            np.array([3], np.int8),
            ('{"magneticBearing":12.5}',),
            ('{"extra":[1]}',),
        ),
        Block("battery", np.array([NOON + 1]), values=('{"level":null}',)),
    )
    message = Message(ANNA, 12, blocks, NOON + S, rest='{"userId":"u"}')
    warehouse(data).write_raw(records(message, push(ANNA, [NOON + 2], number=13)), 1, 2)
    rows = ask(data, "SELECT * FROM RAW_DATA.ACTIVITY_RECORDS ORDER BY received_at DESC")
    assert [row[2] for row in rows] == ["12", "13"]
    device, session, _, received_at, transport, version, payload, rest, kind = rows[0]
    assert (device, session, received_at, transport, version, kind) == (*ANNA, NOON + S, "http", 1, "message")
    assert json.loads(rest) == {"userId": "u"}
    assert json.loads(payload) == [
        {
            "name": "magnetometer",
            "time": NOON,
            "values": {"x": 0.5, "y": 1e-7, "z": 3.0, "magneticBearing": 12.5},
            "accuracy": 3,
            "extra": [1],
        },
        {"name": "battery", "time": NOON + 1, "values": {"level": None}},
    ]


def test_ranges_without_a_marker_are_invisible(data: Path) -> None:
    store = warehouse(data)
    store.write_raw(records(push(ANNA, [NOON])), 1, 1)
    store.write_raw(records(push(ANNA, [NOON + 1]), first=2), 2, 2)
    layout = Layout(data / "warehouse", "raw")
    layout.marker(Range(2, 2)).unlink()
    assert ask(data, "SELECT time FROM RAW_DATA.READINGS") == [(NOON,)]
    layout.mark(1, 2)  # one marker over both
    layout.marker(Range(1, 1)).unlink()
    assert ask(data, "SELECT count(*) FROM RAW_DATA.READINGS") == [(2,)]


@pytest.mark.parametrize("settled", [False, True])
def test_a_merged_file_stands_for_what_it_replaces(data: Path, settled: bool) -> None:
    store = warehouse(data)
    for position in (1, 2, 3):
        store.write_raw(records(push(ANNA, [NOON + position]), first=position), position, position)
    merged = merge_now(data / "warehouse", utc_day(NOON))
    assert merged is not None
    if settled:
        age(merged)
    # Just merged, both are read and what is equal counts once: a reader may hold either half of the picture.
    files = ask(data, "SELECT count(*) FROM GAITWAY.RAW_FILES WHERE last > 0")
    assert files == [(1,)] if settled else [(4,)]
    assert ask(data, "SELECT count(*), count(DISTINCT time) FROM RAW_DATA.READINGS") == [(3, 3)]


def test_the_views_count_the_same_files_as_the_layout(data: Path) -> None:
    layout = Layout(data / "warehouse", "raw")
    day = utc_day(NOON)
    for first, last, merged in ((1, 4, False), (5, 9, False), (1, 9, True), (10, 12, False), (12, 12, False),
                                (1, 12, True), (14, 20, False), (30, 40, False), (15, 16, True)):  # fmt: skip
        path = layout.path(day, Range(first, last), merged=merged)
        path.parent.mkdir(exist_ok=True)
        write_empty(path, "raw")
        age(path)
    write_empty(layout.path(utc_day(NOON + DAY), Range(5, 9)).parent.parent / "date=stray.parquet", "raw")
    layout.path(utc_day(NOON + DAY), Range(5, 9)).parent.mkdir()
    write_empty(layout.path(utc_day(NOON + DAY), Range(5, 9)), "raw")
    (layout.path(day, Range(1, 1)).parent / "notes.parquet").write_bytes(b"")
    for first, last in ((1, 4), (3, 9), (14, 17), (18, 20), (25, 35)):
        layout.mark(first, last)
    found = ask(data, "SELECT file, others FROM GAITWAY.RAW_FILES ORDER BY file")
    live = layout.live()
    assert [Path(file) for file, _ in found] == sorted(file.path for file in live)
    assert {others for file, others in found if f"date={day}" in file} == {len(layout.live(day)) - 1}


def test_the_highest_revision_is_current_and_every_version_is_kept(data: Path) -> None:
    versions = [judged(NOON, "walking", revision=5), judged(NOON, "running", revision=9, status="revised")]
    store = warehouse(data)
    store.write_activities(numbered(*versions, versions[0]), 1, 3)  # the first was published twice
    columns = "window_start, window_end, activity, revision, status"
    every = ask(data, f"SELECT {columns} FROM PROCESSED_DATA.USER_ACTIVITY_PROCESSED ORDER BY revision")
    start, end = every[0][:2]
    assert every == [(start, end, "walking", 5, "final"), (start, end, "running", 9, "revised")]
    assert ask(data, f"SELECT {columns} FROM PROCESSED_DATA.ACTIVITIES_CURRENT") == every[1:]
    assert str(start) == "2026-03-05 10:00:00"


def test_segments_and_days_show_the_lead(data: Path) -> None:
    store = warehouse(data)
    store.write_raw(records(push(ANNA, list(range(NOON, NOON + 60 * S, S // 10)))), 1, 1)
    verdicts = [judged(NOON + k * 2 * S, "walking", revision=k + 9) for k in range(-4, 30)]
    verdicts += [judged(NOON + k * 2 * S, "running", recognizer="learned-1/10s-2s/aaaa") for k in range(-4, 30)]
    store.write_activities(numbered(*verdicts), 1, len(verdicts))
    segment = ask(data, "SELECT recognizer, activity, segment_start::VARCHAR, segment_end::VARCHAR, covered "
                        "FROM PROCESSED_DATA.SEGMENTS")  # fmt: skip
    assert segment == [(RECOGNIZER, "walking", "2026-03-05 10:00:00", "2026-03-05 10:00:59.9", 60.0)]
    day = ask(
        data, "SELECT device_id, day::VARCHAR, recognizer, walking_minutes, recorded_minutes FROM PROCESSED_DATA.DAYS"
    )
    assert day == [("anna", "2026-03-05", RECOGNIZER, 1.0, 1.0)]
    write_views_file(data, "UTC")
    both = ask(data, "SELECT activity FROM PROCESSED_DATA.SEGMENTS ORDER BY 1")
    assert both == [("running",), ("walking",)]


@pytest.mark.parametrize(
    ("view", "where"),
    [
        ("RAW_DATA.READINGS", f"device_id = 'anna' AND sensor = 'accelerometer' AND time >= {NOON}"),
        ("PROCESSED_DATA.ACTIVITIES_CURRENT", "device_id = 'anna' AND session_id = 'walk'"),
        ("PROCESSED_DATA.USER_ACTIVITY_PROCESSED", "device_id = 'anna' AND window_start > TIMESTAMP '2026-03-05'"),
        ("PROCESSED_DATA.SEGMENTS", "device_id = 'anna'"),
        ("PROCESSED_DATA.DAYS", "device_id = 'anna'"),
    ],
)
def test_filters_reach_the_parquet_files(data: Path, view: str, where: str) -> None:
    store = warehouse(data)
    store.write_raw(records(push(ANNA, [NOON])), 1, 1)
    store.write_activities(numbered(judged(NOON)), 1, 1)
    merge_now(data / "warehouse", utc_day(NOON))
    plan = ask(data, f"EXPLAIN (FORMAT json) SELECT * FROM {view} WHERE {where}")[0][1]
    scans = [scan for scan in _nodes(json.loads(plan)) if scan["name"].strip() == "READ_PARQUET"]
    assert scans
    for scan in scans:
        assert "device_id = 'anna'" in str(scan["extra_info"].get("Filters", "")).replace("\n", ""), scan


def _nodes(plan: Any) -> list[dict[str, Any]]:
    plans = plan if isinstance(plan, list) else [plan]
    return [node for each in plans for node in [each, *_nodes(each.get("children", []))]]


def test_a_query_opens_only_files_that_count(data: Path) -> None:
    store = warehouse(data)
    for position in range(1, 7):
        store.write_raw(records(push(ANNA, [NOON + position // 5 * DAY]), first=position), position, position)
    for merged in compact(data / "warehouse", utc_day(NOON + DAY), 0.0):
        age(merged)
    plan = ask(data, f"EXPLAIN (ANALYZE, FORMAT json) SELECT * FROM RAW_DATA.READINGS WHERE time >= {NOON}")[0][1]
    found = [node.get("extra_info", {}) for node in _nodes(json.loads(plan)["operator"])]
    scans = [info for info in found if info.get("Function") == "READ_PARQUET"]
    (small,) = [scan for scan in scans if "/*.merged.parquet" not in scan["Filename(s)"]]
    assert int(small["Total Files Read"]) <= 3  # of nine: those of the day that is not merged, and the first


FIRST_BY = {
    "RAW_DATA.READINGS": "time",
    "RAW_DATA.ACTIVITY_RECORDS": "received_at",
    "PROCESSED_DATA.USER_ACTIVITY_PROCESSED": "revision",
    "PROCESSED_DATA.ACTIVITIES_CURRENT": "revision",
    "PROCESSED_DATA.SEGMENTS": "segment_start",
}


@pytest.mark.parametrize("files", ["small", "merged", "both"])
def test_the_first_rows_are_rows(data: Path, files: str) -> None:
    """DuckDB 2.0 looks rows of a LIMIT or QUALIFY up again, in the wrong file where a join left files out."""
    store = warehouse(data)
    for at in range(1, 7):
        start = NOON + at % 2 * DAY + at * 20 * S
        store.write_raw(records(push(ANNA, [start + k * S // 10 for k in range(150)], x=float(at)), first=at), at, at)
        store.write_activities([(at, judged(start // (2 * S) * 2 * S, revision=at))], at, at)
    if files != "small":
        last = 2 if files == "merged" else 1
        for merged in compact(data / "warehouse", utc_day(NOON + last * DAY), 0.0):
            age(merged)
    with through_file(data) as connection:
        for view, order in FIRST_BY.items():
            every = connection.execute(f"SELECT * FROM {view} ORDER BY {order}").fetchall()
            assert len(set(every)) == len(every) > 0
            for select, expected in (
                (f"ORDER BY {order} LIMIT 1", every[:1]),
                (f"ORDER BY {order} DESC LIMIT 1", every[-1:]),
                ("LIMIT 1", every),
                (f"QUALIFY row_number() OVER (ORDER BY {order} DESC) = 1", every[-1:]),
                (f"QUALIFY row_number() OVER (PARTITION BY device_id ORDER BY {order} DESC) = 1", every[-1:]),
                ("USING SAMPLE 1 ROWS", every),
            ):
                (row,) = connection.execute(f"SELECT * FROM {view} {select}").fetchall()
                assert row in expected, (view, select)


def test_whether_the_views_are_current(data: Path, tmp_path: Path) -> None:
    assert views_are_current(data)
    assert views_are_current(data, "Europe/Vienna", "thresholds")
    assert not views_are_current(data, "UTC")
    assert not views_are_current(data, lead="learned")
    assert settings_of(data) == ViewSettings("Europe/Vienna", "thresholds")
    moved = tmp_path / "moved"
    shutil.move(data, moved)
    assert not views_are_current(moved)
    write_views_file(moved, *settings_of(moved))
    assert views_are_current(moved)
    assert not views_are_current(tmp_path / "nothing")
    assert settings_of(tmp_path / "nothing") == ViewSettings()


def test_views_are_written_again_while_somebody_reads(data: Path) -> None:
    with through_file(data) as reader:
        assert reader.execute("SELECT timezone FROM GAITWAY.SETTINGS").fetchall() == [("Europe/Vienna",)]
        write_views_file(data, "UTC")
        assert reader.execute("SELECT timezone FROM GAITWAY.SETTINGS").fetchall() == [("Europe/Vienna",)]
    assert ask(data, "SELECT timezone FROM GAITWAY.SETTINGS") == [("UTC",)]
    assert [path.name for path in (data / "warehouse").glob("activity_db*")] == [FILE]


def test_what_a_cut_short_write_left_does_no_harm(data: Path) -> None:
    (data / "warehouse" / f"{FILE}.tmp").write_bytes(b"half")
    (data / "warehouse" / f"{FILE}.tmp.wal").write_bytes(b"half")
    write_views_file(data, "UTC")
    assert views_are_current(data, "UTC")


def test_a_file_that_is_no_database_is_said_to_be_so(data: Path) -> None:
    (data / "warehouse" / FILE).write_bytes(b"x" * 5000)
    with pytest.raises(WarehouseError, match="cannot read the file of views"):
        views_are_current(data)


def test_a_database_of_somebody_else_is_not_current(data: Path) -> None:
    (data / "warehouse" / FILE).unlink()
    made = data.parent / FILE
    with duckdb.connect(str(made)) as other:
        other.execute("CREATE TABLE t AS SELECT 1")
    made.rename(data / "warehouse" / FILE)
    assert not views_are_current(data)


READER = """
import sys, duckdb
connection = duckdb.connect(sys.argv[1], read_only=True, config={"threads": 1})
print("ready", flush=True)
least = 0
while True:
    ending = sys.stdin.readline().strip()
    rows, times, versions = connection.execute(
        "SELECT count(*), count(DISTINCT time), (SELECT count(*) FROM PROCESSED_DATA.ACTIVITIES_CURRENT) "
        "FROM RAW_DATA.READINGS").fetchone()
    print(rows, times, versions, flush=True)
    if ending == "end":
        break
"""


def test_another_process_reads_while_files_are_written_and_merged(data: Path) -> None:
    store = warehouse(data)
    command = [sys.executable, "-c", READER, str(data / "warehouse" / FILE)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as reader:
        assert reader.stdin and reader.stdout
        assert reader.stdout.readline() == "ready\n"
        answers = []
        for position in range(1, 31):
            reader.stdin.write("on\n")  # it looks while we write
            reader.stdin.flush()
            store.write_raw(records(push(ANNA, [NOON + position]), first=position), position, position)
            store.write_activities([(position, judged(NOON + position * 2 * S))], position, position)
            if position % 10 == 0:
                merge_now(data / "warehouse", utc_day(NOON))
            answers.append([int(n) for n in reader.stdout.readline().split()])
        reader.stdin.write("end\n")
        reader.stdin.flush()
        answers.append([int(n) for n in reader.stdout.readline().split()])
    for at, (rows, times, versions) in enumerate(answers):
        assert rows == times, "an equal reading twice"
        assert at <= rows <= at + 1
        assert at <= versions <= at + 1
    assert answers[-1] == [30, 30, 30]


def test_who_reads_holds_no_lock(data: Path) -> None:
    opened: list[Callable[[], None]] = []
    for _ in range(3):
        opened.append(through_file(data).close)
    write_views_file(data, "UTC")
    for close in opened:
        close()
