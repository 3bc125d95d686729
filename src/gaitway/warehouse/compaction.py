"""Closed days become one sorted file each, and many markers one: each step in an order that a crash cannot hurt.

    1. FROM-TO.merged.parquet is published: from here on the files whose ranges it covers do not count
    2. a minute later, at the next call, those are unlinked
    3. one marker over all that is done is published
    4. a minute later, at the next call, the markers that it covers are unlinked

Nothing is unlinked at once: who listed the folder a moment ago may still want to open it.
"""

from datetime import date
from pathlib import Path

from gaitway.warehouse.durable import TMP, publish, remove
from gaitway.warehouse.layout import MERGING, Layout, Range
from gaitway.warehouse.merging import merged_rows
from gaitway.warehouse.schemas import SCHEMAS, Table, write_file

GRACE = 60.0
#: Of zstd. The numbers are split into bytes first: a high level costs no more time than a low one.
LEVEL = 9
#: Fewer markers than this are not worth a bigger one.
MARKERS = 32


def compact(folder: Path, closed_before: date, now: float, grace: float = GRACE) -> list[Path]:
    """Merge every day before `closed_before` that has new files, of both tables; the merged files.

    `now` is the time as `time.time()` gives it. For one caller at a time; others may read and write meanwhile.
    """
    merged: list[Path] = []
    for table in SCHEMAS:
        layout = Layout(folder, table)
        for left in (layout.root / MERGING).glob(f"*{TMP}"):
            remove(left)
        _unlink_replaced(layout, now - grace)
        _unlink_markers(layout, now - grace)
        for day in layout.dates():
            path = merge(layout, day) if day < closed_before else None
            merged += [path] if path else []
        _join_markers(layout)
    return merged


def merge_now(folder: Path, day: date, table: Table = "raw") -> Path | None:
    """Merge one day, closed or not; None when it has nothing to merge. What it replaces stays for `compact`."""
    return merge(Layout(folder, table), day)


def merge(layout: Layout, day: date) -> Path | None:
    """Merge the files of a day that count into one; None when there is nothing to merge."""
    # Only behind the position: a range that is written later must not lie inside that of a merged file.
    end = layout.position()
    files = [file for file in layout.live(day) if file.range.last <= end]
    if all(file.merged for file in files) and len(files) < 2:
        return None
    range_ = Range(min(file.range.first for file in files), max(file.range.last for file in files))
    path = layout.path(day, range_, merged=True)
    rows = merged_rows(layout.table, [file.path for file in files])
    publish(path, lambda tmp: write_file(tmp, layout.table, rows, LEVEL), aside=layout.root / MERGING)
    return path


def _unlink_replaced(layout: Layout, before: float) -> None:
    for day in layout.dates():
        files = layout.files(day)
        settled = [file for file in files if file.merged and _age(file.path) <= before]
        for file in files:
            if any(each.replaces(file) for each in settled):
                remove(file.path)


def _join_markers(layout: Layout) -> None:
    markers = layout.markers()
    whole = Range(1, layout.position())
    inside = [each for each in markers if whole.covers(each)]
    widest = [each for each in inside if not any(other != each and other.covers(each) for other in inside)]
    if len(widest) >= MARKERS:
        layout.mark(*whole)


def _unlink_markers(layout: Layout, before: float) -> None:
    markers = layout.markers()
    settled = [each for each in markers if _age(layout.marker(each)) <= before]
    for each in markers:
        if any(other != each and other.covers(each) for other in settled):
            remove(layout.marker(each))


def _age(path: Path) -> float:
    return path.stat().st_mtime
