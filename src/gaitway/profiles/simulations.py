"""Simulated phones that the page starts: they push to this server as any phone would, with a token of their own."""

import asyncio
import secrets

from gaitway.config import Settings
from gaitway.errors import BusyError
from gaitway.profiles.processes import local_url
from gaitway.registry import Registry, TokenBook

_MOST = 20
_SECONDS = 1800.0


class Simulations:
    """Starts simulated phones on the front's event loop, and stops them with it."""

    def __init__(self, settings: Settings, registry: Registry) -> None:
        self._url = local_url(settings)
        self._book = TokenBook(registry)
        self._tasks: set[asyncio.Task[object]] = set()
        self._stop = asyncio.Event()

    async def start(self) -> str:
        """Start one more phone, for half an hour; its device id. Raises BusyError when enough are running."""
        if len(self._tasks) >= _MOST:
            raise BusyError(f"{_MOST} simulated phones are running", hint="They end after half an hour.")
        from gaitway.ops.simulator import Pace, Phone, run_phones  # when it is wanted: it costs time to start

        number = len(self._tasks)
        phone = Phone(secrets.randbelow(1 << 31), form="android" if number % 2 else "iphone", seconds=_SECONDS)
        token = await asyncio.to_thread(self._book.add, "push", "simulated phone", seconds=2 * _SECONDS)
        task = asyncio.create_task(
            run_phones(self._url, token.text, [phone], Pace(), self._stop), name="simulated phone"
        )
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return phone.device_id

    async def stop(self) -> None:
        """End all of them."""
        self._stop.set()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
