"""The servers that are measured, as child processes: Gaitway as its users start it, and whatever stands beside it."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from gaitway.engine.link import request_flush
from gaitway.log.activity import ActivityTapeReader
from gaitway.log.reader import SqliteTapeReader
from gaitway.profiles.folder import DataFolder
from gaitway.warehouse.parquet import ParquetWarehouse

HOST = "127.0.0.1"
_PATIENCE = 60.0


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as one:
        one.bind((HOST, 0))
        return int(one.getsockname()[1])


class Server:
    """A process that listens. What it prints goes to `log`."""

    def __init__(self, command: Sequence[str], port: int, log: Path) -> None:
        self.port, self.log = port, log
        environment = {name: value for name, value in os.environ.items() if not name.startswith("GAITWAY_")}
        self.begun = time.monotonic()
        with log.open("ab") as out:
            self._process = subprocess.Popen(command, stdout=out, stderr=out, env=environment)

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens."""
        return HOST, self.port

    @property
    def pid(self) -> int:
        """Of its first process."""
        return self._process.pid

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def get(self, path: str) -> tuple[int, bytes]:
        """Status and body of a GET; status 0 while nobody listens."""
        connection = HTTPConnection(HOST, self.port, timeout=_PATIENCE)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (OSError, HTTPException):
            return 0, b""
        finally:
            connection.close()

    def wait(self, path: str = "/healthz") -> float:
        """Wait for the first 200; seconds since it was started."""
        while self.get(path)[0] != 200:
            if self._process.poll() is not None or time.monotonic() - self.begun > _PATIENCE:
                message = f"{self._process.args!r} does not serve; it printed:\n{self.log.read_text()[-2000:]}"
                raise RuntimeError(message)
            time.sleep(0.01)
        return time.monotonic() - self.begun

    def stop(self) -> float:
        """SIGTERM, and wait for its end; the seconds that took."""
        begin = time.monotonic()
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(_PATIENCE)
        return time.monotonic() - begin


class Gaitway(Server):
    """`gaitway serve` with default settings."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.data = folder / "data"
        port = free_port()
        program = str(Path(sys.executable).with_name("gaitway"))
        command = [program, "serve", "--host", HOST, "--port", str(port), "--data", str(self.data), "--json"]
        super().__init__(command, port, folder / "server.log")

    def settle(self, patience: float = 300.0) -> float:
        """Wait until all that was acknowledged is windowed and in the warehouse; the monotonic time at which it was."""
        folder = DataFolder(self.data)
        tape, activity = SqliteTapeReader(folder.tape, folder.registry), ActivityTapeReader(folder.activity)
        warehouse = ParquetWarehouse(folder.warehouse)
        end, deadline = tape.end(), time.monotonic() + patience
        try:
            while True:
                request_flush(self.data, patience)
                now = time.monotonic()
                windowed = activity.folded() >= end and warehouse.position("activities") >= activity.end()
                if windowed and warehouse.position("raw") >= end:
                    return now
                if now > deadline:
                    message = f"not all in the warehouse after {patience:g} s"
                    raise TimeoutError(message)
        finally:
            tape.close()
            activity.close()

    def counts(self) -> dict[str, int]:
        """The counts of /api/streams, added up over all streams."""
        total: dict[str, int] = {}
        cursor = ""
        while True:
            status, body = self.get(f"/api/streams?limit=10000{cursor}")
            if status != 200:
                message = f"/api/streams answered {status}"
                raise RuntimeError(message)
            page: dict[str, Any] = json.loads(body)
            for row in page["streams"]:
                for name, count in row["counts"].items():
                    total[name] = total.get(name, 0) + count
            if page["next"] is None:
                return total
            cursor = f"&cursor={page['next']}"
