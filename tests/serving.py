"""A real `gaitway serve` for tests: started as a user would, stopped or killed at will."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from gaitway.core.message import Kind, Stream
from gaitway.log.activity import ActivityTapeReader
from gaitway.log.reader import SqliteTapeReader


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def wait_until(true: Callable[[], Any], seconds: float = 30.0, what: str = "the condition") -> Any:
    """Wait for a condition; its value."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := true():
            return found
        time.sleep(0.02)
    message = f"{what} did not come true within {seconds:g} s"
    raise AssertionError(message)


class Server:
    """One data folder, served on loopback; survives being killed."""

    def __init__(self, data: Path, *, host: str = "127.0.0.1", **settings: object) -> None:
        self.data = data
        self.host = host
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.settings = {"disk_reserve": "1 MiB", **settings}
        self.process: subprocess.Popen[str] | None = None
        self.log = data.parent / f"{data.name}.log"

    def start(self) -> dict[str, str]:
        """Start it and wait until it answers; what it printed (page, address, token, link)."""
        environment = {**os.environ, **{f"GAITWAY_{k.upper()}": str(v) for k, v in self.settings.items()}}
        command = [sys.executable, "-m", "gaitway", "serve", "--json", "--host", self.host]
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                [*command, "--port", str(self.port), "--data", str(self.data)],
                env=environment,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,
            )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            self.kill()
            raise AssertionError(f"the server did not start:\n{self.log.read_text()[-4000:]}")
        printed: dict[str, str] = json.loads(line)
        return printed

    def stop(self) -> int:
        """SIGTERM, as a service manager does it; the exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(30)
        self._forget()
        return code

    def kill(self) -> None:
        """kill -9 of everything at once: as good as a power cut for what is in memory."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)
        self._forget()

    def kill_part(self, name: str) -> None:
        """kill -9 of one process: `supervisor`, `front` or `engine`."""
        assert self.process is not None
        if name == "supervisor":
            self.process.kill()
            self.process.wait(10)
            self._forget()
            return
        pid = int((self.data / "run" / f"{name}.lock").read_text())
        os.kill(pid, signal.SIGKILL)

    def get(self, path: str, **asked: object) -> dict[str, Any]:
        """GET an API address; its JSON."""
        answer = httpx.get(self.url + path, params={k: str(v) for k, v in asked.items()}, timeout=30, trust_env=False)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    def streams(self) -> list[dict[str, Any]]:
        """All of /api/streams."""
        rows: list[dict[str, Any]] = self.get("/api/streams", limit=10_000)["streams"]
        return rows

    def wait_for_ticks(self, seconds: float = 60.0) -> None:
        """Wait until every stream was ticked after its last message, and the engine has folded that."""
        wait_until(self._settled, seconds, "a tick for every stream")

    def _settled(self) -> bool:
        tape = SqliteTapeReader(self.data / "log" / "raw", self.data / "registry.sqlite")
        activity = ActivityTapeReader(self.data / "log" / "activity.sqlite")
        try:
            kinds: dict[Stream, Kind] = {}
            end, at = tape.end(), tape.start() - 1
            while records := tape.read(at, 10_000, ()):
                kinds.update({record.stream: record.kind for record in records})
                at = records[-1].position
            return at == end == activity.folded() and "message" not in kinds.values()
        finally:
            tape.close()
            activity.close()

    def _forget(self) -> None:
        if self.process is not None and self.process.stdout is not None:
            self.process.stdout.close()
        self.process = None


@contextmanager
def serving(data: Path, **settings: Any) -> Iterator[Server]:
    """A server that runs for the length of a block."""
    server = Server(data, **settings)
    server.start()
    try:
        yield server
    finally:
        if server.process is not None:
            server.kill()


def gaitway(*arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run a command as a user would."""
    command = [sys.executable, "-m", "gaitway", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    if check and done.returncode != 0:
        raise AssertionError(f"gaitway {' '.join(arguments)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done
