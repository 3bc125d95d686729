"""Whole days of raw readings are dropped, after their streams could be sealed; activities stay."""

from datetime import date
from pathlib import Path

import pytest

from gaitway.core.message import Stream
from gaitway.errors import WarehouseError
from gaitway.warehouse.layout import Layout
from gaitway.warehouse.parquet import ParquetWarehouse
from gaitway.warehouse.retention import drop_files, readings_before
from unit.warehouse.rows import (
    MIDNIGHT,
    NOON,
    RUN,
    SECOND,
    TODAY,
    WALK,
    activity,
    block,
    dies,
    kept,
    record,
    sent,
    table_rows,
)

YESTERDAY = date(2026, 3, 4)
OLD = Stream("an-old-phone", "ride")


def drop(folder: Path, before: date) -> int:
    return drop_files(readings_before(folder, before).files)


@pytest.fixture
def warehouse(tmp_path: Path) -> ParquetWarehouse:
    """A reading of WALK and OLD just before midnight, RUN and WALK after it, and an activity of each day."""
    warehouse = ParquetWarehouse(tmp_path)
    before = [record(1, block(MIDNIGHT - SECOND)), record(2, block(MIDNIGHT - SECOND), stream=OLD)]
    warehouse.write_raw([*before, record(3), record(4, stream=RUN)], 1, 4)
    warehouse.write_activities([(1, activity(NOON)), (2, activity(MIDNIGHT - 10 * SECOND))], 1, 2)
    return warehouse


def test_the_streams_to_seal_are_those_with_readings_before_the_day(
    tmp_path: Path, warehouse: ParquetWarehouse
) -> None:
    assert readings_before(tmp_path, YESTERDAY).streams == []
    assert readings_before(tmp_path, TODAY).streams == [OLD, WALK]
    assert readings_before(tmp_path, date(2027, 1, 1)).streams == [OLD, RUN, WALK]


def test_days_before_the_day_go_and_nothing_else(tmp_path: Path, warehouse: ParquetWarehouse) -> None:
    size = sum(path.stat().st_size for path in Layout(tmp_path, "raw").live_files(YESTERDAY))
    assert drop(tmp_path, TODAY) == size
    assert Layout(tmp_path, "raw").dates() == [TODAY]
    assert kept(tmp_path) == sent([record(3), record(4, stream=RUN)])
    assert len(table_rows(tmp_path, "activities")) == 2
    assert warehouse.position("raw") == 4
    assert drop(tmp_path, TODAY) == 0


def test_the_file_of_the_columns_stays(tmp_path: Path, warehouse: ParquetWarehouse) -> None:
    drop(tmp_path, date(2100, 1, 1))
    assert len(Layout(tmp_path, "raw").live_files()) == 1


def test_broken_off_it_goes_on_at_the_next_call(tmp_path: Path, warehouse: ParquetWarehouse) -> None:
    warehouse.write_raw([record(5, block(MIDNIGHT - SECOND, seed=5))], 5, 5)
    assert dies(2, lambda: drop(tmp_path, TODAY))
    assert drop(tmp_path, TODAY) > 0
    assert Layout(tmp_path, "raw").dates() == [TODAY]


def test_a_folder_that_cannot_go_is_said(tmp_path: Path, warehouse: ParquetWarehouse) -> None:
    folder = Layout(tmp_path, "raw").day_folder(YESTERDAY)
    (folder / "mine").mkdir()
    with pytest.raises(WarehouseError) as error:
        drop(tmp_path, TODAY)
    assert str(folder) in error.value.where and error.value.hint


def test_a_reading_that_comes_after_the_look_is_not_dropped_unsealed(
    tmp_path: Path, warehouse: ParquetWarehouse
) -> None:
    old = readings_before(tmp_path, TODAY)
    late = record(5, block(MIDNIGHT - SECOND, seed=5), stream=RUN)
    warehouse.write_raw([late], 5, 5)
    assert RUN not in old.streams
    drop_files(old.files)
    assert kept(tmp_path) == sent([record(3), record(4, stream=RUN), late])
    assert readings_before(tmp_path, TODAY).streams == [RUN]
