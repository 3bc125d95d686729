"""Readings a second that are acknowledged, fsynced, windowed and in the warehouse, and the CPU a message takes."""

import statistics
from collections.abc import Sequence

from bench.bodies import ACCELERATION, BOTH, Bodies, Shape
from bench.case import Case, Run
from bench.figures import Figure, Target
from bench.rounds import Round, closed_round, past_second
from bench.servers import Gaitway

STREAMS = 100


def run(run: Run) -> list[Figure]:
    """Both shapes in turn, A B A B, on one server."""
    rounds: dict[Shape, list[Round]] = {ACCELERATION: [], BOTH: []}
    with Gaitway(run.place("throughput")) as server:
        server.wait()
        warm = closed_round([server], Bodies(ACCELERATION, STREAMS, past_second()), run.pick(3, 1), server.settle)
        sent = warm.readings
        for _ in range(int(run.pick(3, 1))):
            for shape, found in rounds.items():
                bodies = Bodies(shape, STREAMS, past_second())
                found.append(closed_round([server], bodies, run.pick(15, 3), server.settle))
                sent += found[-1].readings
                run.say(f"  {shape.name}: {found[-1].rate:,.0f} readings/s")
        kept = server.counts()["readings"]
    if kept != sent:
        message = f"{sent} readings were acknowledged, {kept} are in the warehouse"
        raise RuntimeError(message)
    return [figure for shape, found in rounds.items() for figure in _figures(shape, found)]


def _figures(shape: Shape, rounds: Sequence[Round]) -> list[Figure]:
    others = statistics.mean(each.usage.others for each in rounds)
    rates = [each.rate for each in rounds]
    costs = [each.cpu_message / each.calibration for each in rounds]
    spread = f"{min(rates):,.0f} to {max(rates):,.0f} in {len(rounds)} rounds; generator on the same cores"
    cpu = statistics.median(each.cpu_message for each in rounds)
    detail = f"{cpu:.0f} us; calibration {statistics.median(each.calibration for each in rounds):.1f} us"
    rate, cost = statistics.median(rates), statistics.median(costs)
    return [
        Figure("throughput", shape.name, rate, "readings/s", others, Target(">=", 250_000), spread),
        Figure("throughput", f"CPU, {shape.name}", cost, "calibrations a message", others, Target("<=", 12), detail),
    ]


CASE = Case("throughput", "acknowledged, fsynced, windowed and in the warehouse", run)
