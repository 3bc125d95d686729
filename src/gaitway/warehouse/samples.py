"""Samples read back from the files: what the core needs of older readings, exactly as they were sent."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from gaitway.core.message import CORE_SENSORS, Block, Message, Stream
from gaitway.errors import WarehouseError
from gaitway.warehouse.layout import Layout, utc_day
from gaitway.warehouse.scanning import batches

_COLUMNS = ["sensor", "time", "x", "y", "z", "scale", "x64", "y64", "z64", "values", "received_at"]
_TRIES = 3


def samples(folder: Path, stream: Stream, start: int, end: int, upto: int) -> Iterator[Message]:
    """Readings of `CORE_SENSORS` with start <= time < end and position <= upto, in runs; some may come twice."""
    if start >= end:
        return
    first, last = utc_day(start), utc_day(end - 1)
    layout = Layout(folder, "raw")
    for day in layout.dates():
        if first <= day <= last:
            yield from _of_day(layout, day, stream, _wanted(stream, start, end, upto))


def exact_axes(rows: Any) -> NDArray[np.float64]:
    """x, y, z of a table or batch as they were sent, shape (3, n); NaN where a reading has none."""
    scale = _floats(rows["scale"])
    narrow = np.stack([_floats(rows[axis]) * scale for axis in "xyz"])
    if rows["x64"].null_count == len(rows["x64"]):
        return narrow
    wide = np.stack([_floats(rows[f"{axis}64"]) for axis in "xyz"])
    return np.where(_valid(rows["x64"]), wide, narrow)


def _of_day(layout: Layout, day: date, stream: Stream, wanted: Any) -> Iterator[Message]:
    for _ in range(_TRIES):
        try:
            for path in layout.live_files(day):
                yield from _of_file(path, stream, wanted)
            return
        except FileNotFoundError:
            continue  # Merged and unlinked, or dropped, while we read: look again. What comes twice does no harm.
    message = "files of the warehouse vanish while they are read"
    raise WarehouseError(message, where=str(layout.day_folder(day)), hint="Try again.")


def _wanted(stream: Stream, start: int, end: int, upto: int) -> Any:
    return (
        (pc.field("device_id") == stream.device_id)
        & (pc.field("session_id") == stream.session_id)
        & pc.field("sensor").isin(list(CORE_SENSORS))
        & (pc.field("time") >= start)
        & (pc.field("time") < end)
        & (pc.field("position") <= upto)
    )


def _of_file(path: Path, stream: Stream, wanted: Any) -> Iterator[Message]:
    for batch in batches(path, _COLUMNS, wanted):
        yield _message(stream, batch)


def _message(stream: Stream, batch: Any) -> Message:
    sensors = batch["sensor"]
    codes = sensors.indices.to_numpy(zero_copy_only=False)
    with_axes = _valid(batch["x"]) | _valid(batch["x64"])
    times, xyz = batch["time"].to_numpy(), exact_axes(batch)
    blocks: list[Block] = []
    for code, sensor in enumerate(sensors.dictionary.to_pylist()):
        for rows in (np.flatnonzero((codes == code) & with_axes), np.flatnonzero((codes == code) & ~with_axes)):
            if len(rows):
                values = batch["values"].take(pa.array(rows))
                texts = tuple(values.to_pylist()) if values.null_count < len(values) else None
                blocks.append(Block(sensor, times[rows], xyz[:, rows] if with_axes[rows[0]] else None, values=texts))
    received_at = pc.max(batch["received_at"]).as_py()
    return Message(stream, None, tuple(blocks), received_at)


def _floats(column: Any) -> NDArray[np.float64]:
    return np.asarray(column.to_numpy(zero_copy_only=False), np.float64)


def _valid(column: Any) -> NDArray[np.bool_]:
    return np.asarray(column.is_valid().to_numpy(zero_copy_only=False))
