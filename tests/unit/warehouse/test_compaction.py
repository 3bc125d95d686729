"""Merging closed days: what stays, in which order, when the rest goes; and that a crash at any step does no harm."""

import os
import random
import shutil
from collections import Counter
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gaitway.core.message import Block, Record
from gaitway.warehouse import compaction, merging
from gaitway.warehouse.compaction import GRACE, compact, merge_now
from gaitway.warehouse.layout import Layout
from gaitway.warehouse.parquet import ParquetWarehouse
from unit.warehouse.rows import (
    MIDNIGHT,
    NOON,
    RUN,
    SECOND,
    TODAY,
    WALK,
    Reading,
    activity,
    block,
    dies,
    kept,
    record,
    sent,
    table_rows,
)

TOMORROW = TODAY + timedelta(days=1)


def write(folder: Path, *ranges: list[Record]) -> ParquetWarehouse:
    """Each list as a range of its own, behind what is there."""
    warehouse = ParquetWarehouse(folder)
    for records in ranges:
        warehouse.write_raw(records, warehouse.position("raw") + 1, records[-1].position)
    return warehouse


def once(readings: Counter[Reading]) -> Counter[Reading]:
    return Counter(set(readings))


def newest(folder: Path) -> float:
    return max(path.stat().st_mtime for path in folder.rglob("*") if path.is_file())


def parquet_files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*.parquet") if "1970" not in str(path))


def test_a_closed_day_becomes_one_sorted_file(tmp_path: Path) -> None:
    late = record(3, block(NOON - 5 * SECOND), block(NOON, sensor="gravity"), stream=RUN)
    write(tmp_path, [record(1), record(2, stream=RUN)], [late, record(4, block(NOON))])
    before = kept(tmp_path)
    (path,) = compact(tmp_path, TOMORROW, now=0.0)
    assert path.name == "000000000000001-000000000000004.merged.parquet"
    assert Layout(tmp_path, "raw").live_files(TODAY) == [path]
    assert kept(tmp_path) == before
    keys = [
        tuple(row[k] for k in ("device_id", "session_id", "sensor", "time", "position"))
        for row in table_rows(tmp_path, "raw")
    ]
    assert keys == sorted(keys)
    assert pq.read_schema(path) == pq.read_schema(Layout(tmp_path, "raw").live_files()[0])


def test_days_that_are_not_closed_are_left_alone(tmp_path: Path) -> None:
    write(tmp_path, [record(1), record(2, block(MIDNIGHT - SECOND))])
    (path,) = compact(tmp_path, TODAY, now=0.0)
    assert "date=2026-03-04" in str(path)
    merged = merge_now(tmp_path, TODAY)
    assert merged is not None and "date=2026-03-05" in str(merged)


def test_equal_readings_are_removed_for_good_the_smallest_position_stays(tmp_path: Path) -> None:
    first = record(1, block(NOON, seed=1))
    equal = record(3, block(NOON, seed=1), transport="mqtt")
    differing = record(2, block(NOON, seed=2))
    write(tmp_path, [first, differing], [equal])
    merge_now(tmp_path, TODAY)
    assert kept(tmp_path) == sent([first, differing])
    assert {row["position"] for row in table_rows(tmp_path, "raw")} == {1, 2}


def test_readings_are_equal_by_the_value_that_was_sent_however_it_is_stored(tmp_path: Path) -> None:
    value = np.array([[0.5], [-0.0], [2.0]])
    narrow = Block("gyroscope", np.array([NOON]), value)
    wide = Block("gyroscope", np.array([NOON, NOON + 1]), np.hstack([value, np.full((3, 1), 0.1)]))
    zero = Block("gyroscope", np.array([NOON]), np.array([[0.5], [0.0], [2.0]]))
    write(tmp_path, [record(1, narrow), record(2, wide), record(3, zero)])
    merge_now(tmp_path, TODAY)
    assert [(row["position"], row["time"] - NOON) for row in table_rows(tmp_path, "raw")] == [(1, 0), (2, 1)]


