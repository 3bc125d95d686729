"""Questions about history: what the files and the not yet written tail say, in pages.

Each answer holds everything that was acknowledged before it was asked for. DuckDB runs in memory, on one thread and
with little memory, because it does so inside the server.
"""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from gaitway.core.activity import ACTIVITIES
from gaitway.core.message import ACCELERATION, Stream
from gaitway.errors import WarehouseError
from gaitway.ports import ActivityReader, Page, Selection, TapeReader
from gaitway.warehouse import answers, segments_sql, tables
from gaitway.warehouse.answers import Question
from gaitway.warehouse.catalog import Series, Span
from gaitway.warehouse.counts import ReadingCounts
from gaitway.warehouse.cursor import Key, read_cursor, stream_of
from gaitway.warehouse.paging import Slice, collect, together
from gaitway.warehouse.shelf import Shelf, Standing, Wanted
from gaitway.warehouse.sources import quoted
from gaitway.warehouse.tail import ActivityTail, RawTail
from gaitway.warehouse.views import segment_ctes, warehouse_of

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection as Connection

_TRIES = 3
_T = TypeVar("_T")
#: Segments of streams with so many windows are made at once.
_WINDOWS = 20_000


class ParquetHistory:
    """Implements `ports.History` over a data folder and its tapes. Safe to use from several threads."""

    def __init__(
        self,
        data_folder: Path,
        tape_reader: TapeReader,
        activity_reader: ActivityReader,
        timezone: str = "UTC",
        lead: str | None = None,
    ) -> None:
        """`timezone` cuts days. `lead` is asked about where a selection names no recogniser; None: all of them."""
        warehouse = warehouse_of(data_folder)
        self._raw = Shelf(warehouse, "raw", RawTail(tape_reader))
        self._activities = Shelf(warehouse, "activities", ActivityTail(activity_reader))
        self._counts = ReadingCounts()
        self._timezone, self._lead = timezone, lead
        self._spill = data_folder.absolute() / "run" / "spill"
        self._lock = threading.Lock()
        self._connection: Connection | None = None

    def readings(self, selection: Selection) -> Page:
        """Rows {device_id, session_id, sensor, time (ns), values (x, y, z merged in)}; an equal reading once."""
        key = read_cursor(selection.cursor, answers.READING_TYPES) if selection.cursor else None
        return self._asked(lambda connection: self._readings(connection, selection, key))

    def activities(self, selection: Selection) -> Page:
        """Current versions, as `processed_activity` records with ISO 8601 times."""
        key = read_cursor(selection.cursor, answers.MOMENT_TYPES) if selection.cursor else None
        return self._asked(lambda connection: self._current(connection, selection, key))

    def segments(self, selection: Selection) -> Page:
        """Rows {device_id, session_id, recognizer, activity, start, end, covered (s)}, by their start.

        Of a family, per stream, the name that judged last speaks.
        """
        key = read_cursor(selection.cursor, answers.MOMENT_TYPES) if selection.cursor else None
        return self._asked(lambda connection: self._segments(connection, selection, key))

    def days(self, selection: Selection) -> Page:
        """All rows {device_id, day, recognizer, <activity>_minutes ..., recorded_minutes}, by device and day."""
        return self._asked(lambda connection: self._days(connection, selection))

    def reading_counts(self) -> Mapping[Stream, int]:
        """How many distinct readings each stream has."""

        def count(connection: "Connection") -> Mapping[Stream, int]:
            ask = _asking(connection)
            return self._counts.count(self._raw.standing(connection, ask).sources(), ask)

        return self._asked(count)

    def close(self) -> None:
        """Let go of the memory. Idempotent."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
            self._connection = None

    def _readings(self, connection: "Connection", selection: Selection, key: Key | None) -> Page:
        standing = self._raw.standing(connection, _asking(connection))
        bounds = selection.start, selection.end
        narrow = [*answers.of_stream(selection), *answers.between("time", bounds)]
        narrow += [f"position <= {selection.until}"] if selection.until is not None else []
        narrow += [f"sensor = {quoted(selection.sensor)}"] if selection.sensor is not None else []

        def fetch(part: Slice, limit: int) -> list[Any]:
            found = tables.readings(standing.rows(_within(part, selection)))
            where = [part.condition, *answers.between("time", (part.start, part.end)), *narrow]
            return Question(f"SELECT {answers.READING} FROM ({found})", where, answers.READING_KEY).ask(
                connection, key, limit
            )

        rows = collect(_behind(_from(standing, selection, key), key, 1), bounds, selection.limit + 1, fetch)
        return answers.paged(rows, selection.limit, answers.reading)

    def _current(self, connection: "Connection", selection: Selection, key: Key | None) -> Page:
        standing = self._activities.standing(connection, _asking(connection))
        bounds = selection.start, selection.end
        name = selection.recognizer or self._lead
        narrow = [*answers.of_stream(selection), *answers.between("window_start", bounds, answers.timestamp)]
        narrow += [tables.of_recognizer(name)] if name is not None else []

        def fetch(part: Slice, limit: int) -> list[Any]:
            found = tables.current(standing.rows(_within(part, selection)))
            where = [
                part.condition,
                *answers.between("window_start", (part.start, part.end), answers.timestamp),
                *narrow,
            ]
            return Question(f"SELECT {answers.RECORD} FROM ({found})", where, answers.RECORD_KEY).ask(
                connection, key, limit
            )

        rows = collect(_behind(_from(standing, selection, key), key, 1000), bounds, selection.limit + 1, fetch)
        return answers.paged(rows, selection.limit, answers.record)

    def _segments(self, connection: "Connection", selection: Selection, key: Key | None) -> Page:
        where = answers.between("start_ns", (selection.start, selection.end))
        rows: list[Any] = []
        for ctes in self._segment_ctes(connection, selection, key):
            found = tables.query(ctes, segments_sql.SEGMENTS)
            question = Question(f"SELECT {answers.SEGMENT} FROM ({found})", where, answers.SEGMENT_KEY)
            rows += question.ask(connection, key, selection.limit + 1 - len(rows))
            if len(rows) > selection.limit:
                break
        return answers.paged(rows, selection.limit, answers.segment)

    def _days(self, connection: "Connection", selection: Selection) -> Page:
        total: dict[tuple[Any, ...], list[float]] = {}
        for ctes in self._segment_ctes(connection, selection, None):
            select = segments_sql.days(self._timezone, ACTIVITIES)
            for device, day, recognizer, *minutes in connection.execute(tables.query(ctes, select)).fetchall():
                known = total.setdefault((device, day.isoformat(), recognizer), [0.0] * len(minutes))
                known[:] = [round(a + b, 4) for a, b in zip(known, minutes, strict=True)]
        names = [*(f"{name}_minutes" for name in ACTIVITIES), "recorded_minutes"]
        rows = [
            {"device_id": device, "day": day, "recognizer": recognizer} | dict(zip(names, minutes, strict=True))
            for (device, day, recognizer), minutes in sorted(total.items())
        ]
        return Page(rows, None)

    def _segment_ctes(self, connection: "Connection", selection: Selection, key: Key | None) -> Iterator[Sequence[str]]:
        """The CTEs behind segments for some streams after the others, in their order."""
        ask = _asking(connection)
        activities = self._activities.standing(connection, ask)
        raw = self._raw.standing(connection, ask)
        for batch in together(_from(activities, selection, key), _WINDOWS):
            part = Slice(next(iter(batch)), list(batch)[-1])
            samples, verdicts = raw.rows(_samples_of(part)), activities.rows(_within(part, Selection()))
            chosen = [part.condition, *answers.of_stream(selection)]
            name = selection.recognizer or self._lead
            yield segment_ctes(samples, verdicts, name, " AND ".join(f"({each})" for each in chosen))

    def _asked(self, question: Callable[["Connection"], _T]) -> _T:
        """Answer on a connection of its own; again with a fresh look where files vanished meanwhile."""
        import duckdb

        for left in reversed(range(_TRIES)):
            try:
                with self._cursor() as connection:
                    return question(connection)
            except (duckdb.IOException, duckdb.InvalidInputException, FileNotFoundError) as error:
                if not left:
                    message = f"the files of the warehouse cannot be read: {error}"
                    hint = "Try again; if it stays so, `gaitway doctor` looks at the folder."
                    raise WarehouseError(message, where=str(self._spill.parent.parent), hint=hint) from error
        raise AssertionError

    @contextmanager
    def _cursor(self) -> Iterator["Connection"]:
        import duckdb

        with self._lock:
            if self._connection is None:
                with suppress(OSError):  # a folder that cannot be written can still be read, as far as memory goes
                    self._spill.parent.mkdir(parents=True, exist_ok=True)
                config: dict[str, str | bool | int | float | list[str]] = {
                    "threads": 1,
                    "memory_limit": "256MB",
                    "temp_directory": str(self._spill),
                }
                self._connection = duckdb.connect(config=config)
            cursor = self._connection.cursor()
        try:
            yield cursor
        finally:
            cursor.close()


def _asking(connection: "Connection") -> Callable[[str], Sequence[Sequence[Any]]]:
    return lambda select: connection.execute(select).fetchall()


def _samples_of(part: Slice) -> Wanted:
    return lambda series, _: part.holds(series.stream) and series.kind in ACCELERATION


def _within(part: Slice, selection: Selection) -> Wanted:
    def wanted(series: Series, span: Span) -> bool:
        return (
            part.holds(series.stream)
            and selection.sensor in (None, series.kind)
            and span.overlaps(part.start, part.end)
            and span.overlaps(selection.start, selection.end)
        )

    return wanted


def _from(standing: Standing, selection: Selection, key: Key | None) -> dict[Stream, Span]:
    """The streams that may hold what was selected, from the cursor on."""
    first = None if key is None else stream_of(key)

    def wanted(series: Series, span: Span) -> bool:
        return (
            (first is None or series.stream >= first)
            and selection.device_id in (None, series.stream.device_id)
            and selection.session_id in (None, series.stream.session_id)
            and selection.sensor in (None, series.kind)
        )

    return standing.spans(wanted)


def _behind(spans: dict[Stream, Span], key: Key | None, unit: int) -> dict[Stream, Span]:
    """The same without what of the cursor's stream lies before it; its time is in units of so many ns."""
    span = None if key is None else spans.get(stream_of(key))
    if key is None or span is None:
        return spans
    reached = min(max(int(key[2]) * unit, span.first), span.last)
    left = span.rows * (span.last - reached + 1) // (span.last - span.first + 1) + 1
    return spans | {stream_of(key): Span(left, reached, span.last)}
