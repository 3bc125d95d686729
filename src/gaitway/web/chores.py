"""What the front does now and then: pages are told what changed, new phones and used tokens are written down."""

import asyncio
import time
from typing import Final

import msgspec
import structlog

from gaitway.registry import TokenCache
from gaitway.web.board import Board
from gaitway.web.events import Hub

_REFRESH: Final = 2
_HEALTH: Final = 5
_USED: Final = 60
_log = structlog.get_logger(__name__)


class Chores:
    """One task. A chore that fails is logged and tried again the next time: none of them is needed for the data."""

    def __init__(self, board: Board, hub: Hub, tokens: TokenCache) -> None:
        self._board = board
        self._hub = hub
        self._tokens = tokens

    async def run(self) -> None:
        """Do what is due, every second, until cancelled."""
        second = 0
        while True:
            await asyncio.sleep(1.0)
            second += 1
            try:
                await self.do(second)
            except Exception:
                _log.exception("chore_failed")

    async def do(self, second: int) -> None:
        """What is due in the n-th second."""
        await self._board.save()
        if second % _REFRESH == 0:
            await self._board.refresh()
        if second % _HEALTH == 0 and self._hub.pages:
            self._hub.send("health", msgspec.json.encode(self._board.health(time.time_ns())))
        if second % _USED == 0:
            await asyncio.to_thread(self._tokens.flush_used)

    async def finish(self) -> None:
        """Write down what is still in memory."""
        await self._board.save()
        await asyncio.to_thread(self._tokens.flush_used)
