"""The engine process of the embedded profile: core, warehouse, upkeep, assembled from settings."""

import os
import signal
import threading
from collections.abc import Callable
from typing import Any

from gaitway.config import Settings
from gaitway.core.fold import Fold
from gaitway.core.grid import Grid
from gaitway.core.recognizers import Recognizer, Thresholds
from gaitway.engine.broadcast import Broadcast
from gaitway.engine.feed import Ends, Feed
from gaitway.engine.link import EngineLink
from gaitway.engine.loop import Engine
from gaitway.engine.readback import TapeReadBack
from gaitway.errors import SettingsError
from gaitway.log.activity import ActivityTape, ActivityTapeReader
from gaitway.log.dead_letters import SqliteDeadLetters
from gaitway.log.reader import SqliteTapeReader
from gaitway.ops.logging import configure_logging
from gaitway.profiles.folder import DataFolder, FolderLock
from gaitway.registry import Recognizers, Registry
from gaitway.warehouse.loader import ActivityLoader, RawLoader, Roll
from gaitway.warehouse.parquet import ParquetWarehouse


def recognizers(settings: Settings) -> list[Recognizer]:
    """The recognisers these settings switch on."""
    return [Thresholds(Grid(settings.size, settings.slide), settings.thresholds)]


def leading(settings: Settings, known: list[Recognizer]) -> Recognizer:
    """The one that the page and the views show. Raises SettingsError where `lead` names none."""
    for recognizer in known:
        if settings.lead in (recognizer.name, recognizer.settings["family"]):
            return recognizer
    names = ", ".join(recognizer.name for recognizer in known)
    raise SettingsError([("lead", f"{settings.lead!r} is not switched on", f"Choose one of: {names}.")])


class EngineProcess:
    """Everything the engine holds open."""

    def __init__(self, settings: Settings) -> None:
        data = DataFolder(settings.data)
        self._settings = settings
        self._lock = FolderLock(data, "engine")
        self._activity = ActivityTape(data.activity)
        self._letters = SqliteDeadLetters(data.core_errors)
        self._link = EngineLink(data.root)
        self._tape = SqliteTapeReader(data.tape, data.registry)
        warehouse = ParquetWarehouse(data.warehouse)
        known = recognizers(settings)
        lead = leading(settings, known)
        self._note(data, known)
        readback = TapeReadBack(self._tape, self._activity, warehouse)
        fold = Fold(known, settings.lateness, readback, lead.name)
        self._engine = Engine(self._tape, self._activity, fold, self._letters, Broadcast(self._link, lead.name))
        self._feed = self._make_feed(data, warehouse)
        self._stop = threading.Event()

    def run(self) -> None:
        """Work until told to stop, then fold and write all that is on the tape."""
        self._link.greeting = self.health
        self._link.on_flush = lambda number: self._feed.ask(self._engine.wait_for, lambda: self._link.flushed(number))
        self._engine.on_published = self._feed.news.set
        self._link.start()
        feed_stop = threading.Event()
        feeding = threading.Thread(target=self._feed.run, args=(feed_stop,), name="feed")
        feeding.start()
        threading.Thread(target=self._tell_health, name="health", daemon=True).start()
        try:
            self._engine.run(self._link, self._stop, self._settings.revise_seconds)
            while self._engine.step():
                pass
        finally:
            feed_stop.set()
            self._feed.news.set()
            feeding.join()
            self._link.stop()

    def stop(self, *_: object) -> None:
        """Finish what is on the tape and end."""
        self._stop.set()
        self._link.wake.set()

    def health(self) -> dict[str, Any]:
        """Positions and lag, as the front shows them."""
        end, (raw, activities) = self._tape.end(), self._feed.positions
        return {
            "end": end,
            "lag": {"engine": end - self._engine.position, "raw": end - raw},
            "activity_lag": self._activity_end() - activities,
            "positions": {"engine": self._engine.position, "raw": raw, "activities": activities},
            "delay_seconds": self._engine.watermark_delay,
            "revising": len(self._engine.revising),
            "problem": self._feed.problem,
            "pid": os.getpid(),
        }

    def _activity_end(self) -> int:
        return max(self._reader.end(), 0)

    def _make_feed(self, data: DataFolder, warehouse: ParquetWarehouse) -> Feed:
        settings = self._settings
        self._reader = ActivityTapeReader(data.activity)
        tape, activity = SqliteTapeReader(data.tape, data.registry), ActivityTapeReader(data.activity)
        raw_roll = Roll(settings.raw_roll_rows, settings.raw_roll_seconds)
        activity_roll = Roll(settings.activity_roll_rows, settings.activity_roll_seconds)
        raw = RawLoader(tape, warehouse, self._letters.add, raw_roll)
        return Feed(raw, ActivityLoader(activity, warehouse, activity_roll), Ends(tape, activity))

    def _note(self, data: DataFolder, known: list[Recognizer]) -> None:
        """Keep what each name stands for, for ever."""
        registry = Registry(data.registry)
        book = Recognizers(registry)
        for recognizer in known:
            book.start(recognizer.name, recognizer.settings, self._activity.folded())
        registry.close()
        self._activity.activate([recognizer.name for recognizer in known])

    def _tell_health(self) -> None:
        parent = os.getppid()
        while not self._stop.wait(1.0):
            self._link.health(self.health())
            if os.getppid() != parent:  # whoever supervised is gone: so is the front
                self.stop()


def run_engine(settings: Settings, ready: Callable[[], None] = lambda: None) -> None:
    """The engine process: returns after SIGTERM, with everything folded and written."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the supervisor says when
    configure_logging(settings.log_format, settings.log_level)
    process = EngineProcess(settings)
    signal.signal(signal.SIGTERM, process.stop)
    ready()
    process.run()