def test_other_values_sensors_and_streams_tell_readings_apart(tmp_path: Path) -> None:
    def place(values: str | None) -> Block:
        return Block("location", np.array([NOON]), values=(values,))

    records = [
        *(record(1, place('{"a":1}')), record(2, place('{"a":2}')), record(3, place(None))),
        *(record(4, block(NOON, 1)), record(5, block(NOON, 1), stream=RUN), record(6, block(NOON, 1, "gravity"))),
    ]
    write(tmp_path, records)
    merge_now(tmp_path, TODAY)
    assert kept(tmp_path) == sent(records)


def test_every_version_of_an_activity_stays(tmp_path: Path) -> None:
    warehouse = ParquetWarehouse(tmp_path)
    versions = [
        activity(NOON, 9),
        activity(NOON, 4),
        activity(NOON - 2 * SECOND, 4, RUN),
        activity(NOON, 4, recognizer="a/1"),
    ]
    warehouse.write_activities(list(enumerate(versions[:2], 1)), 1, 2)
    warehouse.write_activities(list(enumerate(versions[2:], 3)), 3, 4)
    before = table_rows(tmp_path, "activities")
    (path,) = compact(tmp_path, TOMORROW, now=0.0)
    after = table_rows(tmp_path, "activities")
    assert path.name.endswith(".merged.parquet")
    assert [row["position"] for row in after] == [3, 4, 2, 1]
    assert sorted(before, key=str) == sorted(after, key=str)


def test_late_readings_of_a_merged_day_are_merged_into_it(tmp_path: Path) -> None:
    write(tmp_path, [record(1)], [record(2)])
    merge_now(tmp_path, TODAY)
    assert merge_now(tmp_path, TODAY) is None
    write(tmp_path, [record(3, block(NOON)), record(4)])
    assert kept(tmp_path).total() == 12
    path = merge_now(tmp_path, TODAY)
    assert path is not None and path.name == "000000000000001-000000000000004.merged.parquet"
    assert kept(tmp_path) == sent([record(1), record(2), record(3, block(NOON)), record(4)])


def test_what_was_replaced_stays_readable_for_a_minute(tmp_path: Path) -> None:
    write(tmp_path, [record(1)], [record(2)])
    compact(tmp_path, TOMORROW, now=0.0)
    compact(tmp_path, TOMORROW, now=newest(tmp_path) + GRACE - 1)
    assert len(parquet_files(tmp_path)) == 3
    compact(tmp_path, TOMORROW, now=newest(tmp_path) + GRACE)
    assert parquet_files(tmp_path) == ["000000000000001-000000000000002.merged.parquet"]
    assert kept(tmp_path) == sent([record(1), record(2)])


def test_a_file_beyond_the_position_is_not_merged(tmp_path: Path) -> None:
    warehouse = write(tmp_path, [record(1)], [record(2)])
    warehouse.write_raw([record(5)], 5, 5)
    path = merge_now(tmp_path, TODAY)
    assert path is not None and path.name == "000000000000001-000000000000002.merged.parquet"
    warehouse.write_raw([record(3), record(4)], 3, 4)
    assert kept(tmp_path) == sent([record(p) for p in range(1, 6)])


def test_many_markers_become_one_and_go_after_a_minute(tmp_path: Path) -> None:
    warehouse = write(tmp_path, *([record(p)] for p in range(1, compaction.MARKERS + 1)))
    layout = Layout(tmp_path, "raw")
    compact(tmp_path, TODAY, now=0.0)
    assert len(layout.markers()) == compaction.MARKERS + 1
    compact(tmp_path, TODAY, now=newest(tmp_path) + GRACE)
    assert layout.markers() == [(1, compaction.MARKERS)]
    warehouse.write_raw([record(33)], 33, 33)
    compact(tmp_path, TODAY, now=newest(tmp_path) + GRACE)
    assert layout.markers() == [(1, 32), (33, 33)]
    assert warehouse.position("raw") == 33
    assert kept(tmp_path) == sent([record(p) for p in range(1, 34)])


