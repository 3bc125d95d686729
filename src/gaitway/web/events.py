"""Server-sent events: one hub, any number of listeners, none of which can hold the others up."""

import asyncio
import itertools
from collections import deque
from collections.abc import AsyncGenerator, Callable
from typing import Final, NamedTuple

_BEAT_SECONDS: Final = 5.0
#: Events that wait for one listener. Beyond it signals go first; when none is left, so does the listener.
_WAITING: Final = 2048


class _Event(NamedTuple):
    kind: str
    chunk: bytes


class Listener:
    """One connection. Puts never block; `take` waits."""

    def __init__(self, *, page: bool, waiting: int = _WAITING) -> None:
        self.page = page
        self.gone = False
        self._most = waiting
        self._events: deque[_Event] = deque()
        self._ready = asyncio.Event()

    def put(self, event: _Event) -> None:
        """Hand an event over, or make room: signals are for the eye, verdicts and records are not to be lost."""
        if len(self._events) >= self._most and not self._drop_signal():
            self.close()
            return
        self._events.append(event)
        self._ready.set()

    def _drop_signal(self) -> bool:
        for index, event in enumerate(self._events):
            if event.kind == "signal":
                del self._events[index]
                return True
        return False

    def close(self) -> None:
        """Let go: what waits is not sent any more, for its client will start from a snapshot."""
        self.gone = True
        self._events.clear()
        self._ready.set()

    async def take(self, seconds: float) -> bytes | None:
        """All that waits, as one chunk; None when nothing came in time."""
        if not self._events and not self.gone:
            self._ready.clear()
            try:
                async with asyncio.timeout(seconds):
                    await self._ready.wait()
            except TimeoutError:
                return None
        chunk = b"".join(event.chunk for event in self._events)
        self._events.clear()
        return chunk


class Hub:
    """Hands events to every listener. Loop-bound; `on_watch` is told when the first one comes and the last one goes."""

    def __init__(self, on_watch: Callable[[bool], None], *, beat_seconds: float = _BEAT_SECONDS) -> None:
        self._on_watch = on_watch
        self._beat_seconds = beat_seconds
        self._listeners: set[Listener] = set()
        self._ids = itertools.count(1)
        self._closed = False

    @property
    def listeners(self) -> int:
        """How many listen."""
        return len(self._listeners)

    @property
    def pages(self) -> int:
        """How many of them are pages, and want named events."""
        return sum(listener.page for listener in self._listeners)

    def send(self, kind: str, data: bytes) -> None:
        """Send an event, encoded once, to everybody whom it concerns: `verdict` to all, all others to pages only."""
        if not self._listeners:
            return
        event = _Event(kind, self.chunk(kind, data))
        for listener in list(self._listeners):
            if listener.page or kind == "verdict":
                listener.put(event)

    def chunk(self, kind: str, data: bytes) -> bytes:
        """An event as it goes over the wire. Live verdicts have no name."""
        name = b"" if kind == "verdict" else b"event: " + kind.encode() + b"\n"
        return b"id: %d\n%sdata: %s\n\n" % (next(self._ids), name, data)

    async def listen(
        self, *, page: bool, first: bytes = b"", beat: Callable[[], bytes] = bytes
    ) -> AsyncGenerator[bytes, None]:
        """The stream of one listener, until it goes or the hub closes. Something comes at least every 5 s."""
        listener = Listener(page=page)
        self._add(listener)
        try:
            yield first or b": hello\n\n"
            loop = asyncio.get_running_loop()
            due = loop.time() + self._beat_seconds
            while not (listener.gone or self._closed):
                chunk = await listener.take(max(0.0, due - loop.time()))
                if loop.time() >= due:
                    due = loop.time() + self._beat_seconds
                    chunk = (chunk or b"") + (self.chunk("beat", beat()) if page else b": beat\n\n")
                if chunk:
                    yield chunk
        finally:
            self._drop(listener)

    def close(self) -> None:
        """End every stream at once: the server is stopping."""
        self._closed = True
        for listener in self._listeners:
            listener.close()

    def _add(self, listener: Listener) -> None:
        self._listeners.add(listener)
        if len(self._listeners) == 1:
            self._on_watch(True)

    def _drop(self, listener: Listener) -> None:
        self._listeners.discard(listener)
        if not self._listeners:
            self._on_watch(False)
