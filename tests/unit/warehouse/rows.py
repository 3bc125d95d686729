"""Records for the tests of the warehouse, what its files hold, and a disk that fails at any step."""

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pyarrow.parquet as pq

from gaitway.core.activity import ActivityRecord, Verdict
from gaitway.core.message import Block, Message, Record, Stream
from gaitway.warehouse.layout import DAY, Layout, day_start
from gaitway.warehouse.schemas import Table

SECOND = 1_000_000_000
TODAY = date(2026, 3, 5)
MIDNIGHT = day_start(TODAY)
NOON = MIDNIGHT + DAY // 2
WALK, RUN = Stream("phone", "walk"), Stream("phone", "run")

#: device, session, sensor, time, (x, y, z) exactly, values.
Reading = tuple[str, str, str, int, tuple[str, ...] | None, str | None]


def block(start: int, n: int = 3, sensor: str = "accelerometer", step: int = 10_000_000, seed: int = 0) -> Block:
    """n readings from a start on, with values as an iPhone sends them."""
    values = np.random.default_rng(seed).normal(0, 0.3, (3, n)).astype(np.float32).astype(np.float64) * 9.80665
    return Block(sensor, start + np.arange(n, dtype=np.int64) * step, values)


def record(position: int, *blocks: Block, stream: Stream = WALK, **changes: Any) -> Record:
    """A message at a position; by default three readings at noon, `position` seconds later."""
    content = blocks or (block(NOON + position * SECOND, seed=position),)
    received_at = NOON + position * SECOND + SECOND
    message = Message(stream, **{"message_id": position, "blocks": content, "received_at": received_at, **changes})
    return Record(position, "message", stream, message.received_at, message)


def tick(position: int, stream: Stream = WALK) -> Record:
    return Record(position, "tick", stream, NOON)


def seal(position: int, before: int, stream: Stream = WALK) -> Record:
    return Record(position, "seal", stream, NOON, before=before)


def activity(
    start: int, revision: int = 1, stream: Stream = WALK, recognizer: str = "thresholds-1/10s-2s/0"
) -> ActivityRecord:
    verdict = Verdict("walking", 0.75, 3.5, 998, 0.99)
    return ActivityRecord(stream, start, start + 10 * SECOND, recognizer, verdict, revision, "final")


def readings_of(stream: Stream, block: Block) -> Iterator[Reading]:
    """The readings of a block, comparable bit for bit."""
    for row, time in enumerate(block.times.tolist()):
        xyz = None if block.xyz is None else tuple(float(v).hex() for v in block.xyz[:, row])
        yield (*stream, block.sensor, time, xyz, None if block.values is None else block.values[row])


def sent(records: Sequence[Record]) -> Counter[Reading]:
    return Counter(
        r for each in records if each.message for b in each.message.blocks for r in readings_of(each.stream, b)
    )


def table_rows(folder: Path, table: Table, day: date | None = None) -> list[dict[str, Any]]:
    """Every row of the files that count, in the order of the files."""
    return [row for path in Layout(folder, table).live_files(day) for row in pq.read_table(path).to_pylist()]


def axes(row: dict[str, Any]) -> tuple[str, ...] | None:
    """x, y, z of a row as READINGS gives them: coalesce(x64, x * scale)."""
    if row["x"] is None and row["x64"] is None:
        return None
    values = [row[f"{a}64"] if row[f"{a}64"] is not None else row[a] * row["scale"] for a in "xyz"]
    return tuple(float(value).hex() for value in values)


def kept(folder: Path, day: date | None = None) -> Counter[Reading]:
    """What the files that count give back."""
    keys = ("device_id", "session_id", "sensor", "time")
    return Counter((*(row[key] for key in keys), axes(row), row["values"]) for row in table_rows(folder, "raw", day))


class Crash(BaseException):
    """The process dies here. No handler of the program sees it."""


@contextmanager
def crash_at(step: int) -> Iterator[Callable[[], bool]]:
    """Die at the step-th change of the disk (fsync, rename, unlink, mkdir); tells whether it came so far."""
    steps = {"made": 0}

    def guarded(call: Callable[..., Any]) -> Callable[..., Any]:
        def guard(*args: Any, **kwargs: Any) -> Any:
            steps["made"] += 1
            if steps["made"] == step:
                raise Crash
            return call(*args, **kwargs)

        return guard

    names = ("fsync", "replace", "unlink", "mkdir")
    patches = [patch.object(os, name, guarded(getattr(os, name))) for name in names]
    for each in patches:
        each.start()
    try:
        yield lambda: steps["made"] >= step
    finally:
        for each in patches:
            each.stop()


def dies(step: int, action: Callable[[], object]) -> bool:
    """Whether an action died at a step of the disk; False once it needs fewer steps."""
    try:
        with crash_at(step) as reached:
            action()
    except Crash:
        return True
    assert not reached(), "the crash was swallowed"
    return False


def utc(time: int) -> datetime:
    """A time in ns as the naive UTC timestamp that a file holds."""
    return datetime.fromtimestamp(time / SECOND, UTC).replace(tzinfo=None)
