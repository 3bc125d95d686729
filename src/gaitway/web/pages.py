"""The page's own files: read once, compressed once, revalidated by the browser."""

import gzip
import hashlib
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from typing import Final

#: The framework adds the charset (UTF-8) to texts.
KINDS: Final = {
    "html": "text/html",
    "css": "text/css",
    "js": "text/javascript",
    "mjs": "text/javascript",
    "svg": "image/svg+xml",
    "woff2": "font/woff2",
    "json": "application/json",
    "webmanifest": "application/manifest+json",
    "png": "image/png",
    "txt": "text/plain",
    "LICENSE": "text/plain",
}
_COMPRESSED: Final = ("text/", "image/svg", "application/")


@dataclass(frozen=True, slots=True)
class Asset:
    """One file as it is sent."""

    body: bytes
    zipped: bytes | None
    kind: str
    etag: str


@dataclass(frozen=True, slots=True)
class Reply:
    """What to answer for a file."""

    status: int
    body: bytes
    headers: dict[str, str]


class Pages:
    """The files below a folder, by path, and `index.html` for the page itself."""

    def __init__(self, folder: Traversable) -> None:
        self._assets = dict(_read(folder, ""))

    def __contains__(self, path: object) -> bool:
        return path in self._assets

    def reply(self, path: str, *, accept: str = "", known: str = "", status: int = 200) -> Reply | None:
        """The answer for a path: 304 when the copy a browser has (`known`: If-None-Match) is current; None: no file."""
        asset = self._assets.get(path)
        if asset is None:
            return None
        headers = {"etag": asset.etag, "cache-control": "no-cache", "vary": "Accept-Encoding"}
        if status == 200 and asset.etag in (tag.strip().removeprefix("W/") for tag in known.split(",")):
            return Reply(304, b"", headers)
        headers["content-type"] = asset.kind
        if asset.zipped is not None and "gzip" in accept.lower():
            return Reply(status, asset.zipped, {**headers, "content-encoding": "gzip"})
        return Reply(status, asset.body, headers)


def _read(folder: Traversable, prefix: str) -> list[tuple[str, Asset]]:
    found = []
    for entry in folder.iterdir():
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            found += _read(entry, f"{prefix}{entry.name}/")
        elif (kind := KINDS.get(entry.name.rpartition(".")[2])) is not None:
            found.append((prefix + entry.name, _asset(entry.read_bytes(), kind)))
    return found


def _asset(body: bytes, kind: str) -> Asset:
    zipped = gzip.compress(body, mtime=0) if kind.startswith(_COMPRESSED) else None
    if zipped is not None and len(zipped) >= len(body):
        zipped = None
    return Asset(body, zipped, kind, f'"{hashlib.sha256(body).hexdigest()[:20]}"')
