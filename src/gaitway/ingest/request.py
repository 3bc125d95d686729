"""What a request says of itself, read once from its ASGI scope."""

from collections.abc import Mapping, MutableMapping
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qs, unquote

from gaitway.ingest.gate import COOKIE, Asked

Scope = MutableMapping[str, Any]
#: Paths of push routes; each also with a slash at the end, and /data with a token behind it.
PUSH_PATHS: Final = frozenset({"", "/data", "/sensor-data"})


class Head(NamedTuple):
    """The parts of a request's head that are looked at."""

    asked: Asked
    encoding: str
    length: int | None


def is_push(method: str, path: str) -> bool:
    """Whether a request pushes sensor data.

    >>> is_push("POST", "/data/"), is_push("POST", "/data/abcd"), is_push("GET", "/data"), is_push("POST", "/api/x")
    (True, True, False, False)
    """
    return method == "POST" and (path.removesuffix("/") in PUSH_PATHS or path.startswith("/data/"))


def read_head(scope: Scope, *, push: bool = False) -> Head:
    """Read the head of a request. Only push routes take a token from the URL."""
    fields: dict[bytes, bytes] = dict(reversed(list(scope["headers"])))  # of equal names the first counts
    client = scope.get("client")
    credential = _bare(_text(fields, b"authorization"))
    if credential is None and push:
        credential = _from_url(scope)
    asked = Asked(
        peer=client[0] if client else None,
        host=_text(fields, b"host") or "",
        origin=_text(fields, b"origin"),
        fetch_site=_text(fields, b"sec-fetch-site"),
        forwarded=_is_forwarded(fields),
        credential=credential,
        cookie=_cookie(_text(fields, b"cookie")),
    )
    length = fields.get(b"content-length", b"")
    return Head(asked, (_text(fields, b"content-encoding") or "").strip().lower(), _whole(length))


def _is_forwarded(fields: Mapping[bytes, bytes]) -> bool:
    return b"forwarded" in fields or b"via" in fields or any([name[:12] == b"x-forwarded-" for name in fields])


def _text(fields: Mapping[bytes, bytes], name: bytes) -> str | None:
    value = fields.get(name)
    return None if value is None else value.decode("latin-1")


def _whole(text: bytes) -> int | None:
    return int(text) if text.isdigit() and len(text) < 19 else None


def _bare(header: str | None) -> str | None:
    """The token of an Authorization header, raw or Bearer."""
    if header is None:
        return None
    scheme, _, rest = header.strip().partition(" ")
    return (rest.strip() if rest and scheme.lower() == "bearer" else header.strip()) or None


def _from_url(scope: Scope) -> str | None:
    path = str(scope["path"])
    if path.startswith("/data/") and len(path) > len("/data/"):
        return unquote(path.removeprefix("/data/").removesuffix("/"))
    query = bytes(scope.get("query_string") or b"")
    if b"token=" not in query:
        return None
    given = parse_qs(query.decode("latin-1"), keep_blank_values=True).get("token")
    return given[0] if given else None


def _cookie(header: str | None) -> str | None:
    if header is None:
        return None
    for part in header.split(";"):
        name, _, value = part.strip().partition("=")
        if name == COOKIE:
            return value
    return None
