"""The engine over real tapes: what it has published survives any restart, and equals the batch function."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gaitway.core.activity import Verdict
from gaitway.core.batch import activities
from gaitway.core.fold import Fold
from gaitway.core.grid import SECOND, Grid
from gaitway.core.message import Block, Message, Record, Stream
from gaitway.core.recognizers import Thresholds
from gaitway.engine.loop import Engine
from gaitway.engine.readback import TapeReadBack
from gaitway.log.activity import ActivityTape
from gaitway.log.dead_letters import SqliteDeadLetters
from gaitway.log.reader import SqliteTapeReader
from gaitway.log.tape import SqliteTape
from gaitway.ports import Entry
from gaitway.warehouse.parquet import ParquetWarehouse
from laws.streams import Torn, torn_streams

PHONE = Stream("phone", "walk")
RULE = Thresholds(Grid(10 * SECOND, 2 * SECOND))


class Bench:
    """A data folder with an engine that can be killed and started again."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.tape = SqliteTape(root / "raw", root / "registry.sqlite")
        self.start()

    def start(self) -> None:
        self.reader = SqliteTapeReader(self.root / "raw", self.root / "registry.sqlite")
        self.activity = ActivityTape(self.root / "activity.sqlite")
        self.letters = SqliteDeadLetters(self.root / "letters.sqlite")
        readback = TapeReadBack(self.reader, self.activity, ParquetWarehouse(self.root / "warehouse"))
        self.fold = Fold([RULE], 2 * SECOND, readback)
        self.engine = Engine(self.reader, self.activity, self.fold, self.letters)

    def restart(self) -> None:
        self.stop()
        self.start()

    def stop(self) -> None:
        self.reader.close()
        self.activity.close()
        self.letters.close()

    def put(self, *messages: Message) -> None:
        self.tape.append([Entry("message", m.stream, m.received_at, m) for m in messages])

    def tick(self) -> None:
        self.tape.append([Entry("tick", PHONE, 0)])

    def run(self) -> None:
        while self.engine.step():
            pass

    def current(self) -> dict[int, Verdict]:
        found = {}
        for _, record in sorted(self.activity.read(0, 100_000), key=lambda row: row[1].revision):
            found[record.window_start // RULE.grid.slide] = record.verdict
        return found


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.stop()
    made.tape.close()


@given(torn=torn_streams(), restarts=st.lists(st.booleans(), min_size=20, max_size=20))
@settings(max_examples=25)
def test_restarts_at_any_point_change_nothing(
    tmp_path_factory: pytest.TempPathFactory, torn: Torn, restarts: list[bool]
) -> None:
    bench = Bench(tmp_path_factory.mktemp("bench"))
    for message, restart in zip(torn.messages, restarts, strict=False):
        bench.put(message)
        bench.run()
        if restart:
            bench.tick()
            bench.restart()
    bench.tick()
    bench.run()

    assert bench.current() == activities(torn.messages, RULE)
    bench.stop()
    bench.tape.close()


def test_what_the_core_fails_on_is_set_aside_and_the_stream_goes_on(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, broken, last = (torn_message(number) for number in range(3))
    message = Fold._message

    def fails_once(self: Fold, record: Record, blocks: object) -> None:
        if record.position == 2:
            raise ZeroDivisionError("provoked")
        message(self, record, blocks)  # type: ignore[arg-type]

    monkeypatch.setattr(Fold, "_message", fails_once)
    bench.put(first, broken, last)
    bench.tick()
    bench.run()

    (row,) = bench.letters.page(10, None).rows
    assert (row["reason"], row["where"]) == ("core_error", "position 2")
    assert bench.current() == activities([first, broken, last], RULE)


def test_streams_with_revisions_wait_for_a_tick(bench: Bench) -> None:
    messages = [torn_message(number) for number in range(40)]
    late = messages.pop(3)
    bench.put(*messages)
    bench.run()
    assert bench.engine.revising == set()

    bench.put(late)
    bench.run()
    assert bench.engine.revising == {PHONE}

    bench.tick()
    bench.run()
    assert bench.engine.revising == set()
    assert bench.current() == activities([*messages, late], RULE)


def torn_message(number: int) -> Message:
    start = 1_782_477_374_000_000_000 + number * SECOND
    times = start + np.arange(20) * 50_000_000
    xyz = np.full((3, 20), 1.0 + number % 7)
    return Message(PHONE, number, (Block("accelerometer", times, xyz),), received_at=start + SECOND)
