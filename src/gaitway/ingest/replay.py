"""Sending recordings, and dead letters, to a server as the phone would have."""

import asyncio
import json
import math
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple
from urllib.parse import urlsplit

import httpx

from gaitway.errors import BusyError, GaitwayError, NotFoundError, TokenError
from gaitway.ingest.dialect.canonical import canonical, parse
from gaitway.ingest.dialect.decoded import MAX_AHEAD
from gaitway.ingest.dialect.times import read_time
from gaitway.ingest.exports import Batch, Recording
from gaitway.ports import DeadLetters

#: Answers after which the next message would be answered alike: not let in, or no such route.
_NOT_LET_IN: Final = frozenset((401, 403))
_NO_ROUTE: Final = frozenset((404, 405))
#: Answers that ask to be sent again later.
_LATER: Final = frozenset((429, 503))
_SHOW_TO_USER: Final = 499
_LONGEST_WAIT: Final = 60.0
_MOST_TEXTS: Final = 20

Sleep = Callable[[float], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Target:
    """Where to send to."""

    url: str
    """A server, or a whole push address."""
    token: str | None = None

    @property
    def address(self) -> str:
        """The push address.

        >>> Target("http://127.0.0.1:8788/").address, Target("https://walk.example/data/TOKEN").address
        ('http://127.0.0.1:8788/data', 'https://walk.example/data/TOKEN')
        """
        return self.url if urlsplit(self.url).path.strip("/") else f"{self.url.rstrip('/')}/data"

    def client(self) -> httpx.AsyncClient:
        """An HTTP client that sends the token. A proxy of the environment is not asked for this machine itself."""
        headers = {"content-type": "application/json"}
        if self.token:
            headers["authorization"] = f"Bearer {self.token}"
        here = urlsplit(self.url).hostname in ("127.0.0.1", "localhost", "::1")
        return httpx.AsyncClient(headers=headers, timeout=30.0, trust_env=not here)


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast to send, and how long to insist."""

    speed: float = math.inf
    """Times as fast as life."""
    in_flight: int = 4
    """Messages sent and not yet answered, at most; they are sent in order."""
    attempts: int = 8
    """How often one message is sent before giving up on a server that is gone or busy."""
    first_wait: float = 0.25
    """Seconds before the second attempt; doubled for each further one, up to 8 s."""


@dataclass(slots=True)
class Report:
    """What came of it so far."""

    recordings: int = 0
    messages: int = 0
    """Messages answered."""
    readings: int = 0
    """Readings in them."""
    bytes: int = 0
    duplicates: int = 0
    """Messages the server says it has already."""
    refused: int = 0
    """Readings the server says it set aside."""
    skipped: int = 0
    """Rows and files of the exports, or dead letters, that hold nothing to send."""
    retries: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    texts: Counter[str] = field(default_factory=Counter)
    """What the server said when it did not take a message, the first 20 texts."""

    @property
    def ok(self) -> bool:
        """Whether there was something to send and all of it was taken."""
        return self.messages > 0 and set(self.statuses) == {200}

    def take(self, batch: Batch, answer: "Answer") -> None:
        """Count an answered message."""
        self.messages += 1
        self.readings += batch.readings
        self.bytes += len(batch.body)
        self.statuses[answer.status] += 1
        if answer.status == 200:
            self.duplicates += answer.outcome == "duplicate"
            self.refused += answer.refused
        elif answer.text in self.texts or len(self.texts) < _MOST_TEXTS:
            self.texts[answer.text] += 1


class Answer(NamedTuple):
    """The server's answer to one message."""

    status: int
    text: str
    outcome: str = ""
    refused: int = 0


class Sender:
    """Sends messages in order to one server. Loop-bound; `report` is complete up to the last answered message.

    `told` is called after each answered message. `sleep` is a setting for tests.
    """

    def __init__(
        self, client: httpx.AsyncClient, address: str, pace: Pace, report: Report, sleep: Sleep = asyncio.sleep
    ) -> None:
        self.report = report
        self.told: Callable[[Batch], None] = lambda batch: None
        self._client = client
        self._address = address
        self._pace = pace
        self._sleep = sleep
        self._shown = 0

    async def send(self, batches: Iterable[Batch]) -> None:
        """Send the messages of one recording.

        Raises TokenError where the server does not let us in, NotFoundError where it has no such route, BusyError where
        it stays busy, GaitwayError where nobody answers. What was answered before is in the report.
        """
        self._shown = 0
        started, first_end = time.monotonic(), 0
        pending: deque[tuple[Batch, asyncio.Task[Answer]]] = deque()
        try:
            for batch in batches:
                first_end = first_end or batch.end
                due = started + (batch.end - first_end) / 1e9 / self._pace.speed
                while pending and (len(pending) >= self._pace.in_flight or pending[0][1].done()):
                    await self._settle(*pending.popleft())
                if (early := due - time.monotonic()) > 0:
                    await self._sleep(early)
                pending.append((batch, asyncio.create_task(self._post(batch.body))))
            while pending:
                await self._settle(*pending.popleft())
        finally:
            for _, task in pending:
                task.cancel()
            await asyncio.gather(*(task for _, task in pending), return_exceptions=True)

    async def _settle(self, batch: Batch, task: asyncio.Task[Answer]) -> None:
        answer = await task
        self.report.take(batch, answer)
        self.told(batch)
        if answer.status in _NO_ROUTE:
            said = f"The server takes no messages there ({answer.status})"
            raise NotFoundError(said, where=self._address, hint="Give the address of the server, or of its push route.")
        # A clock ahead is told once a session, after storing; a wrong token is told every time.
        self._shown += answer.status == _SHOW_TO_USER
        if answer.status in _NOT_LET_IN or self._shown > 1:
            hint = "Make a token with `gaitway token add --kind push`."
            raise TokenError(answer.text, where=self._address, hint=hint)

    async def _post(self, body: bytes) -> Answer:
        wait, trouble = self._pace.first_wait, ""
        for attempt in range(self._pace.attempts):
            if attempt:
                self.report.retries += 1
                await self._sleep(wait)
            wait = min(8.0, self._pace.first_wait * 2**attempt)
            try:
                response = await self._client.post(self._address, content=body)
            except httpx.TransportError as error:
                trouble = f"Nobody answers: {str(error) or type(error).__name__}"
                continue
            except httpx.InvalidURL as error:
                raise GaitwayError(f"no usable address: {error}", where=self._address, hint="Give --url.") from error
            if response.status_code not in _LATER:
                return _answer(response)
            trouble = f"The server is busy ({response.status_code}): {_answer(response).text}"
            wait = max(wait, _retry_after(response))
        if trouble.startswith("Nobody"):
            raise GaitwayError(trouble, where=self._address, hint="Is `gaitway serve` running there?")
        raise BusyError(trouble, where=self._address, hint="Try again later: a second replay sends nothing twice.")


async def replay(recordings: Iterable[Recording], sender: Sender) -> None:
    """Send recordings, one after the other; raises as `Sender.send`. The report counts what their files skipped."""
    for recording in recordings:
        sender.report.recordings += 1
        sender.report.skipped += len(recording.skipped)
        await sender.send(recording.batches())


def letters(store: DeadLetters, now: int, report: Report) -> Iterator[Batch]:
    """Messages of the readings that were refused for their time and are acceptable now (ns), oldest first.

    Each reading is a message of its own, with id `dead-letter-<id>`: sent twice, it is stored once. Letters that are
    still ahead, or cut short, count as skipped.
    """
    for number, letter in store.bodies(reason="time"):
        reading = _reading(letter.body)
        when = None if reading is None else read_time(reading.get("time"))
        if reading is None or when is None or when.ns > now + MAX_AHEAD or letter.stream is None:
            report.skipped += 1
            continue
        device_id, session_id = letter.stream
        message = {"messageId": f"dead-letter-{number}", "sessionId": session_id, "deviceId": device_id}
        yield Batch(number, canonical(message | {"payload": [reading]}).encode(), 1, when.ns)


def _reading(body: bytes) -> dict[str, object] | None:
    try:
        reading = parse(body)
    except GaitwayError:  # cut at 64 KiB: it cannot be sent again, and is counted as skipped
        return None
    return reading if isinstance(reading, dict) else None


def _answer(response: httpx.Response) -> Answer:
    text = response.text.strip()[:500]
    try:
        said = json.loads(text)
    except ValueError:
        said = None
    if not isinstance(said, dict):
        return Answer(response.status_code, text)
    refused = said.get("refused")
    return Answer(
        response.status_code,
        str(said.get("error", text)),
        str(said.get("outcome", "")),
        refused if isinstance(refused, int) else 0,
    )


def _retry_after(response: httpx.Response) -> float:
    """Seconds; 0 where the server does not say, or says it as a date."""
    said = response.headers.get("retry-after", "")
    return min(float(said), _LONGEST_WAIT) if said.isascii() and said.isdigit() else 0.0
