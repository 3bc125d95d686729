"""Segments tile the stretches of samples, never the holes, and what they cover adds up."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gaitway.core.grid import CELL
from gaitway.core.segments import Segment, Spoken, segments

S = 1_000_000_000
SIZE, SLIDE = 10 * S, 2 * S


def walk(start: float, end: float) -> np.ndarray:
    """Samples at 10 Hz, `end` exclusive, in seconds."""
    return np.arange(round(start * S), round(end * S), CELL, dtype=np.int64)


def said(*windows: tuple[float, str] | tuple[float, str, float]) -> list[Spoken]:
    """Windows by their start in seconds, with full coverage unless told."""
    return [Spoken(round(w[0] * S), w[1], w[2] if len(w) == 3 else 1.0) for w in windows]


def read(found: list[Segment]) -> list[tuple[str, float, float, float]]:
    return [(s.activity, s.start / S, s.end / S, s.covered) for s in found]


def test_a_window_speaks_for_its_central_slide() -> None:
    # windows  0..10  2..12  4..14      speak for 4..6  6..8  8..10
    found = segments(said((0, "walking"), (2, "walking"), (4, "running")), walk(0, 20), SIZE, SLIDE)
    assert read(found) == [("walking", 0.0, 8.0, 8.0), ("running", 8.0, 19.9, 12.0)]


def test_the_outermost_windows_with_half_their_cells_speak_for_what_lies_outside() -> None:
    windows = said((-6, "unknown", 0.4), (-4, "walking", 0.6), (0, "running"), (8, "unknown", 0.2))
    found = segments(windows, walk(0, 12), SIZE, SLIDE)
    assert read(found) == [
        ("walking", 0.0, 2.0, 2.0),
        ("unknown", 2.0, 4.0, 2.0),  # no window speaks for 2..4
        ("running", 4.0, 11.9, 8.0),
    ]


def test_a_window_with_few_cells_between_two_good_ones_stays_unknown() -> None:
    windows = said((0, "walking"), (2, "unknown", 0.3), (4, "walking"))
    assert [s.activity for s in segments(windows, walk(0, 14), SIZE, SLIDE)] == ["walking", "unknown", "walking"]


def test_a_hole_longer_than_a_window_is_no_segment() -> None:
    windows = said(*((k, "walking") for k in range(0, 30, 2)))
    times = np.concatenate([walk(0, 8), walk(18, 30)])
    assert read(segments(windows, times, SIZE, SLIDE)) == [("walking", 0.0, 7.9, 8.0), ("walking", 18.0, 29.9, 12.0)]


def test_a_hole_as_long_as_a_window_is_bridged() -> None:
    windows = said(*((k, "walking") for k in range(-8, 30, 2)))
    times = np.concatenate([walk(0, 8), walk(17.9, 30)])
    assert read(segments(windows, times, SIZE, SLIDE)) == [("walking", 0.0, 29.9, 20.1)]


def test_a_stretch_in_which_no_window_has_half_its_cells_is_unknown() -> None:
    windows = said(*((k, "walking") for k in range(0, 20, 2)), (94, "unknown", 0.1), (96, "unknown", 0.1))
    found = segments(windows, np.concatenate([walk(0, 20), walk(100, 101)]), SIZE, SLIDE)
    assert read(found)[1:] == [("unknown", 100.0, 100.9, 1.0)]


def test_a_single_sample_is_a_segment_of_no_length() -> None:
    assert read(segments([], np.array([5 * S]), SIZE, SLIDE)) == [("unknown", 5.0, 5.0, 0.1)]


def test_without_samples_there_are_no_segments() -> None:
    assert segments(said((0, "walking")), np.array([], np.int64), SIZE, SLIDE) == []


@pytest.mark.parametrize(("size", "slide"), [(5 * CELL, 2 * CELL), (CELL, CELL), (10 * S, 3 * S)])
def test_centres_off_the_cells_lose_no_cell(size: int, slide: int) -> None:
    times = walk(0, 12) + 30_000_000
    windows = [Spoken(k * slide, "ab"[k % 2], 1.0) for k in range(-size // slide, 12 * S // slide)]
    assert sum(s.cells for s in segments(windows, times, size, slide)) == 120


grids = st.sampled_from([(10 * S, 2 * S), (S, CELL), (5 * CELL, 2 * CELL), (5 * S, 5 * S), (CELL, CELL)])


@st.composite
def recordings(draw: st.DrawFn) -> tuple[list[Spoken], np.ndarray, int, int]:
    """Any samples with holes, and any verdicts on some of the windows that hold one."""
    size, slide = draw(grids)
    steps = draw(st.lists(st.sampled_from([1, CELL // 3, CELL, size // 2, size, size + 1, 3 * size]), max_size=60))
    times = 1_700_000_000 * S + draw(st.integers(0, 2 * size)) + np.cumsum([0, *steps], dtype=np.int64)
    starts = sorted({int(t) // slide * slide - k * slide for t in times for k in range(-(-size // slide))})
    activity = st.sampled_from(["walking", "running", "unknown"])
    windows = [
        Spoken(start, draw(activity), draw(st.sampled_from([0.1, 0.5, 1.0])))
        for start in draw(st.sets(st.sampled_from(starts), max_size=40))
    ]
    return windows, times, size, slide


@given(recordings())
def test_segments_tile_the_stretches(recording: tuple[list[Spoken], np.ndarray, int, int]) -> None:
    windows, times, size, slide = recording
    found = segments(windows, times, size, slide)
    assert all(s.start <= s.end for s in found)
    at = np.split(times, np.flatnonzero(np.diff(times) > size) + 1)
    for stretch in at:
        inside = [s for s in found if stretch[0] <= s.start <= stretch[-1]]
        assert (inside[0].start, inside[-1].end) == (stretch[0], stretch[-1])
        assert all(a.end == b.start and a.activity != b.activity for a, b in pairwise(inside))


@given(recordings())
def test_what_segments_cover_adds_up_to_the_session(recording: tuple[list[Spoken], np.ndarray, int, int]) -> None:
    windows, times, size, slide = recording
    assert sum(s.cells for s in segments(windows, times, size, slide)) == len(np.unique(times // CELL))


@given(recordings())
def test_order_and_repeats_of_samples_do_not_matter(recording: tuple[list[Spoken], np.ndarray, int, int]) -> None:
    windows, times, size, slide = recording
    shuffled = np.random.default_rng(len(times)).permutation(np.concatenate([times, times[: len(times) // 2]]))
    assert segments(windows[::-1], shuffled, size, slide) == segments(windows, times, size, slide)
