"""The usual way beside Gaitway, in turn, with the same messages: CPU of all processes per reading."""

import statistics
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from bench.bodies import ACCELERATION, Bodies
from bench.case import Case, Run
from bench.figures import Figure, Target
from bench.rounds import Round, closed_round, past_second
from bench.servers import Gaitway, Server, free_port

STREAMS = 100
#: Few, for the peers' sake: each connection is a thread there.
CONNECTIONS = 16
US = "gaitway"
#: What stands beside us, and how many times less CPU we promise to take.
_PEERS = {
    "sqlite": ("Flask, a committed insert per reading, a consumer", 10),
    "file": ("Flask, an fsynced line per reading, a consumer", None),
    "nothing": ("Flask, a publish that does nothing", 4),
}


class _Side(NamedTuple):
    """The servers that do the work (the first takes messages), and a wait until all so many readings are done with."""

    servers: list[Server]
    finish: Callable[[int], float]


def run(run: Run) -> list[Figure]:
    """All start first; then A B C D, A B C D: who is not measured stands idle."""
    rounds: dict[str, list[Round]] = {US: [], **{name: [] for name in _PEERS}}
    done = dict.fromkeys(rounds, 0)
    with ExitStack() as stack:
        sides = {US: _us(stack, run), **{name: _peer(stack, run, name) for name in _PEERS}}
        for turn in range(int(run.pick(4, 2))):
            for name, side in sides.items():
                seconds = run.pick(8, 2) if turn else 1.0  # the first turn only warms up
                found = _round(side, seconds, done[name])
                done[name] += found.readings
                if turn:
                    rounds[name].append(found)
                    run.say(f"  {name}: {found.cpu_reading:.2f} us a reading, {found.rate:,.0f} readings/s")
    return _figures(rounds)


def _round(side: _Side, seconds: float, before: int) -> Round:
    bodies = Bodies(ACCELERATION, STREAMS, past_second())

    def finish() -> float:
        return side.finish(before + sum(bodies.sent) * ACCELERATION.readings)

    return closed_round(side.servers, bodies, seconds, finish, CONNECTIONS)


def _us(stack: ExitStack, run: Run) -> _Side:
    server = stack.enter_context(Gaitway(run.place(US)))
    server.wait()
    return _Side([server], lambda _: server.settle())


def _peer(stack: ExitStack, run: Run, publisher: str) -> _Side:
    folder, port = run.place(f"peer-{publisher}"), free_port()
    command = [sys.executable, "-m", "bench.peers.usual", str(port), str(folder), publisher]
    server = stack.enter_context(Server(command, port, folder / "server.log"))
    server.wait()
    if publisher == "nothing":
        return _Side([server], lambda _: time.monotonic())
    command = [sys.executable, "-m", "bench.peers.consumer", str(folder), publisher]
    consumer = stack.enter_context(Server(command, 0, folder / "consumer.log"))
    return _Side([server, consumer], lambda readings: _consumed(folder / "consumed", readings))


def _consumed(progress: Path, readings: int) -> float:
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        if progress.exists() and int(progress.read_text()) >= readings:
            return time.monotonic()
        time.sleep(0.02)
    message = "the consumer did not come to the end"
    raise TimeoutError(message)


def _figures(rounds: dict[str, list[Round]]) -> list[Figure]:
    ours = statistics.median(each.cpu_reading for each in rounds[US])
    others = statistics.mean(each.usage.others for found in rounds.values() for each in found)
    figures = [Figure("peers", "Gaitway, all of it", ours, "us a reading", others, None, _rate(rounds[US]))]
    for name, (title, times) in _PEERS.items():
        cost = statistics.median(each.cpu_reading for each in rounds[name])
        target = None if times is None else Target(">=", times)
        figures.append(Figure("peers", title, cost, "us a reading", others, None, _rate(rounds[name])))
        figures.append(Figure("peers", f"{title}: ours less", cost / ours, "times", others, target))
    return figures


def _rate(rounds: list[Round]) -> str:
    return f"{statistics.median(each.rate for each in rounds):,.0f} readings/s"


CASE = Case("peers", "the usual way beside Gaitway: CPU of all processes per reading", run)
