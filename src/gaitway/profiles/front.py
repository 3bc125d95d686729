"""The front process of the embedded profile: tape 1, API and page, assembled from settings."""

import asyncio
import time
from functools import partial

import structlog

from gaitway.config import Settings
from gaitway.core.message import Stream
from gaitway.engine.link import FrontLink
from gaitway.errors import BusyError, GaitwayError
from gaitway.log.activity import ActivityTape, ActivityTapeReader
from gaitway.log.dead_letters import SqliteDeadLetters
from gaitway.log.group_commit import GroupCommit
from gaitway.log.reader import SqliteTapeReader
from gaitway.log.tape import SqliteTape, TapeSettings
from gaitway.ops.logging import configure
from gaitway.ops.metrics import Metrics, Reading
from gaitway.ports import Entry, Receipt
from gaitway.profiles.folder import DataFolder, FolderLock
from gaitway.profiles.processes import die_with_parent, refuse
from gaitway.profiles.simulations import Simulations
from gaitway.profiles.trimming import Trimmer
from gaitway.registry import Registry
from gaitway.warehouse.history import ParquetHistory
from gaitway.web.app import FrontApp, create_app
from gaitway.web.front import Front, FrontSettings

_TRIM_EVERY = 600.0  # seconds
_log = structlog.get_logger(__name__)


def load_front(settings: Settings) -> FrontApp:
    """The ASGI app of a worker; called in the worker's process, which alone writes tape 1."""
    die_with_parent()
    configure(settings.log_format, settings.log_level)
    try:
        return FrontProcess(settings).app
    except GaitwayError as error:
        refuse(settings, error)


class FrontProcess:
    """Everything the front holds open."""

    def __init__(self, settings: Settings) -> None:
        data = self._data = DataFolder(settings.data)
        self._settings = settings
        self._lock = FolderLock(data, "front")
        self._registry = Registry(data.registry)
        tape_settings = TapeSettings(
            roll_bytes=settings.segment_bytes,
            roll_age_ns=round(settings.segment_hours * 3600e9),
            reserve_bytes=settings.disk_reserve,
        )
        self._tape = SqliteTape(data.tape, data.registry, tape_settings)
        self._letters = SqliteDeadLetters(data.refused)
        ActivityTape(data.activity).close()  # the engine may be a little slower: a reader wants the file
        self._activity = ActivityTapeReader(data.activity)
        self._reader = SqliteTapeReader(data.tape, data.registry)
        self._link = FrontLink(data.root)
        metrics = Metrics()
        self._commit = GroupCommit(
            self._tape,
            self._letters,
            settings.gather_ms / 1000,
            on_commit=self._link.wake,
            observe=metrics.observe_commit,
        )
        self._simulations = Simulations(settings, self._registry)
        self._trimmer = Trimmer(settings, self._tape, self._link, time.time_ns())
        self._trim_failed = False
        text = "1 while the log could not be trimmed."
        metrics.add(Reading("gauge", "log_trim_failing", text, lambda: int(self._trim_failed)))
        self._trimming: asyncio.Task[None] | None = None
        self._link.on_seal = self._seal
        self.app = create_app(self._front(), metrics)

    def _front(self) -> Front:
        data = self._data
        return Front(
            settings=self._settings.pick(FrontSettings),
            registry=self._registry,
            tape=self._tape,
            commit=self._commit,
            history=ParquetHistory(data.root, self._reader, self._activity, self._settings.timezone),
            letters={"front": self._letters, "engine": SqliteDeadLetters(data.core_errors)},
            link=self._link,
            states=self._activity.checkpoints,
            active=self._activity.active,
            simulate=self._simulations.start,
            start=(self._start,),
            stop=(self._stop,),
        )

    def _seal(self, asked: tuple[list[Stream], int]) -> None:
        """Put seals on tape 1; the engine asks again for those that did not get there."""
        streams, before = asked
        for stream in streams:
            waiting = self._commit.submit(Entry("seal", stream, time.time_ns(), None, before))
            waiting.add_done_callback(_told)

    async def _start(self) -> None:
        self._commit.start(asyncio.get_running_loop())
        await self._link.start()
        self._trimming = asyncio.create_task(self._trim())

    async def _stop(self) -> None:
        if self._trimming is not None:
            self._trimming.cancel()
        await self._simulations.stop()
        await asyncio.to_thread(self._commit.close)
        await self._link.stop()
        self._tape.close()
        self._letters.close()
        self._registry.close()
        self._lock.release()

    async def _trim(self) -> None:
        while True:
            await asyncio.sleep(_TRIM_EVERY)
            try:
                await asyncio.to_thread(partial(self._trimmer.trim, time.time_ns()))
                self._trim_failed = False
            except BusyError as error:
                _log.info("not_trimmed", why=str(error))
            except Exception as error:  # a log that is never trimmed again would fill the disk, and nobody saw why
                self._trim_failed = True
                _log.error("not_trimmed", why=f"{type(error).__name__}: {error}")


def _told(waiting: "asyncio.Future[Receipt]") -> None:
    if not waiting.cancelled() and (error := waiting.exception()) is not None:
        _log.warning("not_sealed", why=str(error))
