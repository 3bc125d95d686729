"""Finding recordings in what a person has: a zip, a folder of them, a folder of CSV files, one CSV, a JSON file."""

import re
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Final, cast

from gaitway.errors import ExportError, NotFoundError
from gaitway.ingest.dialect.envelope import is_id
from gaitway.ingest.exports.cells import sensor_name
from gaitway.ingest.exports.recording import Origin, Recording
from gaitway.ingest.exports.tables import CsvTable, csv_lines, json_tables

_METADATA: Final = "metadata.csv"
#: How many folders above what was named are searched for Metadata.csv.
_ABOVE: Final = 3
_HINT: Final = "Give a zip, folder, CSV or JSON file that Sensor Logger exported."
_NOT_OF_IDS: Final = re.compile(r"[^A-Za-z0-9._:@-]+")


@dataclass(frozen=True, slots=True)
class _File:
    """A file inside a folder or a zip."""

    path: PurePosixPath
    """Relative to what was named."""
    where: str
    open: Callable[[], BinaryIO]


@dataclass(frozen=True, slots=True)
class _Ids:
    """Ids to use instead of the export's own."""

    device_id: str | None
    session_id: str | None

    def __post_init__(self) -> None:
        for name, value in (("device id", self.device_id), ("session id", self.session_id)):
            if value is not None and not is_id(value):
                hint = "An id is a text of 1 to 128 letters, digits and . _ : @ -"
                raise ExportError(f"{value!r} is not usable as an id", where=name, hint=hint)


def recordings(
    paths: Iterable[Path], device_id: str | None = None, session_id: str | None = None
) -> Iterator[Recording]:
    """Every recording in the paths, in order: each folder with CSV files is one, each JSON file too.

    The device id is that of the nearest Metadata.csv, searched upwards, else the folder's name. A recording without
    readings is given too, with `readings` 0. Raises NotFoundError for a path that is not there or holds no recording,
    ExportError for a file that cannot be read.
    """
    ids = _Ids(device_id, session_id)
    for path in paths:
        found = False
        for recording in _recordings_of(path, ids):
            found = True
            yield recording
        if not found:
            raise NotFoundError("there is no recording", where=str(path), hint=_HINT)


def as_id(name: str) -> str:
    """A name made usable as an id.

    >>> as_id("My walk (2)"), as_id("✔")
    ('My-walk-2', 'unknown')
    """
    return _NOT_OF_IDS.sub("-", name).strip("-")[:128] or "unknown"


def _recordings_of(path: Path, ids: _Ids) -> Iterator[Recording]:
    if path.is_dir():
        yield from _of_folder(path, ids)
    elif not path.exists():
        raise NotFoundError("there is no such file", where=str(path), hint=_HINT)
    elif path.suffix.lower() == ".json":
        yield _of_json(path, ids)
    elif path.suffix.lower() == ".csv":
        file = _File(PurePosixPath(path.name), str(path), partial(_open, path))
        above = _above(path.resolve().parent, 0)
        yield from _of_files([file], path.resolve().parent.name, ids, above)
    elif zipfile.is_zipfile(path):
        yield from _of_zip(path, ids)
    else:
        raise ExportError("is neither a zip, CSV or JSON file", where=str(path), hint=_HINT)


def _of_folder(folder: Path, ids: _Ids) -> Iterator[Recording]:
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and _is_visible(path.relative_to(folder)))
    files = [
        _File(PurePosixPath(path.relative_to(folder).as_posix()), str(path), partial(_open, path))
        for path in paths
        if path.suffix.lower() == ".csv"
    ]
    yield from _of_files(files, folder.resolve().name, ids, _above(folder.resolve().parent, 1))
    for path in paths:
        if path.suffix.lower() == ".zip":
            yield from _of_zip(path, ids)


def _of_zip(path: Path, ids: _Ids) -> Iterator[Recording]:
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError) as error:
        raise ExportError(f"is no readable zip: {error}", where=str(path), hint=_HINT) from error
    with archive:
        names = sorted(archive.namelist())
    files = [
        _File(PurePosixPath(name), f"{path}/{name}", partial(_open_member, path, name))
        for name in names
        if name.lower().endswith(".csv") and _is_visible(PurePosixPath(name))
    ]
    yield from _of_files(files, path.stem, ids, [])


def _of_files(files: Sequence[_File], name: str, ids: _Ids, above: Sequence[_File]) -> Iterator[Recording]:
    """One recording per folder that holds CSV files besides metadata. `name` is that of the outermost folder."""
    metadata = {file.path.parent: file for file in files if file.path.name.lower() == _METADATA}
    folders: dict[PurePosixPath, list[_File]] = {}
    for file in files:
        if file.path.name.lower() != _METADATA:
            folders.setdefault(file.path.parent, []).append(file)
    for folder, members in folders.items():
        nearest = [metadata[each] for each in (folder, *folder.parents) if each in metadata]
        about = _metadata([*nearest, *above][0]) if nearest or above else {}
        tables = [CsvTable(sensor_name(file.path.stem), file.where, file.open) for file in members]
        source = members[0].where.removesuffix(f"/{members[0].path.name}") if len(members) > 1 else members[0].where
        device_id = ids.device_id or about.get("device id") or folder.name or name
        yield Recording.of(Origin(source, _usable(device_id), ids.session_id, about.get("platform", "")), tables)


def _of_json(path: Path, ids: _Ids) -> Recording:
    tables, metadata, skipped = json_tables(path.read_bytes(), str(path))
    device_id = _usable(ids.device_id or metadata.get("device id") or path.stem)
    return Recording.of(Origin(str(path), device_id, ids.session_id, metadata.get("platform", "")), tables, skipped)


def _metadata(file: _File) -> Mapping[str, str]:
    lines = csv_lines(file.open, file.where)
    _, header = next(lines, (0, []))
    _, values = next(lines, (0, []))
    return {key.strip(): value.strip() for key, value in zip(header, values, strict=False)}


def _above(folder: Path, levels_in: int) -> list[_File]:
    """Metadata.csv files of a folder and those above it, nearest first."""
    found = []
    for each in (folder, *folder.parents)[: _ABOVE + 1 - levels_in]:
        candidate = each / "Metadata.csv"
        if candidate.is_file():
            found.append(_File(PurePosixPath(candidate.name), str(candidate), partial(_open, candidate)))
    return found


def _usable(device_id: str) -> str:
    return device_id if is_id(device_id) else as_id(device_id)


def _is_visible(path: PurePosixPath | Path) -> bool:
    """Not hidden, and not the shadow folder that macOS puts into zips."""
    return not any(part.startswith(".") or part == "__MACOSX" for part in path.parts)


def _open(path: Path) -> BinaryIO:
    return path.open("rb")


def _open_member(path: Path, name: str) -> BinaryIO:
    try:
        with zipfile.ZipFile(path) as archive:  # the member keeps the file open for itself
            return cast("BinaryIO", archive.open(name))
    except (RuntimeError, NotImplementedError, zipfile.BadZipFile) as error:  # a password, a method we have not
        raise ExportError(f"cannot be opened: {error}", where=f"{path}/{name}", hint=_HINT) from error