def test_a_day_larger_than_a_row_group_is_merged_part_by_part(tmp_path: Path) -> None:
    streams = [(WALK, "accelerometer"), (RUN, "accelerometer"), (WALK, "gyroscope")]
    ranges = [
        [
            record(3 * k + i + 1, block(MIDNIGHT + k * 600 * SECOND, 30, sensor, 20 * SECOND, seed=k), stream=stream)
            for i, (stream, sensor) in enumerate(streams)
        ]
        for k in range(20)
    ]
    write(tmp_path, *ranges)
    files = Layout(tmp_path, "raw").live_files(TODAY)
    groups = list(merging.merged_rows("raw", files, rows=200))
    assert max(group.num_rows for group in groups) <= 200
    rows = [tuple(row[k] for k in ("session_id", "sensor", "time")) for group in groups for row in group.to_pylist()]
    assert len(rows) == 1800 and rows == sorted(rows)


def test_a_crash_at_any_step_of_compaction_loses_and_doubles_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compaction, "MARKERS", 3)
    ranges = [[record(p, block(NOON, seed=p % 3)), record(p + 1)] for p in (1, 3, 5, 7)]
    everything = sent([each for some in ranges for each in some])
    origin = tmp_path / "origin"
    write(origin, *ranges)
    late = newest(origin) + GRACE * 100
    step, died = 0, True
    while died:
        step += 1
        folder = tmp_path / str(step)
        shutil.copytree(origin, folder)

        def compacted(folder: Path = folder) -> None:
            for _ in range(2):
                compact(folder, TOMORROW, late)

        died = dies(step, compacted)
        assert kept(folder) in (everything, once(everything))
        assert ParquetWarehouse(folder).position("raw") == 8
        compacted()
        assert kept(folder) == once(everything)
        assert parquet_files(folder) == [f"{1:015}-{8:015}.merged.parquet"]
        assert Layout(folder, "raw").markers() == [(1, 8)]
        assert list(folder.rglob("*.tmp")) == []
        write(folder, [record(9)])
        assert kept(folder) == once(everything) + sent([record(9)])
    assert step > 15


values = st.sampled_from([0.0, -0.0, 1.5, 0.1, 9.80665])
readings = st.tuples(
    st.sampled_from([WALK, RUN]), st.sampled_from("ab"), st.integers(0, 3), values, st.sampled_from([None, "{}"])
)


@given(
    st.lists(st.lists(readings, min_size=1, max_size=6), min_size=1, max_size=6),
    st.randoms(use_true_random=False),
    st.integers(1, 40),
)
def test_merging_gives_the_set_of_readings(
    tmp_path_factory: pytest.TempPathFactory, batches: list[list[Any]], shuffle: random.Random, rows: int
) -> None:
    folder = tmp_path_factory.mktemp("set")
    position = 0
    first: dict[Any, int] = {}
    warehouse = ParquetWarehouse(folder)
    for batch in batches:
        records = []
        for stream, sensor, second, value, text in batch:
            position += 1
            one = Block(sensor, np.array([NOON + second * SECOND]), np.full((3, 1), value), values=(text,))
            records.append(record(position, one, stream=stream))
            first.setdefault((*stream, sensor, NOON + second * SECOND, value + 0.0, text), position)
        warehouse.write_raw(records, records[0].position, position)
    files = Layout(folder, "raw").live_files(TODAY)
    shuffle.shuffle(files)
    found = [row for group in merging.merged_rows("raw", files, rows) for row in group.to_pylist()]
    x = [row["x64"] if row["x64"] is not None else row["x"] * row["scale"] for row in found]
    keys = ("device_id", "session_id", "sensor", "time")
    got = [
        ((*(row[k] for k in keys), value + 0.0, row["values"]), row["position"])
        for row, value in zip(found, x, strict=True)
    ]
    assert len(got) == len(first) and dict(got) == first


def test_what_a_compaction_that_died_left_is_removed(tmp_path: Path) -> None:
    write(tmp_path, [record(1)])
    left = tmp_path / "raw" / "_merging" / "x.merged.parquet.tmp"
    left.parent.mkdir()
    left.write_bytes(b"half")
    compact(tmp_path, date(2026, 1, 1), now=0.0)
    assert os.listdir(left.parent) == []
