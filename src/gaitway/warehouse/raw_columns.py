"""Blocks of readings -> Arrow columns, by NumPy over whole runs of blocks: no Python per reading.

messages on the tape                 pieces of a day, by stream and sensor       one table: a row group
[acc gyr] [acc gyr] [acc gyr]   ->   [acc acc acc] [gyr gyr gyr]            ->   dictionary and number columns
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gaitway.core.message import Block, Message
from gaitway.warehouse.layout import DAY, utc_day
from gaitway.warehouse.schemas import RAW, STANDARD_GRAVITY

#: Rows of a row group in small files: enough for the encodings, small in memory.
GROUP_ROWS = 131_072
_SCALES = (1.0, STANDARD_GRAVITY)
_NO_AXES, _WIDE = -1, -2


class Piece(NamedTuple):
    """Readings of one block that belong to one day, with the message they came in."""

    device_id: str
    session_id: str
    sensor: str
    position: int
    message: Message
    block: Block


def choose(block: Block, rows: NDArray[np.bool_] | NDArray[np.intp]) -> Block:
    """A block of some of the readings.

    >>> choose(Block("light", np.array([7, 8, 9]), values=("{}", None, "[]")), np.array([False, True, True])).values
    (None, '[]')
    """
    index = np.arange(len(block))[rows].tolist()

    def of(texts: tuple[str | None, ...] | None) -> tuple[str | None, ...] | None:
        return None if texts is None else tuple(texts[i] for i in index)

    return Block(
        block.sensor,
        block.times[rows],
        None if block.xyz is None else block.xyz[:, rows],
        None if block.accuracy is None else block.accuracy[rows],
        of(block.values),
        of(block.rest),
        block.time_unit,
    )


def by_day(messages: Iterable[tuple[int, Message]]) -> dict[date, list[Piece]]:
    """The readings of (position, message) by UTC day, each day ordered by device, session, sensor, position.

    So a row group holds few streams and sensors, which readers use to skip it, and neighbours in a column are alike.
    """
    pieces = [
        Piece(*message.stream, block.sensor, position, message, block)
        for position, message in messages
        for block in message.blocks
        if len(block)
    ]
    if not pieces:
        return {}
    pieces.sort(key=lambda piece: piece[:4])
    times, starts = _joined_times(pieces)
    first = (np.minimum.reduceat(times, starts) // DAY).tolist()
    last = (np.maximum.reduceat(times, starts) // DAY).tolist()
    days: dict[int, list[Piece]] = {}
    for piece, low, high in zip(pieces, first, last, strict=True):
        if low == high:
            days.setdefault(low, []).append(piece)
            continue
        of_reading = piece.block.times // DAY
        for day in np.unique(of_reading).tolist():
            days.setdefault(day, []).append(piece._replace(block=choose(piece.block, of_reading == day)))
    return {utc_day(day * DAY): days[day] for day in sorted(days)}


def row_groups(pieces: Sequence[Piece], rows: int = GROUP_ROWS) -> Iterator[pa.Table]:
    """The tables of a day's pieces, about `rows` rows each; made one at a time, so that memory stays small."""
    group: list[Piece] = []
    size = 0
    for piece in pieces:
        group.append(piece)
        size += len(piece.block)
        if size >= rows:
            yield table(group)
            group, size = [], 0
    if group:
        yield table(group)


def table(pieces: Sequence[Piece]) -> pa.Table:
    """The columns of some pieces (at least one), in the schema RAW."""
    devices, sessions, sensors, positions, messages, blocks = zip(*pieces, strict=True)
    counts = np.array([len(block.times) for block in blocks])
    columns = {
        "device_id": _coded(devices, counts, pa.string()),
        "session_id": _coded(sessions, counts, pa.string()),
        "sensor": _coded(sensors, counts, pa.string()),
        "time": pa.array(np.concatenate([block.times for block in blocks])),
        **_axes(blocks, counts),
        "values": _texts([block.values for block in blocks], counts),
        "rest": _texts([block.rest for block in blocks], counts),
        "accuracy": _accuracy(blocks, counts),
        "message_id": _coded([_text(message.message_id) for message in messages], counts, pa.string()),
        "transport": _coded([message.transport for message in messages], counts, pa.string()),
        "received_at": _coded([message.received_at for message in messages], counts, pa.int64()),
        "position": _coded(positions, counts, pa.int64()),
        "time_unit": _coded([block.time_unit for block in blocks], counts, pa.string()),
        "envelope": _coded([message.rest for message in messages], counts, pa.string()),
    }
    return pa.table([columns[name] for name in RAW.names], schema=RAW)


def dictionary(codes: NDArray[np.int32], values: Any) -> Any:
    """A dictionary column over an array of values; a negative code is null."""
    absent = codes < 0
    indices: Any = pa.array(codes, mask=absent) if absent.any() else pa.array(codes)
    return pa.DictionaryArray.from_arrays(indices, values, safe=False)


