"""The engine process of the embedded profile: core, warehouse, upkeep, assembled from settings."""

import os
import signal
import threading
from datetime import timedelta
from typing import Any

from gaitway.config import Settings
from gaitway.core.fold import Fold
from gaitway.core.message import Stream
from gaitway.core.recognizers import Recognizer
from gaitway.engine.broadcast import Broadcast
from gaitway.engine.feed import Ends, Feed, explained
from gaitway.engine.link import EngineLink
from gaitway.engine.loop import Engine
from gaitway.engine.readback import TapeReadBack
from gaitway.engine.upkeep import Upkeep
from gaitway.errors import GaitwayError
from gaitway.log.activity import ActivityTape, ActivityTapeReader
from gaitway.log.dead_letters import SqliteDeadLetters
from gaitway.log.reader import SqliteTapeReader
from gaitway.ops.logging import configure
from gaitway.profiles.choice import leading, recognizers
from gaitway.profiles.folder import DataFolder, FolderLock
from gaitway.profiles.processes import STOP_ENGINE, die_with_parent, refuse
from gaitway.registry import Recognizers, Registry
from gaitway.warehouse.loader import ActivityLoader, RawLoader, Roll
from gaitway.warehouse.parquet import ParquetWarehouse
from gaitway.warehouse.views import views_are_current, write_views_file


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
        self._measured: dict[str, Any] = {}
        self._upkeep = self._make_upkeep(data)
        if not views_are_current(data.root, settings.timezone, settings.lead):
            write_views_file(data.root, settings.timezone, settings.lead)

    def run(self) -> None:
        """Work until told to stop, then fold and write all that is on the tape."""
        self._link.greeting = self.health
        self._link.on_flush = self._flush
        self._link.start()
        feed_stop = threading.Event()
        feeding = threading.Thread(target=self._feed.run, args=(feed_stop,), name="feed")
        feeding.start()
        for work, name in ((self._tell_health, "health"), (self._keep_up, "upkeep")):
            threading.Thread(target=work, name=name, daemon=True).start()
        try:
            self._engine.run(self._link, self._stop, self._settings.revise_seconds)
            while self._engine.step():
                pass
        finally:
            feed_stop.set()
            self._feed.hurry()
            feeding.join()
            self._link.stop()

    def stop(self, *_: object) -> None:
        """Finish what is on the tape and end."""
        self._stop.set()
        self._link.wake.set()

    def health(self) -> dict[str, Any]:
        """Positions and lag, as the front shows them; the last known ones where a tape cannot be read now."""
        try:
            self._measured = self._measure()
        except Exception as error:  # told in `problem`, and tried again within a second
            return {**self._measured, "problem": explained(error)}
        return self._measured

    def _flush(self, number: int) -> None:
        self._feed.ask(self._engine.wait_for, lambda error: self._link.flushed(number, error))

    def _measure(self) -> dict[str, Any]:
        end, (raw, activities) = self._tape.end(), self._feed.positions
        return {
            "end": end,
            "lag": {"engine": end - self._engine.position, "raw": end - raw},
            "activity_lag": self._activity_end() - activities,
            "positions": {"engine": self._engine.position, "raw": raw, "activities": activities},
            "delay_seconds": self._engine.watermark_delay,
            "revising": len(self._engine.revising),
            "problem": self._feed.problem or self._upkeep.problem,
            "pid": os.getpid(),
        }

    def _activity_end(self) -> int:
        return max(self._reader.end(), 0)

    def _make_feed(self, data: DataFolder, warehouse: ParquetWarehouse) -> Feed:
        settings = self._settings
        self._reader = ActivityTapeReader(data.activity)
        tape, activity = self._engine.tape, ActivityTapeReader(data.activity)
        raw_roll = Roll(settings.raw_roll_rows, settings.raw_roll_seconds)
        activity_roll = Roll(settings.activity_roll_rows, settings.activity_roll_seconds)
        raw = RawLoader(tape, warehouse, self._letters.add, raw_roll)
        return Feed(raw, ActivityLoader(activity, warehouse, activity_roll), Ends(tape, activity))

    def _make_upkeep(self, data: DataFolder) -> Upkeep:
        settings = self._settings
        upkeep = Upkeep(data.warehouse, ActivityTape(data.activity), self._feed, self._link)
        upkeep.keep_log = round(settings.log_keep_days * 86_400e9)
        upkeep.retention = None if settings.retention_days is None else timedelta(days=settings.retention_days)
        checkpoints = ActivityTapeReader(data.activity)

        def sealed_to(stream: Stream) -> int:
            checkpoint = checkpoints.checkpoints().get(stream)
            return 0 if checkpoint is None else checkpoint.sealed_to

        upkeep.sealed_to = sealed_to
        return upkeep

    def _keep_up(self) -> None:
        self._upkeep.run(self._stop)

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


def run_engine(settings: Settings) -> None:
    """The engine process: returns after STOP_ENGINE, with everything folded and written."""
    for theirs in (signal.SIGINT, signal.SIGTERM):  # they reach the whole group; the supervisor says when
        signal.signal(theirs, signal.SIG_IGN)
    die_with_parent(STOP_ENGINE)
    configure(settings.log_format, settings.log_level)
    try:
        process = EngineProcess(settings)
    except GaitwayError as error:
        refuse(settings, error)
    signal.signal(STOP_ENGINE, process.stop)
    process.run()
