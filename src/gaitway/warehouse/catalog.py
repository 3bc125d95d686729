"""What each file holds of which stream: so that a question opens only the files it needs, and pages cost the same.

Files never change, so each is asked once; the tail is asked again when it has grown.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from gaitway.core.message import Stream
from gaitway.warehouse.layout import WarehouseFile
from gaitway.warehouse.schemas import Table
from gaitway.warehouse.sources import listed

Ask = Callable[[str], Sequence[Sequence[Any]]]
#: SQL -> rows.

_COLUMNS: Mapping[Table, tuple[str, str]] = {
    "raw": ("sensor", "time"),
    "activities": ("recognizer", "epoch_ns(window_start)"),
}


class Series(NamedTuple):
    """What tells the rows of a table apart beside time: a stream, and a sensor or a recogniser."""

    stream: Stream
    kind: str


class Span(NamedTuple):
    """How many rows of a series a source holds, repeats included, and between which times (ns, both inclusive)."""

    rows: int
    first: int
    last: int

    def overlaps(self, start: int | None, end: int | None) -> bool:
        """Whether some of its time lies in [start, end)."""
        return (start is None or self.last >= start) and (end is None or self.first < end)

    def joined(self, other: "Span") -> "Span":
        """Both together."""
        return Span(self.rows + other.rows, min(self.first, other.first), max(self.last, other.last))


Held = Mapping[Series, Span]


class Catalog:
    """What the files of one table hold. Safe to use from several threads."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._known: dict[Path, Held] = {}
        self._lock = threading.Lock()

    def of(self, files: Sequence[WarehouseFile], ask: Ask) -> Mapping[Path, Held]:
        """What each of the files that count holds; the others are forgotten."""
        with self._lock:
            missing = [file for file in files if file.path not in self._known]
        found = {file.path: held(self._table, listed([file]).all, ask) for file in missing}
        with self._lock:
            self._known |= found
            paths = {file.path for file in files}
            self._known = {path: known for path, known in self._known.items() if path in paths}
            return dict(self._known)


def held(table: Table, rows: str, ask: Ask) -> Held:
    """What a relation holds."""
    kind, time = _COLUMNS[table]
    select = f"SELECT device_id, session_id, {kind}, count(*), min({time}), max({time}) FROM {rows} GROUP BY ALL"
    return {Series(Stream(device, session), kind): Span(*span) for device, session, kind, *span in ask(select)}


def spans_by_stream(sources: Sequence[Held], wanted: Callable[[Series, Span], bool]) -> dict[Stream, Span]:
    """All of the wanted series of each stream together, in the order of streams."""
    found: dict[Stream, Span] = {}
    for source in sources:
        for series, span in source.items():
            if wanted(series, span):
                known = found.get(series.stream)
                found[series.stream] = span if known is None else known.joined(span)
    return dict(sorted(found.items()))
