"""One phone: its last message, breaks, clock, battery and what was refused, from the folder or from a server."""

import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import msgspec

from gaitway.cli.doctor_checks.server import ask, server_url
from gaitway.log.codec import decode
from gaitway.log.connections import open_reader
from gaitway.log.folder import segment_numbers, segment_path
from gaitway.ops.doctor import (
    Arrival,
    Finding,
    Subject,
    judge_clock,
    judge_gaps,
    judge_missing,
    judge_silence,
    span,
)
from gaitway.profiles.folder import DataFolder

_LOOKED_AT = 300
_LATE_NS = 10 * 1_000_000_000
_NEWEST = (
    "SELECT received_at, t_max, body FROM tape WHERE kind = 0 AND t_max IS NOT NULL"
    " AND stream IN (SELECT no FROM streams WHERE device_id = ?) ORDER BY pos DESC LIMIT ?"
)
_LETTERS = "SELECT reason, count(*) FROM dead_letters WHERE device_id = ? GROUP BY reason"


class _Arrived(NamedTuple):
    arrival: Arrival
    body: bytes


def in_folder(subject: Subject) -> Iterator[Finding]:
    """What the log says of the phone's newest messages."""
    if subject.device_id is None or subject.data is None or not subject.data.is_dir():
        return
    data = DataFolder(subject.data)
    newest = _newest(data.tape, subject.device_id)
    if not newest:
        hint = "Look at the address and the token in the app (Settings, Data Streaming, HTTP Push), and test pushing."
        yield Finding("fail", f"the log holds no message of {subject.device_id}", "none came, or it was trimmed", hint)
    else:
        arrivals = [each.arrival for each in newest]
        late = any(each.received_at - each.newest > _LATE_NS for each in arrivals[-3:])
        yield judge_silence(time.time_ns() - arrivals[-1].received_at, _battery(newest), late)
        yield judge_gaps(arrivals)
        yield judge_clock(arrivals)
    yield from _refused([data.refused, data.core_errors], subject.device_id)


def at_server(subject: Subject) -> Iterator[Finding]:
    """What a server says of the phone's newest session."""
    url = server_url(subject)
    if subject.device_id is None or url is None:
        return
    rows = _streams(url, subject.token)
    if isinstance(rows, Finding):
        yield rows
        return
    mine = [row for row in rows if row["device_id"] == subject.device_id]
    if not mine:
        hint = "Look at the address and the token in the app, and test pushing."
        yield Finding("fail", f"the server knows no phone {subject.device_id}", "it never pushed there", hint)
        return
    session = max(mine, key=lambda row: row["last_time"] or 0)
    yield from _session(session, len(mine))


def _session(session: dict[str, Any], sessions: int) -> Iterator[Finding]:
    counts = session["counts"]
    age = span(max(time.time_ns() - (session["last_time"] or 0), 0))
    what = f"{sessions} sessions; the newest has {counts['readings']:,} readings, the newest {age} old"
    if session["live"]:
        yield Finding("ok", f"it is sending: {what}")
    else:
        yield Finding("warn", f"it is silent: {what}", "", "Start a recording in Sensor Logger, with HTTP push on.")
    yield judge_missing(counts["missing"], counts["messages"])
    if counts["dead_letters"]:
        what = f"{counts['dead_letters']:,} of its readings were refused"
        yield Finding("warn", what, "", "See GET /api/dead-letters for the reasons.")


def _streams(url: str, token: str | None) -> list[dict[str, Any]] | Finding:
    rows: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        query = str(httpx.QueryParams({"limit": "1000"} | ({"cursor": cursor} if cursor else {})))
        answer = ask(url, f"/api/streams?{query}", token=token)
        if isinstance(answer, str):
            return Finding("warn", "the server cannot be asked about phones", answer)
        if not answer.is_success:
            hint = "Give a read token: gaitway token add --kind read."
            return Finding("warn", "the server does not tell about phones", f"HTTP {answer.status_code}", hint)
        page = answer.json()
        rows += page["streams"]
        cursor = page["next"]
        if cursor is None:
            return rows


def _newest(folder: Path, device_id: str) -> list[_Arrived]:
    """Its last messages in order of arrival, from the newest segments that hold some."""
    found: list[_Arrived] = []
    for number in reversed(segment_numbers(folder)):
        try:
            with closing(open_reader(segment_path(folder, number))) as connection:
                rows = connection.execute(_NEWEST, (device_id, _LOOKED_AT - len(found))).fetchall()
        except sqlite3.Error:  # trimmed meanwhile, or damaged: said elsewhere
            continue
        found += [_Arrived(Arrival(received_at, newest), body) for received_at, newest, body in rows]
        if len(found) >= _LOOKED_AT:
            break
    return found[::-1]


def _battery(newest: list[_Arrived]) -> float | None:
    """The last battery level it told, 0 to 1."""
    for each in reversed(newest):
        for block in decode(each.body, ["battery"]).blocks:
            for values in reversed((block.sensor == "battery" and block.values) or ()):
                level = msgspec.json.decode(values).get("batteryLevel") if values else None
                if isinstance(level, int | float):
                    return float(level)
    return None


def _refused(stores: list[Path], device_id: str) -> Iterator[Finding]:
    reasons: Counter[str] = Counter()
    for path in stores:
        if path.exists():
            try:
                with closing(open_reader(path)) as connection:
                    reasons.update(dict(connection.execute(_LETTERS, (device_id,)).fetchall()))
            except sqlite3.Error:  # an empty store, or a damaged one: said elsewhere
                continue
    if reasons:
        what = "of it was refused: " + ", ".join(f"{count:,} times {reason}" for reason, count in reasons.most_common())
        hint = "Once the cause is gone: gaitway replay --dead-letters."
        yield Finding("warn", what, "kept among the dead letters", hint)
