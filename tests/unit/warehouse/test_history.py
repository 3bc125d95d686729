"""History answers from files and tail together: every reading once, the version that stands, in pages."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gaitway.core.grid import CELL
from gaitway.core.message import Block, Message, Record, Stream
from gaitway.core.segments import Spoken, segments
from gaitway.errors import RefusedError, WarehouseError
from gaitway.ports import History, Page, Selection
from gaitway.warehouse import paging
from gaitway.warehouse.compaction import compact, merge_now
from gaitway.warehouse.history import ParquetHistory
from gaitway.warehouse.layout import Layout, utc_day
from gaitway.warehouse.parquet import ParquetWarehouse
from unit.warehouse.written import (
    ANNA,
    BERT,
    DAY,
    NOON,
    RECOGNIZER,
    FakeActivities,
    FakeTape,
    S,
    judged,
    push,
    warehouse,
)


class House:
    """A data folder, its tapes, and its history."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.tape, self.verdicts = FakeTape(), FakeActivities()
        self.warehouse: ParquetWarehouse = warehouse(data)
        self.history = ParquetHistory(data, self.tape, self.verdicts, "Europe/Vienna")

    def write_raw(self) -> None:
        """What the loader does."""
        done = self.warehouse.position("raw")
        if done < self.tape.end():
            self.warehouse.write_raw(self.tape.records[done:], done + 1, self.tape.end())

    def write_activities(self) -> None:
        done = self.warehouse.position("activities")
        if done < self.verdicts.end():
            self.warehouse.write_activities(self.verdicts.records[done:], done + 1, self.verdicts.end())


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    found = House(tmp_path)
    yield found
    found.history.close()


def pages(ask: Callable[[Selection], Page], selection: Selection) -> list[dict[str, Any]]:
    """All pages, one after the other."""
    rows: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        page = ask(replace(selection, cursor=cursor))
        assert len(page.rows) <= selection.limit
        rows += page.rows
        cursor = page.next
        if cursor is None:
            return rows


def test_it_is_a_history(house: House) -> None:
    found: History = house.history
    assert found.readings(Selection()) == Page([], None)
    assert found.activities(Selection()) == Page([], None)
    assert found.segments(Selection()) == Page([], None)
    assert found.reading_counts() == {}


def test_files_and_tail_are_one(house: House) -> None:
    house.tape.add(push(ANNA, [NOON, NOON + 1]))
    house.write_raw()
    house.tape.add(push(ANNA, [NOON + 2]), push(BERT, [NOON]))
    rows = house.history.readings(Selection()).rows
    assert [(row["device_id"], row["time"] - NOON) for row in rows] == [
        ("anna", 0),
        ("anna", 1),
        ("anna", 2),
        ("bert", 0),
    ]
    assert rows[0] == {
        "device_id": "anna",
        "session_id": "walk",
        "sensor": "accelerometer",
        "time": NOON,
        "values": {"x": 1.0, "y": 0.0, "z": 0.0},
    }


def test_the_tail_is_read_once(house: House) -> None:
    house.tape.add(push(ANNA, [NOON]), push(ANNA, [NOON + 1]))
    house.history.readings(Selection())
    house.tape.add(push(ANNA, [NOON + 2]))
    house.history.readings(Selection())
    assert house.tape.read_from == [0, 2, 2, 3]


def test_a_reading_that_came_twice_is_there_once(house: House) -> None:
    # twice within a message, over the other transport in the tail, and again with other values
    house.tape.add(push(ANNA, [NOON, NOON, NOON + 1]))
    house.write_raw()
    house.tape.add(push(ANNA, [NOON, NOON + 1], transport="mqtt"), push(ANNA, [NOON], x=2.0))
    rows = house.history.readings(Selection()).rows
    assert [(row["time"] - NOON, row["values"]["x"]) for row in rows] == [(0, 1.0), (0, 2.0), (1, 1.0)]
    assert house.history.reading_counts() == {ANNA: 3}


def test_values_come_back_as_they_were_sent(house: House) -> None:
    xyz = np.array([[9.80665 * np.float32(0.1), 0.1, 1e-300], [1.0, 2.0, 3.0], [-0.5, 0.25, 1e300]])
    values = ('{"magneticBearing":12.5}', None, '{"note":null}')
    blocks = (
        Block("magnetometer", np.array([NOON, NOON + 1, NOON + 2]), xyz, values=values),
        Block("battery", np.array([NOON + 3]), values=('{"level":null,"state":"full"}',)),
    )
    house.tape.add(Message(ANNA, 7, blocks, NOON))
    house.write_raw()
    found = [row["values"] for row in house.history.readings(Selection()).rows]
    assert found == [
        {"x": float(xyz[0, 0]), "y": 1.0, "z": -0.5, "magneticBearing": 12.5},
        {"x": 0.1, "y": 2.0, "z": 0.25},
        {"x": 1e-300, "y": 3.0, "z": 1e300, "note": None},
        {"level": None, "state": "full"},
    ]


