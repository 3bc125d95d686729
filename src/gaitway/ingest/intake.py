"""What becomes of a body that was let in: decoded, checked, put on the tape, and only then acknowledged."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import structlog

from gaitway.core.message import Message, Stream
from gaitway.errors import BodyError, BusyError, ClockError
from gaitway.ingest.dialect import Decoded, DecodeSettings, decode
from gaitway.ingest.door import Caller, Door
from gaitway.ports import DeadLetter, Entry, Receipt

_log = structlog.get_logger(__name__)
_SECOND: Final = 1_000_000_000
#: A clock further ahead than this is told to the phone's user.
CLOCK_AHEAD: Final = 120 * _SECOND
_SESSIONS: Final = 50_000
_KEPT_BODY: Final = 64 << 10
#: Bodies from this size on are decoded in a thread, so that others' acknowledgements do not wait so long.
_LARGE: Final = 512 << 10
FOUND: Final = "Gaitway found this phone. Start recording. Nothing was stored."


class Commit(Protocol):
    """The one writer of tape 1 (`log.GroupCommit` is one)."""

    def submit(self, entry: Entry, letters: Sequence[DeadLetter] = ()) -> "asyncio.Future[Receipt]":
        """Append an entry and the letters of its body; the future is done once both are fsynced."""
        ...

    def bury(self, letters: Sequence[DeadLetter]) -> "asyncio.Future[Receipt]":
        """Keep letters alone: a body that could not be read."""
        ...


@dataclass(frozen=True, slots=True)
class Stored:
    """What was stored, told to whoever listens after it was fsynced."""

    message: Message
    receipt: Receipt
    caller: Caller
    readings: int
    """How many readings the message holds: counted once for all."""


Listener = Callable[[Stored], None]


class Intake:
    """Takes bodies in. Loop-bound. `listeners` are called in order after each message that was stored."""

    def __init__(
        self,
        commit: Commit,
        door: Door,
        settings: DecodeSettings | None = None,
        known: Iterable[Stream] = (),
    ) -> None:
        self.listeners: list[Listener] = []
        self.closing = False
        self._commit = commit
        self._door = door
        self._settings = settings or DecodeSettings()
        self._known = set(known)
        self._warned: OrderedDict[Stream, None] = OrderedDict()

    async def take(self, body: bytes, caller: Caller) -> str:
        """Take one body in; what to answer with 200, once everything acceptable of it is fsynced.

        Raises BodyError (kept among the dead letters), TokenError and QuotaError (nothing stored), BusyError, LogError,
        and ClockError, once per session, after storing.
        """
        if self.closing:
            raise BusyError("the server is stopping", hint="Try again in a moment.")
        received_at = time.time_ns()
        try:
            if len(body) < _LARGE:
                decoded = decode(body, received_at, self._settings)
            else:
                decoded = await asyncio.to_thread(decode, body, received_at, self._settings)
        except BodyError as error:
            await self.keep(body, error, caller, received_at)
            raise
        if decoded.test:
            self._door.knocks.found(caller.address, decoded.message.stream.device_id, received_at)
            return FOUND
        return await self._store(decoded, caller)

    async def _store(self, decoded: Decoded, caller: Caller) -> str:
        message = decoded.message
        if not self._door.is_settled(caller, message.stream):
            await self._door.claim(caller, message.stream)
        if message.stream not in self._known:
            self._door.count(caller.grant, "streams", 1)
            self._known.add(message.stream)
        entry = Entry("message", message.stream, message.received_at, message)
        receipt = await self._commit.submit(entry, decoded.letters)
        readings = message.readings
        if receipt.outcome != "duplicate":
            stored = Stored(message, receipt, caller, readings)
            for listener in self.listeners:
                try:
                    listener(stored)
                except Exception:  # the message is stored, and that is what the answer has to say
                    _log.exception("listener_failed")
        self._check_clock(decoded)
        return (
            f'{{"outcome":"{receipt.outcome}","position":{receipt.position},'
            f'"readings":{readings},"refused":{message.refused}}}'
        )

    async def keep(self, body: bytes, error: BodyError, caller: Caller, received_at: int) -> None:
        """Keep a body that cannot be read among the dead letters; durable on return. Raises QuotaError."""
        self._door.count(caller.grant, "dead_letters", 1)
        await self._commit.bury([DeadLetter(received_at, error.reason, error.where, body[:_KEPT_BODY])])

    def _check_clock(self, decoded: Decoded) -> None:
        if decoded.clock_ahead_ns <= CLOCK_AHEAD:
            return
        stream = decoded.message.stream
        if stream in self._warned:
            return
        self._warned[stream] = None
        if len(self._warned) > _SESSIONS:
            self._warned.popitem(last=False)
        raise ClockError(clock_text(decoded.clock_ahead_ns), where="time")


def clock_text(ahead_ns: int) -> str:
    """What the app shows when its phone's clock is ahead.

    >>> clock_text(192_000_000_000)
    "This phone's clock is 3 min 12 s ahead. Turn on automatic time; readings are kept as they are until then."
    """
    minutes, seconds = divmod(round(ahead_ns / _SECOND), 60)
    hours, minutes = divmod(minutes, 60)
    span = f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {seconds} s"
    return f"This phone's clock is {span} ahead. Turn on automatic time; readings are kept as they are until then."
