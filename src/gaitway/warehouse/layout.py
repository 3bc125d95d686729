"""Where the files of a table are, what their names say, and which of them count.

    FOLDER/raw/date=2026-03-05/000000000000001-000000000000250.parquet          readings of tape positions 1..250
    FOLDER/raw/date=2026-03-05/000000000000001-000000000000900.merged.parquet   the same day, merged
    FOLDER/raw/_done/000000000000001-000000000000250                            the marker: positions 1..250 are written
    FOLDER/raw/date=1970-01-01/000000000000000-000000000000000.parquet          no rows, only the columns

`date` is the UTC day of event time. A small file counts if its range lies within a marked one, a merged file always;
but what lies inside another merged file of its date is replaced by that and does not count.
"""

import os
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from gaitway.warehouse.durable import TMP, publish, remove
from gaitway.warehouse.schemas import Table, write_empty

DAY = 86_400_000_000_000
SCHEMA_DATE = date(1970, 1, 1)
DONE, MERGING = "_done", "_merging"

_DIGITS = 15
_NAME = re.compile(rf"(\d{{{_DIGITS}}})-(\d{{{_DIGITS}}})(\.merged)?(\.parquet)?")
_FOLDER = re.compile(r"date=(\d{4}-\d{2}-\d{2})")


class Range(NamedTuple):
    """Tape positions first..last, both inclusive."""

    first: int
    last: int

    @property
    def name(self) -> str:
        """How it stands in names of files and markers.

        >>> Range(1, 250).name
        '000000000000001-000000000000250'
        """
        return f"{self.first:0{_DIGITS}}-{self.last:0{_DIGITS}}"

    def covers(self, other: "Range") -> bool:
        """Whether the other one lies within this one.

        >>> Range(1, 10).covers(Range(5, 10)), Range(1, 10).covers(Range(5, 11))
        (True, False)
        """
        return self.first <= other.first and other.last <= self.last


#: The range of the file that holds only the columns: always done.
SCHEMA_RANGE = Range(0, 0)


class WarehouseFile(NamedTuple):
    """A file as its name tells it."""

    path: Path
    date: date
    range: Range
    merged: bool

    def replaces(self, other: "WarehouseFile") -> bool:
        """Whether this merged file holds all that the other one of the same date does."""
        bigger = self.range != other.range or not other.merged
        return self.merged and self.date == other.date and self.range.covers(other.range) and bigger