def test_readings_can_be_narrowed(house: House) -> None:
    house.tape.add(push(ANNA, [NOON, NOON + 5]), push(ANNA, [NOON + 7], "gyroscope"), push(BERT, [NOON + 5]))
    house.write_raw()
    house.tape.add(push(Stream("anna", "other"), [NOON + 9]), push(ANNA, [NOON + 6]))

    def found(**asked: Any) -> list[int]:
        return [row["time"] - NOON for row in house.history.readings(Selection(**asked)).rows]

    assert found(device_id="anna", session_id="walk") == [0, 5, 6, 7]
    assert found(device_id="anna") == [9, 0, 5, 6, 7]
    assert found(session_id="walk") == [0, 5, 6, 7]
    assert found(session_id="run") == [5]
    assert found(sensor="gyroscope") == [7]
    assert found(start=NOON + 5, end=NOON + 7) == [5, 6, 5]
    assert found(until=2) == [0, 5, 7]
    assert found(device_id="o'brien") == []


def test_sealed_readings_are_in_neither_files_nor_tail(house: House) -> None:
    house.tape.records.append(Record(1, "seal", ANNA, NOON, before=NOON + 5))
    house.tape.add(push(ANNA, [NOON, NOON + 5]))
    assert [row["time"] - NOON for row in house.history.readings(Selection()).rows] == [5]


