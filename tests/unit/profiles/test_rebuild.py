"""Activities that were deleted or damaged, and engine state that was lost, come back from the readings."""

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from gaitway.cli.rebuild import command as rebuild_command
from gaitway.cli.token import command as token_command
from gaitway.cli.verify import command as verify_command
from gaitway.config import load
from gaitway.core.fold import Fold
from gaitway.core.grid import SECOND
from gaitway.core.message import Block, Message, Stream
from gaitway.core.recognizers import Recognizer
from gaitway.engine.loop import Engine
from gaitway.engine.readback import TapeReadBack
from gaitway.errors import NotFoundError
from gaitway.log.activity import ActivityTape, ActivityTapeReader
from gaitway.log.dead_letters import SqliteDeadLetters
from gaitway.log.tape import SqliteTape, TapeSettings
from gaitway.ports import Entry
from gaitway.profiles.choice import recognizers
from gaitway.profiles.folder import DataFolder
from gaitway.profiles.rebuild import Rebuilder, is_needed
from gaitway.profiles.verification import FolderSource, Report, verify
from gaitway.registry import Recognizers, Registry
from gaitway.warehouse.layout import day_start
from gaitway.warehouse.loader import ActivityLoader, RawLoader
from gaitway.warehouse.parquet import ParquetWarehouse
from gaitway.warehouse.retention import drop_files, readings_before

PHONE, OTHER = Stream("phone", "walk"), Stream("other", "run")
START = 1_782_477_374_000_000_000
NEXT_DAY = date(2026, 6, 27)
MIDNIGHT = (day_start(NEXT_DAY) - START) // SECOND
"""The number of the message in which the next day begins."""
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


def rebuild(data: DataFolder, rules: list[Recognizer] = RULES, only: list[str] | None = None) -> int:
    rebuilder = Rebuilder(data, rules, 2 * SECOND, only)
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

    assert rebuild(data, [*RULES, *other], [RULES[0].name]) == 0
    assert checked(data).not_judged == before.not_judged
    assert rebuild(data, [*RULES, *other], [other[0].name]) > 0

    after = checked(data)
    assert (after.differences, after.not_judged) == ([], 0)


def test_a_recogniser_switched_off_is_retired(data: DataFolder) -> None:
    other = recognizers(load(environment={"GAITWAY_THRESHOLDS": "1,3,9"}))
    serve(data, range(40, 60), other)

    report = checked(data)

    assert report.retired == [RULES[0].name]
    assert report.differences == []


class PowerCut(Exception):
    """Ends a rebuild in its midst."""


def rebuild_one_stream(data: DataFolder) -> None:
    def cut(done: int, of: int) -> None:
        assert (done, of) == (1, 2)
        raise PowerCut

    rebuilder = Rebuilder(data, RULES, 2 * SECOND)
    with pytest.raises(PowerCut):
        rebuilder.run(cut)
    rebuilder.close()
    assert data.rebuilding.exists()


@pytest.mark.parametrize("trimmed", [False, True], ids=["log kept", "log trimmed"])
def test_a_rebuild_that_was_broken_off_is_needed_again_and_loses_no_stream(data: DataFolder, trimmed: bool) -> None:
    if trimmed:
        trim_tapes(data)
    lose_both(data)
    rebuild_one_stream(data)
    with closing(ActivityTapeReader(data.activity)) as activity:
        assert (activity.folded(), len(activity.checkpoints())) == (0, 1)
    assert is_needed(data)

    first, second = rebuild(data), rebuild(data)

    assert (first > 0, second) == (True, 0)
    assert not is_needed(data)
    serve(data, range(40, 60))
    report = checked(data)
    assert (report.differences, report.streams, report.unticked) == ([], 2, 0)


def test_a_rebuild_covers_what_the_engine_had_not_folded(data: DataFolder) -> None:
    with closing(SqliteTape(data.tape, data.registry)) as tape:
        tape.append([Entry("message", PHONE, START, message(PHONE, n)) for n in range(40, 60)])

    assert rebuild(data) > 0

    with closing(ActivityTapeReader(data.activity)) as activity, closing(SqliteTape(data.tape, data.registry)) as tape:
        assert activity.folded() == tape.end()
    assert checked(data).differences == []


