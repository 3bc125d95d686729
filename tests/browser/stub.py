"""A stand-in for the server: the page's files under the strict policy, and an API that says what a test wants said."""

import json
import queue
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

from gaitway.web.setup import phone_link, qr_svg

STATIC = Path(__file__).parents[2] / "src" / "gaitway" / "web" / "static"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
}
LINK = phone_link("http://192.168.1.42:8788", "mossy-heron-7Q4K")
SETUP = {
    "address": "http://192.168.1.42:8788/data",
    "host": "192.168.1.42",
    "port": 8788,
    "token": "mossy-heron-7Q4K",
    "link": LINK,
    "web_link": LINK.replace("sensorlogger://", "https://sensorlogger.app/link/"),
    "qr": qr_svg(LINK),
}

Json = dict[str, Any]
Events = queue.SimpleQueue[bytes | None]


def now_ns() -> int:
    """The stub's clock, ns."""
    return time.time_ns()


class Stub:
    """One server on a free port of loopback. `phones` and `knocks` are what a snapshot holds.

    `locked`: the page's cookie is no good. `refusing`: everything but the files fails. `silent`: streams open without
    a snapshot. `failed` tells whether anything was answered with 401 or 503.
    """

    def __init__(self) -> None:
        self.phones: list[Json] = []
        self.knocks: list[Json] = []
        self.setup: Json = dict(SETUP)
        self.locked = False
        self.locked_file = "locked.html"
        self.silent = False
        self.failed = False
        self.refusing = False
        self.simulated = "simulated-1"
        self.names: dict[str, str] = {}
        self.opened = 0
        self._listeners: list[Events] = []
        self._lock = threading.Lock()
        self._heard = threading.Condition()
        handler = type("Handler", (_Handler,), {"stub": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    @property
    def url(self) -> str:
        """Where the page is."""
        return f"http://127.0.0.1:{self._server.server_port}/"

    def close(self) -> None:
        """Stop, with every connection."""
        self.drop()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def send(self, kind: str, data: Json) -> None:
        """Send an event to every open page; `verdict` ones have no name."""
        for listener in self._all():
            listener.put(event(kind, data))

    def drop(self) -> None:
        """Cut every event stream."""
        for listener in self._all():
            listener.put(None)

    def wait_opened(self, times: int, seconds: float = 10.0) -> None:
        """Wait until event streams were opened so many times in all."""
        with self._heard:
            assert self._heard.wait_for(lambda: self.opened >= times, seconds), f"opened {self.opened} times"

    def snapshot(self) -> Json:
        """What `GET /api/phones` and the first event say."""
        return {"phones": self.phones, "knocks": self.knocks, "now": now_ns()}

    def join(self) -> Events:
        """A new listener, with its snapshot waiting."""
        listener: Events = queue.SimpleQueue()
        listener.put(b": hello\n\n" if self.silent else event("snapshot", self.snapshot()))
        with self._lock:
            self._listeners.append(listener)
        with self._heard:
            self.opened += 1
            self._heard.notify_all()
        return listener

    def leave(self, listener: Events) -> None:
        """A listener is gone."""
        with self._lock:
            self._listeners.remove(listener)

    def _all(self) -> list[Events]:
        with self._lock:
            return list(self._listeners)


def event(kind: str, data: Json) -> bytes:
    """An event as it goes over the wire."""
    name = "" if kind == "verdict" else f"event: {kind}\n"
    return f"{name}data: {json.dumps(data)}\n\n".encode()


class _Handler(BaseHTTPRequestHandler):
    stub: ClassVar[Stub]

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path == "/api/live" and not self.stub.refusing and not self.stub.locked:
            self._live()
        elif path.startswith("/api/"):
            self._api(path)
        elif path == "/":
            locked = self.stub.locked
            self._file(STATIC / (self.stub.locked_file if locked else "index.html"), 401 if locked else 200)
        else:
            self._file(STATIC / path.removeprefix("/static/"))

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/api/page/simulate":
            return self._json(202, {"device_id": self.stub.simulated})
        self.stub.names[self.path.removeprefix("/api/devices/")] = body["name"]
        return self._json(200, {})

    def _api(self, path: str) -> None:
        if self.stub.locked:
            return self._json(401, {"error": "no token", "where": "cookie", "hint": ""})
        if self.stub.refusing:
            return self._json(503, {"error": "stopping", "where": "", "hint": "Try again."})
        return self._json(200, self.stub.setup if path == "/api/page/setup" else self.stub.snapshot())

    def _live(self) -> None:
        self._head(200, "text/event-stream")
        listener = self.stub.join()
        try:
            while (chunk := listener.get()) is not None:
                self.wfile.write(chunk)
        except (BrokenPipeError, ConnectionResetError):
            pass  # the page went away, as pages do
        finally:
            self.stub.leave(listener)

    def _file(self, path: Path, status: int = 200) -> None:
        if not path.is_file():
            return self._json(404, {"error": "not found"})
        body = path.read_bytes()
        self._head(status, TYPES.get(path.suffix, "application/octet-stream"), len(body))
        self.wfile.write(body)
        return None

    def _json(self, status: int, data: Json) -> None:
        body = json.dumps(data).encode()
        self._head(status, "application/json", len(body))
        self.wfile.write(body)

    def _head(self, status: int, kind: str, length: int | None = None) -> None:
        self.stub.failed = self.stub.failed or status in (401, 503)
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Security-Policy", POLICY)
        self.send_header("Cache-Control", "no-store")
        if length is not None:
            self.send_header("Content-Length", str(length))
        self.end_headers()
