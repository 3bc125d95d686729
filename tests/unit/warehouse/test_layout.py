"""Which files count, where a table ends, and what is cleaned up."""

from datetime import date
from itertools import pairwise
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gaitway.warehouse.layout import SCHEMA_DATE, Layout, Range, WarehouseFile, counting, joined, without
from gaitway.warehouse.schemas import SCHEMAS

DAY = date(2026, 3, 5)
OTHER_DAY = date(2026, 3, 6)


def file(first: int, last: int, *, merged: bool = False, day: date = DAY) -> WarehouseFile:
    return WarehouseFile(Path(f"{first}-{last}-{merged}"), day, Range(first, last), merged)


def touch(layout: Layout, day: date, first: int, last: int, *, merged: bool = False) -> Path:
    path = layout.path(day, Range(first, last), merged=merged)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"")
    return path


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path, "raw")


SMALL, NEXT = file(1, 10), file(11, 20)
MERGED, BIGGER = file(1, 20, merged=True), file(1, 30, merged=True)


@pytest.mark.parametrize(
    ("files", "done", "count"),
    [
        pytest.param([SMALL], [], [], id="no marker"),
        pytest.param([SMALL], [Range(1, 10)], [SMALL], id="its own marker"),
        pytest.param([SMALL, NEXT], [Range(1, 20)], [SMALL, NEXT], id="a marker over several ranges"),
        pytest.param([SMALL], [Range(1, 9)], [], id="a marker over a part of it"),
        pytest.param([file(5, 15)], [Range(1, 10), Range(11, 20)], [], id="left by a broken write across two markers"),
        pytest.param([file(0, 0)], [], [file(0, 0)], id="the columns always"),
        pytest.param([MERGED], [], [MERGED], id="merged, always"),
        pytest.param([SMALL, NEXT, MERGED], [Range(1, 30)], [MERGED], id="replaced by a merged one"),
        pytest.param([file(1, 20), MERGED], [Range(1, 20)], [MERGED], id="replaced by a merged one of the same range"),
        pytest.param([MERGED, BIGGER], [], [BIGGER], id="merged replaced by bigger"),
        pytest.param([MERGED, file(21, 30)], [Range(1, 30)], [MERGED, file(21, 30)], id="new beside merged"),
        pytest.param(
            [SMALL, file(1, 20, merged=True, day=OTHER_DAY)],
            [Range(1, 10)],
            [SMALL, file(1, 20, merged=True, day=OTHER_DAY)],
            id="merged of another day",
        ),
    ],
)
def test_which_files_count(files: list[WarehouseFile], done: list[Range], count: list[WarehouseFile]) -> None:
    assert counting(files, done) == count


def test_a_table_ends_where_the_run_of_markers_from_1_ends(layout: Layout) -> None:
    assert layout.position() == 0
    layout.mark(11, 20)
    assert layout.position() == 0
    layout.mark(1, 10)
    assert layout.position() == 20
    layout.mark(1, 20)
    assert layout.position() == 20
    layout.mark(22, 30)
    assert layout.position() == 20
    assert layout.missing(15, 40) == [(21, 21), (31, 40)]


def test_a_marker_that_is_not_yet_whole_says_nothing(layout: Layout) -> None:
    layout.mark(1, 10)
    (layout.root / "_done" / f"{Range(11, 20).name}.tmp").write_bytes(b"")
    assert layout.position() == 10


def test_cleaning_up_removes_what_no_marker_stands_for_and_nothing_else(layout: Layout) -> None:
    layout.mark(1, 10)
    stay = [touch(layout, DAY, 1, 10), touch(layout, DAY, 1, 9, merged=True), touch(layout, SCHEMA_DATE, 0, 0)]
    go = [touch(layout, DAY, 11, 20), touch(layout, OTHER_DAY, 5, 15)]
    half = layout.path(DAY, Range(11, 21)).with_suffix(".parquet.tmp")
    half.write_bytes(b"half")
    foreign = layout.day_folder(DAY) / "notes.txt"
    foreign.write_bytes(b"mine")
    assert set(layout.clean_up()) == {*go, half}
    assert all(path.exists() for path in [*stay, foreign])
    assert not any(path.exists() for path in [*go, half])


def test_days_and_live_files_of_one_or_all(layout: Layout) -> None:
    layout.ensure_schema_files()
    layout.mark(1, 20)
    first, second = touch(layout, DAY, 1, 10), touch(layout, OTHER_DAY, 1, 10)
    assert layout.dates() == [DAY, OTHER_DAY]
    assert layout.live_files(OTHER_DAY) == [second]
    assert layout.live_files() == [layout.path(SCHEMA_DATE, Range(0, 0)), first, second]


def test_a_folder_that_is_not_there_is_empty(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "none", "activities")
    assert (layout.position(), layout.dates(), layout.live_files(), layout.live_files(DAY)) == (0, [], [], [])


@pytest.mark.parametrize("table", SCHEMAS)
def test_the_file_of_the_columns_has_them_all_and_no_rows(tmp_path: Path, table: str) -> None:
    layout = Layout(tmp_path, "raw" if table == "raw" else "activities")
    layout.ensure_schema_files()
    layout.ensure_schema_files()
    (path,) = layout.live_files()
    assert path.relative_to(tmp_path).as_posix() == f"{table}/date=1970-01-01/{'0' * 15}-{'0' * 15}.parquet"
    empty = pq.read_table(path)
    assert (empty.num_rows, empty.schema.names) == (0, SCHEMAS[layout.table].names)


ranges = st.builds(lambda first, n: Range(first, first + n), st.integers(1, 30), st.integers(0, 8))


@given(st.lists(ranges), ranges)
def test_joined_and_without_are_set_arithmetic(some: list[Range], whole: Range) -> None:
    positions = {p for each in some for p in range(each.first, each.last + 1)}
    result = joined(some)
    assert {p for each in result for p in range(each.first, each.last + 1)} == positions
    assert all(a.last + 1 < b.first for a, b in pairwise(result))
    rest = without(whole, some)
    expected = [p for p in range(whole.first, whole.last + 1) if p not in positions]
    assert [p for each in rest for p in range(each.first, each.last + 1)] == expected
