"""`gaitway sql`: answers in three forms, and faults in plain words."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from gaitway.cli.sql import command
from gaitway.errors import GaitwayError, NotFoundError
from unit.warehouse.written import ANNA, NOON, FakeActivities, FakeTape, judged, push, warehouse


@pytest.fixture
def data(tmp_path: Path) -> Path:
    store = warehouse(tmp_path)
    store.write_raw(FakeTape(push(ANNA, [NOON, NOON + 1])).records, 1, 1)
    store.write_activities(FakeActivities(judged(NOON)).records, 1, 1)
    return tmp_path


def run(data: Path, *arguments: str, stdin: str | None = None) -> str:
    result = CliRunner().invoke(command, [*arguments, "--data", str(data)], input=stdin, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_a_table_for_people(data: Path) -> None:
    output = run(data, "SELECT activity, sample_count FROM activities_current")
    assert "activity" in output
    assert "walking" in output
    assert "1000" in output


def test_csv(data: Path) -> None:
    output = run(data, "SELECT device_id, time, ts, accuracy FROM readings ORDER BY time", "--format", "csv")
    assert list(csv.reader(io.StringIO(output))) == [
        ["device_id", "time", "ts", "accuracy"],
        ["anna", str(NOON), "2026-03-05 10:00:00", ""],
        ["anna", str(NOON + 1), "2026-03-05 10:00:00", ""],
    ]


def test_json(data: Path) -> None:
    query = "SELECT time, x, ts, payload FROM readings, activity_records ORDER BY time LIMIT 1"
    (row,) = json.loads(run(data, query, "--format", "json"))
    assert (row["time"], row["x"], row["ts"]) == (NOON, 1.0, "2026-03-05T10:00:00")
    assert row["payload"][1] == {"name": "accelerometer", "time": NOON + 1, "values": {"x": 1.0, "y": 0.0, "z": 0.0}}
    assert json.loads(run(data, "SELECT 1 WHERE false", "--format", "json")) == []


def test_many_rows_come_whole_where_a_program_reads_them(data: Path) -> None:
    query = "SELECT i FROM range(5000) r(i)"
    rows: list[Any] = json.loads(run(data, query, "--format", "json"))
    assert [row["i"] for row in rows] == list(range(5000))
    output = CliRunner().invoke(command, [query, "--data", str(data)], catch_exceptions=False).output
    assert "Only the first 1000 rows" in output


def test_the_query_may_come_from_standard_input(data: Path) -> None:
    assert "42" in run(data, "-", stdin="SELECT 42 AS answer")


@pytest.mark.parametrize(
    ("query", "says", "hint"),
    [
        ("SELECT * FROM reading", "reading does not exist", "Tables: readings"),
        ("SELECT speed FROM readings", "speed", "docs/reference/warehouse.md"),
        ("SELEC 1", "syntax error", "duckdb.org"),
    ],
)
def test_faults_are_said_in_plain_words(data: Path, query: str, says: str, hint: str) -> None:
    with pytest.raises(GaitwayError, match=says) as caught:
        run(data, query)
    assert hint in caught.value.hint
    assert caught.value.where == "SQL"


def test_a_folder_without_a_warehouse(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no warehouse"):
        run(tmp_path / "nothing", "SELECT 1")


def test_help_gives_an_example() -> None:
    assert "Example: gaitway sql" in CliRunner().invoke(command, ["--help"]).output
