"""Dropping old raw readings: whole UTC days, after their streams were sealed. Activities stay.

readings_before(folder, day)  ->  the caller puts seal(stream, day_start(day)) on tape 1 for each stream, and asks again
                             ->  all are sealed: drop_files of exactly the files whose streams were looked at
"""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from gaitway.core.message import Stream
from gaitway.errors import WarehouseError
from gaitway.warehouse.durable import TMP, remove
from gaitway.warehouse.layout import Layout

_STREAM = ["device_id", "session_id"]


class Old(NamedTuple):
    """What lies before a day: whose readings, and in which files."""

    streams: list[Stream]
    files: list[Path]
    """The files that count, behind those that a merged one among them has replaced."""


def readings_before(folder: Path, before: date) -> Old:
    """The streams with readings on days before a date, in order: those to seal before their files are dropped."""
    layout = Layout(folder, "raw")
    streams: set[Stream] = set()
    files: list[Path] = []
    for day in layout.dates():
        if day < before:
            live = layout.live(day)
            for file in live:
                streams |= _streams(file.path)
            replaced = [file for file in layout.files(day) if any(other.replaces(file) for other in live)]
            files += [file.path for file in (*replaced, *live)]
    return Old(sorted(streams), files)


def drop_files(files: Sequence[Path]) -> int:
    """Unlink files that `readings_before` named; how many bytes that freed. Safe to call again, also when broken off.

    A late reading that came to such a day meanwhile is in a file of its own, and stays. Not beside `compact`, which
    might bring back a day that it is just merging.
    """
    freed = 0
    for path in files:
        if path.exists():
            freed += path.stat().st_size
            remove(path)
    for folder in sorted({path.parent for path in files}):
        _remove_folder(folder)
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
    """Remove a day that is empty; one to which readings came meanwhile stays until the next time."""
    if not folder.exists() or any(path.suffix in (".parquet", TMP) for path in folder.iterdir()):
        return
    try:
        folder.rmdir()
    except OSError as error:
        message = f"cannot remove a day of the warehouse: {error.strerror}"
        raise WarehouseError(message, where=str(folder), hint="Move away what does not belong there.") from error
