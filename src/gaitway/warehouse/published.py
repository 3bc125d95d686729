"""Current verdicts read back from the files, for windows whose records were trimmed from tape 2."""

from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from gaitway.core.activity import Verdict
from gaitway.core.message import Stream
from gaitway.errors import WarehouseError
from gaitway.warehouse.layout import Layout, utc_day
from gaitway.warehouse.scanning import batches

_COLUMNS = ["window_start", "revision", *Verdict._fields]
_TRIES = 3
_Best = dict[int, tuple[int, Verdict]]


def published(folder: Path, stream: Stream, recognizer: str, start: int, end: int) -> dict[int, Verdict]:
    """The verdicts with the highest revision of windows with start <= window_start < end, by window_start (ns)."""
    if start >= end:
        return {}
    layout = Layout(folder, "activities")
    wanted = (
        (pc.field("device_id") == stream.device_id)
        & (pc.field("session_id") == stream.session_id)
        & (pc.field("recognizer") == recognizer)
        & (pc.field("window_start") >= pa.scalar(start // 1000, pa.timestamp("us")))
        & (pc.field("window_start") < pa.scalar(-(-end // 1000), pa.timestamp("us")))
    )
    best: _Best = {}
    first, last = utc_day(start), utc_day(end - 1)
    for day in layout.dates():
        if first <= day <= last:
            _take(layout, day, wanted, best)
    return {at: verdict for at, (_, verdict) in best.items()}


def _take(layout: Layout, day: date, wanted: Any, best: _Best) -> None:
    for _ in range(_TRIES):
        try:
            for path in layout.live_files(day):
                for batch in batches(path, _COLUMNS, wanted):
                    _improve(batch, best)
            return
        except FileNotFoundError:
            continue  # merged and unlinked while we read: look again; what comes twice does no harm
    message = "files of the warehouse vanish while they are read"
    raise WarehouseError(message, where=str(layout.day_folder(day)), hint="Try again.")


def _improve(batch: Any, best: _Best) -> None:
    starts = batch["window_start"].cast(pa.int64()).to_pylist()
    revisions = batch["revision"].to_pylist()
    verdicts = zip(*(batch[name].to_pylist() for name in Verdict._fields), strict=True)
    for at, revision, fields in zip(starts, revisions, verdicts, strict=True):
        known = best.get(at * 1000)
        if known is None or revision > known[0]:
            best[at * 1000] = (revision, Verdict(*fields))
