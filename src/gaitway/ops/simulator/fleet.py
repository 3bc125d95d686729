"""Many phones from one seed, and sending what they say to a server as phones do."""

import asyncio
import ssl
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypedDict, Unpack
from urllib.parse import urlsplit

import httpx
import numpy as np

from gaitway.errors import SettingsError
from gaitway.ops.simulator.gait import Form, Gain
from gaitway.ops.simulator.phone import Phone
from gaitway.ops.simulator.push import Push

FormChoice = Literal["iphone", "android", "mixed"]
AS_FAST_AS_POSSIBLE = float("inf")
_TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class Pace:
    """When what is sent."""

    speed: float = 1.0
    """1: in real time; 10: ten times as fast; AS_FAST_AS_POSSIBLE: each message as soon as the last was answered."""
    start_ns: int | None = None
    """Event time at which the recordings begin; None: now, or so long ago that they end when sending does."""
    batch_ms: int = 1000
    test_push: bool = False
    """Whether each phone begins with the app's test push."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one message. `status` is 0 where no answer came; then `text` says why."""

    phone: Phone
    push: Push
    status: int
    text: str
    seconds: float


@dataclass
class Tally:
    """What was sent and what became of it."""

    phones: int = 0
    messages: int = 0
    readings: int = 0
    bytes: int = 0
    acknowledged: int = 0
    """Messages answered 200. The app does not resend the others, and neither does the simulator."""
    acknowledged_readings: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    texts: Counter[str] = field(default_factory=Counter)
    """What the server said with anything but 200."""
    slowest_ms: float = 0.0

    def add(self, answer: Answer) -> None:
        """Count one."""
        self.messages += 1
        self.readings += answer.push.readings
        self.bytes += len(answer.push.body)
        self.statuses[answer.status] += 1
        self.slowest_ms = max(self.slowest_ms, answer.seconds * 1e3)
        if answer.status == 200:
            self.acknowledged += 1
            self.acknowledged_readings += answer.push.readings
        else:
            self.texts[answer.text] += 1


class PhoneSettings(TypedDict, total=False):
    """The settings of `Phone` that all phones of a fleet share."""

    rate: float | None
    script: str
    gain: Gain
    placement: str | None
    sensors: Sequence[str]
    seconds: float
    faults: Sequence[str]


def fleet(count: int, seed: int, form: FormChoice = "mixed", **settings: Unpack[PhoneSettings]) -> list[Phone]:
    """So many phones from one seed; `settings` are those of Phone. `mixed` takes iPhones and Androids in turn."""
    forms: tuple[Form, ...] = ("iphone", "android") if form == "mixed" else (form,)
    return [Phone(_seed(seed, number), form=forms[number % len(forms)], **settings) for number in range(count)]


async def run_phones(
    url: str,
    token: str | None,
    phones: Sequence[Phone],
    pace: Pace = Pace(),
    stop: asyncio.Event | None = None,
    on_answer: Callable[[Answer], None] | None = None,
) -> Tally:
    """Let phones send to a server until their recordings end or `stop` is set, and say what became of it.

    `url` is a server's address or a whole push address. Like the app it sends each message once: an answer other than
    200, or none, is counted and the next message follows. A message under way when `stop` is set is waited for.
    """
    stop = stop or asyncio.Event()
    tally = Tally(phones=len(phones))
    address = push_address(url)
    starts = [_start(phone, pace) for phone in phones]
    verify: ssl.SSLContext | bool = ssl.create_default_context() if address.startswith("https:") else False
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    began = asyncio.get_running_loop().time()

    def count(answer: Answer) -> None:
        tally.add(answer)
        if on_answer is not None:
            on_answer(answer)

    async with asyncio.TaskGroup() as tasks:
        for number, (phone, start_ns) in enumerate(zip(phones, starts, strict=True)):
            # Its own client: one connection per phone, as in life; no proxy of this machine in between.
            client = httpx.AsyncClient(headers=headers, verify=verify, trust_env=False, timeout=_TIMEOUT_S)
            sender = _Sender(phone, client, address, pace, stop)
            stagger = number / len(phones) * pace.batch_ms / 1e3
            tasks.create_task(sender.run(start_ns, began + stagger / pace.speed, count))
    return tally


def push_address(url: str) -> str:
    """Where to post: the address as it is, or its /data where it has no path.

    >>> push_address("http://127.0.0.1:8788"), push_address("https://gait.example/data/abc")
    ('http://127.0.0.1:8788/data', 'https://gait.example/data/abc')
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise SettingsError([("url", f"{url!r} is not an address", "Write it like http://127.0.0.1:8788.")])
    return url if parts.path.strip("/") else parts._replace(path="/data").geturl()


class _Sender:
    """One phone on its way through its recording."""

    def __init__(self, phone: Phone, client: httpx.AsyncClient, address: str, pace: Pace, stop: asyncio.Event) -> None:
        self._phone, self._client, self._address, self._pace, self._stop = phone, client, address, pace, stop

    async def run(self, start_ns: int, begin: float, count: Callable[[Answer], None]) -> None:
        """Send a recording that began at `start_ns`, from the loop's time `begin` on."""
        async with self._client:
            await self._until(begin)
            if self._pace.test_push and not self._stop.is_set():
                count(await self._send(self._phone.test_push(start_ns)))
            for push in self._phone.arrivals(start_ns, self._pace.batch_ms):
                await self._until(begin + push.due_ns / 1e9 / self._pace.speed)
                if self._stop.is_set():
                    return
                count(await self._send(push))

    async def _until(self, moment: float) -> None:
        """Wait for a moment of the loop's clock, or for the stop."""
        delay = moment - asyncio.get_running_loop().time()
        if delay > 0:
            try:
                async with asyncio.timeout(delay):
                    await self._stop.wait()
            except TimeoutError:
                return

    async def _send(self, push: Push) -> Answer:
        sent = time.perf_counter()
        try:
            response = await self._client.post(self._address, content=push.body)
            status, text = response.status_code, "" if response.status_code == 200 else response.text[:300]
        except httpx.HTTPError as error:
            status, text = 0, f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        return Answer(self._phone, push, status, text, time.perf_counter() - sent)


def _start(phone: Phone, pace: Pace) -> int:
    """So that at the end of a recording sent faster than it was taken, its event time is the server's."""
    if pace.start_ns is not None:
        return pace.start_ns
    ahead = 1.0 - 1.0 / pace.speed
    if ahead <= 0:
        return time.time_ns()
    if phone.seconds == float("inf"):
        hint = "Say how long they record: --seconds."
        raise SettingsError([("speed", "phones without an end cannot be faster than time", hint)])
    return time.time_ns() - round(phone.seconds * ahead * 1e9)


def _seed(seed: int, number: int) -> int:
    return int(np.random.SeedSequence([seed, number, 5]).generate_state(1)[0])
