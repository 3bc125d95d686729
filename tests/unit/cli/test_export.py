"""`gaitway export`: files for other programs, and a summary for machines."""

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from gaitway.cli import export as cli
from gaitway.errors import RefusedError
from gaitway.warehouse.export import TABLES
from unit.warehouse.written import ANNA, BERT, NOON, FakeActivities, FakeTape, S, judged, push, warehouse


@pytest.fixture
def data(tmp_path: Path) -> Path:
    store = warehouse(tmp_path / "data")
    store.write_raw(FakeTape(push(ANNA, [NOON, NOON + S]), push(BERT, [NOON])).records, 1, 2)
    store.write_activities(FakeActivities(judged(NOON)).records, 1, 1)
    return tmp_path / "data"


def run(data: Path, *arguments: str) -> str:
    asked = [*arguments, "--data", str(data), "--out", str(data.parent / "out")]
    result = CliRunner().invoke(cli.command, asked, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_activities_as_parquet_unless_told(data: Path) -> None:
    assert "activities.parquet: 1 rows" in run(data)
    assert pq.read_table(data.parent / "out" / "activities.parquet")["activity"].to_pylist() == ["walking"]


def test_a_summary_for_machines(data: Path) -> None:
    asked = ("--table", "readings", "--table", "days", "--format", "csv", "--device", "anna", "--json")
    found: list[dict[str, Any]] = json.loads(run(data, *asked))["exported"]
    assert [(each["table"], each["rows"]) for each in found] == [("readings", 2), ("days", 1)]
    for each in found:
        assert Path(each["path"]).stat().st_size == each["bytes"]


def test_from_and_to_are_times(data: Path) -> None:
    asked = ("--table", "readings", "--from", "2026-03-05T10:00:01Z", "--to", str(NOON + 2 * S), "--json")
    assert json.loads(run(data, *asked))["exported"][0]["rows"] == 1
    with pytest.raises(RefusedError, match="is not a time"):
        run(data, "--from", "yesterday")


def test_it_knows_the_tables_that_can_be_exported() -> None:
    assert set(cli.TABLES) == set(TABLES)


def test_help_gives_an_example() -> None:
    assert "Example: gaitway export" in CliRunner().invoke(cli.command, ["--help"]).output
