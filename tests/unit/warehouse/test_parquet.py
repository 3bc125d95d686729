"""What is written for a range, under which names and with which columns; and what a broken write leaves."""

import errno
import json
import os
from datetime import UTC, date, datetime
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gaitway.core.message import Block
from gaitway.errors import WarehouseError
from gaitway.ports import DeadLetter
from gaitway.warehouse import raw_columns
from gaitway.warehouse.layout import Layout
from gaitway.warehouse.parquet import ParquetWarehouse
from unit.warehouse.rows import (
    MIDNIGHT,
    NOON,
    RUN,
    SECOND,
    TODAY,
    WALK,
    activity,
    block,
    kept,
    record,
    seal,
    sent,
    table_rows,
    tick,
    utc,
)

FULL = OSError(errno.ENOSPC, "No space left on device")


@pytest.fixture
def warehouse(tmp_path: Path) -> ParquetWarehouse:
    return ParquetWarehouse(tmp_path)


def names(folder: Path) -> list[str]:
    files = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return sorted(name for name in files if "1970" not in name)


def test_one_file_a_day_and_the_marker(tmp_path: Path, warehouse: ParquetWarehouse) -> None:
    across_midnight = record(1, block(MIDNIGHT - 10_000_000, 4))
    warehouse.write_raw([across_midnight, record(2), tick(3)], 1, 3)
    assert names(tmp_path) == [
        "raw/_done/000000000000001-000000000000003",
        "raw/date=2026-03-04/000000000000001-000000000000003.parquet",
        "raw/date=2026-03-05/000000000000001-000000000000003.parquet",
    ]
    assert kept(tmp_path, date(2026, 3, 4)).total() == 1
    assert kept(tmp_path) == sent([across_midnight, record(2)])


def test_a_range_without_readings_still_has_its_marker(tmp_path: Path, warehouse: ParquetWarehouse) -> None:
    warehouse.write_raw([tick(1), record(2, blocks=())], 1, 2)
    warehouse.write_activities([], 1, 7)
    assert names(tmp_path) == [
        "activities/_done/000000000000001-000000000000007",
        "raw/_done/000000000000001-000000000000002",
    ]
    assert (warehouse.position("raw"), warehouse.position("activities")) == (2, 7)


def test_every_column_of_a_reading(tmp_path: Path, warehouse: ParquetWarehouse) -> None:
    times = np.array([NOON, NOON + 1])
    gyroscope = Block("gyroscope", times, np.ones((3, 2)), np.array([3, -1], np.int8), None, ('{"odd":1}', None), "ms")
    place = Block("location", times[:1], values=('{"latitude":52.5}',))
    warehouse.write_raw([record(1, gyroscope, place, message_id="a7", transport="mqtt", rest='{"userId":"u"}')], 1, 1)
    first, second, third = table_rows(tmp_path, "raw")
    received_at = NOON + 2 * SECOND
    assert first == {
        **{"device_id": "phone", "session_id": "walk", "sensor": "gyroscope", "time": NOON},
        **{"x": 1.0, "y": 1.0, "z": 1.0, "scale": 1.0, "x64": None, "y64": None, "z64": None},
        **{"values": None, "rest": '{"odd":1}', "accuracy": 3, "message_id": "a7", "transport": "mqtt"},
        **{"received_at": received_at, "position": 1, "time_unit": "ms", "envelope": '{"userId":"u"}'},
    }
    assert (second["time"], second["accuracy"], second["rest"]) == (NOON + 1, None, None)
    assert (third["sensor"], third["x"], third["scale"], third["values"]) == (
        "location",
        None,
        None,
        '{"latitude":52.5}',
    )
    assert (third["accuracy"], third["time_unit"]) == (None, "ns")


def test_the_scale_is_chosen_by_block(tmp_path: Path, warehouse: ParquetWarehouse) -> None:
    singles = np.random.default_rng(1).normal(0, 1, (3, 4)).astype(np.float32).astype(np.float64)
    zero_first = singles * 9.80665
    zero_first[:, 0] = 0.0  # exact at both scales: the block is still a scaled one
    wide = singles.copy()
    wide[1, 2] = 0.1
    by_sensor = {"a": singles, "b": singles * 9.80665, "c": zero_first, "d": wide, "e": singles * 9.80665 * 9.80665}
    blocks = [Block(name, NOON + np.arange(4), xyz) for name, xyz in by_sensor.items()]
    warehouse.write_raw([record(1, *blocks)], 1, 1)
    scales = {
        name: {row["scale"] for row in table_rows(tmp_path, "raw") if row["sensor"] == name} for name in by_sensor
    }
    assert scales == {"a": {1.0}, "b": {9.80665}, "c": {9.80665}, "d": {None}, "e": {None}}
    assert all(
        row["x"] is None and row["x64"] is not None for row in table_rows(tmp_path, "raw") if row["sensor"] == "d"
    )
    assert kept(tmp_path) == sent([record(1, *blocks)])


