"""From 10 to 1,000 phones in real time: what a reading costs, and what a phone takes of the memory."""

import threading
import time
from typing import NamedTuple

from bench.bodies import ONE_SECOND, Bodies
from bench.case import Case, Run
from bench.figures import Figure, Target
from bench.load import Load, Outcome
from bench.machine import Meter, memory_bytes
from bench.rounds import past_second
from bench.servers import Gaitway

_MEGABYTE = 1e6
_FLOOR = 400 * _MEGABYTE
_PER_PHONE = 50_000
_WARM = 14.0  # seconds until windows close as fast as they open


class _Found(NamedTuple):
    cpu_reading: float
    memory: float
    others: float


def run(run: Run) -> list[Figure]:
    """A new server for each number of phones, and one for few streams that send as much as many phones."""
    most = int(run.pick(1000, 100))
    found = {phones: _measure(run, phones, phones) for phones in (10, 100, most)}
    few = _measure(run, 10, most)
    figures = [_memory(phones, each) for phones, each in found.items()]
    figures += [
        Figure("phones", f"CPU per reading, {phones} phones", each.cpu_reading, "us", each.others)
        for phones, each in found.items()
    ]
    figures.append(_ratio(f"CPU per reading, {most:,} to 10 phones", found[most], found[10], "each in real time"))
    return [*figures, _ratio(f"the same, 10 streams as busy as {most:,}", found[most], few, "only streams differ")]


def _measure(run: Run, streams: int, rate: int) -> _Found:
    """`streams` phones that send `rate` messages a second in all; in real time where those are equal."""
    with Gaitway(run.place(f"phones-{streams}")) as server:
        server.wait()
        real = streams == rate
        start = int(time.time()) + 1
        bodies = Bodies(ONE_SECOND, streams, start - 1 if real else past_second())
        with Load(server.address, bodies, streams) as load, _Peak(server.pid) as peak:
            begin = time.monotonic() + start - time.time()
            outcomes = [load.open(rate, run.pick(_WARM, 3), begin)]
            meter = Meter([server.pid])
            outcomes.append(load.open(rate, run.pick(40, 5), begin + run.pick(_WARM, 3)))
            server.settle()
            usage = meter.read()
    _check(outcomes)
    readings = outcomes[-1].accepted * ONE_SECOND.readings
    run.say(f"  {streams} streams, {rate} messages/s: {usage.cpu / readings * 1e6:.2f} us a reading")
    return _Found(usage.cpu / readings * 1e6, peak.bytes, usage.others)


def _check(outcomes: list[Outcome]) -> None:
    refused = sum(outcome.refused for outcome in outcomes)
    if refused:
        message = f"{refused} messages were refused"
        raise RuntimeError(message)


def _memory(phones: int, found: _Found) -> Figure:
    limit = Target("<=", (_FLOOR + phones * _PER_PHONE) / _MEGABYTE)
    return Figure(
        "phones", f"memory, {phones:,} phones", found.memory / _MEGABYTE, "MB", found.others, limit, "PSS, most"
    )


def _ratio(name: str, many: _Found, few: _Found, note: str) -> Figure:
    others = (many.others + few.others) / 2
    return Figure("phones", name, many.cpu_reading / few.cpu_reading, "x", others, Target("<=", 1.2), note)


class _Peak:
    """The most memory a process tree held, looked at every second."""

    def __init__(self, pid: int) -> None:
        self.bytes = 0
        self._pid = pid
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> "_Peak":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(1.0):
            self.bytes = max(self.bytes, memory_bytes(self._pid))


CASE = Case("phones", "10 to 1,000 phones, one sensor, one message a second each", run)