@pytest.mark.parametrize("at_once", [paging.AT_ONCE, 7])
def test_pages_follow_each_other_without_loss(house: House, at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paging, "AT_ONCE", at_once)  # small: long streams are read in slices of time
    rng = np.random.default_rng(4)
    for number in range(12):
        stream = (ANNA, BERT, Stream("anna", "zoo"))[number % 3]
        times = NOON + rng.integers(0, 40, 15) * (DAY // 20) // 10
        sensor = "gyroscope" if number % 2 else "accelerometer"
        house.tape.add(push(stream, times.tolist(), sensor, x=float(rng.integers(0, 2))))
        if number in (3, 7):
            house.write_raw()
    at_once_rows = house.history.readings(Selection(limit=10_000)).rows
    assert len(at_once_rows) == sum(house.history.reading_counts().values())
    assert [(r["device_id"], r["session_id"], r["time"]) for r in at_once_rows] == sorted(
        (r["device_id"], r["session_id"], r["time"]) for r in at_once_rows
    )
    for selection in (Selection(limit=7), Selection(limit=1, device_id="bert"), Selection(limit=5, sensor="gyroscope")):
        wanted = house.history.readings(replace(selection, limit=10_000)).rows
        assert pages(house.history.readings, selection) == wanted


def test_pages_stay_right_while_files_are_written(house: House) -> None:
    for number in range(9):
        house.tape.add(push(ANNA, [NOON + number, NOON + number + 100]))
    first = house.history.readings(Selection(limit=4))
    house.write_raw()
    merge_now(house.data / "warehouse", utc_day(NOON))
    rest = house.history.readings(Selection(limit=100, cursor=first.next))
    assert len(first.rows) + len(rest.rows) == 18
    assert first.rows[-1]["time"] < rest.rows[0]["time"]


@pytest.mark.parametrize("cursor", ["nonsense", "W10", "bnVsbA", "WyJhIiwxXQ", "\x00", "é"])
def test_a_cursor_that_nobody_gave_is_refused(house: House, cursor: str) -> None:
    for ask in (house.history.readings, house.history.activities, house.history.segments):
        with pytest.raises(RefusedError, match="is not a cursor"):
            ask(Selection(cursor=cursor))


def test_the_highest_revision_stands(house: House) -> None:
    house.verdicts.add(judged(NOON, "walking", revision=5), judged(NOON, "running", revision=9, status="revised"))
    house.write_activities()
    house.verdicts.add(judged(NOON, "stationary", revision=7), judged(NOON + 2 * S, revision=11))
    rows = house.history.activities(Selection()).rows
    assert [(row["activity"], row["revision"], row["status"]) for row in rows] == [
        ("running", 9, "revised"),
        ("walking", 11, "final"),
    ]
    assert rows[0] == {
        "session_id": "walk",
        "device_id": "anna",
        "window_start": "2026-03-05T10:00:00.000Z",
        "window_end": "2026-03-05T10:00:10.000Z",
        "activity": "running",
        "confidence": 0.75,
        "avg_magnitude": 3.5,
        "sample_count": 1000,
        "coverage": 1.0,
        "recognizer": RECOGNIZER,
        "revision": 9,
        "status": "revised",
        "schema_version": 1,
    }


def test_activities_are_asked_for_by_name_or_family(house: House) -> None:
    names = (RECOGNIZER, "thresholds-2/5s-1s/aaaa", "learned-1/5s-1s/bbbb")
    house.verdicts.add(*(judged(NOON, recognizer=name) for name in names))

    def found(recognizer: str | None, history: ParquetHistory = house.history) -> set[str]:
        return {row["recognizer"] for row in history.activities(Selection(recognizer=recognizer)).rows}

    assert found(None) == set(names)
    assert found("thresholds") == set(names[:2])
    assert found("thresholds-2") == {names[1]}
    assert found(names[2]) == {names[2]}
    assert found("thresh") == set()
    lead = ParquetHistory(house.data, house.tape, house.verdicts, lead="learned")
    assert found(None, lead) == {names[2]}
    assert found("thresholds", lead) == set(names[:2])
    lead.close()


@pytest.mark.parametrize("at_once", [paging.AT_ONCE, 5])
def test_activities_come_in_pages(house: House, at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paging, "AT_ONCE", at_once)
    for k in range(30):
        house.verdicts.add(
            judged(NOON + k * 2 * S, revision=k), judged(NOON + k * 2 * S, stream=BERT, revision=100 + k)
        )
        if k == 20:
            house.write_activities()
    every = house.history.activities(Selection()).rows
    assert [(r["device_id"], r["window_start"]) for r in every] == sorted(
        (r["device_id"], r["window_start"]) for r in every
    )
    assert len(every) == 60
    assert pages(house.history.activities, Selection(limit=7)) == every
    ranged = Selection(start=NOON + 1, end=NOON + 8 * S, device_id="anna", limit=2)
    assert [r["window_start"][-7:] for r in pages(house.history.activities, ranged)] == [
        "02.000Z",
        "04.000Z",
        "06.000Z",
    ]


def walked(house: House, stream: Stream, start: int, seconds: int, activity: str = "walking") -> None:
    """A recording at 10 Hz with a verdict on every window that holds a sample."""
    house.tape.add(push(stream, list(range(start, start + seconds * S, CELL))))
    first = start // (2 * S) * 2 * S - 8 * S
    for window in range(first, start + seconds * S, 2 * S):
        inside = min(window + 10 * S, start + seconds * S) - max(window, start)
        coverage = inside / (10 * S)
        said = activity if coverage >= 0.5 else "unknown"
        house.verdicts.add(judged(window, said, stream=stream, coverage=coverage))


def test_segments_tile_a_recording(house: House) -> None:
    walked(house, ANNA, NOON, 30)
    house.write_raw()
    walked(house, ANNA, NOON + 30 * S, 30, "running")
    rows = house.history.segments(Selection(recognizer="thresholds")).rows
    assert rows[0]["activity"] == "walking"
    assert sum(row["covered"] for row in rows) == pytest.approx(60)
    assert rows[0]["start"] == "2026-03-05T10:00:00.000Z"
    assert rows[-1]["end"] == "2026-03-05T10:00:59.900Z"
    assert all(a["end"] == b["start"] for a, b in pairwise(rows))


def test_segments_equal_the_reference_and_come_in_pages(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gaitway.warehouse.history._WINDOWS", 50)  # streams one after the other
    for number, stream in enumerate((ANNA, BERT, Stream("bert", "zoo"))):
        for part, activity in enumerate(("walking", "running", "stationary")):
            walked(house, stream, NOON + (number * 100 + part * 45) * S, 25, activity)
        if number == 1:
            house.write_raw()
            house.write_activities()
    every = house.history.segments(Selection()).rows
    assert len(every) == 9
    assert pages(house.history.segments, Selection(limit=2)) == every
    windows = [v for _, v in house.verdicts.records if v.stream == BERT]
    times = [r.message.blocks[0].times for r in house.tape.records if r.stream == BERT and r.message]
    spoken = [Spoken(w.window_start, w.verdict.activity, w.verdict.coverage) for w in windows]
    expected = segments(spoken, np.concatenate(times), 10 * S, 2 * S)
    found = house.history.segments(Selection(device_id="bert", session_id="run")).rows
    assert [(s.activity, s.covered) for s in expected] == [(row["activity"], row["covered"]) for row in found]
    late = house.history.segments(Selection(device_id="bert", session_id="run", start=expected[1].start)).rows
    assert late == found[1:]


def test_days_follow_the_time_zone(house: House) -> None:
    walked(house, ANNA, NOON + 13 * 3600 * S - 60 * S, 120)  # a minute each side of midnight in Vienna
    rows = house.history.days(Selection()).rows
    assert [(row["day"], row["walking_minutes"], row["recorded_minutes"]) for row in rows] == [
        ("2026-03-05", 1.0, 1.0),
        ("2026-03-06", 1.0, 1.0),
    ]


def test_merged_files_answer_like_small_ones(house: House) -> None:
    for number in range(4):
        house.tape.add(push(ANNA, [NOON, NOON + number]), push(ANNA, [NOON + DAY + number]))
        house.verdicts.add(judged(NOON, revision=number), judged(NOON + number * 2 * S, revision=9))
        house.write_raw()
        house.write_activities()
    before = house.history.readings(Selection()), house.history.activities(Selection()), house.history.reading_counts()
    compact(house.data / "warehouse", utc_day(NOON + 9 * DAY), 0.0)
    after = house.history.readings(Selection()), house.history.activities(Selection()), house.history.reading_counts()
    assert before == after
    assert after[2] == {ANNA: 8}


def test_files_that_vanish_are_looked_up_again(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.tape.add(push(ANNA, [NOON]))
    house.write_raw()
    house.tape.add(push(ANNA, [NOON + 1]))
    house.write_raw()
    live, looks = Layout.live, [0]

    def stale(layout: Layout, *day: Any) -> Any:
        found = live(layout, *day)
        looks[0] += layout.table == "raw"
        if looks[0] == 1:  # merged, and the small files gone, right after this look
            merge_now(house.data / "warehouse", utc_day(NOON))
            for file in found:
                if not file.merged and file.range.first:
                    file.path.unlink()
        return found

    monkeypatch.setattr(Layout, "live", stale)
    assert len(house.history.readings(Selection()).rows) == 2


def test_a_damaged_file_is_named(house: House) -> None:
    house.tape.add(push(ANNA, [NOON]))
    house.write_raw()
    (damaged,) = [f.path for f in Layout(house.data / "warehouse", "raw").live() if f.range.first]
    damaged.write_bytes(b"no parquet")
    with pytest.raises(WarehouseError, match="cannot be read") as caught:
        house.history.readings(Selection())
    assert damaged.name in str(caught.value)


messages = st.lists(
    st.tuples(
        st.sampled_from([ANNA, BERT]),
        st.sampled_from(["accelerometer", "light"]),
        st.lists(st.integers(0, 6), min_size=1, max_size=4),
        st.sampled_from([1.0, 2.0]),
        st.sampled_from(["go on", "go on", "write", "merge"]),
    ),
    max_size=12,
)


@settings(max_examples=12)
@given(pushed=messages)
def test_counts_equal_the_set_of_readings(tmp_path_factory: pytest.TempPathFactory, pushed: list[Any]) -> None:
    house = House(tmp_path_factory.mktemp("house"))
    known: set[tuple[Any, ...]] = set()
    for stream, sensor, times, x, then in pushed:
        house.tape.add(push(stream, [NOON + t * DAY // 4 for t in times], sensor, x=x))
        known |= {(stream, sensor, t, x) for t in times}
        if then != "go on":
            house.write_raw()
        if then == "merge":
            compact(house.data / "warehouse", utc_day(NOON + 2 * DAY), 0.0)
        expected = {s: sum(1 for each in known if each[0] == s) for s in (ANNA, BERT)}
        assert house.history.reading_counts() == {s: count for s, count in expected.items() if count}
    assert len(house.history.readings(Selection()).rows) == len(known)
    house.history.close()


def test_many_may_ask_at_once_while_files_are_written(house: House) -> None:
    written = threading.Event()
    faults: list[str] = []

    def ask() -> None:
        least = 0
        while True:
            last = written.is_set()
            found = len(house.history.readings(Selection(limit=10_000)).rows)
            counted = house.history.reading_counts().get(ANNA, 0)
            if not least <= found <= counted:
                faults.append(f"{found} of {counted}, and {least} before")
            least = found
            if last:
                return

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for number in range(30):
        house.tape.add(push(ANNA, [NOON + number * 3 + k for k in range(3)]))
        if number % 3 == 2:
            house.write_raw()
        if number % 10 == 9:
            merge_now(house.data / "warehouse", utc_day(NOON))
    written.set()
    for thread in threads:
        thread.join(30)
    assert not faults
    assert house.history.reading_counts() == {ANNA: 90}
