"""A front over real rooms in a folder of its own; only the engine and the warehouse are stood in for."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from gaitway.core.message import Stream
from gaitway.log.dead_letters import SqliteDeadLetters
from gaitway.log.group_commit import GroupCommit
from gaitway.log.tape import SqliteTape
from gaitway.ops.metrics import Metrics
from gaitway.ports import Page, Selection
from gaitway.registry import Registry, TokenBook
from gaitway.web.app import FrontApp, create_app
from gaitway.web.front import Front, FrontSettings

WALK = Stream("phone", "walk")


class Engine:
    """The front's end of a link to an engine that says what a test wants."""

    def __init__(self) -> None:
        self.health: dict[str, Any] = {"lag": {"engine": 3}, "activity_lag": 2, "delay_seconds": 0.25}
        self.on_verdict: Callable[[bytes], None] = print
        self.on_event: Callable[[bytes], None] = print
        self.on_tick: Callable[[list[Stream]], None] = print
        self.connected = True
        self.watched: list[bool] = []

    def watch(self, watched: bool) -> None:
        self.watched.append(watched)

    def say(self, activity: str = "walking", stream: Stream = WALK, end: str = "2026") -> None:
        said = {"device_id": stream.device_id, "session_id": stream.session_id, "activity": activity}
        numbers = {"confidence": 0.9, "avg_magnitude": 3.0, "window_start": "2025", "window_end": end, "coverage": 1.0}
        self.on_verdict(msgspec.json.encode({**said, **numbers}))


@dataclass
class History:
    """Remembers what it was asked."""

    asked: list[Selection] = field(default_factory=list)
    rows: list[dict[str, Any]] = field(default_factory=list)
    counts: dict[Stream, int] = field(default_factory=dict)

    def _page(self, selection: Selection) -> Page:
        self.asked.append(selection)
        return Page(self.rows[: selection.limit], "more" if len(self.rows) > selection.limit else None)

    readings = activities = segments = _page

    def reading_counts(self) -> Mapping[Stream, int]:
        return self.counts


@dataclass(frozen=True)
class Mark:
    tick: int
    sealed_to: int
    late: int
    since: Mapping[str, int] = field(default_factory=dict)


@dataclass
class Served:
    """A running front and its rooms."""

    app: FrontApp
    front: Front
    engine: Engine
    history: History
    book: TokenBook
    states: dict[Stream, Mark]

    def client(self, peer: str = "127.0.0.1", host: str = "localhost:8788", **more: Any) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(self.app, client=(peer, 50_000))
        return httpx.AsyncClient(transport=transport, base_url=f"http://{host}", **more)


Serve = Callable[..., Any]


@pytest.fixture
def serve(tmp_path: Path) -> Serve:
    """`async with serve(setting=...) as served:` runs a front."""

    @asynccontextmanager
    async def serve_(**settings: Any) -> AsyncIterator[Served]:
        static = tmp_path / "static"
        (static / "js").mkdir(parents=True, exist_ok=True)
        (static / "index.html").write_text("<!doctype html><title>page</title>" + "<p>hello</p>" * 100)
        (static / "locked.html").write_text("<!doctype html><title>locked</title>")
        (static / "js" / "page.js").write_text("export const a = 1;")
        (static / ".hidden").write_text("secret")
        registry = Registry(tmp_path / "registry.sqlite")
        tape = SqliteTape(tmp_path / "raw", tmp_path / "registry.sqlite")
        letters = SqliteDeadLetters(tmp_path / "refused.sqlite")
        core_letters = SqliteDeadLetters(tmp_path / "core.sqlite")
        metrics, engine, history = Metrics(), Engine(), History()
        commit = GroupCommit(tape, letters, gather=0.0, observe=metrics.observe_commit)

        async def start() -> None:
            commit.start(asyncio.get_running_loop())

        async def stop() -> None:
            await asyncio.to_thread(commit.close)

        states: dict[Stream, Mark] = {}
        front = Front(
            settings=FrontSettings(**settings),
            registry=registry,
            tape=tape,
            commit=commit,
            history=history,
            letters={"front": letters, "engine": core_letters},
            link=engine,
            states=lambda: states,
            start=[start],
            stop=[stop],
            static=static,
            address="192.168.1.42",
        )
        app = create_app(front, metrics)
        try:
            await app.start()
            yield Served(app, front, engine, history, TokenBook(registry), states)
        finally:
            await app.stop()
            tape.close()
            for store in (letters, core_letters):
                store.close()
            registry.close()

    return serve_


@pytest.fixture
def message() -> Callable[..., bytes]:
    """The body of a message: `message(device=, session=, number=)`."""

    def body(device: str = "phone", session: str = "walk", number: int = 1, **more: Any) -> bytes:
        times = [time.time_ns() - 1000 * i for i in range(3)]
        payload = [{"name": "accelerometer", "time": t, "values": {"x": 3.0, "y": 4.0, "z": 0.0}} for t in times]
        head = {"messageId": number, "sessionId": session, "deviceId": device}
        return msgspec.json.encode({**head, "payload": payload, **more})

    return body


@pytest.fixture
def run() -> Callable[[Coroutine[Any, Any, Any]], Any]:
    """Run a coroutine, for a minute at most."""

    def run_(work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run(asyncio.wait_for(work, 60))

    return run_
