"""Reading back samples: exactly those asked for, as they were sent, while files come and go."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from gaitway.core.message import CORE_SENSORS, Block, Message, Record
from gaitway.warehouse.compaction import compact, merge_now
from gaitway.warehouse.layout import Layout
from gaitway.warehouse.parquet import ParquetWarehouse
from unit.warehouse.rows import MIDNIGHT, NOON, RUN, SECOND, TODAY, WALK, Reading, block, readings_of, record, sent

EVER = 1 << 62
LATER = 4_000_000_000.0


@pytest.fixture
def warehouse(tmp_path: Path) -> ParquetWarehouse:
    return ParquetWarehouse(tmp_path)


def given(messages: Iterable[Message]) -> Counter[Reading]:
    return Counter(r for message in messages for b in message.blocks for r in readings_of(message.stream, b))


def test_of_a_stream_the_core_sensors_and_nothing_else(warehouse: ParquetWarehouse) -> None:
    core = [block(NOON, sensor=sensor, seed=i) for i, sensor in enumerate(CORE_SENSORS)]
    other = [block(NOON, sensor="gyroscope"), Block("location", np.array([NOON]), values=('{"speed":1}',))]
    records = [record(1, *core, *other), record(2, block(NOON), stream=RUN)]
    warehouse.write_raw(records, 1, 2)
    assert given(warehouse.samples(WALK, 0, EVER, 2)) == sent([record(1, *core)])


def test_start_is_inclusive_end_exclusive_and_positions_end_at_upto(warehouse: ParquetWarehouse) -> None:
    records = [record(p, block(NOON, 5, step=SECOND, seed=p)) for p in range(1, 4)]
    warehouse.write_raw(records, 1, 3)
    found = given(warehouse.samples(WALK, NOON + SECOND, NOON + 3 * SECOND, 2))
    middle = [
        replace(b, times=b.times[1:3], xyz=b.xyz[:, 1:3])
        for p in (1, 2)
        if (b := block(NOON, 5, step=SECOND, seed=p)).xyz is not None
    ]
    assert found == sent([record(p, b) for p, b in enumerate(middle, 1)])
    assert given(warehouse.samples(WALK, NOON, NOON, 3)) == Counter()
    assert given(warehouse.samples(WALK, NOON, EVER, 0)) == Counter()


def test_a_span_over_midnight_reads_both_days(warehouse: ParquetWarehouse) -> None:
    records = [record(1, block(MIDNIGHT - 20_000_000, 5))]
    warehouse.write_raw(records, 1, 1)
    assert given(warehouse.samples(WALK, MIDNIGHT - SECOND, MIDNIGHT + SECOND, 1)) == sent(records)


def values_of_every_kind() -> list[Record]:
    times = NOON + np.arange(2)
    single = np.array([[0.1, 2.0], [-0.0, 3.5], [1e-40, 7.25]], np.float32).astype(np.float64)
    kinds = [single, single * 9.80665, np.array([[0.1, 2], [1e-300, 3], [0.3, 1e300]])]
    return [record(p, Block("accelerometer", times + 10 * p, xyz)) for p, xyz in enumerate(kinds, 1)]


def test_values_come_back_bit_for_bit_from_small_and_merged_files(tmp_path: Path, warehouse: ParquetWarehouse) -> None:
    records = values_of_every_kind()
    warehouse.write_raw(records, 1, 3)
    assert given(warehouse.samples(WALK, 0, EVER, 3)) == sent(records)
    merge_now(tmp_path, TODAY)
    assert given(warehouse.samples(WALK, 0, EVER, 3)) == sent(records)


def test_an_acceleration_without_axes_is_not_left_out(warehouse: ParquetWarehouse) -> None:
    odd = Block("accelerometer", np.array([NOON, NOON + 1]), values=('{"x":1}', None))
    warehouse.write_raw([record(1, odd, block(NOON))], 1, 1)
    assert given(warehouse.samples(WALK, 0, EVER, 1)) == sent([record(1, odd, block(NOON))])


def test_files_that_vanish_meanwhile_are_looked_for_again(tmp_path: Path, warehouse: ParquetWarehouse) -> None:
    records = [record(1), record(2)]
    warehouse.write_raw(records[:1], 1, 1)
    warehouse.write_raw(records[1:], 2, 2)
    reading = iter(warehouse.samples(WALK, 0, EVER, 2))
    first = next(reading)
    merge_now(tmp_path, TODAY)
    compact(tmp_path, TODAY + timedelta(days=1), now=LATER)
    assert len(Layout(tmp_path, "raw").files(TODAY)) == 1
    assert set(given([first, *reading])) == set(sent(records))
