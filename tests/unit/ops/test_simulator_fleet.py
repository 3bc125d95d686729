"""Phones that send to a server over real sockets: paced, once each, stopped cleanly."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from gaitway.errors import SettingsError
from gaitway.ops.simulator import AS_FAST_AS_POSSIBLE, Answer, Pace, Phone, fleet, run_phones

START = 1_772_741_672_505_000_000
FAST = Pace(speed=AS_FAST_AS_POSSIBLE, start_ns=START)


@dataclass
class Server:
    """Answers every request and remembers it."""

    url: str = ""
    heads: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    answer: Callable[[int], bytes] = lambda count: b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                length = next(line for line in head.lower().splitlines() if line.startswith("content-length:"))
                body = await reader.readexactly(int(length.partition(":")[2]))
                self.heads.append(head)
                self.bodies.append(body)
                writer.write(self.answer(len(self.bodies)))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def serving(server: Server) -> AsyncIterator[Server]:
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0, limit=1 << 20)
    server.url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    async with listener:
        yield server


def run(phones: list[Phone], pace: Pace = FAST, server: Server | None = None, token: str | None = None) -> Server:
    server = server or Server()

    async def main() -> None:
        async with serving(server):
            await run_phones(server.url, token, phones, pace)

    asyncio.run(main())
    return server


def test_everything_of_every_phone_arrives_exactly_as_made() -> None:
    phones = fleet(3, seed=5, seconds=6.5, rate=50)
    server = run(phones)
    made = [push.body for phone in phones for push in phone.messages(START)]
    assert sorted(server.bodies) == sorted(made)
    assert all(head.startswith("POST /data HTTP/1.1") for head in server.heads)


def test_a_token_travels_as_bearer_and_a_test_push_comes_first() -> None:
    server = run([Phone(1, seconds=1)], Pace(AS_FAST_AS_POSSIBLE, START, test_push=True), token="abc")
    assert all("authorization: bearer abc" in head.lower() for head in server.heads)
    assert [json.loads(body)["payload"][0]["name"] for body in server.bodies] == ["test", "accelerometer"]


def test_faults_happen_on_the_way() -> None:
    phone = Phone(1, seconds=40, rate=20, faults=("duplicates",))
    server = run([phone])
    assert server.bodies == [push.body for push in phone.arrivals(START)]
    assert len(set(server.bodies)) < len(server.bodies)


def test_a_refused_message_is_counted_and_not_sent_again() -> None:
    said = b"HTTP/1.1 499 No\r\nContent-Length: 11\r\n\r\nWrong token"
    server = Server(answer=lambda count: said if count == 2 else b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    answers: list[Answer] = []

    async def main() -> None:
        async with serving(server):
            tally = await run_phones(server.url, None, [Phone(1, seconds=4)], FAST, on_answer=answers.append)
        assert (tally.messages, tally.acknowledged, dict(tally.statuses)) == (4, 3, {200: 3, 499: 1})
        assert dict(tally.texts) == {"Wrong token": 1}
        assert tally.acknowledged_readings < tally.readings

    asyncio.run(main())
    assert [answer.status for answer in answers] == [200, 499, 200, 200]
    assert len(server.bodies) == 4


def test_a_server_that_is_not_there_is_counted_as_no_answer() -> None:
    async def main() -> None:
        async with serving(Server()) as server:
            pass
        tally = await run_phones(server.url, None, [Phone(1, seconds=2)], FAST)
        assert dict(tally.statuses) == {0: 2}
        assert "ConnectError" in next(iter(tally.texts))

    asyncio.run(main())


def test_a_stop_ends_an_endless_phone_after_the_message_under_way() -> None:
    server = Server()

    async def main() -> None:
        stop = asyncio.Event()
        async with serving(server):
            tally = await run_phones(
                server.url, None, [Phone(1)], FAST_NOW, stop, lambda _: stop.set() if len(server.bodies) > 4 else None
            )
        assert tally.acknowledged == tally.messages == len(server.bodies) == 5

    FAST_NOW = Pace(speed=AS_FAST_AS_POSSIBLE, start_ns=START)
    asyncio.run(main())


def test_messages_are_not_sent_before_they_are_due() -> None:
    """At fifty times the speed of life three seconds take 60 ms."""
    moments: list[float] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        async with serving(Server()) as server:
            began = loop.time()
            pace = Pace(speed=50, start_ns=START)
            await run_phones(
                server.url, None, [Phone(1, seconds=3)], pace, on_answer=lambda _: moments.append(loop.time() - began)
            )

    asyncio.run(main())
    due = [push.due_ns / 50e9 for push in Phone(1, seconds=3).messages(START)]
    assert all(moment >= when for moment, when in zip(moments, due, strict=True))


def test_a_recording_sent_faster_than_life_ends_now_and_never_ahead_of_the_clock() -> None:
    import time

    server = run([Phone(1, seconds=600, rate=17)], Pace(speed=AS_FAST_AS_POSSIBLE))
    newest = json.loads(server.bodies[-1])["payload"][-1]["time"]
    assert time.time_ns() - 60 * 10**9 < newest < time.time_ns()


def test_what_cannot_be_is_refused_before_anything_is_sent() -> None:
    with pytest.raises(SettingsError, match="without an end"):
        asyncio.run(run_phones("http://127.0.0.1:1", None, [Phone(1)], Pace(speed=2)))
    with pytest.raises(SettingsError, match="not an address"):
        asyncio.run(run_phones("127.0.0.1:8788", None, [Phone(1, seconds=1)]))
