"""Bytes that one phone-day at 100 Hz of one sensor takes in the warehouse once its day is merged."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from bench.bodies import FIRST_MESSAGE, RATE, gait, sample_times
from bench.case import Case, Run
from bench.figures import Figure, Target
from bench.machine import Meter
from gaitway.core.message import Block, Message, Record, Stream
from gaitway.warehouse.compaction import merge_now
from gaitway.warehouse.parquet import ParquetWarehouse

_DAY = datetime(2026, 3, 5, tzinfo=UTC)
_HOUR = 3600
_MEGABYTE = 1e6
_STREAM = Stream("0b6f3c52-94a1-4b8e-9d7e-2f1c5a7e8d90", "d2a4c8e6-1f3b-4a5d-8c7e-9b0a1c2d3e4f")


def run(run: Run) -> list[Figure]:
    """A day of messages of one second each, still for two thirds of it; quick: an hour, scaled."""
    folder = run.place("storage") / "warehouse"
    hours = int(run.pick(24, 1))
    warehouse = ParquetWarehouse(folder)
    meter = Meter()
    position = 0
    for records in messages(hours):
        warehouse.write_raw(records, position + 1, records[-1].position)
        position = records[-1].position
    small = _bytes(folder / "raw")
    begin = time.monotonic()
    merged = merge_now(folder, _DAY.date())
    took = time.monotonic() - begin
    usage = meter.read()
    if merged is None:
        message = "nothing was merged"
        raise RuntimeError(message)
    size = merged.stat().st_size * 24 / hours
    each = merged.stat().st_size / (hours * _HOUR * RATE)
    note = f"{each:.1f} bytes a reading; {small / _MEGABYTE:.0f} MB before, merged in {took:.1f} s"
    note += "" if hours == 24 else f"; {hours} h scaled to a day"
    return [Figure("storage", "a phone-day, merged", size / _MEGABYTE, "MB", usage.others, Target("<=", 130), note)]


def messages(hours: int) -> Iterator[list[Record]]:
    """An hour of messages at a time: one a second."""
    rng = np.random.default_rng(1)
    start = int(_DAY.timestamp())
    for hour in range(hours):
        seconds = start + hour * _HOUR
        times = sample_times(_HOUR * RATE, rng) + seconds * 1_000_000_000
        xyz = gait((times - times[0]) / 1e9, 1.2 if hour % 3 == 2 else 0.03, rng)
        yield [_record(seconds - start + i, times, xyz, i) for i in range(_HOUR)]


def _record(number: int, times: np.ndarray, xyz: np.ndarray, second: int) -> Record:
    part = slice(second * RATE, (second + 1) * RATE)
    received_at = int(times[part][-1]) + 80_000_000 + number * 7919 % 40_000_000
    block = Block("accelerometer", times[part], np.ascontiguousarray(xyz[:, part]))
    message = Message(_STREAM, FIRST_MESSAGE + number, (block,), received_at)
    return Record(number + 1, "message", _STREAM, received_at, message)


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*.parquet"))


CASE = Case("storage", "bytes of a phone-day at 100 Hz of one sensor", run)
