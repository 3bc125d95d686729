"""Saved state: a hundred bytes, restored exactly, upgraded from every older version."""

from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gaitway.core.ranges import Ranges
from gaitway.core.state import ALL, EVERY, UPGRADES, VERSION, GridState, StreamState
from gaitway.errors import StateError

#: What version 1 wrote: [version, newest, tick, sealed_to, late, {grid: [closed, dirty]}].
GOLDEN_1 = bytes.fromhex("960193cf18bca1ba46dd9c00ffff2a000381a63130732d327392ce35165d559192ce35165d2dce35165d2f")


def test_a_state_comes_back_as_it_was() -> None:
    state = StreamState()
    state.newest = [5_000_000_000, -1, 7]
    state.tick, state.sealed_to, state.late = 9, 3, 2
    state.grids["10s-2s"] = GridState(4, 6, Ranges([(1, 3)]), {"rule": -1})

    again = StreamState.load(state.dump())

    assert again.dump() == state.dump()
    assert again.newest == state.newest
    assert again.grids["10s-2s"].dirty.spans() == [(1, 3)]
    assert len(state.dump()) < 150


def test_version_1_is_upgraded() -> None:
    state = StreamState.load(GOLDEN_1)

    grid = state.grids["10s-2s"]
    assert (state.tick, state.late) == (42, 3)
    assert grid.shown == grid.closed == 890658133
    assert grid.dirty.spans() == [(890658093, 890658095)]
    assert grid.since == {EVERY: ALL}


def test_every_older_version_has_an_upgrade() -> None:
    assert sorted(UPGRADES) == list(range(1, VERSION))


def test_a_state_of_the_future_says_what_to_do() -> None:
    with pytest.raises(StateError, match=f"version {VERSION + 1}") as caught:
        StreamState.load(msgspec.msgpack.encode([VERSION + 1]))

    assert "newer version" in caught.value.hint


@given(st.binary(max_size=60))
def test_damage_is_a_clear_error(blob: bytes) -> None:
    with pytest.raises(StateError):
        StreamState.load(blob)


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40))))
def test_ranges_are_a_set_of_numbers(spans: list[tuple[int, int]]) -> None:
    ranges = Ranges(spans)

    assert {n for start, end in ranges.spans() for n in range(start, end)} == {
        n for start, end in spans for n in range(start, end)
    }
    found = ranges.spans()
    assert all(start < end for start, end in found)
    assert all(a[1] < b[0] for a, b in pairwise(found))
