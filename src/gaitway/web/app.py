"""The front as one ASGI app: pushes go straight to their handler, everything else through the guard to the framework.

POST /data ... -> PushRoute (bare ASGI)
the rest       -> Guard -> GET /api/live: LiveRoute (bare ASGI)
                            -> Litestar: API, page, health, OpenAPI
"""

import asyncio
import signal
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from types import FrameType
from typing import Any, Final

import structlog
from litestar import Litestar
from litestar.di import Provide
from litestar.openapi import OpenAPIConfig

from gaitway.ingest.body import BodyLimits, Receive
from gaitway.ingest.dialect import DecodeSettings
from gaitway.ingest.door import Door
from gaitway.ingest.gate import Rules
from gaitway.ingest.intake import Intake, Stored
from gaitway.ingest.knocks import Knocks
from gaitway.ingest.names import OwnNames
from gaitway.ingest.push import PushRoute, Send
from gaitway.ingest.quota import Limits, Quotas
from gaitway.ingest.request import Scope, is_push
from gaitway.ingest.ticker import QuietTicker
from gaitway.ops.metrics import Metrics
from gaitway.registry import TokenCache
from gaitway.web.api import DEPENDENCIES, PAGE, READING, Office
from gaitway.web.board import Board
from gaitway.web.chores import Chores
from gaitway.web.events import Hub
from gaitway.web.faults import HANDLERS
from gaitway.web.front import Front, FrontSettings
from gaitway.web.live import PATH as LIVE_PATH
from gaitway.web.live import LiveRoute
from gaitway.web.operate import OPERATE, Operations
from gaitway.web.pages import Pages
from gaitway.web.reading import Desk
from gaitway.web.schema import Description
from gaitway.web.security import Guard
from gaitway.web.setup import PhoneSetup
from gaitway.web.shell import SHELL, Shell

_THREADS: Final = 6
_log = structlog.get_logger(__name__)


class FrontApp:
    """The ASGI app. Its parts are public, for whoever wires the link and the metrics.

    The lifespan's startup runs `front.start`, then the ticker and the chores; its shutdown takes no more messages, ends
    the event streams at once, and runs `front.stop` last.
    """

    def __init__(self, front: Front, metrics: Metrics | None = None) -> None:
        settings = front.settings
        self.front = front
        self.metrics = metrics or Metrics()
        self.executor = ThreadPoolExecutor(_THREADS, "front")
        self.tokens = TokenCache(front.registry)
        self.door = Door(_rules(settings), self.tokens, Quotas(_limits(settings)), Knocks())
        self.hub = Hub(front.link.watch)
        self.board = Board(front, self.hub, self.door.knocks, self.executor)
        known = [count.stream for count in front.tape.counts()]
        self.intake = Intake(front.commit, self.door, DecodeSettings(settings.keep_images), known)
        self.push = PushRoute(self.door, self.intake, BodyLimits(settings.body_limit, settings.inflated_limit))
        self.ticker = QuietTicker(front.commit.submit, settings.quiet_seconds)
        self.chores = Chores(self.board, self.hub, self.tokens)
        self.operations = Operations(front, self.intake, self.push, self.hub, self.metrics)
        self._pages = Pages(front.static)
        self._tasks: list[asyncio.Task[None]] = []
        self._listen()
        self.litestar = self._framework()
        self._live = LiveRoute(self.hub, self.board)
        self._guard = Guard(self._admitted, self.door, self._pages)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection's request, or the lifespan."""
        if scope["type"] != "http":
            await self.litestar(scope, receive, send)  # type: ignore[arg-type]
        elif is_push(scope["method"], scope["path"]):
            await self.push(scope, receive, send)
        else:
            await self._guard(scope, receive, send)

    async def _admitted(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request that the door let in."""
        if scope["path"] == LIVE_PATH and scope["method"] == "GET":
            await self._live(scope, receive, send)
        else:
            await self.litestar(scope, receive, send)  # type: ignore[arg-type]

    async def start(self) -> None:
        """Begin work. Called by the lifespan."""
        for step in self.front.start:
            await step()
        self.front.registry.note("url", self.front.public_url)  # `gaitway token page` prints it
        self.ticker.start_with(self.front.tape.counts())
        for work in (self.ticker.run(), self.chores.run()):
            task = asyncio.create_task(work)
            task.add_done_callback(self._ended)
            self._tasks.append(task)

    async def stop(self) -> None:
        """End work, promptly and with nothing lost. Called by the lifespan; may be called before, and again."""
        self.intake.closing = True
        self.hub.close()
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.gather(*tasks, return_exceptions=True)
            await self.chores.finish()
            for step in self.front.stop:
                await step()
            self.executor.shutdown(wait=True)

    async def _heed_signals(self) -> None:
        """End event streams on the signal itself: a server waits for open requests before it ends the lifespan.

        The loop's own handling stays: it hears of signals through a file descriptor, not by the handler replaced here.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            before = signal.getsignal(number)

            def heed(number: int, frame: FrameType | None, before: Any = before) -> None:
                loop.call_soon_threadsafe(self.hub.close)
                if callable(before):
                    before(number, frame)

            signal.signal(number, heed)
            signal.siginterrupt(number, False)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        """A task of ours ended without being told to: this process cannot do its work any more."""
        if not task.cancelled() and (error := task.exception()) is not None:
            self.operations.broken = f"{type(error).__name__}: {error}"
            _log.error("front_task_failed", exc_info=error)

    def _listen(self) -> None:
        """Tell each other what happens."""
        link = self.front.link
        link.on_verdict, link.on_event, link.on_tick = self.board.on_verdict, self.board.on_event, self.ticker.ask
        self.intake.listeners += [self._on_stored, self.board.on_stored, self.operations.on_stored]
        self.board.busy = self.push.busy

    def _on_stored(self, stored: Stored) -> None:
        self.ticker.seen(stored.message.stream)

    def _framework(self) -> Litestar:
        front = self.front
        office = Office(
            front,
            Desk(front),
            self.board,
            self.hub,
            PhoneSetup(front.registry, front.public_url),
            self.executor,
        )
        shell = Shell(self._pages, self.tokens.book)
        given: dict[str, Any] = {"office": office, "shell": shell, "operations": self.operations}
        return Litestar(
            route_handlers=[*READING, *PAGE, *SHELL, *OPERATE],
            dependencies={**DEPENDENCIES, **{name: _given(value) for name, value in given.items()}},
            exception_handlers=HANDLERS,
            openapi_config=OpenAPIConfig(
                title="Gaitway", version=version("gaitway"), path="/schema", render_plugins=[Description()]
            ),
            on_startup=[self.start, self._heed_signals],
            on_shutdown=[self.stop],
            request_max_body_size=64 << 10,
            logging_config=None,
        )


def create_app(front: Front, metrics: Metrics | None = None) -> FrontApp:
    """The front's ASGI app. Nothing runs before its lifespan starts.

    Give `metrics.observe_commit` to `GroupCommit(observe=)` to have fsync times among the metrics.
    """
    return FrontApp(front, metrics)


def _given(value: Any) -> Provide:
    return Provide(lambda: value, sync_to_thread=False)


def _rules(settings: FrontSettings) -> Rules:
    bound = () if settings.host in ("0.0.0.0", "::") else (settings.host,)
    names = OwnNames((*settings.public_names, *bound))
    return Rules(names, token_free=not (settings.proxy or settings.public_names))


def _limits(settings: FrontSettings) -> Limits:
    return Limits(settings.quota_messages, settings.quota_bytes, settings.quota_streams, settings.quota_dead_letters)
