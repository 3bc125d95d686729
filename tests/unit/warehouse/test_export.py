"""Tables as files for other programs: exactly what the views say, whole or not at all."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from gaitway.errors import GaitwayError, NotFoundError
from gaitway.ports import Selection
from gaitway.warehouse.columns import COLUMNS
from gaitway.warehouse.connect import Tapes, connect
from gaitway.warehouse.export import TABLES, export
from unit.warehouse.written import ANNA, BERT, DAY, NOON, FakeActivities, FakeTape, S, judged, push, warehouse


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Anna walks for a minute on two days, Bert on the second; that of Bert is still in the tail."""
    tape, verdicts = FakeTape(), FakeActivities()
    for stream, start in ((ANNA, NOON), (ANNA, NOON + DAY), (BERT, NOON + DAY)):
        tape.add(push(stream, list(range(start, start + 60 * S, S // 10))))
        verdicts.add(*(judged(start + k * 2 * S, stream=stream) for k in range(-4, 30)))
    store = warehouse(tmp_path / "data")
    store.write_raw(tape.records[:2], 1, 2)
    store.write_activities(verdicts.records[:68], 1, 68)
    with connect(tmp_path / "data", tapes=Tapes(tape, verdicts)) as found:
        yield found


ROWS = {"readings": 1800, "activities": 102, "versions": 102, "segments": 3, "days": 3}


@pytest.mark.parametrize("table", TABLES)
def test_every_table_as_parquet_and_csv(connection: duckdb.DuckDBPyConnection, table: str, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    path = tmp_path / "out" / f"{table}.parquet"
    found = export(connection, table, path, progress=lambda done, of: told.append((done, of)))
    rows = pq.read_table(path)
    assert (found.table, found.path, found.rows, found.bytes) == (table, str(path), ROWS[table], path.stat().st_size)
    assert rows.num_rows == ROWS[table]
    assert rows.column_names == list(COLUMNS[TABLES[table].view])
    assert told == [(0, 2), (1, 2), (2, 2)]
    export(connection, table, path.with_suffix(".csv"))
    as_csv = pyarrow.csv.read_csv(path.with_suffix(".csv"))
    assert as_csv.column_names == rows.column_names
    assert [str(v) for v in as_csv["device_id"].to_pylist()] == rows["device_id"].to_pylist()
    assert sorted(p.name for p in path.parent.iterdir()) == [f"{table}.csv", f"{table}.parquet"]


@pytest.mark.parametrize(
    ("table", "selection", "rows"),
    [
        ("readings", Selection(device_id="bert"), 600),
        ("readings", Selection(session_id="walk", start=NOON + S, end=NOON + 2 * S), 10),
        ("readings", Selection(sensor="gyroscope"), 0),
        ("activities", Selection(start=NOON, end=NOON + 1), 1),
        ("activities", Selection(recognizer="learned"), 0),
        ("segments", Selection(recognizer="thresholds", device_id="anna"), 2),
        ("segments", Selection(start=NOON + 1), 2),
        ("days", Selection(end=NOON + DAY // 2), 1),
    ],
)
def test_a_selection(
    connection: duckdb.DuckDBPyConnection, table: str, selection: Selection, rows: int, tmp_path: Path
) -> None:
    assert export(connection, table, tmp_path / "x.parquet", selection).rows == rows


def test_rows_are_in_order(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    export(connection, "segments", tmp_path / "x.parquet")
    rows: list[Any] = pq.read_table(tmp_path / "x.parquet").to_pylist()
    assert [(row["device_id"], row["covered"]) for row in rows] == [("anna", 60.0), ("anna", 60.0), ("bert", 60.0)]


@pytest.mark.parametrize(
    ("table", "selection"),
    [
        ("readings", Selection(recognizer="thresholds")),
        ("segments", Selection(sensor="gyroscope")),
        ("days", Selection(session_id="walk")),
    ],
)
def test_what_a_table_has_no_column_for_is_refused(
    connection: duckdb.DuckDBPyConnection, table: str, selection: Selection, tmp_path: Path
) -> None:
    with pytest.raises(NotFoundError, match="to choose by"):
        export(connection, table, tmp_path / "x.parquet", selection)
    assert not list(tmp_path.glob("x*"))


def test_a_folder_that_cannot_be_written_is_named(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(GaitwayError, match=r"cannot write x\.csv"):
        export(connection, "days", tmp_path / "file" / "x.csv")
