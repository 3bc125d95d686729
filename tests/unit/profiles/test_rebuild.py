"""Activities that were deleted or damaged, and engine state that was lost, come back from the readings."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from gaitway.config import load
from gaitway.core.fold import Fold
from gaitway.core.grid import SECOND
from gaitway.core.message import Block, Message, Stream
from gaitway.core.recognizers import Recognizer
from gaitway.engine.loop import Engine
from gaitway.engine.readback import TapeReadBack
from gaitway.log.activity import ActivityTape, ActivityTapeReader
from gaitway.log.dead_letters import SqliteDeadLetters
from gaitway.log.tape import SqliteTape, TapeSettings
from gaitway.ports import Entry
from gaitway.profiles.choice import recognizers
from gaitway.profiles.folder import DataFolder
from gaitway.profiles.rebuild import Rebuilder, is_needed
from gaitway.profiles.verification import FolderSource, Report, verify
from gaitway.registry import Recognizers, Registry
from gaitway.warehouse.loader import ActivityLoader, RawLoader
from gaitway.warehouse.parquet import ParquetWarehouse

PHONE, OTHER = Stream("phone", "walk"), Stream("other", "run")
START = 1_782_477_374_000_000_000
RULES = recognizers(load(environment={}))


def message(stream: Stream, number: int) -> Message:
    start = START + number * SECOND
    xyz = np.full((3, 20), 1.0 + number % 9)
    block = Block("accelerometer", start + np.arange(20) * 50_000_000, xyz)
    return Message(stream, number, (block,), received_at=start + SECOND)


def serve(data: DataFolder, numbers: range, rules: list[Recognizer] = RULES) -> None:
    """What a server does with messages, in one go: tape 1, fold, warehouse, stop."""
    tape = SqliteTape(data.tape, data.registry, TapeSettings(roll_bytes=60_000, reserve_bytes=0))
    entries = [Entry("message", s, START, message(s, n)) for n in numbers for s in (PHONE, OTHER)]
    entries += [Entry("tick", PHONE, START), Entry("tick", OTHER, START)]
    for at in range(0, len(entries), 10):
        tape.append(entries[at : at + 10])
    activity, letters = ActivityTape(data.activity), SqliteDeadLetters(data.core_errors)
    warehouse = ParquetWarehouse(data.warehouse)
    registry = Registry(data.registry)
    for rule in rules:
        Recognizers(registry).start(rule.name, rule.settings, activity.folded())
    registry.close()
    activity.activate([rule.name for rule in rules])
    engine = Engine(tape, activity, Fold(rules, 2 * SECOND, TapeReadBack(tape, activity, warehouse)), letters)
    while engine.step():
        pass
    RawLoader(tape, warehouse, letters.add).flush(tape.end())
    ActivityLoader(activity, warehouse).flush(activity.end())
    activity.close()
    letters.close()
    tape.close()


def checked(data: DataFolder) -> Report:
    source = FolderSource(data)
    try:
        return verify(source)
    finally:
        source.close()


def rebuild(data: DataFolder, rules: list[Recognizer] = RULES) -> int:
    rebuilder = Rebuilder(data, rules, 2 * SECOND)
    found = rebuilder.run()
    rebuilder.close()
    activity = ActivityTapeReader(data.activity)
    ActivityLoader(activity, ParquetWarehouse(data.warehouse)).flush(activity.end())
    activity.close()
    return found.published


@pytest.fixture
def data(tmp_path: Path) -> DataFolder:
    folder = DataFolder(tmp_path / "data")
    serve(folder, range(40))
    assert checked(folder).differences == []
    return folder


def lose_activities(data: DataFolder) -> None:
    shutil.rmtree(data.warehouse / "activities")


def lose_engine_state(data: DataFolder) -> None:
    for file in data.activity.parent.glob("activity.sqlite*"):
        file.unlink()


def lose_both(data: DataFolder) -> None:
    lose_activities(data)
    lose_engine_state(data)


def trim_tapes(data: DataFolder) -> None:
    """As a week later: the log is gone, the warehouse is all there is."""
    tape = SqliteTape(data.tape, data.registry)
    assert tape.trim(tape.end()) > 1
    tape.close()
    activity = ActivityTape(data.activity)
    activity.mark(1)
    activity.trim(activity.end(), 1)
    activity.close()


@pytest.mark.parametrize("trimmed", [False, True], ids=["log kept", "log trimmed"])
@pytest.mark.parametrize("lose", [lose_activities, lose_engine_state, lose_both])
def test_what_was_lost_comes_back(data: DataFolder, lose: Callable[[DataFolder], None], trimmed: bool) -> None:
    if trimmed:
        trim_tapes(data)
    lose(data)
    if is_needed(data):
        rebuild(data)
    serve(data, range(40, 60))

    report = checked(data)
    assert report.differences == []
    assert (report.streams, report.not_due) == (2, 0)
    assert report.compared > 60


def test_nothing_is_published_where_nothing_differs(data: DataFolder) -> None:
    assert not is_needed(data)
    assert rebuild(data) == 0


def test_a_recogniser_switched_on_later_judges_older_data_after_a_rebuild(data: DataFolder) -> None:
    other = recognizers(load(environment={"GAITWAY_THRESHOLDS": "1,3,9"}))
    serve(data, range(40, 60), [*RULES, *other])
    before = checked(data)
    assert before.differences == []
    assert before.not_judged > 0

    assert rebuild(data, other) > 0

    after = checked(data)
    assert (after.differences, after.not_judged) == ([], 0)


def test_a_recogniser_switched_off_is_retired(data: DataFolder) -> None:
    other = recognizers(load(environment={"GAITWAY_THRESHOLDS": "1,3,9"}))
    serve(data, range(40, 60), other)

    report = checked(data)

    assert report.retired == [RULES[0].name]
    assert report.differences == []
