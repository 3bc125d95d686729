"""`GET /api/live`: the event stream as a bare ASGI handler, which ends when its listener goes or the server stops."""

import asyncio
import time
from typing import Final
from urllib.parse import parse_qs

import msgspec

from gaitway.ingest.body import Receive
from gaitway.ingest.push import Send
from gaitway.ingest.request import Scope
from gaitway.web.board import Board
from gaitway.web.events import Hub

PATH: Final = "/api/live"
_HEADERS: Final = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
)


class LiveRoute:
    """Serves events; a page begins with a snapshot, whatever `Last-Event-ID` it had."""

    def __init__(self, hub: Hub, board: Board) -> None:
        self._hub = hub
        self._board = board

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one listener until it goes or the hub closes."""
        audience = parse_qs(bytes(scope.get("query_string") or b"").decode("latin-1")).get("for", [""])
        page = audience[0] == "page"
        first = await self._snapshot() if page else b""
        await send({"type": "http.response.start", "status": 200, "headers": list(_HEADERS)})
        pump = asyncio.create_task(self._pump(page, first, send))
        gone = asyncio.create_task(_until_gone(receive))
        try:
            await asyncio.wait({pump, gone}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (pump, gone):
                task.cancel()
            await asyncio.gather(pump, gone, return_exceptions=True)

    async def _pump(self, page: bool, first: bytes, send: Send) -> None:
        events = self._hub.listen(page=page, first=first, beat=_beat)
        try:
            async for chunk in events:
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
        finally:
            await events.aclose()
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _snapshot(self) -> bytes:
        chunks = [b"retry: 1000\n", self._hub.chunk("snapshot", msgspec.json.encode(await self._board.snapshot()))]
        chunks += [self._hub.chunk("signal", signal) for signal in await self._board.signals()]
        return b"".join(chunks)


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _beat() -> bytes:
    return b'{"now":%d}' % time.time_ns()
