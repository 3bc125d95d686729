"""A replay sends every message once, in order, insists when a server is away, and says what was not taken."""

import asyncio
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest

from gaitway.core.message import Stream
from gaitway.errors import BusyError, GaitwayError, NotFoundError, TokenError
from gaitway.ingest.dialect import decode
from gaitway.ingest.exports import Batch, Recording, recordings
from gaitway.ingest.replay import Pace, Report, Sender, Target, letters, replay
from gaitway.ports import DeadLetter, Page
from unit.ingest.exported import motion, write

NOW = 2 * 10**18
ADDRESS = "http://gaitway.test/data"
OK = {"outcome": "stored", "position": 1, "readings": 3, "refused": 0}
Handler = Callable[[httpx.Request], httpx.Response]


class Server:
    """Answers from a script, then with 200; remembers what was posted."""

    def __init__(self, *script: httpx.Response | Exception) -> None:
        self.bodies: list[bytes] = []
        self.headers: list[httpx.Headers] = []
        self.waits: list[float] = []
        self._script = list(script)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.bodies.append(request.read())
        self.headers.append(request.headers)
        answer = self._script.pop(0) if self._script else httpx.Response(200, json=OK)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        await asyncio.sleep(0)

    @property
    def ids(self) -> list[int]:
        return [json.loads(body)["messageId"] for body in self.bodies]


def send(server: Server, what: Iterable[Recording] | Iterable[Batch], report: Report, pace: Pace | None = None) -> None:
    async def run() -> None:
        async with httpx.AsyncClient(transport=httpx.MockTransport(server)) as client:
            sender = Sender(client, ADDRESS, pace or Pace(in_flight=1), report, server.sleep)
            batches = list(what)
            if batches and isinstance(batches[0], Recording):
                await replay([each for each in batches if isinstance(each, Recording)], sender)
            else:
                await sender.send([each for each in batches if isinstance(each, Batch)])

    asyncio.run(run())


@pytest.fixture
def walk(tmp_path: Path) -> Recording:
    (recording,) = recordings([write(tmp_path / "walk", {"Accelerometer.csv": motion(450)})])
    return recording


@pytest.mark.parametrize("in_flight", [1, 4])
def test_every_message_is_sent_once_and_in_order(walk: Recording, in_flight: int) -> None:
    server, report = Server(), Report()
    send(server, [walk], report, Pace(in_flight=in_flight))
    assert server.bodies == [body for _, body in walk.messages()]
    assert report.ok
    assert (report.recordings, report.messages, report.readings) == (1, len(server.bodies), 450)
    assert report.bytes == sum(map(len, server.bodies))
    assert report.statuses == {200: len(server.bodies)}
    assert sum(decode(body, NOW).message.readings for body in server.bodies) == 450


def test_no_more_than_allowed_are_in_flight(walk: Recording) -> None:
    flying, most = 0, 0

    async def run() -> None:
        async def answer(request: httpx.Request) -> httpx.Response:
            nonlocal flying, most
            flying += 1
            most = max(most, flying)
            await asyncio.sleep(0)
            flying -= 1
            return httpx.Response(200)

        async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
            await Sender(client, ADDRESS, Pace(in_flight=3), Report()).send(walk.batches())

    asyncio.run(run())
    assert 1 < most <= 3


def test_what_the_server_says_is_counted(walk: Recording) -> None:
    report = Report()
    duplicate = httpx.Response(200, json=OK | {"outcome": "duplicate"})
    send(Server(duplicate, httpx.Response(200, json=OK | {"refused": 7}), httpx.Response(200)), [walk], report)
    assert (report.duplicates, report.refused) == (1, 7)


def test_a_busy_server_is_given_the_time_it_asks_for(walk: Recording) -> None:
    server, report = Server(httpx.Response(503, headers={"retry-after": "5"}), httpx.Response(429)), Report()
    send(server, [walk], report)
    assert server.ids[:3] == [1, 1, 1]
    assert server.waits[:2] == [5.0, 0.5]
    assert report.ok
    assert report.retries == 2


def test_a_lost_connection_is_tried_again_with_growing_patience(walk: Recording) -> None:
    server, report = Server(*[httpx.ConnectError("refused")] * 7), Report()
    send(server, [walk], report)
    assert server.waits == [0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 8.0]
    assert report.ok


def test_patience_ends(walk: Recording) -> None:
    server, report = Server(httpx.Response(200), *[httpx.ReadError("")] * 99), Report()
    with pytest.raises(GaitwayError, match="Nobody answers: ReadError") as error:
        send(server, [walk], report)
    assert error.value.where == ADDRESS
    assert error.value.hint
    assert len(server.bodies) == 1 + Pace().attempts
    assert report.messages == 1
    assert not Report().ok
    with pytest.raises(BusyError, match="disk"):
        send(Server(*[httpx.Response(503, json={"error": "disk reserve"})] * 99), [walk], Report())


