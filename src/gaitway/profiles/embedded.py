"""The embedded profile: `serve` supervises two processes, the front (a Granian worker) and the engine.

The supervisor loads neither of their libraries, so that both are starting while it has hardly begun.
"""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable
from functools import partial
from http.client import HTTPConnection, HTTPException
from multiprocessing.process import BaseProcess
from typing import TYPE_CHECKING

from gaitway.config import Settings
from gaitway.errors import GaitwayError, LogError
from gaitway.profiles.folder import DataFolder, FolderLock
from gaitway.profiles.processes import BAD_SETTINGS, STOP_ENGINE

if TYPE_CHECKING:
    from gaitway.web.app import FrontApp

_GRACE = 30.0  # seconds the engine has to write its tail
_AGAIN = (0.2, 1.0, 5.0, 15.0)  # seconds before a failed engine is started again


class Engines:
    """Keeps one engine process running until told to stop."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._context = multiprocessing.get_context("spawn")
        self._stop = threading.Event()
        self._process: BaseProcess | None = None
        self.refused = False
        """Whether it ended because its settings do not allow it to start."""
        self._thread = threading.Thread(target=self._watch, name="engine watch", daemon=True)

    def start(self) -> None:
        """Start it, and start it again whenever it dies."""
        self._process = self._spawn()
        self._thread.start()

    def stop(self) -> None:
        """Have it fold and write everything, then end."""
        self._stop.set()
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
            if self._process is None or self._process.is_alive():
                continue
            if self._process.exitcode == BAD_SETTINGS:
                self.refused = True
                os.kill(os.getpid(), signal.SIGTERM)
                return
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
    engines = Engines(settings)
    engines.start()
    try:
        _serve_front(settings, announce)
    finally:
        engines.stop()
        lock.release()
    if engines.refused:
        raise GaitwayError("the engine does not start with these settings", hint="The line above says which and why.")


def prepare(data: DataFolder, settings: Settings) -> None:
    """Make the folder, and mend what was deleted from it. Raises LogError where it may not be written."""
    try:
        data.root.mkdir(parents=True, exist_ok=True)
        data.run.mkdir(exist_ok=True)
    except OSError as error:
        message = f"the data folder cannot be made: {error.strerror}"
        raise LogError(message, where=str(data.root), hint="Name a folder you may write, with --data.") from error
    done = data.warehouse / "activities" / "_done"
    if data.tape.exists() and not (data.activity.exists() and done.exists() and any(done.iterdir())):
        _mend(data, settings)


def _mend(data: DataFolder, settings: Settings) -> None:
    """Rebuild activities from the readings where they, or the engine's state, were deleted."""
    from gaitway.profiles.choice import recognizers
    from gaitway.profiles.rebuild import Rebuilder, is_needed

    if not is_needed(data):
        return
    _say(settings, "activities_lost", what="activities are computed anew from the readings before serving")
    rebuilder = Rebuilder(data, recognizers(settings), settings.lateness)
    try:
        found = rebuilder.run()
    finally:
        rebuilder.close()
    _say(settings, "activities_rebuilt", streams=found.streams, windows=found.windows, published=found.published)


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
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)
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
