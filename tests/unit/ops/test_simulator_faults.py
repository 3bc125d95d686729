"""Faults do what they say, always in the same way, and nothing else."""

import json
from collections import Counter
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gaitway.ops.simulator import FAULTS, Phone, Push, with_faults

START = 1_772_741_672_505_000_000
S = 10**9
NAMES = [fault.name for fault in FAULTS]
seeds = st.integers(0, 2**32)


def clean(seed: int = 1, seconds: float = 120) -> list[Push]:
    return list(Phone(seed, "iphone", 20, seconds=seconds).messages(START))


def faulty(name: str, seed: int = 1, seconds: float = 120) -> list[Push]:
    return list(with_faults(iter(clean(seed, seconds)), [name], seed))


def payloads(pushes: Iterable[Push]) -> list[dict[str, Any]]:
    return [reading for push in pushes for reading in json.loads(push.body)["payload"]]


def ids(pushes: Iterable[Push]) -> list[int]:
    return [push.message_id for push in pushes]


@settings(max_examples=40, deadline=None)
@given(seeds, st.lists(st.sampled_from(NAMES), unique=True))
def test_any_faults_together_keep_the_order_of_arrival_and_are_the_same_every_time(seed: int, names: list[str]) -> None:
    phone = Phone(seed, "android", 20, seconds=60, faults=tuple(names))
    first = list(phone.arrivals(START))
    assert first == list(phone.arrivals(START))
    assert [push.due_ns for push in first] == sorted(push.due_ns for push in first)
    for push in first:
        message = json.loads(push.body)
        assert message["messageId"] == push.message_id
        assert len(message["payload"]) == push.readings


def test_without_faults_nothing_changes() -> None:
    assert list(with_faults(iter(clean()), [], 1)) == clean()


@pytest.mark.parametrize("name", NAMES)
def test_every_fault_is_documented_and_leaves_its_mark(name: str) -> None:
    fault = next(fault for fault in FAULTS if fault.name == name)
    assert fault.summary
    assert fault.apply.__doc__
    assert faulty(name) != clean()


@pytest.mark.parametrize("name", NAMES)
def test_a_recording_without_messages_has_no_faults(name: str) -> None:
    assert list(with_faults(iter(()), [name], 1)) == []


@settings(max_examples=10, deadline=None)
@given(seeds)
def test_duplicates_repeat_the_bytes_exactly_and_lose_nothing(seed: int) -> None:
    pushes = faulty("duplicates", seed)
    counts = Counter(push.body for push in pushes)
    assert set(counts) == {push.body for push in clean(seed)}
    assert set(counts.values()) == {1, 2}


@settings(max_examples=10, deadline=None)
@given(seeds)
def test_reordering_loses_nothing_and_changes_no_byte(seed: int) -> None:
    pushes = faulty("reordering", seed)
    assert ids(pushes) != sorted(ids(pushes))
    assert sorted(push.body for push in pushes) == sorted(push.body for push in clean(seed))


@settings(max_examples=10, deadline=None)
@given(seeds)
def test_holes_leave_out_whole_messages(seed: int) -> None:
    pushes = faulty("holes", seed, 300)
    assert 0 < len(pushes) < 300
    assert set(pushes) < set(clean(seed, 300))
    assert ids(pushes) == sorted(ids(pushes))


@settings(max_examples=10, deadline=None)
@given(seeds)
def test_late_batches_come_together_in_order(seed: int) -> None:
    pushes, sent = faulty("late", seed, 600), clean(seed, 600)
    assert [push.body for push in pushes] == [push.body for push in sent]
    delays = [late.due_ns - push.due_ns for late, push in zip(pushes, sent, strict=True)]
    assert min(delays) == 0
    assert 4 * S < max(delays) <= 40 * S
    assert max(Counter(push.due_ns for push in pushes).values()) >= 5


def test_times_in_milliseconds_are_cut_and_nothing_else_changes() -> None:
    for got, sent in zip(payloads(faulty("ms")), payloads(clean()), strict=True):
        assert got == sent | {"time": sent["time"] // 1_000_000}


def test_float_times_read_back_as_the_same_numbers() -> None:
    for got, sent in zip(payloads(faulty("float-times")), payloads(clean()), strict=True):
        assert type(got["time"]) is float
        assert got["time"] == float(sent["time"])


@pytest.mark.parametrize(
    ("name", "low", "high"), [("clock-ahead", 180 * S, 540 * S), ("clock-behind", -48 * 3600 * S, -3600 * S)]
)
def test_a_wrong_clock_is_wrong_by_the_same_span_all_the_time(name: str, low: int, high: int) -> None:
    offsets = [got["time"] - sent["time"] for got, sent in zip(payloads(faulty(name)), payloads(clean()), strict=True)]
    assert low - 500 <= min(offsets)
    assert max(offsets) <= high + 500
    assert max(offsets) - min(offsets) <= 512
    assert [push.due_ns for push in faulty(name)] == [push.due_ns for push in clean()]


def test_early_readings_come_from_four_seconds_before_the_start() -> None:
    got, sent = faulty("early"), clean()
    assert got[1:] == sent[1:]
    times = [reading["time"] for reading in payloads(got[:1])]
    assert START - 4 * S - 500 <= min(times) < START - 3 * S
    assert times[len(times) // 2 :] == [reading["time"] for reading in payloads(sent[:1])]


@settings(max_examples=10, deadline=None)
@given(seeds)
def test_a_dead_battery_falls_to_one_percent_and_ends_the_recording(seed: int) -> None:
    pushes = faulty("battery", seed)
    levels = [r["values"]["batteryLevel"] for r in payloads(pushes) if r["name"] == "battery"]
    assert 20 <= len(pushes) <= 40
    assert levels == sorted(levels, reverse=True)
    assert (levels[0], levels[-1]) == (0.08, 0.01)


@settings(max_examples=10, deadline=None)
@given(seeds)
def test_conflicting_messages_share_an_id_and_differ_in_one_value(seed: int) -> None:
    pushes = faulty("conflicts", seed)
    pairs = [(a, b) for a, b in pairwise(pushes) if a.message_id == b.message_id]
    assert pairs
    for one, other in pairs:
        differing = [(a, b) for a, b in zip(payloads([one]), payloads([other]), strict=True) if a != b]
        assert len(differing) == 1
        assert differing[0][0]["time"] == differing[0][1]["time"]
    assert len(pushes) == len(clean(seed)) + len(pairs)


def test_nulls_and_nans_stand_in_place_of_some_values() -> None:
    values = [value for reading in payloads(faulty("nulls")) for value in reading["values"].values()]
    missing = [value for value in values if value is None]
    not_numbers = [value for value in values if isinstance(value, float) and value != value]
    assert 0.005 < len(missing) / len(values) < 0.015
    assert 0.005 < len(not_numbers) / len(values) < 0.015
