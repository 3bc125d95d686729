"""Every request but a push passes here: its path says the route, the door decides, answers carry strict headers."""

from collections.abc import Container
from typing import Any, Final

from gaitway.errors import GaitwayError, RefusedError
from gaitway.ingest.body import Receive
from gaitway.ingest.door import Door
from gaitway.ingest.gate import Route
from gaitway.ingest.push import Answer, Send, error_json
from gaitway.ingest.request import PUSH_PATHS, Scope, read_head

CSP: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self';"
    " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
#: On every answer; an answer may set its own.
HEADERS: Final = (
    (b"content-security-policy", CSP.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
)
_OPEN: Final = frozenset({"/healthz", "/readyz", "/favicon.ico", "/robots.txt"})


def route_of(method: str, path: str) -> Route:
    """Which rule a request falls under. What nobody thought of needs a cookie or a read token.

    >>> [route_of("GET", path) for path in ("/", "/static/page.js", "/link/x", "/api/streams", "/api/page/setup")]
    ['page', 'open', 'open', 'read', 'act']
    >>> route_of("DELETE", "/")
    'act'
    """
    if method not in ("GET", "HEAD", "OPTIONS") or path == "/api/page/setup":
        return "act"
    if path == "/":
        return "page"
    return "open" if path in _OPEN or path.startswith(("/static/", "/link/")) else "read"


class Guard:
    """An ASGI app that lets through to another what the door admits.

    The page without a cookie passes too, marked as locked: it says how to get a link, and holds no data.
    """

    def __init__(self, app: Any, door: Door, pages: Container[str] = ()) -> None:
        self._app = app
        self._door = door
        self._pages = pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        method, path = scope["method"], scope["path"]
        guarded = _with_headers(send)
        if (
            method == "HEAD" and path != "/api/live" and not path.startswith("/link/")
        ):  # a preview must not use a link up
            scope = {**scope, "method": "GET"}
            guarded = _without_body(guarded)
        route = "open" if path[1:] in self._pages and method in ("GET", "HEAD") else route_of(method, path)
        asked = read_head(scope).asked
        try:
            scope["gaitway.grant"] = self._door.admit(asked, route)
        except RefusedError as error:
            if route != "page" or error.status == 403:
                await Answer(error.status, error_json(error)).send(guarded)
                return
            scope["gaitway.locked"] = True
        scope["gaitway.peer"] = asked.peer
        if path.removesuffix("/") in PUSH_PATHS - {""}:
            await _push_only(guarded)
            return
        await self._app(scope, receive, guarded)


async def _push_only(send: Send) -> None:
    error = GaitwayError("this address takes sensor data", where="method", hint="POST a message of Sensor Logger.")
    body = error_json(error)
    headers = [(b"content-type", b"application/json"), (b"allow", b"POST"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 405, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _with_headers(send: Send) -> Send:
    async def guarded(message: Any) -> None:
        if message["type"] == "http.response.start":
            given = list(message.get("headers", ()))
            names = {name.lower() for name, _ in given}
            message = {**message, "headers": [*given, *(item for item in HEADERS if item[0] not in names)]}
        await send(message)

    return guarded


def _without_body(send: Send) -> Send:
    """What a HEAD is answered: the head of the GET."""

    async def guarded(message: Any) -> None:
        await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

    return guarded
