"""A DuckDB connection of one's own with all tables in it: what `gaitway.connect`, `sql` and `export` work with."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa

from gaitway.ports import ActivityReader, TapeReader
from gaitway.warehouse.layout import Layout
from gaitway.warehouse.schemas import Table
from gaitway.warehouse.sources import Rows, globbed
from gaitway.warehouse.tail import ActivityTail, RawTail, Tail
from gaitway.warehouse.views import DATABASE, create, definitions, file_views, require, settings_of, settings_view

if TYPE_CHECKING:
    import duckdb

_TAILS: dict[Table, str] = {"raw": f"{DATABASE}.GAITWAY.RAW_TAIL", "activities": f"{DATABASE}.GAITWAY.ACTIVITY_TAIL"}


class Tapes(NamedTuple):
    """Both tapes, for what is not yet in a file."""

    raw: TapeReader
    activities: ActivityReader


def connect(
    folder: Path, flush: Callable[[Path], object] | None = None, tapes: Tapes | None = None
) -> "duckdb.DuckDBPyConnection":
    """An in-memory DuckDB with the views of a data folder: ACTIVITY_DB.RAW_DATA.READINGS, also plain `readings`.

    `flush` asks a running server to write its tail first; what is on the `tapes` and still in no file is read from
    there, once. So everything is in it that was acknowledged before; files that come later are seen too. It holds no
    lock and cannot change the warehouse. Raises NotFoundError where the folder holds no warehouse.
    """
    import duckdb

    warehouse = require(folder)
    if flush is not None:
        flush(folder)
    connection = duckdb.connect()
    connection.execute(f"ATTACH ':memory:' AS {DATABASE}")
    connection.execute(f"CREATE SCHEMA {DATABASE}.GAITWAY")
    raw = _rows(connection, warehouse, "raw", RawTail(tapes.raw) if tapes else None)
    activities = _rows(connection, warehouse, "activities", ActivityTail(tapes.activities) if tapes else None)
    settings = settings_of(folder)
    views = file_views(warehouse, settings) | definitions(raw, activities, settings)
    create(connection, views | {"GAITWAY.SETTINGS": settings_view(warehouse, settings)}, DATABASE)
    connection.execute("SET parquet_metadata_cache = true")
    schemas = ("main", "PROCESSED_DATA", "RAW_DATA")
    connection.execute(f"SET search_path = '{','.join(f'{DATABASE}.{schema}' for schema in schemas)}'")
    return connection


def _rows(connection: "duckdb.DuckDBPyConnection", warehouse: Path, table: Table, tail: Tail | None) -> Rows:
    # The position first: what is written meanwhile is then seen in the tail and in the files, and counts once.
    position = Layout(warehouse, table).position()
    rows = tail.rows(position)[1] if tail is not None else pa.table({})
    if not rows.num_rows:
        return globbed(warehouse, table)
    connection.register("gaitway_tail", rows)
    connection.execute(f"CREATE TABLE {_TAILS[table]} AS FROM gaitway_tail")
    connection.unregister("gaitway_tail")
    return globbed(warehouse, table, _TAILS[table])
