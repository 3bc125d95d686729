"""The embedded profile: `serve` supervises two processes, the front (a Granian worker) and the engine.

The supervisor loads neither of their libraries, so that both are starting while it has hardly begun.
"""

import multiprocessing
import os
import signal
import sqlite3
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
from functools import partial
from http.client import HTTPConnection, HTTPException
from multiprocessing.process import BaseProcess
from typing import TYPE_CHECKING

from gaitway.config import Settings
from gaitway.errors import GaitwayError, LogError
from gaitway.profiles.folder import DataFolder, FolderLock
from gaitway.profiles.processes import (
    CANNOT_START,
    STOP_ENGINE,
    check_address,
    local_host,
    raise_refusal,
    refusal_path,
)

if TYPE_CHECKING:
    from gaitway.web.app import FrontApp

_GRACE = 30.0  # seconds the engine has to write its tail
_INSIST = 0.5  # seconds before the server is told once more to stop: it may not have listened yet
_AGAIN = (0.2, 1.0, 5.0, 15.0)  # seconds before a failed engine is started again


class Engines:
    """Keeps one engine process running until told to stop; ends the server when a child refused to start."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._context = multiprocessing.get_context("spawn")
        self._stop = threading.Event()
        self._process: BaseProcess | None = None
        self._thread = threading.Thread(target=self._watch, name="engine watch", daemon=True)

    def start(self) -> None:
        """Start it, and start it again whenever it dies."""
        self._process = self._spawn()
        self._thread.start()

    def stop(self) -> None:
        """Have it fold and write everything, then end."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
        process = self._process
        if process is None or process.pid is None:
            return
        if process.is_alive():
            os.kill(process.pid, STOP_ENGINE)
        process.join(_GRACE)
        if process.is_alive():
            why = f"it did not end within {_GRACE:g} s; it goes on at the next start"
            _say(self._settings, "engine_killed", why=why)
            process.kill()
            process.join()

    def _spawn(self) -> BaseProcess:
        process = self._context.Process(target=_run_engine, args=(self._settings,), name="gaitway-engine")
        process.start()
        return process

    def _watch(self) -> None:
        failures, started = 0, time.monotonic()
        while not self._stop.wait(0.1):
            if refusal_path(self._settings).exists():
                os.kill(os.getpid(), signal.SIGTERM)
                self._stop.wait(_INSIST)
                continue
            if self._process is None or self._process.is_alive() or self._process.exitcode == CANNOT_START:
                continue
            failures = 0 if time.monotonic() - started > 60 else failures + 1
            wait = _AGAIN[min(failures, len(_AGAIN) - 1)]
            _say(self._settings, "engine_died", exit_code=self._process.exitcode, again_in_seconds=wait)
            if self._stop.wait(wait):
                return
            started = time.monotonic()
            self._process = self._spawn()


def serve(settings: Settings, announce: Callable[[], None]) -> None:
    """Serve until SIGTERM or SIGINT; `announce` is called once requests are answered.

    Raises GaitwayError when the folder, the port or the settings do not allow it.
    """
    data = DataFolder(settings.data)
    prepare(data, settings)
    lock = FolderLock(data, "server")
    refusal_path(settings).unlink(missing_ok=True)
    engines = Engines(settings)
    try:
        FolderLock(data, "front").release()  # a front that outlived its supervisor has the port a little longer
        check_address(settings.host, settings.port)
        signal.signal(signal.SIGTERM, _leave)  # until the front listens to it
        engines.start()
        _serve_front(settings, announce)
    finally:
        engines.stop()
        lock.release()
        raise_refusal(settings)


def _leave(*_: object) -> None:
    sys.exit(0)


def prepare(data: DataFolder, settings: Settings) -> None:
    """Make the folder, and mend what was deleted from it. Raises LogError where it may not be written."""
    try:
        data.root.mkdir(parents=True, exist_ok=True)
        data.run.mkdir(exist_ok=True)
    except OSError as error:
        message = f"the data folder cannot be made: {error.strerror}"
        raise LogError(message, where=str(data.root), hint="Name a folder you may write, with --data.") from error
    if data.tape.exists():
        _mend(data, settings)


def _mend(data: DataFolder, settings: Settings) -> None:
    """Rebuild activities that were deleted or broken off, or that a recogniser which is on again has missed."""
    done = data.warehouse / "activities" / "_done"
    whole = data.activity.exists() and done.exists() and any(done.iterdir()) and not data.rebuilding.exists()
    if whole and not _settings_changed(data):
        return
    from gaitway.profiles.choice import recognizers
    from gaitway.profiles.rebuild import Rebuilder, is_needed, returning

    known = recognizers(settings)
    only = None if is_needed(data) else returning(data, known) if data.activity.exists() else []
    if only == []:
        return
    _say(settings, "rebuilding", what="activities are computed anew from the readings before serving", only=only)
    rebuilder = Rebuilder(data, known, settings.lateness, only)
    try:
        found = rebuilder.run()
    finally:
        rebuilder.close()
    _say(settings, "rebuilt", streams=found.streams, windows=found.windows, published=found.published)


def _settings_changed(data: DataFolder) -> bool:
    """Whether more than one recogniser ever judged here; asked without loading the rooms that know better."""
    try:
        with closing(sqlite3.connect(f"{data.activity.resolve().as_uri()}?mode=ro", uri=True)) as tape:
            return bool(tape.execute("SELECT count(*) > 1 FROM recognizer").fetchone()[0])
    except sqlite3.Error:
        return True  # a file that cannot be read: the rooms that know it say what is wrong with it


def _say(settings: Settings, event: str, **fields: object) -> None:
    """Log a warning; the supervisor has something to say so rarely that it sets up logging only then."""
    import structlog

    from gaitway.ops.logging import configure

    configure(settings.log_format, settings.log_level)
    structlog.get_logger(__name__).warning(event, **fields)


def _serve_front(settings: Settings, announce: Callable[[], None]) -> None:
    from granian import Granian
    from granian.constants import HTTPModes, Interfaces, Loops
    from granian.http import HTTP1Settings

    multiprocessing.set_start_method("spawn", force=True)
    server = Granian(
        "gaitway.profiles.front:load_front",
        address=settings.host,
        port=settings.port,
        interface=Interfaces.ASGI,
        workers=1,
        loop=Loops.uvloop,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(keep_alive=True, pipeline_flush=False),
        websockets=False,
        backlog=4096,
        backpressure=4096,
        respawn_failed_workers=True,
        respawn_interval=0.2,
        workers_kill_timeout=20,
        log_enabled=False,
    )
    threading.Thread(target=_announce, args=(settings, announce), name="announce", daemon=True).start()
    try:
        server.serve(target_loader=partial(_load_front, settings), wrap_loader=False)
    except RuntimeError as error:
        hint = "Choose another with --port, or find out who has it: `gaitway doctor --port`."
        message = f"port {settings.port} cannot be used: {error}"
        raise GaitwayError(message, where=f"{settings.host}:{settings.port}", hint=hint) from error


def _load_front(settings: Settings) -> "FrontApp":
    """In the worker's process: the supervisor itself loads neither the front nor the engine."""
    from gaitway.profiles.front import load_front

    return load_front(settings)


def _run_engine(settings: Settings) -> None:
    """In the engine's process."""
    from gaitway.profiles.engine import run_engine

    run_engine(settings)


def _announce(settings: Settings, announce: Callable[[], None]) -> None:
    host = local_host(settings.host)
    while not _answers(host, settings.port):
        time.sleep(0.02)
    announce()


def _answers(host: str, port: int) -> bool:
    connection = HTTPConnection(host, port, timeout=1.0)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
