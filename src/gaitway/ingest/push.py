"""The push route: a bare ASGI handler, so that a phone's message costs as little as it can.

head -> door (gate, token) -> quotas -> body -> inflate -> intake (decode, tape, fsync) -> 200
"""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import structlog

from gaitway.errors import BodyError, BusyError, GaitwayError, LogError, RefusedError
from gaitway.ingest.body import BodyLimits, DisconnectedError, Receive, drain, read_body
from gaitway.ingest.door import Caller, Door
from gaitway.ingest.inflate import inflate
from gaitway.ingest.intake import FOUND, Intake
from gaitway.ingest.quota import OverQuotaError
from gaitway.ingest.request import Head, Scope, read_head

Send = Callable[[Any], Awaitable[None]]
#: How long a sender should wait when nothing can be stored now (s).
_RETRY_AFTER: Final = 5
_BUSY_SECONDS: Final = 10.0
_LARGE: Final = 256 << 10
_PLAIN: Final = ("", "identity")
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent back."""

    status: int
    body: bytes
    kind: bytes = b"application/json"
    retry_after: int | None = None

    async def send(self, send: Send) -> None:
        """Send it."""
        headers = [(b"content-type", self.kind), (b"content-length", b"%d" % len(self.body))]
        if self.retry_after is not None:
            headers.append((b"retry-after", b"%d" % self.retry_after))
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.body})


class PushRoute:
    """Takes messages of phones over HTTP. Nothing that is sent here makes it answer 500."""

    def __init__(self, door: Door, intake: Intake, limits: BodyLimits) -> None:
        self._door = door
        self._intake = intake
        self._limits = limits
        self.answered: dict[int, int] = {}
        """Status -> how often it was answered."""
        self._busy: tuple[float, str] = (-math.inf, "")

    def busy(self) -> str | None:
        """Why the newest push could not be stored, when that was within 10 s; else None."""
        at, text = self._busy
        return text if time.monotonic() - at < _BUSY_SECONDS else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one push."""
        try:
            answer = await self._answer(scope, receive)
        except DisconnectedError:
            return
        except LogError as error:
            _log.error("push_not_stored", error=str(error), where=error.where)
            self._busy = (time.monotonic(), "the log cannot be written")
            answer = refusal(BusyError("the log cannot be written now", where=error.where, hint="Try again later."))
        except RefusedError as error:
            if isinstance(error, BusyError):
                self._busy = (time.monotonic(), str(error))
            answer = refusal(error)
        except Exception:
            _log.exception("push_failed")
            answer = failure()
        self.answered[answer.status] = self.answered.get(answer.status, 0) + 1
        await answer.send(send)

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        head = read_head(scope, push=True)
        try:
            grant = self._door.admit(head.asked, "push")
            self._door.count(grant, "messages", 1)
        except RefusedError:
            await drain(receive)
            raise
        body = await read_body(receive, head.length, self._limits.body)
        self._door.count(grant, "bytes", len(body))
        caller = Caller(grant, head.asked.peer)
        if head.encoding not in _PLAIN:
            body = await self._plain(body, head, caller)
        text = await self._intake.take(body, caller)
        return Answer(200, text.encode(), b"text/plain; charset=utf-8" if text is FOUND else b"application/json")

    async def _plain(self, body: bytes, head: Head, caller: Caller) -> bytes:
        try:
            if len(body) < _LARGE:
                return inflate(body, head.encoding, self._limits.inflated)
            return await asyncio.to_thread(inflate, body, head.encoding, self._limits.inflated)
        except BodyError as error:
            await self._intake.keep(body, error, caller, time.time_ns())
            raise


def refusal(error: RefusedError) -> Answer:
    """The answer to a refused push. With 499 the app shows the text to its user, so it is plain."""
    if error.status == 499:
        return Answer(499, str(error).encode(), b"text/plain; charset=utf-8")
    retry = error.retry_after if isinstance(error, OverQuotaError) else None
    if isinstance(error, BusyError):
        retry = _RETRY_AFTER
    return Answer(error.status, error_json(error), retry_after=retry)


def failure() -> Answer:
    """The answer when this program is wrong, not its caller."""
    return Answer(500, error_json(GaitwayError("something went wrong here", hint="The server's log says what.")))


def error_json(error: GaitwayError) -> bytes:
    """An error as every route gives it."""
    return msgspec.json.encode({"error": str(error), "where": error.where, "hint": error.hint})
