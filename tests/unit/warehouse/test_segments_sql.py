"""SEGMENTS and DAYS in SQL say what the reference in `core.segments` says."""

from collections.abc import Sequence
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gaitway.core.activity import ACTIVITIES
from gaitway.core.grid import CELL, Grid
from gaitway.core.message import Stream
from gaitway.core.segments import Spoken, segments
from gaitway.warehouse import segments_sql, tables
from unit.warehouse.written import NOON, S

STREAMS = (Stream("a", "1"), Stream("a", "2"), Stream("b", "1"))
GRIDS = (Grid(10 * S, 2 * S), Grid(5 * S, S), Grid(5 * CELL, 2 * CELL), Grid(CELL, CELL), Grid(S, S))

Judged = tuple[Stream, Grid, list[Spoken]]


@pytest.fixture(scope="module")
def connection() -> Any:
    with duckdb.connect(config={"threads": 1}) as found:
        yield found


def name_of(grid: Grid) -> str:
    return f"rule-1/{grid.text}/0000"


def ask(
    connection: duckdb.DuckDBPyConnection,
    samples: Sequence[tuple[Stream, np.ndarray]],
    judged: Sequence[Judged],
    select: str = segments_sql.SEGMENTS,
    *,
    newest_only: bool = False,
) -> list[tuple[Any, ...]]:
    rows = [(*stream, int(t)) for stream, times in samples for t in times]
    verdicts = [
        (*stream, w.window_start // 1000, w.activity, w.coverage, name_of(grid), revision)
        for revision, (stream, grid, windows) in enumerate(judged)
        for w in windows
    ]
    connection.register("samples", _table(rows, ["device_id", "session_id"], {"time": pa.int64()}))
    ints: dict[str, pa.DataType] = {
        "window_start": pa.timestamp("us"),
        "activity": pa.string(),
        "coverage": pa.float64(),
    }
    ints |= {"recognizer": pa.string(), "revision": pa.int64()}
    connection.register("verdicts", _table(verdicts, ["device_id", "session_id"], ints))
    ctes = segments_sql.ctes("FROM verdicts", "FROM samples", newest_only=newest_only)
    return sorted(connection.execute(tables.query(ctes, select)).fetchall())


def _table(rows: Sequence[tuple[Any, ...]], texts: Sequence[str], others: dict[str, pa.DataType]) -> pa.Table:
    types = dict.fromkeys(texts, pa.string()) | others
    columns = list(zip(*rows, strict=True)) or [()] * len(types)
    return pa.table(
        {name: pa.array(column, type_) for (name, type_), column in zip(types.items(), columns, strict=True)}
    )


def reference(samples: Sequence[tuple[Stream, np.ndarray]], judged: Sequence[Judged]) -> list[tuple[Any, ...]]:
    times = dict(samples)
    return sorted(
        (*stream, name_of(grid), s.activity, s.start, s.end, s.cells)
        for stream, grid, windows in judged
        if windows
        for s in segments(windows, times.get(stream, np.array([], np.int64)), grid.size, grid.slide)
    )


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[tuple[Stream, np.ndarray]], list[Judged]]:
    """Samples with holes of every length, and verdicts of several recognisers on some of the windows."""
    samples, judged = [], []
    for stream in STREAMS:
        size = draw(st.sampled_from(GRIDS)).size
        steps = draw(
            st.lists(st.sampled_from([0, 1, CELL // 3, CELL, size // 2, size, size + 1, 3 * size]), max_size=30)
        )
        times = NOON + draw(st.integers(0, 2 * size)) + np.cumsum([0, *steps], dtype=np.int64)
        samples.append((stream, times))
        for grid in draw(st.sets(st.sampled_from(GRIDS), max_size=2)):
            starts = sorted({grid.start(w) for t in times.tolist() for w in grid.windows_at(t)} | {grid.start(7)})
            said = st.tuples(st.sampled_from(starts), st.sampled_from(ACTIVITIES), st.sampled_from([0.1, 0.5, 1.0]))
            windows = draw(st.lists(said, max_size=30, unique_by=lambda each: each[0]))
            judged.append((stream, grid, [Spoken(*each) for each in windows]))
    return samples, judged


@settings(max_examples=80, deadline=None)
@given(history=histories())
def test_segments_equal_the_reference(connection: Any, history: tuple[Any, Any]) -> None:
    assert ask(connection, *history) == reference(*history)


@settings(max_examples=40, deadline=None)
@given(history=histories())
def test_days_add_up_to_what_was_recorded(connection: Any, history: tuple[Any, Any]) -> None:
    samples, judged = history
    rows = ask(connection, samples, judged, segments_sql.days("Europe/Vienna", ACTIVITIES))
    cells = {stream: len(np.unique(times // CELL)) for stream, times in samples}
    assert sum(row[-1] for row in rows) == pytest.approx(
        sum(cells[stream] / 600 for stream, _, windows in judged if windows), abs=1e-3 * (len(rows) + 1)
    )
    for row in rows:
        assert sum(row[3:-1]) == pytest.approx(row[-1], abs=1e-3)


def test_days_are_cut_at_local_midnight(connection: Any) -> None:
    # 23:00 UTC is midnight in Vienna in winter: 30 s of walking before it, 60 s after it
    midnight = NOON + 13 * 3600 * S
    times = np.arange(midnight - 30 * S, midnight + 60 * S, CELL)
    windows = [Spoken(midnight + k * S, "walking", 1.0) for k in range(-40, 60, 2)]
    days = segments_sql.days("Europe/Vienna", ACTIVITIES)
    rows = ask(connection, [(STREAMS[0], times)], [(STREAMS[0], GRIDS[0], windows)], days)
    assert [(str(row[1]), row[4], row[-1]) for row in rows] == [("2026-03-05", 0.5, 0.5), ("2026-03-06", 1.0, 1.0)]


def test_of_several_names_the_one_that_judged_last_speaks(connection: Any) -> None:
    times = np.arange(NOON, NOON + 20 * S, CELL)
    old = (STREAMS[0], GRIDS[0], [Spoken(NOON + 2 * S, "walking", 1.0)])
    new = (STREAMS[0], GRIDS[1], [Spoken(NOON + 2 * S, "running", 1.0)])
    rows = ask(connection, [(STREAMS[0], times)], [old, new], newest_only=True)
    assert [(row[2], row[3]) for row in rows] == [(name_of(GRIDS[1]), "running")]


def test_a_name_without_a_grid_has_no_segments(connection: Any) -> None:
    verdict = ("a", "1", NOON // 1000, "walking", 1.0, "mystery", 1)
    columns = "device_id, session_id, window_start, activity, coverage, recognizer, revision"
    current = f"SELECT * REPLACE (make_timestamp(window_start) AS window_start) FROM (VALUES {verdict}) v({columns})"
    samples = f"SELECT 'a' AS device_id, '1' AS session_id, {NOON} AS time"
    ctes = segments_sql.ctes(current, samples, newest_only=False)
    assert connection.execute(tables.query(ctes, segments_sql.SEGMENTS)).fetchall() == []
