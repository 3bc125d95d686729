"""Puts ticks on tape 1: a stream that went quiet is closed 5 s after its last message; others when the engine asks.

Two ticks do no harm, so nothing here needs to be exact; a missing one would leave windows open, so nothing is forgotten
until its tick is durable.
"""

import asyncio
import contextlib
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Final

from gaitway.core.message import Stream
from gaitway.errors import BusyError, LogError
from gaitway.ports import Entry, Receipt, StreamCounts

Submit = Callable[[Entry], Awaitable[Receipt]]
_SECOND: Final = 1_000_000_000
_AT_ONCE: Final = 512


class QuietTicker:
    """Knows which streams wait for a tick, in the order in which they fall due. Loop-bound, not thread-safe."""

    def __init__(
        self,
        submit: Submit,
        quiet_seconds: float = 5.0,
        *,
        clock: Callable[[], int] = time.monotonic_ns,
        wall: Callable[[], int] = time.time_ns,
    ) -> None:
        self._submit = submit
        self._quiet = round(quiet_seconds * _SECOND)
        self._clock = clock
        self._wall = wall
        self._last: OrderedDict[Stream, int] = OrderedDict()
        self._asked: dict[Stream, None] = {}
        self._wake = asyncio.Event()

    def start_with(self, counts: Iterable[StreamCounts]) -> None:
        """At start: every stream whose last record is a message still wants a tick; the phone may just have paused."""
        for count in counts:
            if count.last_kind == "message":
                self.seen(count.stream)

    def seen(self, stream: Stream) -> None:
        """A message of a stream was stored."""
        if not self._last:
            self._wake.set()
        self._last[stream] = self._clock()
        self._last.move_to_end(stream)

    def ask(self, streams: Iterable[Stream]) -> None:
        """The engine has revisions of these streams to publish: tick them now."""
        self._asked.update(dict.fromkeys(streams))
        self._wake.set()

    def due(self) -> list[Stream]:
        """Streams to tick now, each once."""
        latest = self._clock() - self._quiet
        streams = dict(self._asked)
        for stream, last in self._last.items():
            if last > latest:
                break
            streams[stream] = None
        return list(streams)[:_AT_ONCE]

    async def tick(self, streams: Sequence[Stream]) -> None:
        """Append a tick to each stream; those that could not be written stay due."""
        before = {stream: self._last.get(stream) for stream in streams}
        for stream in streams:
            self._asked.pop(stream, None)
        now = self._wall()
        waiting = [self._append(Entry("tick", stream, now)) for stream in streams]
        results = await asyncio.gather(*waiting, return_exceptions=True)
        for stream, result in zip(streams, results, strict=True):
            if isinstance(result, BusyError | LogError):
                self.seen(stream)  # due again after another silence
            elif isinstance(result, BaseException):
                raise result
            elif self._last.get(stream) == before[stream]:
                self._last.pop(stream, None)

    async def _append(self, entry: Entry) -> Receipt:
        return await self._submit(entry)

    async def run(self) -> None:
        """Tick what falls due, until cancelled."""
        while True:
            streams = self.due()
            if streams:
                await self.tick(streams)
            self._wake.clear()
            if not self._asked:
                await self._sleep()

    async def _sleep(self) -> None:
        wait = 1.0
        if self._last:
            oldest = next(iter(self._last.values()))
            wait = min(max((oldest + self._quiet - self._clock()) / _SECOND, 0.05), 1.0)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait):  # not wait_for, which in Python 3.11 may swallow a cancellation
                await self._wake.wait()
