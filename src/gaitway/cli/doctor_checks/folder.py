"""The data folder itself: there, writable, with room, and who writes it."""

import fcntl
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from gaitway.ops.doctor import Finding, Subject, judge_disk, span
from gaitway.profiles.folder import DataFolder

_OLD_S = 600.0
_HALF_WRITTEN = ("*.tmp", "*.new")


def exists(subject: Subject) -> Iterator[Finding]:
    """Whether the folder is there."""
    if subject.data is None:
        return
    if subject.data.is_dir():
        yield Finding("ok", f"the data folder is {subject.data.absolute()}")
    elif subject.data.exists():
        yield Finding("fail", f"{subject.data} is no folder", "", "Give the folder of `gaitway serve --data`.")
    else:
        hint = "`gaitway serve --data DIR` makes it; or give the folder that it was given."
        yield Finding("fail", f"there is no folder {subject.data}", "", hint)


def writable(subject: Subject) -> Iterator[Finding]:
    """Whether files can be made in it: tried with one that has no name and is gone at once."""
    for folder in _folders(subject):
        try:
            with tempfile.TemporaryFile(dir=folder):
                pass
        except OSError as error:
            hint = "Give its rights to the user that runs Gaitway."
            yield Finding("fail", f"{folder} cannot be written", error.strerror or str(error), hint)
            return
    if subject.data is not None and subject.data.is_dir():
        yield Finding("ok", "it can be written")


def free_disk(subject: Subject) -> Iterator[Finding]:
    """Whether the disk has room."""
    if subject.data is not None and subject.data.is_dir():
        yield judge_disk(shutil.disk_usage(subject.data).free, subject.reserve)


def held_by(subject: Subject) -> Iterator[Finding]:
    """Which processes write the folder now. It takes no lock for longer than a look."""
    if subject.data is None:
        return
    held = {path.stem: pid for path in sorted(DataFolder(subject.data).run.glob("*.lock")) if (pid := holder(path))}
    if held:
        who = ", ".join(f"{part} is process {pid}" for part, pid in held.items())
        yield Finding("ok", f"a server is writing it ({who})")
    elif subject.data.is_dir():
        yield Finding("ok", "no server is writing it")


def holder(lock: Path) -> str:
    """The process that holds a lock file; an empty text when nobody does."""
    try:
        with lock.open(encoding="ascii") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return file.read().strip() or "unknown"
    except FileNotFoundError:  # the server has just cleaned up
        return ""
    return ""


def leftovers(subject: Subject) -> Iterator[Finding]:
    """Half-written files of a broken write, older than a server would need for them."""
    if subject.data is None:
        return
    now = time.time()
    ages = {path: now - _changed(path) for pattern in _HALF_WRITTEN for path in subject.data.rglob(pattern)}
    old = {path: age for path, age in ages.items() if age > _OLD_S}
    if old:
        path, age = max(old.items(), key=lambda item: item[1])
        what = f"{len(old)} half-written files are left, the oldest {path.name} from {span(age * 1e9)} ago"
        yield Finding("warn", what, "a write was cut short; no reading is lost", "The next start removes them.")
    elif subject.data.is_dir():
        yield Finding("ok", "nothing half-written is left in it")


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:  # its writer gave it its final name meanwhile
        return time.time()


def _folders(subject: Subject) -> list[Path]:
    """The folder, and those inside it that processes write to."""
    if subject.data is None or not subject.data.is_dir():
        return []
    data = DataFolder(subject.data)
    inside = (data.tape.parent, data.tape, data.warehouse, data.run)
    return [subject.data, *(folder for folder in inside if folder.is_dir())]