@pytest.mark.parametrize("trimmed", [False, True], ids=["log kept", "log trimmed"])
def test_a_deleted_day_of_activities_comes_back(data: DataFolder, trimmed: bool) -> None:
    serve(data, range(MIDNIGHT - 20, MIDNIGHT + 20))
    before = checked(data)
    if trimmed:
        trim_tapes(data)
    shutil.rmtree(data.warehouse / "activities" / f"date={NEXT_DAY}")
    lost = len(checked(data).differences)

    assert lost > 0
    assert rebuild(data) == lost

    report = checked(data)
    assert (report.differences, report.compared) == ([], before.compared)


def test_windows_behind_a_seal_are_left_as_they_are(data: DataFolder) -> None:
    serve(data, range(MIDNIGHT - 20, MIDNIGHT + 20))
    before = checked(data)
    trim_tapes(data)
    with closing(SqliteTape(data.tape, data.registry)) as tape:
        tape.append([Entry("seal", s, START, before=day_start(NEXT_DAY)) for s in (PHONE, OTHER)])
    assert drop_files(readings_before(data.warehouse, NEXT_DAY).files) > 0

    sealed = checked(data)
    assert rebuild(data) == 0
    rebuilt = checked(data)

    for report in (sealed, rebuilt):
        assert report.differences == []
        assert report.not_verifiable > 0
        assert report.compared + report.not_verifiable == before.compared
    with closing(ActivityTapeReader(data.activity)) as activity:
        assert {found.sealed_to for found in activity.checkpoints().values()} == {day_start(NEXT_DAY)}


def test_verify_sees_a_stream_whose_state_was_lost(data: DataFolder) -> None:
    with closing(sqlite3.connect(data.activity)) as db, db:
        db.execute("DELETE FROM state WHERE stream = (SELECT no FROM stream WHERE device = ?)", (OTHER.device_id,))

    report = checked(data)

    (difference,) = report.differences
    assert difference.startswith("other run: was ticked at ")
    assert rebuild(data) == 0
    assert checked(data).differences == []


def test_verify_counts_streams_that_wait_for_their_first_tick(data: DataFolder) -> None:
    new = Stream("new", "walk")
    with closing(SqliteTape(data.tape, data.registry)) as tape:
        tape.append([Entry("message", new, START, message(new, n)) for n in range(20)])
        tape.append([Entry("tick", new, START)])  # on the tape, but the engine has not come there

    report = checked(data)

    assert (report.differences, report.unticked, report.streams) == ([], 1, 3)


def test_verify_that_compared_nothing_says_what_to_wait_for(tmp_path: Path) -> None:
    data = DataFolder(tmp_path / "data")
    with closing(SqliteTape(data.tape, data.registry)) as tape, closing(ActivityTape(data.activity)):
        tape.append([Entry("message", PHONE, START, message(PHONE, n)) for n in range(20)])

    result = CliRunner().invoke(verify_command, ["--data", str(data.root)], catch_exceptions=False)

    assert result.exit_code == 0
    assert "1 streams not ticked yet" in result.output
    assert "Start the server, or wait 5 s." in result.output


@pytest.mark.parametrize("asked", ["rebuild", "list", "revoke", "add", "page"])
def test_a_folder_that_is_not_there_is_said_and_not_made(tmp_path: Path, asked: str) -> None:
    typo = tmp_path / "typo"
    number = ["3"] if asked == "revoke" else []
    command, words = (rebuild_command, []) if asked == "rebuild" else (token_command, [asked, *number])

    with pytest.raises(NotFoundError) as caught:
        CliRunner().invoke(command, [*words, "--data", str(typo)], catch_exceptions=False)

    assert "gaitway serve" in caught.value.hint
    assert not typo.exists()


@pytest.mark.parametrize("words", [["list"], ["revoke", "3"]], ids=["list", "revoke"])
def test_looking_for_tokens_makes_no_registry(tmp_path: Path, words: list[str]) -> None:
    CliRunner().invoke(token_command, [*words, "--data", str(tmp_path)])

    assert list(tmp_path.iterdir()) == []
