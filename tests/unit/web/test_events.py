"""Server-sent events: who hears what, and that nobody is held up."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

from gaitway.web.events import Hub
from waiting import until

Run = Callable[[Any], Any]
Body = Callable[..., bytes]


def parsed(chunk: bytes) -> list[tuple[str, Any]]:
    """(name, data) of each event of a chunk; comments are (":", text)."""
    found: list[tuple[str, Any]] = []
    for block in chunk.decode().strip().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.split("\n"))
        if "data" in fields:
            assert int(fields["id"]) > 0
            found.append((fields.get("event", ""), json.loads(fields["data"])))
        else:
            found.append((":", fields.get("", "")))
    return found


async def upcoming(stream: AsyncIterator[bytes]) -> list[tuple[str, Any]]:
    async with asyncio.timeout(10):
        return parsed(await anext(stream))


def test_verdicts_go_to_all_and_named_events_to_pages(run: Run) -> None:
    async def main() -> None:
        watched: list[bool] = []
        hub = Hub(watched.append)
        plain, page = hub.listen(page=False), hub.listen(page=True, first=hub.chunk("snapshot", b"{}"))
        assert await upcoming(plain) == [(":", "hello")]
        assert await upcoming(page) == [("snapshot", {})]
        assert (hub.listeners, hub.pages, watched) == (2, 1, [True])
        for kind in ("signal", "verdict", "record"):
            hub.send(kind, b'{"k":1}')
        assert await upcoming(plain) == [("", {"k": 1})]
        assert await upcoming(page) == [("signal", {"k": 1}), ("", {"k": 1}), ("record", {"k": 1})]
        await plain.aclose()
        assert watched == [True]
        await page.aclose()
        assert (watched, hub.listeners) == ([True, False], 0)

    run(main())


def test_something_comes_every_beat(run: Run) -> None:
    async def main() -> None:
        hub = Hub(lambda _: None, beat_seconds=0.01)
        plain, page = hub.listen(page=False), hub.listen(page=True, beat=lambda: b'{"now":1}')
        await anext(plain)
        await anext(page)
        assert await upcoming(plain) == [(":", "beat")]
        assert await upcoming(page) == [("beat", {"now": 1})]
        await plain.aclose()
        await page.aclose()

    run(main())


def test_a_busy_stream_beats_too(run: Run) -> None:
    async def main() -> None:
        hub = Hub(lambda _: None, beat_seconds=0.02)
        page = hub.listen(page=True, beat=lambda: b"{}")
        await anext(page)
        kinds: set[str] = set()
        async with asyncio.timeout(10):
            while kinds != {"signal", "beat"}:
                hub.send("signal", b"{}")
                kinds |= {kind for kind, _ in await upcoming(page)}
        await page.aclose()

    run(main())


def test_a_slow_listener_loses_signals_first_and_keeps_verdicts(run: Run) -> None:
    async def main() -> None:
        hub = Hub(lambda _: None)
        page = hub.listen(page=True)
        await anext(page)
        for number in range(2048):
            hub.send("signal" if number % 2 else "verdict", b"%d" % number)
        for number in range(1000):
            hub.send("record", b"%d" % number)
        kinds = [kind for kind, _ in await upcoming(page)]
        assert (kinds.count(""), kinds.count("record"), kinds.count("signal")) == (1024, 1000, 24)
        await page.aclose()

    run(main())


def test_a_listener_too_far_behind_is_let_go(run: Run) -> None:
    async def main() -> None:
        hub = Hub(lambda _: None)
        slow, other = hub.listen(page=True), hub.listen(page=False)
        await anext(slow)
        await anext(other)
        for number in range(3000):
            hub.send("record", b"%d" % number)
        hub.send("verdict", b"1")
        assert [chunk async for chunk in slow] == []
        assert await upcoming(other) == [("", 1)]
        await other.aclose()

    run(main())


def test_closing_ends_every_stream_at_once(run: Run) -> None:
    async def main() -> None:
        hub = Hub(lambda _: None)
        stream = hub.listen(page=True)
        await anext(stream)
        rest = asyncio.create_task(anext(stream, None))
        await asyncio.sleep(0)
        hub.close()
        async with asyncio.timeout(1):
            assert await rest is None
        assert hub.listeners == 0

    run(main())


class Connection:
    """One SSE request spoken to the app directly, because a test client waits for a response's end."""

    def __init__(self, app: Any, query: str = "", **headers: str) -> None:
        self.events: list[tuple[str, Any]] = []
        self.status = 0
        self.headers: dict[bytes, bytes] = {}
        self._gone = asyncio.Event()
        given = {"host": "localhost", **{name.replace("_", "-"): value for name, value in headers.items()}}
        scope = {
            "type": "http",
            "http_version": "1.1",
            "scheme": "http",
            "method": "GET",
            "path": "/api/live",
            "raw_path": b"/api/live",
            "root_path": "",
            "query_string": query.encode(),
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 8788),
            "headers": [(name.encode(), value.encode()) for name, value in given.items()],
        }
        self.task = asyncio.create_task(app(scope, self._receive, self._send))

    async def _receive(self) -> dict[str, Any]:
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], dict(message["headers"])
        elif message.get("body"):
            self.events += parsed(message["body"])

    async def until(self, kind: str) -> Any:
        await until(lambda: any(name == kind for name, _ in self.events))
        return next(data for name, data in self.events if name == kind)

    async def leave(self) -> None:
        self._gone.set()
        async with asyncio.timeout(10):
            await self.task


