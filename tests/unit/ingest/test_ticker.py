"""Quiet streams get a tick, five seconds after their last message; the engine's wishes are met at once."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from gaitway.core.message import Stream
from gaitway.errors import BusyError
from gaitway.ingest.ticker import QuietTicker
from gaitway.ports import Entry, Receipt, StreamCounts

SECOND = 1_000_000_000
A, B = Stream("phone", "a"), Stream("phone", "b")


class Tape:
    """Takes ticks; may refuse them."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.busy = False
        self.on_tick: Callable[[], None] = lambda: None

    async def submit(self, entry: Entry) -> Receipt:
        if self.busy:
            raise BusyError("full")
        await asyncio.sleep(0)
        self.entries.append(entry)
        self.on_tick()
        return Receipt(len(self.entries), "stored")


class Clock:
    now = 0

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def tape() -> Tape:
    return Tape()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ticker(tape: Tape, clock: Clock) -> QuietTicker:
    return QuietTicker(tape.submit, 5.0, clock=clock, wall=lambda: 77)


def run(work: Awaitable[None]) -> None:
    async def main() -> None:
        await work

    asyncio.run(main())


def counts(stream: Stream, last_kind: str) -> StreamCounts:
    return StreamCounts(stream, 1, 0, 0, 0, None, None, 0, last_kind)  # type: ignore[arg-type]


def test_a_stream_is_due_five_seconds_after_its_last_message(ticker: QuietTicker, clock: Clock) -> None:
    ticker.seen(A)
    clock.now = 4 * SECOND
    ticker.seen(B)
    clock.now = 5 * SECOND
    assert ticker.due() == [A]
    ticker.seen(A)
    assert ticker.due() == []
    clock.now = 9 * SECOND
    assert ticker.due() == [B]


def test_a_tick_carries_the_time_of_its_arrival(ticker: QuietTicker, tape: Tape) -> None:
    run(ticker.tick([A]))
    assert tape.entries == [Entry("tick", A, 77)]


def test_a_ticked_stream_is_not_due_again(ticker: QuietTicker, clock: Clock) -> None:
    ticker.seen(A)
    clock.now = 5 * SECOND
    run(ticker.tick(ticker.due()))
    clock.now = 60 * SECOND
    assert ticker.due() == []


def test_a_message_that_comes_while_the_tick_is_written_wants_another(
    ticker: QuietTicker, tape: Tape, clock: Clock
) -> None:
    ticker.seen(A)
    clock.now = 5 * SECOND
    tape.on_tick = lambda: ticker.seen(A)
    run(ticker.tick([A]))
    clock.now = 10 * SECOND
    assert ticker.due() == [A]


def test_a_tick_that_cannot_be_written_stays_due_but_not_at_once(ticker: QuietTicker, tape: Tape, clock: Clock) -> None:
    ticker.seen(A)
    clock.now = 5 * SECOND
    tape.busy = True
    run(ticker.tick([A]))
    assert ticker.due() == []
    clock.now = 10 * SECOND
    assert ticker.due() == [A]


def test_at_start_streams_that_end_with_a_message_want_a_tick(ticker: QuietTicker, clock: Clock) -> None:
    ticker.start_with([counts(A, "message"), counts(B, "tick")])
    assert ticker.due() == []
    clock.now = 5 * SECOND
    assert ticker.due() == [A]


def test_what_the_engine_asks_for_is_due_now_and_once(ticker: QuietTicker) -> None:
    ticker.ask([B, A, B])
    assert ticker.due() == [B, A]
    run(ticker.tick([B, A]))
    assert ticker.due() == []


def test_the_running_ticker_meets_a_wish(tape: Tape) -> None:
    async def main() -> None:
        ticker = QuietTicker(tape.submit, 60.0)
        done = asyncio.Event()
        tape.on_tick = done.set
        task = asyncio.create_task(ticker.run())
        await asyncio.sleep(0)
        ticker.ask([A])
        await asyncio.wait_for(done.wait(), 5)
        task.cancel()

    asyncio.run(main())
    assert [entry.stream for entry in tape.entries] == [A]


def test_the_running_ticker_closes_a_quiet_stream(tape: Tape) -> None:
    async def main() -> None:
        ticker = QuietTicker(tape.submit, 0.1)
        done = asyncio.Event()
        tape.on_tick = done.set
        task = asyncio.create_task(ticker.run())
        await asyncio.sleep(0)
        ticker.seen(A)
        await asyncio.wait_for(done.wait(), 5)
        task.cancel()

    asyncio.run(main())
    assert [entry.kind for entry in tape.entries] == ["tick"]
