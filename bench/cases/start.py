"""How long the server takes to serve, and to stop and serve again while phones send."""

import statistics

from bench.bodies import ONE_SECOND, Bodies
from bench.case import Case, Run
from bench.figures import Figure, Target
from bench.load import Load
from bench.machine import Meter
from bench.rounds import past_second
from bench.servers import Gaitway

_PHONES = 100


def run(run: Run) -> list[Figure]:
    """A first start, then stops and starts on a folder that is growing."""
    folder = run.place("start")
    meter = Meter()
    server = Gaitway(folder)
    first = server.wait()
    stops, starts = [], []
    for _ in range(int(run.pick(5, 1))):
        with Load(server.address, Bodies(ONE_SECOND, _PHONES, past_second()), _PHONES) as load:
            load.open(_PHONES, run.pick(5, 2))
        stops.append(server.stop())
        server = Gaitway(folder)
        starts.append(server.wait())
    server.stop()
    others = meter.read().others
    both = [stop + start for stop, start in zip(stops, starts, strict=True)]
    note = f"stop {statistics.median(stops):.2f} s + start {statistics.median(starts):.2f} s; most {max(both):.2f} s"
    return [
        Figure("start", "first start to serving", first, "s", others, Target("<=", 3)),
        Figure("start", "SIGTERM to serving again", statistics.median(both), "s", others, Target("<=", 3), note),
    ]


CASE = Case("start", "from the command to the first answer", run)
