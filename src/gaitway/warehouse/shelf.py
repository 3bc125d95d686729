"""One table as it stands at a moment: the files that count, what they hold, and the tail behind them."""

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from gaitway.core.message import Stream
from gaitway.warehouse.catalog import Ask, Catalog, Held, Series, Span, held, spans_by_stream
from gaitway.warehouse.counts import Source, file_sources
from gaitway.warehouse.layout import DAY, Layout, WarehouseFile, utc_day
from gaitway.warehouse.schemas import Table
from gaitway.warehouse.sources import Rows, listed
from gaitway.warehouse.tail import Tail

if TYPE_CHECKING:
    import duckdb

Wanted = Callable[[Series, Span], bool]


class Standing(NamedTuple):
    """A table at a moment; its tail is registered in the connection it was made for."""

    files: Sequence[WarehouseFile]
    holds: Mapping[Path, Held]
    tail: str
    tail_version: str
    tail_holds: Held
    tail_dates: frozenset[date]

    def spans(self, wanted: Wanted) -> dict[Stream, Span]:
        """The wanted series of each stream together, in the order of streams."""
        return spans_by_stream([*self.holds.values(), self.tail_holds], wanted)

    def rows(self, wanted: Wanted) -> Rows:
        """The rows of what may hold wanted series, and perhaps more."""
        files = [f for f in self.files if not self.holds[f.path] or _any(self.holds[f.path], wanted)]
        with_tail = _any(self.tail_holds, wanted)
        return listed(files, self.tail if with_tail else None, self.tail_dates)

    def sources(self) -> list[Source]:
        """Files and tail, for counting."""
        return [*file_sources(self.files, self.holds), Source(self.tail_version, self.tail, self.tail_holds)]


class Shelf:
    """Where a table stands. Safe to use from several threads."""

    def __init__(self, warehouse: Path, table: Table, tail: Tail) -> None:
        self._layout = Layout(warehouse, table)
        self._catalog = Catalog(table)
        self._tail = tail
        self._lock = threading.Lock()
        self._tail_known: tuple[str, Held, frozenset[date]] = ("", {}, frozenset())

    def standing(self, connection: "duckdb.DuckDBPyConnection", ask: Ask) -> Standing:
        """How the table stands now: everything that was durable before the call is in it."""
        # In this order: what moves from the tape into files meanwhile is then seen in both, and never in neither.
        position = self._layout.position()
        files = self._layout.live()
        version, rows = self._tail.rows(position)
        name = f"{self._layout.table}_tail"
        connection.register(name, rows)
        holds = self._catalog.of(files, ask)
        with self._lock:
            if self._tail_known[0] != version:
                self._tail_known = (version, held(self._layout.table, name, ask), _dates(rows))
            return Standing(files, holds, name, *self._tail_known)


def _dates(rows: pa.Table) -> frozenset[date]:
    raw = "time" in rows.column_names
    time: Any = rows["time"] if raw else rows["window_start"].cast(pa.int64())
    days = pc.unique(pc.divide(time, DAY if raw else DAY // 1000)).to_pylist()
    return frozenset(utc_day(day * DAY) for day in days)


def _any(holds: Held, wanted: Wanted) -> bool:
    return any(wanted(series, span) for series, span in holds.items())
