"""How long after its message was posted a verdict is on the event stream, with 100 phones in real time."""

import json
import re
import socket
import time
from collections.abc import Sequence
from datetime import datetime

from bench.bodies import BOTH, ONE_SECOND, Bodies, Shape
from bench.case import Case, Run
from bench.figures import Figure, Target
from bench.load import Load, Outcome, percentile
from bench.machine import Meter
from bench.servers import HOST, Gaitway

PHONES = 100
_DATA = re.compile(rb"data: (\{[^\n]*\})\n")


def run(run: Run) -> list[Figure]:
    """One sensor, then two: each phone posts a message a second, evenly spread."""
    return [figure for shape in (ONE_SECOND, BOTH) for figure in _measure(run, shape)]


def _measure(run: Run, shape: Shape) -> list[Figure]:
    with Gaitway(run.place("verdict")) as server:
        server.wait()
        seconds = run.pick(40, 6)
        start = int(time.time()) + 1  # the readings of a message lie in the second before it is due
        bodies = Bodies(shape, PHONES, start - 1)
        begin = time.monotonic() + start - time.time()
        with subscribe(server.port) as listen, Load(server.address, bodies, PHONES, listen) as load:
            meter = Meter([server.pid])
            outcome = load.open(PHONES, seconds, begin)
            load.hear(1.0)
            usage = meter.read()
            delays = match(outcome, load.heard, bodies)
    p50, p99 = percentile(delays, 50), percentile(delays, 99)
    note = f"{len(delays):,} verdicts on {outcome.accepted:,} messages, most {max(delays, default=0):.0f} ms"
    return [
        Figure("verdict", f"posted to verdict, p50, {shape.name}", p50, "ms", usage.others, None, note),
        Figure("verdict", f"posted to verdict, p99, {shape.name}", p99, "ms", usage.others, Target("<=", 250)),
    ]


def subscribe(port: int) -> socket.socket:
    """A connection to the event stream, once its head has come."""
    listen = socket.create_connection((HOST, port), timeout=10)
    listen.sendall(f"GET /api/live HTTP/1.1\r\nHost: {HOST}\r\nAccept: text/event-stream\r\n\r\n".encode())
    head = b""
    while b"\r\n\r\n" not in head:
        head += listen.recv(4096)
    if not head.startswith(b"HTTP/1.1 200"):
        message = f"/api/live answered {head[:80]!r}"
        raise RuntimeError(message)
    return listen


def match(outcome: Outcome, heard: Sequence[tuple[float, bytes]], bodies: Bodies) -> list[float]:
    """From a message being due to the verdict it caused, ms: a verdict ends with the newest 100 ms of its message."""
    seconds = bodies.shape.seconds
    due = {
        (bodies.device_ids[post.stream], bodies.start + (post.number + 1) * seconds): post.due for post in outcome.posts
    }
    delays = []
    for when, event in events(heard):
        end = time_of(event["window_end"])
        if (begun := due.pop((event["device_id"], end), None)) is not None:
            delays.append((when - begun) * 1e3)
    return delays


def events(heard: Sequence[tuple[float, bytes]]) -> list[tuple[float, dict[str, str]]]:
    """The JSON events in what was heard, each with the time at which its last byte came."""
    found = []
    rest = b""
    for when, data in heard:
        rest += data
        last = 0
        for event in _DATA.finditer(rest):
            found.append((when, json.loads(event[1])))
            last = event.end()
        rest = rest[last:]
    return found


def time_of(text: str) -> int:
    """Whole seconds since the epoch.

    >>> time_of("2026-03-05T18:14:32.000Z")
    1772734472
    """
    return round(datetime.fromisoformat(text).timestamp())


CASE = Case("verdict", f"message posted to verdict on the event stream, {PHONES} phones in real time", run)