def test_a_clock_ahead_is_shown_and_the_rest_is_sent(walk: Recording) -> None:
    server, report = Server(httpx.Response(499, text="This phone's clock is 3 min ahead.")), Report()
    send(server, [walk], report)
    assert report.messages == len(server.bodies) > 1
    assert report.texts == {"This phone's clock is 3 min ahead.": 1}
    assert not report.ok


@pytest.mark.parametrize(
    ("answers", "error"),
    [
        ([httpx.Response(499, text="Unknown token.")] * 2, TokenError),
        ([httpx.Response(401, json={"error": "Unknown token."})], TokenError),
        ([httpx.Response(404)], NotFoundError),
    ],
)
def test_a_server_that_does_not_let_us_in_ends_it(
    walk: Recording, answers: Sequence[httpx.Response], error: type[GaitwayError]
) -> None:
    server, report = Server(*answers), Report()
    with pytest.raises(error):
        send(server, [walk], report)
    assert len(server.bodies) == len(answers)
    assert report.messages == len(answers)


def test_what_is_not_taken_is_counted_with_its_reason(walk: Recording) -> None:
    report = Report()
    send(Server(httpx.Response(413, json={"error": "too large"}), httpx.Response(500)), [walk], report)
    assert report.statuses[413] == report.statuses[500] == 1
    assert report.texts["too large"] == 1
    assert not report.ok


def test_at_a_speed_messages_keep_the_distances_of_the_phone(walk: Recording) -> None:
    server = Server()
    send(server, [walk], Report(), Pace(speed=0.001, in_flight=1))
    waits = [wait for wait in server.waits if wait > 1]
    assert len(waits) == len(server.bodies) - 1
    for number, wait in enumerate(waits, start=1):
        assert 990 * number < wait <= 1000 * number


def test_the_token_goes_as_bearer() -> None:
    assert Target("http://127.0.0.1:1", "secret").client().headers["authorization"] == "Bearer secret"
    assert "authorization" not in Target("http://127.0.0.1:1").client().headers


# Dead letters.


class Letters:
    """A store of dead letters in memory."""

    def __init__(self, *found: DeadLetter) -> None:
        self._found = found

    def add(self, letters: Sequence[DeadLetter]) -> None:
        raise NotImplementedError

    def page(self, limit: int, cursor: str | None) -> Page:
        raise NotImplementedError

    def counts(self) -> Mapping[Stream | None, int]:
        raise NotImplementedError

    def bodies(self, reason: str | None = None) -> Iterable[tuple[int, DeadLetter]]:
        return [(number, each) for number, each in enumerate(self._found, 1) if reason in (None, each.reason)]


def refused(ahead: int) -> tuple[dict[str, Any], DeadLetter]:
    """A reading that came `ahead` of the clock, and its letter, as the decoder makes it."""
    sent = {"name": "accelerometer", "values": {"z": 0.1, "y": 1, "x": -2.5e-7}, "accuracy": 3, "time": NOW + ahead}
    body = json.dumps({"messageId": 9, "sessionId": "walk", "deviceId": "phone", "payload": [sent]}).encode()
    (letter,) = decode(body, NOW).letters
    return sent, letter


def test_readings_refused_for_their_time_are_sent_again_once_it_has_come() -> None:
    hour = 3600 * 10**9
    (first, one), (_, two) = refused(hour), refused(2 * hour)
    other = DeadLetter(NOW, "absurd", "payload[0].values", b"{}", Stream("phone", "walk"), 1)
    server, report = Server(), Report()
    send(server, letters(Letters(other, one, two), NOW + hour, report), report)
    (body,) = server.bodies
    assert json.loads(body) == {
        "messageId": "dead-letter-2",
        "sessionId": "walk",
        "deviceId": "phone",
        "payload": [first],
    }
    assert decode(body, NOW + hour).message.readings == 1
    assert report.skipped == 1
    assert report.ok


@pytest.mark.parametrize("body", [b"", b'{"name":"acc', b"[]", b"7", b'{"name":"light"}', b'{"time":"soon"}'])
def test_a_letter_that_was_cut_short_is_counted(body: bytes) -> None:
    report = Report()
    found = list(letters(Letters(DeadLetter(NOW, "time", "", body, Stream("p", "s"), 1)), NOW, report))
    assert (found, report.skipped) == ([], 1)
