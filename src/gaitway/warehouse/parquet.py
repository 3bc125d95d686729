"""The warehouse as a folder of Parquet files: what is written there, exactly once, and read back as samples."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path

import pyarrow as pa

from gaitway.core.activity import ActivityRecord, Verdict
from gaitway.core.message import Message, Record, Stream
from gaitway.errors import WarehouseError
from gaitway.ports import DeadLetter
from gaitway.warehouse.durable import publish
from gaitway.warehouse.layout import Layout, Range, utc_day
from gaitway.warehouse.published import published
from gaitway.warehouse.raw_columns import by_day, row_groups
from gaitway.warehouse.samples import samples
from gaitway.warehouse.schemas import ACTIVITIES, SCHEMAS, Table, write_file
from gaitway.warehouse.sealed import OnSealed, Seals, split_sealed


class ParquetWarehouse:
    """Implements `ports.Warehouse`. Many may read a folder, from any process; one at a time may write.

    Readings that a seal keeps out are handed to `on_sealed` before their range is marked: at least once, in letters
    that say their tape position. Without `on_sealed` such a reading raises WarehouseError.
    """

    def __init__(self, folder: Path, on_sealed: OnSealed | None = None) -> None:
        self.folder = folder
        self.seals: Seals = {}
        """What `TapeReader.seals` says; seals among the written records count without being told here."""
        self.on_sealed = on_sealed
        self._layouts = {table: Layout(folder, table) for table in SCHEMAS}
        # A range that was begun and has no marker yet: what it left must go before it is begun again.
        self._unfinished = dict.fromkeys(SCHEMAS, True)

    def position(self, table: Table) -> int:
        """The last tape position that is durably in the warehouse; 0 before the first."""
        return self._layouts[table].position()

    def prepare(self) -> None:
        """Make the folder ready for writing: the files of the columns, and what a broken write left is removed.

        The first write of each table does this by itself.
        """
        for table, layout in self._layouts.items():
            layout.ensure_schema_files()
            layout.clean_up()
            self._unfinished[table] = False

    def write_raw(self, records: Sequence[Record], first: int, last: int) -> None:
        """Write the readings of tape-1 positions first..last; durable on return, and safe to call again."""
        for range_ in self._begin("raw", first, last):
            inside = [r for r in records if range_.first <= r.position <= range_.last]
            messages, letters = split_sealed(inside, self.seals)
            for day, pieces in by_day(messages).items():
                self._write("raw", day, range_, row_groups(pieces))
            self._report(letters)
            self._layouts["raw"].mark(*range_)
        self._unfinished["raw"] = False

    def write_activities(self, records: Sequence[tuple[int, ActivityRecord]], first: int, last: int) -> None:
        """Write tape-2 positions first..last; durable on return, and safe to call again."""
        for range_ in self._begin("activities", first, last):
            days: dict[date, list[tuple[int, ActivityRecord]]] = {}
            for position, record in records:
                if range_.first <= position <= range_.last:
                    days.setdefault(utc_day(record.window_start), []).append((position, record))
            for day, rows in days.items():
                self._write("activities", day, range_, [activity_table(rows)])
            self._layouts["activities"].mark(*range_)
        self._unfinished["activities"] = False

    def samples(self, stream: Stream, start: int, end: int, upto: int) -> Iterable[Message]:
        """The readings of `CORE_SENSORS` of a stream with start <= time < end, at positions <= upto. Lazy.

        A Message here is a run of samples from one file, not one push: it has no id. Some may come twice.
        """
        return samples(self.folder, stream, start, end, upto)

    def published(self, stream: Stream, recognizer: str, start: int, end: int) -> Mapping[int, Verdict]:
        """The verdicts with the highest revision of windows with start <= window_start < end, by window_start (ns)."""
        return published(self.folder, stream, recognizer, start, end)

    def _begin(self, table: Table, first: int, last: int) -> Iterator[Range]:
        if not 1 <= first <= last:
            message = f"{first}..{last} is no range of tape positions"
            raise WarehouseError(message, where=table, hint="Positions start at 1.")
        layout = self._layouts[table]
        if self._unfinished[table]:
            layout.ensure_schema_files()
            layout.clean_up()
        self._unfinished[table] = True
        return iter(layout.missing(first, last))

    def _write(self, table: Table, day: date, range_: Range, groups: Iterable[pa.Table]) -> None:
        path = self._layouts[table].path(day, range_)
        publish(path, lambda tmp: write_file(tmp, table, groups))

    def _report(self, letters: Sequence[DeadLetter]) -> None:
        if not letters:
            return
        if self.on_sealed is None:
            message = f"{sum(letter.readings for letter in letters)} readings are older than the seal of their stream"
            hint = "Give the warehouse a place for dead letters."
            raise WarehouseError(message, where=f"tape 1, position {letters[0].position}", hint=hint)
        self.on_sealed(letters)


def activity_table(rows: Sequence[tuple[int, ActivityRecord]]) -> pa.Table:
    """(position, record) as columns, in the schema ACTIVITIES."""
    records = [record for _, record in rows]
    verdicts = [record.verdict for record in records]
    columns: dict[str, list[object]] = {
        "device_id": [record.stream.device_id for record in records],
        "session_id": [record.stream.session_id for record in records],
        "window_start": [record.window_start // 1000 for record in records],
        "window_end": [record.window_end // 1000 for record in records],
        "recognizer": [record.recognizer for record in records],
        "revision": [record.revision for record in records],
        "status": [record.status for record in records],
        "schema_version": [record.schema_version for record in records],
        "position": [position for position, _ in rows],
    }
    for index, name in enumerate(("activity", "confidence", "avg_magnitude", "sample_count", "coverage")):
        columns[name] = [verdict[index] for verdict in verdicts]
    return pa.table([pa.array(columns[field.name], field.type) for field in ACTIVITIES], schema=ACTIVITIES)