def test_rows_lie_by_stream_and_sensor_in_row_groups(tmp_path: Path, warehouse: ParquetWarehouse) -> None:
    records = [
        record(p, block(NOON + p, sensor=s), stream=w)
        for p, (s, w) in enumerate([("b", WALK), ("a", WALK), ("a", RUN), ("b", WALK)], 1)
    ]
    warehouse.write_raw(records, 1, 4)
    rows = [(row["session_id"], row["sensor"], row["position"]) for row in table_rows(tmp_path, "raw")]
    assert rows == sorted(rows)
    pieces = raw_columns.by_day((r.position, r.message) for r in records if r.message)[TODAY]
    assert [group.num_rows for group in raw_columns.row_groups(pieces, rows=5)] == [6, 6]


def test_how_the_columns_are_encoded(tmp_path: Path, warehouse: ParquetWarehouse) -> None:
    warehouse.write_raw([record(1)], 1, 1)
    (path,) = Layout(tmp_path, "raw").live_files(TODAY)
    file = pq.ParquetFile(path)
    chunks = {
        (chunk := file.metadata.row_group(0).column(i)).path_in_schema: chunk for i in range(file.metadata.num_columns)
    }
    assert {chunk.compression for chunk in chunks.values()} == {"ZSTD"}
    assert "DELTA_BINARY_PACKED" in chunks["time"].encodings
    assert all("BYTE_STREAM_SPLIT" in chunks[name].encodings for name in ("x", "y", "z", "x64"))
    assert all("RLE_DICTIONARY" in chunks[name].encodings for name in ("device_id", "sensor", "scale", "position"))
    statistics = chunks["time"].statistics
    assert statistics is not None and statistics.min == NOON + SECOND
    assert file.schema_arrow.field("device_id").type == pa.string()


def test_half_a_surrogate_pair_does_not_stop_the_warehouse(tmp_path: Path, warehouse: ParquetWarehouse) -> None:
    odd = Block("\ud800", np.array([NOON]), values=('{"text":"\ud800"}',))
    warehouse.write_raw([record(1, odd, message_id="\udfff")], 1, 1)
    (row,) = table_rows(tmp_path, "raw")
    assert (row["sensor"], row["message_id"]) == ("\\ud800", "\\udfff")
    assert json.loads(row["values"]) == {"text": "\ud800"}


def test_an_activity_as_a_row(tmp_path: Path, warehouse: ParquetWarehouse) -> None:
    before_midnight = activity(MIDNIGHT - 2 * SECOND, revision=5)
    warehouse.write_activities([(1, activity(NOON, revision=4)), (2, before_midnight)], 1, 2)
    layout = Layout(tmp_path, "activities")
    assert layout.dates() == [date(2026, 3, 4), TODAY]
    (row,) = table_rows(tmp_path, "activities", TODAY)
    assert row == {
        **{
            "device_id": "phone",
            "session_id": "walk",
            "window_start": utc(NOON),
            "window_end": utc(NOON + 10 * SECOND),
        },
        **{"activity": "walking", "confidence": 0.75, "avg_magnitude": 3.5, "sample_count": 998, "coverage": 0.99},
        **{"recognizer": "thresholds-1/10s-2s/0", "revision": 4, "status": "final", "schema_version": 1, "position": 1},
    }
    assert utc(NOON) == datetime(2026, 3, 5, 12, tzinfo=UTC).replace(tzinfo=None)


def test_a_full_disk_is_said_and_what_it_broke_is_written_again(tmp_path: Path, warehouse: ParquetWarehouse) -> None:
    records = [record(p) for p in range(1, 5)]
    with patch.object(os, "replace", side_effect=FULL), pytest.raises(WarehouseError, match="No space") as error:
        warehouse.write_raw(records[:2], 1, 2)
    assert error.value.where.endswith(".parquet") and error.value.hint
    assert warehouse.position("raw") == 0
    warehouse.write_raw(records, 1, 4)
    assert kept(tmp_path) == sent(records)


@pytest.mark.parametrize("restarted", [False, True])
@pytest.mark.parametrize("end", [1, 3])
def test_a_broken_range_written_again_with_another_end_is_not_doubled(
    tmp_path: Path, end: int, restarted: bool
) -> None:
    records = [record(p) for p in range(1, 5)]
    warehouse = ParquetWarehouse(tmp_path)
    with patch.object(Layout, "mark", side_effect=KeyboardInterrupt), pytest.raises(KeyboardInterrupt):
        warehouse.write_raw(records[:2], 1, 2)
    again = ParquetWarehouse(tmp_path) if restarted else warehouse
    again.write_raw(records[:end], 1, end)
    again.write_raw(records[end:], end + 1, 4)
    assert kept(tmp_path) == sent(records)


