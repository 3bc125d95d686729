"""The warehouse: how far it is behind the tapes, whether its files can be read, and whether the views fit the place."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pyarrow as pa
import pyarrow.parquet as pq

from gaitway.errors import GaitwayError, WarehouseError
from gaitway.log.activity import ActivityTapeReader
from gaitway.log.reader import SqliteTapeReader
from gaitway.ops.doctor import Finding, Subject
from gaitway.profiles.folder import DataFolder
from gaitway.warehouse.layout import SCHEMA_RANGE, Layout, joined
from gaitway.warehouse.schemas import SCHEMAS, Table
from gaitway.warehouse.views import settings_of, views_are_current, write_views_file


def position(subject: Subject) -> Iterator[Finding]:
    """How far each table is, against its tape; and holes in what is written."""
    for data, table in _tables(subject):
        layout = Layout(data.warehouse, table)
        run = joined([SCHEMA_RANGE, *layout.markers()])
        done, end = run[0].last, _tape_end(data, table)
        if len(run) > 1:
            what = f"{table}: positions {done + 1} to {run[1].first - 1} are not in the warehouse, later ones are"
            hint = "A running server writes them as long as the log holds them; then look again."
            yield Finding("warn", what, "a marker is gone, or a write was cut short", hint)
        if end is not None and done > end:
            what = f"{table}: the warehouse is at position {done}, the tape ends at {end}"
            hint = "Restore log and warehouse from the same backup."
            yield Finding("fail", what, "the log is older than the warehouse: new records would not be written", hint)
        elif len(run) == 1:
            yield Finding("ok", f"{table}: written up to position {done}" + ("" if end is None else f" of {end}"))


def files(subject: Subject) -> Iterator[Finding]:
    """Every file that counts has a readable footer and the columns of its table."""
    for data, table in _tables(subject):
        layout = Layout(data.warehouse, table)
        live, faults = layout.live(), 0
        for file in live:
            try:
                schema = pq.read_schema(file.path)
            except (OSError, pa.ArrowException) as error:
                faults += 1
                hint = "Restore it from a backup." if table == "raw" else "Delete it and run `gaitway rebuild`."
                yield Finding("fail", f"{file.path.name} cannot be read", f"{file.path.parent}: {error}", hint)
                continue
            if schema.names != SCHEMAS[table].names:
                faults += 1
                yield Finding("fail", f"{file.path.name} has other columns", str(file.path.parent), "Move it away.")
        if not faults:
            yield Finding("ok", f"{table}: {len(live)} files can be read")


def views(subject: Subject) -> Iterator[Finding]:
    """The views name absolute paths: written again when the folder has moved."""
    if subject.data is None or not DataFolder(subject.data).warehouse.is_dir():
        return
    try:
        current, lead = views_are_current(subject.data, subject.timezone), settings_of(subject.data).lead
        timezone = subject.timezone or settings_of(subject.data).timezone
    except WarehouseError:  # damaged: as good as missing
        current, lead, timezone = False, None, subject.timezone or "UTC"
    if current:
        yield Finding("ok", "the views fit the folder")
        return
    path = write_views_file(subject.data, timezone, lead)
    yield Finding("warn", f"the views did not fit the folder and were written again: {path.name}", "the folder moved,"
                  " the file was gone, or another version wrote it", "Nothing is left to do.")  # fmt: skip


def _tables(subject: Subject) -> Iterator[tuple[DataFolder, Table]]:
    if subject.data is not None:
        data = DataFolder(subject.data)
        yield from ((data, table) for table in SCHEMAS if (data.warehouse / table).is_dir())


def _tape_end(data: DataFolder, table: Table) -> int | None:
    """The end of a table's tape; None where it cannot be told (another check says why)."""
    try:
        if table == "activities" and data.activity.exists():
            with closing(ActivityTapeReader(data.activity)) as activities:
                return activities.end()
        if table == "raw" and data.tape.is_dir():
            with closing(SqliteTapeReader(data.tape, data.registry)) as tape:
                return tape.end()
    except (GaitwayError, sqlite3.Error):
        return None
    return None
