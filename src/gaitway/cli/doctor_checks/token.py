"""A token: known, of which kind, bound to which phone, and what the server says of it. Nothing is changed."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx

from gaitway.cli.doctor_checks.server import ask, server_url
from gaitway.log.connections import open_reader
from gaitway.ops.doctor import Finding, Subject, span
from gaitway.profiles.folder import DataFolder
from gaitway.registry.secret import hash_of

_NEW = "Make one: gaitway token add, or scan the code on the page again."
_DOES = {"device": "pushes for one phone", "push": "pushes for any phone", "read": "reads"}


def in_folder(subject: Subject) -> Iterator[Finding]:
    """What the registry knows of the token."""
    if subject.token is None:
        return
    digest = hash_of(subject.token)
    if digest is None:
        why = "a token is seven groups of four letters and digits"
        yield Finding("fail", "this is no token", why, "Copy it again, without quotes or Bearer.")
        return
    registry = None if subject.data is None else DataFolder(subject.data).registry
    if registry is None or not registry.exists():
        return
    row = _row(registry, digest)
    if row is None:
        yield Finding("fail", "the registry does not know this token", "it is of another server, or mistyped", _NEW)
    else:
        yield from _judged(row, subject.device_id, time.time_ns())


def at_server(subject: Subject) -> Iterator[Finding]:
    """What a server says to the token; asked by reading, so that no device token is bound by the question."""
    url = server_url(subject)
    if subject.token is None or url is None:
        return
    answer = ask(url, "/api/recognizers", token=subject.token)
    if isinstance(answer, str):
        return  # that nobody answers is said elsewhere
    if answer.is_success:
        yield Finding("ok", "the server lets it read")
    elif answer.status_code == 403:
        yield Finding(
            "ok", "the server knows it", _said(answer), "To read, make another: gaitway token add --kind read."
        )
    else:
        yield Finding("fail", f"the server does not know it (HTTP {answer.status_code})", _said(answer), _NEW)


def _row(registry: Path, digest: bytes) -> dict[str, Any] | None:
    try:
        with closing(open_reader(registry)) as connection:
            connection.row_factory = sqlite3.Row
            row = connection.execute("SELECT * FROM tokens WHERE hash = ?", (digest,)).fetchone()
    except sqlite3.Error:  # that the file is damaged is said elsewhere
        return None
    return None if row is None else dict(row)


def _judged(row: dict[str, Any], device_id: str | None, now: int) -> Iterator[Finding]:
    name = f"token {row['id']} ({row['name'] or 'without a name'})"
    if row["revoked"] is not None:
        yield Finding("fail", f"{name} was revoked {span(now - row['revoked'])} ago", "", _NEW)
        return
    if row["expires"] is not None and row["expires"] <= now:
        yield Finding("fail", f"{name} ran out {span(now - row['expires'])} ago", "", _NEW)
        return
    used = "never used" if row["last_used"] is None else f"last used {span(now - row['last_used'])} ago"
    yield Finding("ok", f"{name} is of kind {row['kind']}: it {_DOES.get(row['kind'], 'opens the page')}; {used}")
    if row["kind"] != "device":
        return
    if row["device_id"] is None:
        yield Finding("ok", "it is bound to no phone yet: the first that pushes with it")
    elif device_id in (None, row["device_id"]):
        yield Finding("ok", f"it is bound to {row['device_id']}")
    else:
        what = f"it is bound to {row['device_id']}, not to {device_id}"
        yield Finding("fail", what, "a device token serves one phone for good", _NEW)


def _said(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["error"])
    except (ValueError, KeyError, TypeError):
        return answer.text[:200]
