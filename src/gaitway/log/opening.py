"""Making the folder of tape 1 fit to be written: one writer, no leftovers of a crash, no gap between segments."""

import fcntl
import os
import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from gaitway.errors import LogError
from gaitway.log.connections import fsync_path
from gaitway.log.folder import segment_path
from gaitway.log.segment import Segment

_LOCK = "writer.lock"
_LEFTOVER = re.compile(r"(\d{6,}\.sqlite)(\.new.*|-wal|-shm)")


def lock_folder(folder: Path) -> int:
    """Make the folder and become its only writer; returns a descriptor to be closed at the end.

    Raises LogError when another process, or another tape of this one, writes it.
    """
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path in made:
            fsync_path(path.parent)
        descriptor = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise LogError(
            f"the log folder cannot be written: {error}",
            where=str(folder),
            hint="see who owns it, and whether it is a folder",
        ) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        raise LogError(
            "the tape is being written already",
            where=str(folder),
            hint="stop the other server on this data folder first",
        ) from error
    return descriptor


def remove_leftovers(folder: Path) -> None:
    """Remove drafts of segments, and what belongs to segments that are gone."""
    for path in list(folder.iterdir()):
        match = _LEFTOVER.fullmatch(path.name)
        if match and (match[2].startswith(".new") or not (folder / match[1]).exists()):
            path.unlink(missing_ok=True)


def unlink_segments(folder: Path, numbers: Sequence[int]) -> None:
    """Remove segment files durably. The database goes first: without it, what is left is known as leftovers."""
    for number in numbers:
        path = segment_path(folder, number)
        for suffix in ("", "-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
    if numbers:
        fsync_path(folder)


def check_continuous(segments: Sequence[Segment]) -> None:
    """Raises LogError when a segment is missing between two others."""
    for older, newer in pairwise(segments):
        if older.last is None or older.last + 1 != newer.first:
            raise LogError(
                f"between {older.path.name} and {newer.path.name} positions are missing",
                where=str(older.path.parent),
                hint="restore the missing segment from a backup",
            )