def utc_day(time: int) -> date:
    """The UTC day of a time in ns.

    >>> utc_day(1_772_734_472_000_000_000)
    datetime.date(2026, 3, 5)
    """
    return SCHEMA_DATE + timedelta(days=time // DAY)


def day_start(day: date) -> int:
    """The first ns of a UTC day.

    >>> utc_day(day_start(date(2026, 3, 5))), utc_day(day_start(date(2026, 3, 5)) - 1)
    (datetime.date(2026, 3, 5), datetime.date(2026, 3, 4))
    """
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1_000_000_000


def joined(ranges: Iterable[Range]) -> list[Range]:
    """Ranges that touch or overlap, joined, in order.

    >>> [tuple(r) for r in joined([Range(5, 9), Range(1, 2), Range(3, 3), Range(1, 3)])]
    [(1, 3), (5, 9)]
    """
    result: list[Range] = []
    for each in sorted(ranges):
        if result and each.first <= result[-1].last + 1:
            result[-1] = Range(result[-1].first, max(result[-1].last, each.last))
        else:
            result.append(each)
    return result


def without(whole: Range, done: Iterable[Range]) -> list[Range]:
    """What of a range is not yet done, in order.

    >>> [tuple(r) for r in without(Range(1, 10), [Range(3, 4), Range(9, 20)])]
    [(1, 2), (5, 8)]
    """
    result, first = [], whole.first
    for each in joined(done):
        if each.last < first or each.first > whole.last:
            continue
        if first < each.first:
            result.append(Range(first, each.first - 1))
        first = each.last + 1
    return [*result, Range(first, whole.last)] if first <= whole.last else result


def marked(range_: Range, done: Sequence[Range]) -> bool:
    """Whether a range lies within one that is done.

    >>> marked(Range(3, 4), [Range(1, 5)]), marked(Range(3, 6), [Range(1, 5), Range(6, 9)]), marked(SCHEMA_RANGE, [])
    (True, False, True)
    """
    return range_ == SCHEMA_RANGE or any(each.covers(range_) for each in done)


def counting(files: Sequence[WarehouseFile], done: Sequence[Range]) -> list[WarehouseFile]:
    """Those of all files of a date that count, given the ranges that are done."""
    exact = set(done)
    merged = [file for file in files if file.merged]
    return [
        file
        for file in files
        if (file.merged or file.range in exact or marked(file.range, done))
        and not any(other.replaces(file) for other in merged)
    ]


def _write_nothing(path: Path) -> None:
    path.write_bytes(b"")


class Layout:
    """The files of one table of a warehouse folder. It keeps nothing in memory: every answer is read from the disk."""

    def __init__(self, folder: Path, table: Table) -> None:
        self.table = table
        self.root = folder / table

    def day_folder(self, day: date) -> Path:
        """The folder of a day."""
        return self.root / f"date={day.isoformat()}"

    def path(self, day: date, range_: Range, *, merged: bool = False) -> Path:
        """Where the rows of a day and a tape range belong."""
        return self.day_folder(day) / f"{range_.name}{'.merged' if merged else ''}.parquet"

    def dates(self) -> list[date]:
        """The days that have a folder, in order; the one of the columns alone is left out."""
        return [day for day in self._folders() if day != SCHEMA_DATE]

    def files(self, day: date | None = None) -> list[WarehouseFile]:
        """Every file with a proper name, counting or not, by date and range."""
        days = self._folders() if day is None else [day]
        return [file for each in days for file in self._files_of(each)]

    def live(self, day: date | None = None) -> list[WarehouseFile]:
        """The files that count. One being replaced meanwhile stays readable for a minute."""
        # Markers first: a file that is done after this look at them is then merely not yet seen.
        done = self.markers()
        days = self._folders() if day is None else [day]
        return [file for each in days for file in counting(self._files_of(each), done)]

    def live_files(self, day: date | None = None) -> list[Path]:
        """The paths of the files that count, of all days (the file of the columns among them) or of one."""
        return [file.path for file in self.live(day)]

    def markers(self) -> list[Range]:
        """The ranges that have a marker, in order."""
        return sorted(Range(first, last) for first, last, _, parquet in self._names(self.root / DONE) if not parquet)

    def position(self) -> int:
        """The last tape position up to which everything is done; 0 before the first."""
        run = joined([SCHEMA_RANGE, *self.markers()])[0]
        return run.last

    def missing(self, first: int, last: int) -> list[Range]:
        """What of first..last has no marker yet, in order."""
        return without(Range(first, last), self.markers())

    def marker(self, range_: Range) -> Path:
        """The path of a range's marker."""
        return self.root / DONE / range_.name

    def mark(self, first: int, last: int) -> None:
        """Say that first..last is done; its files must be durable before. This is what makes them count."""
        publish(self.marker(Range(first, last)), _write_nothing)

    def clean_up(self) -> list[Path]:
        """Remove what a broken write left: files of ranges without marker, and half-written ones. For the writer only.

        It must come before a range is written again with another end: else the marker of the new range would cover
        a file that the broken write left under another name.
        """
        done = self.markers()
        left = [file.path for file in self.files() if not (file.merged or marked(file.range, done))]
        left += [*self.root.glob(f"date=*/*{TMP}"), *self.root.glob(f"{DONE}/*{TMP}")]
        for path in left:
            remove(path)
        return left

    def ensure_schema_files(self) -> None:
        """Write the file of the columns where it is missing."""
        path = self.path(SCHEMA_DATE, SCHEMA_RANGE)
        if not path.exists():
            publish(path, lambda tmp: write_empty(tmp, self.table))

    def _folders(self) -> list[date]:
        if not self.root.is_dir():
            return []
        names = (_FOLDER.fullmatch(path.name) for path in self.root.iterdir())
        return sorted(date.fromisoformat(name[1]) for name in names if name)

    def _files_of(self, day: date) -> list[WarehouseFile]:
        folder = self.day_folder(day)
        return [
            WarehouseFile(self.path(day, Range(first, last), merged=merged), day, Range(first, last), merged)
            for first, last, merged, parquet in sorted(self._names(folder))
            if parquet
        ]

    @staticmethod
    def _names(folder: Path) -> Iterable[tuple[int, int, bool, bool]]:
        try:
            names = [_NAME.fullmatch(name) for name in os.listdir(folder)]
        except FileNotFoundError:
            return []
        return [(int(n[1]), int(n[2]), n[3] is not None, n[4] is not None) for n in names if n]