def test_only_what_is_not_done_of_a_range_is_written(tmp_path: Path, warehouse: ParquetWarehouse) -> None:
    records = [record(p) for p in range(1, 8)]
    warehouse.write_raw(records, 3, 4)
    warehouse.write_raw(records, 1, 7)
    assert kept(tmp_path) == sent(records)
    assert Layout(tmp_path, "raw").markers() == [(1, 2), (3, 4), (5, 7)]


@pytest.mark.parametrize(("first", "last"), [(0, 3), (5, 4), (-1, 1)])
def test_what_is_no_range_is_an_error(warehouse: ParquetWarehouse, first: int, last: int) -> None:
    with pytest.raises(WarehouseError, match="no range"):
        warehouse.write_raw([], first, last)


def sealed_letters(warehouse: ParquetWarehouse) -> list[DeadLetter]:
    letters: list[DeadLetter] = []
    warehouse.on_sealed = letters.extend
    return letters


def test_a_seal_holds_for_what_follows_it_on_the_tape(tmp_path: Path, warehouse: ParquetWarehouse) -> None:
    letters = sealed_letters(warehouse)
    old, other = block(NOON, 4), block(NOON, 2)
    records = [record(1, old), seal(2, NOON + 20_000_000), record(3, old), record(4, other, stream=RUN)]
    warehouse.write_raw(records, 1, 4)
    kept_of_3 = Block("accelerometer", old.times[2:], old.xyz[:, 2:] if old.xyz is not None else None)
    assert kept(tmp_path) == sent([records[0], record(3, kept_of_3), records[3]])
    (letter,) = letters
    assert (letter.reason, letter.readings, letter.position, letter.stream) == ("sealed", 2, 3, WALK)


def test_a_seal_of_an_earlier_range_is_known_from_the_tape(tmp_path: Path, warehouse: ParquetWarehouse) -> None:
    letters = sealed_letters(warehouse)
    warehouse.seals = {WALK: [(3, NOON - 5), (7, NOON + 10 * SECOND)]}
    warehouse.write_raw([record(5)], 1, 5)
    assert not letters
    warehouse.write_raw([record(8), record(9, stream=RUN)], 6, 9)
    assert [(letter.position, letter.readings) for letter in letters] == [(8, 3)]
    assert kept(tmp_path) == sent([record(5), record(9, stream=RUN)])


def test_a_sealed_letter_can_be_sent_again(warehouse: ParquetWarehouse) -> None:
    letters = sealed_letters(warehouse)
    warehouse.seals = {WALK: [(1, NOON + SECOND)]}
    times = np.array([NOON])
    steps = Block("pedometer", times, values=('{"steps":7}',), rest=('{"odd":true}',), time_unit="ms")
    exact = Block("gravity", times, np.array([[0.1], [-0.0], [9.8]]), np.array([2], np.int8))
    warehouse.write_raw([record(2, steps, exact, message_id="m", rest='{"userId":"u"}')], 1, 2)
    assert json.loads(letters[0].body) == {
        **{"userId": "u", "deviceId": "phone", "sessionId": "walk", "messageId": "m"},
        "payload": [
            {"odd": True, "name": "pedometer", "time": NOON, "values": {"steps": 7}},
            {"name": "gravity", "time": NOON, "values": {"x": 0.1, "y": -0.0, "z": 9.8}, "accuracy": 2},
        ],
    }


def test_letters_stay_whole_under_the_limit_of_a_body(warehouse: ParquetWarehouse) -> None:
    letters = sealed_letters(warehouse)
    warehouse.seals = {WALK: [(1, NOON + 10 * DAY_SECONDS)]}
    warehouse.write_raw([record(2, block(NOON, 2000))], 1, 2)
    assert len(letters) > 1
    assert sum(letter.readings for letter in letters) == 2000
    assert all(len(letter.body) <= 65_536 for letter in letters)
    assert sum(len(json.loads(letter.body)["payload"]) for letter in letters) == 2000


def test_sealed_readings_without_a_place_for_them_are_an_error(warehouse: ParquetWarehouse) -> None:
    warehouse.seals = {WALK: [(1, NOON + DAY_SECONDS)]}
    with pytest.raises(WarehouseError, match="older than the seal"):
        warehouse.write_raw([record(2)], 1, 2)
    assert warehouse.position("raw") == 0


DAY_SECONDS = 86_400 * SECOND
