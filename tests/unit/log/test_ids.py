"""Ranges of ids say the same as a set of ids."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from gaitway.log.ids import IdRanges


@given(st.lists(st.integers(-20, 40), max_size=60), st.integers(0, 60))
def test_ranges_are_a_set(idents: list[int], saved_after: int) -> None:
    ids = IdRanges()
    for count, ident in enumerate(idents):
        if count == saved_after:
            ids = IdRanges.load(ids.dump())
        ids.add(ident)
    seen = set(idents)
    assert [ident for ident in range(-25, 45) if ident in ids] == sorted(seen)
    assert ids.missing == (max(seen) - min(seen) + 1 - len(seen) if seen else 0)


@given(st.lists(st.integers(-(1 << 63), (1 << 63) - 1), max_size=40))
def test_ranges_never_touch(idents: list[int]) -> None:
    ids = IdRanges()
    for ident in idents:
        ids.add(ident)
    ranges = list(ids)
    assert all(first <= last for first, last in ranges)
    assert all(left[1] + 1 < right[0] for left, right in pairwise(ranges))


def test_ids_that_are_no_counter_take_bounded_room() -> None:
    ids = IdRanges(limit=10)
    for ident in range(0, 100_000, 1000):
        ids.add(ident)
    assert len(list(ids)) == 10
    assert all(ident in ids for ident in range(0, 100_000, 1000))
    assert ids.missing == 99_001 - 100
