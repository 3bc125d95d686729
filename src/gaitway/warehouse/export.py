"""Tables as files for other programs: Parquet or CSV, one file a table, written piece by piece in little memory."""

import os
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from gaitway.errors import GaitwayError, NotFoundError, WarehouseError
from gaitway.ports import Selection
from gaitway.warehouse.answers import between, of_stream, timestamp
from gaitway.warehouse.layout import day_start
from gaitway.warehouse.sources import quoted
from gaitway.warehouse.tables import of_recognizer

if TYPE_CHECKING:
    import duckdb

Progress = Callable[[int, int], None]
_BATCH = 100_000


class Exportable(NamedTuple):
    """A view that can be exported, and the column that orders its rows in time."""

    view: str
    time: str
    unit: Literal["ns", "timestamp", "date"]
    order: str
    files: Literal["RAW", "ACTIVITY"] | None = None
    """Whose files tell the days it has rows on; None where its rows lie across days."""


_STREAM = "device_id, session_id"
_WINDOWS = f"{_STREAM}, recognizer, window_start"
TABLES: dict[str, Exportable] = {
    "readings": Exportable("RAW_DATA.READINGS", "time", "ns", f"{_STREAM}, sensor, time", "RAW"),
    "activities": Exportable("PROCESSED_DATA.ACTIVITIES_CURRENT", "window_start", "timestamp", _WINDOWS, "ACTIVITY"),
    "versions": Exportable(
        "PROCESSED_DATA.USER_ACTIVITY_PROCESSED", "window_start", "timestamp", f"{_WINDOWS}, revision", "ACTIVITY"
    ),
    "segments": Exportable("PROCESSED_DATA.SEGMENTS", "segment_start", "timestamp", f"{_STREAM}, segment_start"),
    "days": Exportable("PROCESSED_DATA.DAYS", "day", "date", "device_id, day"),
}


class Exported(NamedTuple):
    """What was written."""

    table: str
    path: str
    rows: int
    bytes: int


def export(
    connection: "duckdb.DuckDBPyConnection",
    table: str,
    path: Path,
    selection: Selection | None = None,
    progress: Progress = lambda done, of: None,
) -> Exported:
    """Write what is selected of a table (a name in `TABLES`) to a file; whole or not at all.

    `.csv` in its name makes it CSV, anything else Parquet. `connection` is one of `connect`. Readings and activities
    are written a UTC day at a time, segments a phone at a time: `progress` is told how many of how many are done.
    """
    import duckdb

    chosen, wanted = TABLES[table], selection or Selection()
    tmp = path.with_name(path.name + ".tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            rows = _write(connection, chosen, wanted, tmp, progress)
            os.replace(tmp, path)
        finally:
            tmp.unlink(missing_ok=True)
    except OSError as error:
        message = f"cannot write {path.name}: {error.strerror or error}"
        raise GaitwayError(message, where=str(path.parent), hint="Choose another folder with --out.") from error
    except duckdb.Error as error:
        hint = "Try again; if it stays so, `gaitway doctor` looks at the folder."
        raise WarehouseError(f"cannot read {table}: {error}", where=chosen.view, hint=hint) from error
    return Exported(table, str(path), rows, path.stat().st_size)


def _write(
    connection: "duckdb.DuckDBPyConnection", chosen: Exportable, selection: Selection, tmp: Path, progress: Progress
) -> int:
    wanted = _conditions(chosen, selection)
    pieces = _pieces(connection, chosen, selection)
    rows = 0
    with _writer(tmp, _reader(connection, chosen, ["false"]).schema) as writer:
        for done, piece in enumerate(pieces):
            progress(done, len(pieces))
            for batch in _reader(connection, chosen, [*wanted, piece]):
                writer.write_batch(batch)
                rows += batch.num_rows
    progress(len(pieces), len(pieces))
    return rows


def _reader(connection: "duckdb.DuckDBPyConnection", chosen: Exportable, where: Sequence[str]) -> pa.RecordBatchReader:
    # JSON has no Arrow type that every reader knows: as text it is the same bytes.
    columns = '* REPLACE ("values"::VARCHAR AS "values")' if chosen.view == "RAW_DATA.READINGS" else "*"
    select = f"SELECT {columns} FROM ACTIVITY_DB.{chosen.view} WHERE {' AND '.join(where)} ORDER BY {chosen.order}"
    found: pa.RecordBatchReader = connection.sql(select).to_arrow_reader(_BATCH)
    return found


def _writer(tmp: Path, schema: pa.Schema) -> AbstractContextManager[Any]:
    if tmp.suffixes[-2:-1] == [".csv"]:
        writer: AbstractContextManager[Any] = pyarrow.csv.CSVWriter(tmp, schema)
        return writer
    return pq.ParquetWriter(tmp, schema, compression="zstd")


def _conditions(chosen: Exportable, selection: Selection) -> list[str]:
    """Conditions in SQL that a selection stands for. Raises NotFoundError where the table has no such column."""
    found = ["true", *of_stream(selection)]
    if selection.sensor is not None:
        found.append(f"sensor = {quoted(selection.sensor)}")
    if selection.recognizer is not None:
        found.append(f"({of_recognizer(selection.recognizer)})")
    for wrong, column in (
        (chosen.unit == "date" and selection.session_id is not None, "session"),
        (chosen.files != "RAW" and selection.sensor is not None, "sensor"),
        (chosen.files == "RAW" and selection.recognizer is not None, "recognizer"),
    ):
        if wrong:
            hint = "Leave it out, or export another table."
            raise NotFoundError(f"{chosen.view} has no {column} to choose by", where=column, hint=hint)
    return found + between(chosen.time, (selection.start, selection.end), _moment(chosen))


def _moment(chosen: Exportable) -> Callable[[int], str]:
    """How a time in ns is written beside the table's time column."""
    return str if chosen.unit == "ns" else timestamp


def _pieces(connection: "duckdb.DuckDBPyConnection", chosen: Exportable, selection: Selection) -> list[str]:
    """Conditions that cut a table into pieces which fit into memory, in order."""
    if chosen.files is None:
        phones = "SELECT DISTINCT device_id FROM ACTIVITY_DB.PROCESSED_DATA.ACTIVITIES_CURRENT ORDER BY 1"
        return [f"device_id = {quoted(device)}" for (device,) in connection.execute(phones).fetchall()]
    select = f"SELECT date FROM ACTIVITY_DB.GAITWAY.{chosen.files}_FILES WHERE last > 0"
    tail = f"{chosen.files}_TAIL"
    if connection.execute(f"SELECT 1 FROM duckdb_tables() WHERE table_name = '{tail}'").fetchall():
        time = f"make_timestamp({chosen.time} // 1000)" if chosen.unit == "ns" else chosen.time
        select += f" UNION SELECT {time}::DATE FROM ACTIVITY_DB.GAITWAY.{tail}"
    days = [day for (day,) in connection.execute(f"SELECT DISTINCT date FROM ({select}) ORDER BY 1").fetchall()]
    return [_of_day(chosen, day) for day in days if _overlaps(day, selection)]


def _of_day(chosen: Exportable, day: date) -> str:
    bounds = day_start(day), day_start(day + timedelta(days=1))
    return " AND ".join(between(chosen.time, bounds, _moment(chosen)))


def _overlaps(day: date, selection: Selection) -> bool:
    before_end = selection.end is None or day_start(day) < selection.end
    return before_end and (selection.start is None or day_start(day + timedelta(days=1)) > selection.start)
