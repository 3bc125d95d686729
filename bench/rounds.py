"""One closed-loop measurement of one server: load, wait until nothing is left to do, and what it took."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

from bench.bodies import Bodies
from bench.load import Load
from bench.machine import Meter, Usage, calibrate
from bench.servers import Server

CONNECTIONS = 64
#: Event time begins this long ago: streams run faster than clocks here, and must not get ahead of them.
PAST = 6 * 3600


class Round(NamedTuple):
    """What one measurement gave. `seconds` run from the first message to the end of the last work on it."""

    messages: int
    readings: int
    seconds: float
    usage: Usage
    calibration: float

    @property
    def rate(self) -> float:
        """Readings a second."""
        return self.readings / self.seconds

    @property
    def cpu_message(self) -> float:
        """Servers' CPU per message, us."""
        return self.usage.cpu / self.messages * 1e6

    @property
    def cpu_reading(self) -> float:
        """Servers' CPU per reading, us."""
        return self.usage.cpu / self.readings * 1e6


def past_second() -> int:
    """Where event time begins in rounds."""
    return int(time.time()) - PAST


def closed_round(
    servers: Sequence[Server],
    bodies: Bodies,
    seconds: float,
    finish: Callable[[], float],
    connections: int = CONNECTIONS,
) -> Round:
    """Load the first of `servers` (all of which do its work); `finish` waits for the end and says when it was."""
    before = calibrate()
    with Load(servers[0].address, bodies, connections) as load:
        meter = Meter([server.pid for server in servers])
        outcome = load.closed(seconds)
        ended = finish()
        usage = meter.read()
    if outcome.refused or not outcome.accepted:
        answers = Counter(post.status for post in outcome.posts)
        message = f"port {servers[0].port}: not every message was accepted, these were the answers: {dict(answers)}"
        raise RuntimeError(message)
    readings = outcome.accepted * bodies.shape.readings
    return Round(outcome.accepted, readings, ended - outcome.begun, usage, (before + calibrate()) / 2)