def test_a_page_hears_a_snapshot_then_what_happens(serve: Any, run: Run, message: Body) -> None:
    async def main() -> None:
        async with serve() as served, served.client() as client:
            await client.post("/data", content=message())
            page = Connection(served.app, "for=page", last_event_id="17")
            snapshot = await page.until("snapshot")
            assert [phone["device_id"] for phone in snapshot["phones"]] == ["phone"]
            assert (page.status, page.headers[b"content-type"]) == (200, b"text/event-stream; charset=utf-8")
            assert served.engine.watched == [True]
            await client.post("/data", content=message(number=2))
            signal = await page.until("signal")
            assert (signal["device_id"], signal["step_ms"], signal["a"][-1]) == ("phone", 40, 5.0)
            served.engine.say("running")
            assert (await page.until(""))["activity"] == "running"
            served.engine.on_event(b'record {"revision":7}')
            assert await page.until("record") == {"revision": 7}
            await client.post("/data?token=wrong", content=message())
            knock = await page.until("knock")
            assert (knock["kind"], knock["address"], knock["reason"]) == ("refused", "127.0.0.1", "token")
            await client.post("/data", content=message(number=9))
            await served.app.chores.do(2)
            assert (await page.until("phone"))["lost"] == 6
            await served.app.chores.do(5)
            assert (await page.until("health"))["full"] is None
            await page.leave()
            assert served.engine.watched == [True, False]

    run(main())


def test_a_test_push_is_seen_on_the_page(serve: Any, run: Run, message: Body) -> None:
    async def main() -> None:
        async with serve() as served, served.client() as client:
            page = Connection(served.app, "for=page")
            await page.until("snapshot")
            await client.post("/data", content=message(payload=[{"name": "test"}]))
            knock = await page.until("knock")
            assert (knock["kind"], knock["device_id"], knock["text"]) == ("found", "phone", "Its test push arrived.")
            await page.leave()

    run(main())


def test_others_hear_verdicts_only(serve: Any, run: Run, message: Body) -> None:
    async def main() -> None:
        async with serve() as served, served.client() as client:
            reader = Connection(served.app)
            await reader.until(":")
            await client.post("/data", content=message())
            served.engine.on_event(b"record {}")
            served.engine.say("walking")
            verdict = await reader.until("")
            assert {
                "device_id",
                "session_id",
                "activity",
                "confidence",
                "avg_magnitude",
                "window_start",
                "window_end",
            } <= set(verdict)
            assert {name for name, _ in reader.events} == {":", ""}
            await reader.leave()

    run(main())


def test_stopping_ends_the_streams_promptly(serve: Any, run: Run) -> None:
    async def main() -> None:
        async with serve() as served:
            reader = Connection(served.app, "for=page")
            await reader.until("snapshot")
            async with asyncio.timeout(2):
                await served.app.stop()
                await reader.task

    run(main())
