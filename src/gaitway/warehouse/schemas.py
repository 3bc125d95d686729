"""The columns of the two tables, and how a Parquet file of each is encoded."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq

Table = Literal["raw", "activities"]

#: What the app multiplies iPhone accelerations with: they are exactly float32 x 9.80665.
STANDARD_GRAVITY = 9.80665


# Columns whose values repeat in long runs. In the file they are plain columns with Parquet's dictionary encoding.
_TEXT = pa.dictionary(pa.int32(), pa.string())
_INTEGER = pa.dictionary(pa.int32(), pa.int64())
_SCALE = pa.dictionary(pa.int32(), pa.float64())

_RAW: dict[str, pa.DataType] = {
    "device_id": _TEXT,
    "session_id": _TEXT,
    "sensor": _TEXT,
    "time": pa.int64(),
    "x": pa.float32(),
    "y": pa.float32(),
    "z": pa.float32(),
    "scale": _SCALE,
    "x64": pa.float64(),
    "y64": pa.float64(),
    "z64": pa.float64(),
    "values": pa.string(),
    "rest": pa.string(),
    "accuracy": pa.int8(),
    "message_id": _TEXT,
    "transport": _TEXT,
    "received_at": _INTEGER,
    "position": _INTEGER,
    "time_unit": _TEXT,
    "envelope": _TEXT,
}
#: Saying which columns are never null saves a tenth of the time of writing.
_RAW_NULLABLE = {"x", "y", "z", "scale", "x64", "y64", "z64", "values", "rest", "accuracy", "message_id", "envelope"}

#: One row per reading. Its x is `x64` where that is set, else `x * scale` in float64.
RAW = pa.schema([pa.field(name, type_, nullable=name in _RAW_NULLABLE) for name, type_ in _RAW.items()])

_ACTIVITIES: dict[str, pa.DataType] = {
    "device_id": pa.string(),
    "session_id": pa.string(),
    "window_start": pa.timestamp("us"),
    "window_end": pa.timestamp("us"),
    "activity": pa.string(),
    "confidence": pa.float64(),
    "avg_magnitude": pa.float64(),
    "sample_count": pa.int64(),
    "coverage": pa.float64(),
    "recognizer": pa.string(),
    "revision": pa.int64(),
    "status": pa.string(),
    "schema_version": pa.int32(),
    "position": pa.int64(),
}
#: One row per version of the verdict on a window.
ACTIVITIES = pa.schema(_ACTIVITIES)

SCHEMAS: dict[Table, pa.Schema] = {"raw": RAW, "activities": ACTIVITIES}

_FLOATS = ("x", "y", "z", "x64", "y64", "z64")
_DELTAS = ("time", "window_start", "window_end", "revision", "position")
#: Columns by which readers skip row groups.
_PRUNED = ("device_id", "session_id", "sensor", "time", "recognizer", "window_start", "position")


def _options(schema: pa.Schema, level: int) -> dict[str, Any]:
    encodings = {name: "BYTE_STREAM_SPLIT" for name in _FLOATS if name in schema.names}
    for name in _DELTAS:
        if name in schema.names and not pa.types.is_dictionary(schema.field(name).type):
            encodings[name] = "DELTA_BINARY_PACKED"
    return {
        "compression": "zstd",
        "compression_level": level,
        "use_dictionary": [name for name in schema.names if name not in encodings and name not in ("values", "rest")],
        "column_encoding": encodings,
        # Large pages: readers skip row groups, not pages, and small ones cost a quarter of the time of writing.
        "write_batch_size": 65_536,
        "max_rows_per_page": 1_000_000,
        "write_statistics": [name for name in _PRUNED if name in schema.names],
        # Without the Arrow types beside, a dictionary column reads as the plain column that it is.
        "store_schema": False,
    }


def write_file(path: Path, table: Table, row_groups: Iterable[pa.Table], level: int = 1) -> None:
    """Write tables of one schema as the row groups of one file. Not durable by itself: see `durable.publish`."""
    schema = SCHEMAS[table]
    with pq.ParquetWriter(path, schema, **_options(schema, level)) as writer:
        for rows in row_groups:
            writer.write_table(rows, row_group_size=max(1, rows.num_rows))


def write_empty(path: Path, table: Table) -> None:
    """Write a file of no rows: with it a view works before the first row."""
    write_file(path, table, [])
