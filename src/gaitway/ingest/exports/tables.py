"""The tables of an export: one sensor's readings each, read again whenever they are wanted."""

import csv
import io
import json
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, NamedTuple, Protocol

from gaitway.errors import ExportError
from gaitway.ingest.exports.cells import Layout, Row, sensor_name

_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_UNREADABLE = (csv.Error, UnicodeError, zipfile.BadZipFile, zlib.error, EOFError, OSError)
_HINT = "Export the recording again from the app: as Zip with CSV files, or as JSON."


class Skipped(NamedTuple):
    """A row, or a whole file, that holds no reading."""

    where: str
    why: str


Skip = Callable[[Skipped], None]


class Table(Protocol):
    """Readings of one sensor."""

    @property
    def sensor(self) -> str:
        """Its name in a push."""
        ...

    def rows(self, skip: Skip) -> Iterator[Row]:
        """The readings, in the order of the file; `skip` is told of every row that is none. Raises ExportError."""
        ...


@dataclass(frozen=True, slots=True)
class CsvTable:
    """A CSV file of one sensor: columns by name, whatever their order."""

    sensor: str
    where: str
    """How to name the file to a person."""
    open: Callable[[], BinaryIO]

    def rows(self, skip: Skip) -> Iterator[Row]:
        """See Table."""
        layout: Layout | None = None
        for line, cells in csv_lines(self.open, self.where):
            if layout is None:
                layout = Layout(self.sensor, cells)
                if not layout.has_time:
                    skip(Skipped(self.where, "has no column `time`: not a table of readings"))
                    return
            elif len(cells) != layout.width:
                skip(Skipped(f"{self.where} line {line}", f"has {len(cells)} columns instead of {layout.width}"))
            elif (row := layout.row(cells)) is not None:
                yield row
            else:
                skip(Skipped(f"{self.where} line {line}", "has no usable time"))
        if layout is None:
            skip(Skipped(self.where, "is empty"))


@dataclass(frozen=True, slots=True)
class JsonTable:
    """The objects of one sensor in a JSON export."""

    sensor: str
    where: str
    objects: Sequence[tuple[int, Mapping[str, Any]]]
    """(place in the array, object); every value a text."""

    def rows(self, skip: Skip) -> Iterator[Row]:
        """See Table."""
        layouts: dict[tuple[str, ...], Layout] = {}
        for place, found in self.objects:
            keys = tuple(found)
            layout = layouts.get(keys)
            if layout is None:
                layout = layouts[keys] = Layout(self.sensor, keys)
            row = layout.row([each if isinstance(each, str) else _as_text(each) for each in found.values()])
            if row is not None:
                yield row
            else:
                skip(Skipped(f"{self.where} element {place}", "has no usable time"))


def csv_lines(open_file: Callable[[], BinaryIO], where: str) -> Iterator[tuple[int, list[str]]]:
    """(line number, cells) of every line that is not empty, the header included. Raises ExportError."""
    line = 0
    try:
        with open_file() as binary, _text(binary) as text:
            reader = csv.reader(text, strict=True)
            for cells in reader:
                line = reader.line_num
                if cells:
                    yield line, cells
    except _UNREADABLE as error:
        raise ExportError(f"cannot be read: {error}", where=f"{where} line {line + 1}", hint=_HINT) from error


def json_tables(data: bytes, where: str) -> tuple[list[JsonTable], Mapping[str, str], list[Skipped]]:
    """Tables by sensor, metadata and what was skipped of a JSON export: a flat array of objects with `sensor`.

    Raises ExportError.
    """
    try:
        # The app writes every value as a text; numbers are kept as they are spelt too.
        found = json.loads(data.decode("utf-8-sig"), parse_float=str, parse_int=str, parse_constant=str)
    except (ValueError, RecursionError) as error:
        raise ExportError(f"is not JSON: {error}", where=where, hint=_HINT) from error
    if not isinstance(found, list):
        raise ExportError("is not a JSON export: no array of readings", where=where, hint=_HINT)
    metadata: dict[str, str] = {}
    groups: dict[str, list[tuple[int, Mapping[str, Any]]]] = {}
    skipped = []
    for place, each in enumerate(found):
        sensor = each.get("sensor") if isinstance(each, dict) else None
        if not isinstance(sensor, str) or not sensor:
            skipped.append(Skipped(f"{where} element {place}", "names no sensor"))
        elif sensor == "Metadata":
            metadata.update({key: _as_text(value) for key, value in each.items()})
        else:
            groups.setdefault(sensor_name(sensor), []).append((place, each))
    return [JsonTable(sensor, where, objects) for sensor, objects in groups.items()], metadata, skipped


def _text(binary: BinaryIO) -> io.TextIOWrapper:
    buffered = io.BufferedReader(binary)  # type: ignore[type-var]
    encoding = "utf-16" if buffered.peek(2)[:2] in _UTF16 else "utf-8-sig"
    return io.TextIOWrapper(buffered, encoding, newline="")


def _as_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value, ensure_ascii=False)
