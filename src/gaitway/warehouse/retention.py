"""Dropping old raw readings: whole UTC days, after their streams were sealed. Activities stay.

streams_before(folder, day)  ->  the caller puts seal(stream, day_start(day)) on tape 1 for each  ->  drop_before
"""

from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from gaitway.core.message import Stream
from gaitway.errors import WarehouseError
from gaitway.warehouse.durable import remove
from gaitway.warehouse.layout import Layout

_STREAM = ["device_id", "session_id"]


def streams_before(folder: Path, before: date) -> list[Stream]:
    """The streams with readings on days before a date, in order: those to seal before `drop_before`."""
    layout = Layout(folder, "raw")
    streams: set[Stream] = set()
    for day in layout.dates():
        if day < before:
            for path in layout.live_files(day):
                streams |= _streams(path)
    return sorted(streams)


def drop_before(folder: Path, before: date) -> int:
    """Unlink the raw files of days before a date; how many bytes that freed. Safe to call again, also when broken off.

    Not beside `compact`, which might bring back a day that it is just merging.
    """
    layout = Layout(folder, "raw")
    freed = 0
    for day in layout.dates():
        if day < before:
            folder_of_day = layout.day_folder(day)
            for path in sorted(folder_of_day.iterdir()):
                freed += path.stat().st_size
                remove(path)
            _remove_folder(folder_of_day)
    return freed


def _streams(path: Path) -> set[Stream]:
    found: set[Stream] = set()
    with pq.ParquetFile(path, read_dictionary=_STREAM) as file:
        for group in range(file.num_row_groups):
            rows = file.read_row_group(group, columns=_STREAM).group_by(_STREAM, use_threads=False).aggregate([])
            found |= {Stream(*pair) for pair in zip(*(_texts(rows, name) for name in _STREAM), strict=True)}
    return found


def _texts(rows: pa.Table, name: str) -> list[str]:
    return [str(value) for value in rows[name].to_pylist()]


def _remove_folder(folder: Path) -> None:
    try:
        folder.rmdir()
    except OSError as error:
        message = f"cannot remove a day of the warehouse: {error.strerror}"
        raise WarehouseError(message, where=str(folder), hint="Move away what does not belong there.") from error
