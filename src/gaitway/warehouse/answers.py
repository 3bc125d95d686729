"""How questions are put and answers are shaped: conditions in SQL, rows behind a cursor, rows as dictionaries."""

import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from gaitway.core.activity import iso
from gaitway.core.grid import CELL
from gaitway.ports import Page, Selection
from gaitway.warehouse.cursor import Key, write_cursor
from gaitway.warehouse.sources import quoted

if TYPE_CHECKING:
    import duckdb

Bounds = tuple[int | None, int | None]
"""[start, end) in ns; None: no bound."""

# Infinity and the empty text stand for null, which is no reading's value, so that keys can be compared.
READING_KEY = (
    "device_id, session_id, time, sensor, coalesce(x, '-infinity'::DOUBLE), coalesce(y, '-infinity'::DOUBLE), "
    "coalesce(z, '-infinity'::DOUBLE), coalesce(\"values\", '')"
)
READING_TYPES = (str, str, int, str, float, float, float, str)
READING = f'{READING_KEY}, x, y, z, "values"'
RECORD_KEY = "device_id, session_id, epoch_us(window_start), recognizer"
_RECORD_NAMES = (
    *("activity", "confidence", "avg_magnitude", "sample_count", "coverage"),
    *("recognizer", "revision", "status", "schema_version"),
)
RECORD = f"{RECORD_KEY}, epoch_ns(window_start), epoch_ns(window_end), {', '.join(_RECORD_NAMES)}"
SEGMENT_KEY = "device_id, session_id, start_ns, recognizer"
SEGMENT = f"{SEGMENT_KEY}, activity, end_ns, cells"
MOMENT_TYPES = (str, str, int, str)
"""Of the keys of records and segments."""


class Question(NamedTuple):
    """A SELECT without its conditions, and what its rows are ordered by."""

    select: str
    where: Sequence[str]
    order: str

    def ask(self, connection: "duckdb.DuckDBPyConnection", key: Key | None, limit: int) -> list[Any]:
        """Up to `limit` rows behind a key."""
        conditions, parameters = [*self.where], {}
        if key is not None:
            parameters = {f"k{at}": part for at, part in enumerate(key)}
            conditions.append(f"({self.order}) > ({', '.join(f'$k{at}' for at in range(len(key)))})")
        where = " AND ".join(f"({condition})" for condition in conditions) or "true"
        found = f"{self.select} WHERE {where} ORDER BY {self.order} LIMIT {limit}"
        return connection.execute(found, parameters).fetchall()


def between(column: str, bounds: Bounds, write: Callable[[int], str] = str) -> list[str]:
    """Conditions on a column; `write` gives a time in ns as what the column is compared with.

    >>> between("time", (5, None)), between("time", (5, 9))
    (['time >= 5'], ['time >= 5', 'time < 9'])
    """
    return [
        f"{column} {sign} {write(bound)}" for sign, bound in zip((">=", "<"), bounds, strict=True) if bound is not None
    ]


def timestamp(time: int) -> str:
    """A time in ns as a timestamp of whole us; what lies between two moves up to the next, as bounds should."""
    return f"make_timestamp({-(-time // 1000)})"


def of_stream(selection: Selection) -> list[str]:
    """Conditions on the stream that was asked for."""
    given = {"device_id": selection.device_id, "session_id": selection.session_id}
    return [f"{column} = {quoted(value)}" for column, value in given.items() if value is not None]


def paged(rows: Sequence[Any], limit: int, shape: "Shape") -> Page:
    """A page of at most `limit` of the rows, with a cursor when there are more."""
    more = len(rows) > limit
    shaped = [shape.row(row) for row in rows[:limit]]
    return Page(shaped, write_cursor(tuple(rows[limit - 1][: shape.key])) if more else None)


def _reading(row: Sequence[Any]) -> dict[str, Any]:
    device, session, time, sensor = row[:4]
    values = {axis: value for axis, value in zip("xyz", row[8:11], strict=True) if value is not None}
    values |= json.loads(row[11]) if row[11] else {}
    return {"device_id": device, "session_id": session, "sensor": sensor, "time": time, "values": values}


def _record(row: Sequence[Any]) -> dict[str, Any]:
    device, session, _, _, start, end, *rest = row
    record = {"session_id": session, "device_id": device, "window_start": iso(start), "window_end": iso(end)}
    return record | dict(zip(_RECORD_NAMES, rest, strict=True))


def _segment(row: Sequence[Any]) -> dict[str, Any]:
    device, session, start, recognizer, activity, end, cells = row
    stream = {"device_id": device, "session_id": session, "recognizer": recognizer, "activity": activity}
    return stream | {"start": iso(start), "end": iso(end), "covered": cells * CELL / 1_000_000_000}


class Shape(NamedTuple):
    """How a row becomes a dictionary, and how many of its columns are its key."""

    row: Callable[[Sequence[Any]], dict[str, Any]]
    key: int


reading = Shape(_reading, len(READING_TYPES))
record = Shape(_record, len(MOMENT_TYPES))
segment = Shape(_segment, len(MOMENT_TYPES))
