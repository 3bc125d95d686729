"""Many files of a day -> sorted row groups, one at a time, in the memory of about one of them.

First the rows are counted by series and five minutes; then the order of the output is cut into parts of at most a
row group each, and each part is read from all files (their row groups tell what to skip), sorted, and freed of repeats.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from gaitway.warehouse.repeats import first_of_equals
from gaitway.warehouse.scanning import batches
from gaitway.warehouse.schemas import SCHEMAS, Table

#: Rows of a row group in merged files.
MERGED_ROWS = 500_000
#: A filter names each of its streams, so it should not have too many.
_STREAMS = 32
_SPAN_SECONDS = 300

Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Sorting:
    """How the rows of a table lie in a merged file: by series, then time, then the rest."""

    series: tuple[str, str, str]
    time: str
    rest: tuple[str, ...]
    per_second: int
    """Units of `time` in a second."""
    distinct: bool
    """Whether of equal readings only the first stays."""


SORTINGS: dict[Table, Sorting] = {
    "raw": Sorting(("device_id", "session_id", "sensor"), "time", ("position",), 1_000_000_000, distinct=True),
    "activities": Sorting(
        ("device_id", "session_id", "recognizer"), "window_start", ("revision", "position"), 1_000_000, distinct=False
    ),
}


class Part(NamedTuple):
    """Whole series, or the rows of one in a span of time [low, high)."""

    series: tuple[Key, ...]
    low: int | None = None
    high: int | None = None


def merged_rows(table: Table, files: Sequence[Path], rows: int = MERGED_ROWS) -> Iterator[pa.Table]:
    """The rows of all files as sorted tables of about `rows` rows; of equal readings only the one that came first."""
    sorting = SORTINGS[table]
    for part in parts(_count(files, sorting), rows, _SPAN_SECONDS * sorting.per_second):
        found = _scan(files, SCHEMAS[table].names, _wanted(sorting, part))
        yield _fitted(_sorted(found, sorting), SCHEMAS[table])


def parts(counts: Counter[tuple[Key, int]], rows: int, span: int) -> Iterator[Part]:
    """Cut the sorted order of all rows into parts of at most about `rows`, given rows by (series, time // span).

    >>> counts = Counter({(("a", "b", "c"), 7): 4, (("a", "b", "c"), 8): 3, (("a", "b", "d"), 7): 2})
    >>> [(len(part.series), part.low, part.high) for part in parts(counts, 5, 100)]
    [(1, 700, 800), (1, 800, 900), (1, None, None)]
    """
    by_series: dict[Key, list[tuple[int, int]]] = {}
    for (key, bucket), count in sorted(counts.items()):
        by_series.setdefault(key, []).append((bucket, count))
    together: list[Key] = []
    size = 0
    for key, buckets in by_series.items():
        total = sum(count for _, count in buckets)
        if together and (size + total > rows or len({each[:2] for each in [*together, key]}) > _STREAMS):
            yield Part(tuple(together))
            together, size = [], 0
        if total > rows:
            yield from _slices(key, buckets, rows, span)
        else:
            together.append(key)
            size += total
    if together:
        yield Part(tuple(together))


def _slices(key: Key, buckets: Sequence[tuple[int, int]], rows: int, span: int) -> Iterator[Part]:
    low, size = buckets[0][0], 0
    for bucket, count in buckets:
        if size and size + count > rows:
            yield Part((key,), low * span, bucket * span)
            low, size = bucket, 0
        size += count
    yield Part((key,), low * span, (buckets[-1][0] + 1) * span)


def _count(files: Sequence[Path], sorting: Sorting) -> Counter[tuple[Key, int]]:
    counts: Counter[tuple[Key, int]] = Counter()
    for batch in (batch for path in files for batch in batches(path, [*sorting.series, sorting.time])):
        columns = [_codes(batch[name]) for name in sorting.series]
        buckets = _integers(batch[sorting.time]) // (_SPAN_SECONDS * sorting.per_second)
        base = int(buckets.min())
        sizes = [len(names) for _, names in columns] + [int(buckets.max()) - base + 1]
        flat = np.ravel_multi_index([*(codes for codes, _ in columns), buckets - base], sizes)
        keys, found = np.unique(flat, return_counts=True)
        indices = [axis.tolist() for axis in np.unravel_index(keys, sizes)]
        for device, session, third, bucket, count in zip(*indices, found.tolist(), strict=True):
            key = (columns[0][1][device], columns[1][1][session], columns[2][1][third])
            counts[key, base + bucket] += count
    return counts


def _wanted(sorting: Sorting, part: Part) -> Any:
    device, session, third = (pc.field(name) for name in sorting.series)
    by_stream: dict[tuple[str, str], list[str]] = {}
    for key in part.series:
        by_stream.setdefault(key[:2], []).append(key[2])
    wanted = reduce(or_, ((device == d) & (session == s) & third.isin(names) for (d, s), names in by_stream.items()))
    if part.low is None or part.high is None:
        return wanted
    type_ = pa.int64() if sorting.time == "time" else pa.timestamp("us")
    low, high = (pa.scalar(bound, type_) for bound in (part.low, part.high))
    return wanted & (pc.field(sorting.time) >= low) & (pc.field(sorting.time) < high)


def _scan(files: Sequence[Path], columns: Sequence[str], wanted: Any) -> pa.Table:
    found = [batch for path in files for batch in batches(path, columns, wanted)]
    return pa.Table.from_batches(found).unify_dictionaries().combine_chunks()


def _sorted(rows: pa.Table, sorting: Sorting) -> pa.Table:
    series = _series(rows, sorting)
    time = _integers(rows[sorting.time])
    rest = [_integers(rows[name]) for name in reversed(sorting.rest)]
    order = np.lexsort((*rest, time, series))
    if sorting.distinct:
        order = order[first_of_equals(rows, series, time, order)]
    return rows.take(order)


def _series(rows: pa.Table, sorting: Sorting) -> NDArray[np.int64]:
    """A number per row that orders the series as their names do."""
    number = np.zeros(len(rows), np.int64)
    for name in sorting.series:
        codes, names = _codes(rows[name])
        ranks = np.argsort(np.argsort(np.array(names, object)))
        number = number * len(names) + ranks[codes]
    return number


def _codes(column: Any) -> tuple[NDArray[np.int64], list[str]]:
    whole: Any = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    return whole.indices.to_numpy(zero_copy_only=False).astype(np.int64), whole.dictionary.to_pylist()


def _integers(column: Any) -> NDArray[np.int64]:
    return np.asarray(column.cast(pa.int64()).to_numpy(), np.int64)


def _fitted(rows: pa.Table, schema: pa.Schema) -> pa.Table:
    """The same rows with the types of the schema."""
    columns: list[Any] = []
    for field in schema:
        column = rows[field.name]
        if pa.types.is_dictionary(field.type) and not pa.types.is_dictionary(column.type):
            column = column.dictionary_encode()
        columns.append(column)
    return pa.table(columns, schema=schema)