def _joined_times(pieces: Sequence[Piece]) -> tuple[NDArray[np.int64], NDArray[np.intp]]:
    times = [piece.block.times for piece in pieces]
    return np.concatenate(times), _starts(np.array([len(each) for each in times]))


def _starts(counts: NDArray[np.intp]) -> NDArray[np.intp]:
    return np.cumsum(counts) - counts


def _coded(values: Sequence[Any], counts: NDArray[np.intp], type_: pa.DataType) -> Any:
    distinct = dict.fromkeys(values)
    distinct.pop(None, None)
    try:
        names = pa.array(list(distinct), type_)
    except UnicodeEncodeError:
        return _coded([_storable(value) for value in values], counts, type_)
    codes = dict(zip(distinct, range(len(distinct)), strict=True))
    of_piece = np.array([codes.get(value, -1) for value in values], np.int32)
    return dictionary(np.repeat(of_piece, counts), names)


def _storable(text: str | None) -> str | None:
    """Half of a surrogate pair has no UTF-8. As an escape it stays what it was, in JSON at least."""
    return None if text is None else text.encode("utf-8", "backslashreplace").decode()


def _text(value: int | str | None) -> str | None:
    return None if value is None else str(value)


def _texts(columns: Sequence[tuple[str | None, ...] | None], counts: NDArray[np.intp]) -> Any:
    if all(column is None for column in columns):
        return pa.nulls(int(counts.sum()), pa.string())
    joined: list[str | None] = []
    for column, count in zip(columns, counts.tolist(), strict=True):
        joined.extend([None] * count if column is None else column)
    try:
        return pa.array(joined, pa.string())
    except UnicodeEncodeError:
        return pa.array([_storable(text) for text in joined], pa.string())


def _accuracy(blocks: Sequence[Block], counts: NDArray[np.intp]) -> Any:
    if all(block.accuracy is None for block in blocks):
        return pa.nulls(int(counts.sum()), pa.int8())
    joined = np.concatenate(
        [np.full(len(block), -1, np.int8) if block.accuracy is None else block.accuracy for block in blocks]
    )
    return pa.array(joined, mask=joined == -1)


def _axes(blocks: Sequence[Block], counts: NDArray[np.intp]) -> dict[str, Any]:
    """x, y, z as float32 with a scale where that gives every value of the block back exactly, else as float64."""
    with_axes = np.array([block.xyz is not None for block in blocks])
    xyz = _joined_axes(blocks, counts, with_axes)
    singles, codes = _singles(xyz, counts)
    codes[~with_axes] = _NO_AXES
    of_row = np.repeat(codes, counts)
    narrow, wide = bool((codes >= 0).all()), bool((codes == _WIDE).any())
    columns: dict[str, Any] = {"scale": dictionary(of_row, pa.array(_SCALES, pa.float64()))}
    for axis, single, double in zip("xyz", singles, xyz, strict=True):
        columns[axis] = pa.array(single) if narrow else pa.array(single, mask=of_row < 0)
        columns[f"{axis}64"] = pa.array(double, mask=of_row != _WIDE) if wide else pa.nulls(len(of_row), pa.float64())
    return columns


def _joined_axes(
    blocks: Sequence[Block], counts: NDArray[np.intp], with_axes: NDArray[np.bool_]
) -> NDArray[np.float64]:
    parts = [block.xyz for block in blocks if block.xyz is not None]
    if with_axes.all():
        return np.concatenate(parts, axis=1)
    xyz = np.zeros((3, int(counts.sum())))
    if parts:
        xyz[:, np.repeat(with_axes, counts)] = np.concatenate(parts, axis=1)
    return xyz


def _singles(xyz: NDArray[np.float64], counts: NDArray[np.intp]) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """float32 values and, per block, the code of the scale that gives it back exactly; _WIDE where none does."""
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        # The first reading of a block nearly always tells its scale: one try for most, a second for what failed.
        heads = xyz[:, _starts(counts)]
        codes = np.where((heads.astype(np.float32) == heads).all(axis=0), 0, 1).astype(np.int32)
        singles, exact = _narrowed(xyz, codes, counts)
        if not exact.all():
            failed = np.flatnonzero(~exact)
            rows = np.repeat(~exact, counts)
            other = 1 - codes[failed]
            singles[:, rows], exact_now = _narrowed(xyz[:, rows], other, counts[failed])
            codes[failed] = np.where(exact_now, other, _WIDE)
    return singles, codes


def _narrowed(
    xyz: NDArray[np.float64], codes: NDArray[np.int32], counts: NDArray[np.intp]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """float32 values at each block's scale, and whether these give the block back."""
    alike = bool((codes == codes[0]).all())
    scale: Any = _SCALES[codes[0]] if alike else np.repeat(np.array(_SCALES)[codes], counts)
    singles = np.empty(xyz.shape, np.float32)
    fits = np.ones(xyz.shape[1], np.bool_)
    for axis, single in zip(xyz, singles, strict=True):
        single[:] = axis / scale
        fits &= single * np.float64(scale) == axis
    return singles, np.logical_and.reduceat(fits, _starts(counts))
