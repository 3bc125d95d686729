"""How many distinct readings each stream has, without looking at every reading each time.

    sources     file 1  file 2  file 3 ... tail         in this order
    distinct    rows - repeats inside the source - those that are in an earlier source too

Repeats inside a file are counted once per file. Two sources can share readings only where their times of one stream
and sensor overlap: for files that follow each other that is nearly nothing.
"""

import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import NamedTuple

from gaitway.core.message import Stream
from gaitway.warehouse.catalog import Ask, Held, Series, Span
from gaitway.warehouse.layout import WarehouseFile
from gaitway.warehouse.sources import listed, quoted
from gaitway.warehouse.tables import READING_KEY, exact_readings

_KEY = ", ".join(READING_KEY)


class Source(NamedTuple):
    """Where readings lie: a file, or the tail."""

    name: str
    """Never used again for other rows."""
    rows: str
    """As an SQL relation."""
    held: Held
    merged: bool = False
    """Then it holds no repeats."""
    day: date | None = None
    """The only day of its readings; None for the tail."""


class ReadingCounts:
    """Counts, and what was found out on the way. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside: dict[str, Counter[Stream]] = {}
        self._shared: dict[tuple[str, ...], Counter[Stream]] = {}

    def count(self, sources: Sequence[Source], ask: Ask) -> Counter[Stream]:
        """Distinct readings per stream, of sources in a lasting order."""
        with self._lock:
            inside, shared = self._inside, self._shared
            self._inside, self._shared = {}, {}  # what is not asked for any more is forgotten
            total: Counter[Stream] = Counter()
            for at, source in enumerate(sources):
                for series, span in source.held.items():
                    total[series.stream] += span.rows
                total.subtract(self._repeats_inside(source, inside, ask))
                total.subtract(self._shared_with(source, sources[:at], shared, ask))
            return +total

    def _repeats_inside(self, source: Source, known: Mapping[str, Counter[Stream]], ask: Ask) -> Counter[Stream]:
        if source.merged:
            return Counter()
        if source.name not in known:
            known = {source.name: repeats_inside(source.rows, ask)}
        self._inside[source.name] = known[source.name]
        return known[source.name]

    def _shared_with(
        self, source: Source, earlier: Sequence[Source], known: Mapping[tuple[str, ...], Counter[Stream]], ask: Ask
    ) -> Counter[Stream]:
        near = [e for e in earlier if (None in (source.day, e.day) or source.day == e.day) and _overlaps(source, e)]
        if not near:
            return Counter()
        key = (source.name, *(each.name for each in near))
        if key not in known:
            known = {key: _shared(source, near, ask)}
        self._shared[key] = known[key]
        return known[key]


def file_sources(files: Sequence[WarehouseFile], held: Mapping[Path, Held]) -> list[Source]:
    """The files that count, as sources."""
    return [Source(str(f.path), listed([f]).all, held[f.path], f.merged, f.date) for f in files]


def repeats_inside(rows: str, ask: Ask) -> Counter[Stream]:
    """How many rows of each stream repeat an equal one of the same relation."""
    place = "device_id, session_id, sensor, time"
    # First by time alone, which is cheap; only what shares its time is compared by its values.
    again = f"(SELECT {place} FROM {rows} GROUP BY {place} HAVING count(*) > 1)"
    equal = f"""SELECT device_id, session_id, count(*) - 1 AS more
        FROM (SELECT * FROM ({exact_readings(rows)}) SEMI JOIN {again} USING ({place})) GROUP BY {_KEY}"""
    return _per_stream(f"SELECT device_id, session_id, sum(more)::BIGINT FROM ({equal}) GROUP BY ALL", ask)


def _shared(source: Source, earlier: Sequence[Source], ask: Ask) -> Counter[Stream]:
    regions = [(series, *_overlap(source.held[series], earlier, series)) for series in source.held]
    regions = [(series, low, high) for series, low, high in regions if low <= high]
    values = ", ".join(
        f"({quoted(s.stream.device_id)}, {quoted(s.stream.session_id)}, {quoted(s.kind)}, {low}, {high})"
        for s, low, high in regions
    )
    low, high = min(region[1] for region in regions), max(region[2] for region in regions)

    def inside(rows: str) -> str:
        return f"""SELECT {_KEY} FROM ({exact_readings(rows)}) r SEMI JOIN regions g
            ON r.device_id = g.device AND r.session_id = g.session AND r.sensor = g.kind
                AND r.time BETWEEN g.low AND g.high
            WHERE r.time BETWEEN {low} AND {high}"""

    before = " UNION ALL ".join(inside(each.rows) for each in earlier)
    return _per_stream(
        f"""WITH regions(device, session, kind, low, high) AS (VALUES {values})
        SELECT device_id, session_id, count(*) FROM ({inside(source.rows)} INTERSECT ({before})) GROUP BY ALL""",
        ask,
    )


def _overlaps(a: Source, b: Source) -> bool:
    small, big = (a.held, b.held) if len(a.held) < len(b.held) else (b.held, a.held)
    return any(s in big and span.first <= big[s].last and big[s].first <= span.last for s, span in small.items())


def _overlap(span: Span, earlier: Sequence[Source], series: Series) -> tuple[int, int]:
    """From when to when earlier sources may hold readings of a span; the end before the start where they cannot."""
    found = [each.held[series] for each in earlier if series in each.held]
    if not found:
        return 1, 0
    return max(span.first, min(f.first for f in found)), min(span.last, max(f.last for f in found))


def _per_stream(select: str, ask: Ask) -> Counter[Stream]:
    return Counter({Stream(device, session): count for device, session, count in ask(select)})
