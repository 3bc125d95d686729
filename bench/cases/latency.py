"""How long an acknowledgement takes at 150,000 readings a second that come whether or not the last were answered."""

from bench.bodies import ACCELERATION, Bodies
from bench.case import Case, Run
from bench.figures import Figure, Target
from bench.load import Load, percentile
from bench.machine import Meter
from bench.rounds import past_second
from bench.servers import Gaitway

RATE = 150_000
STREAMS = 100


def run(run: Run) -> list[Figure]:
    """One open loop; every delay counts from the time at which its message was due."""
    with Gaitway(run.place("latency")) as server:
        server.wait()
        messages = RATE / ACCELERATION.readings
        with Load(server.address, Bodies(ACCELERATION, STREAMS, past_second()), STREAMS) as load:
            load.open(messages, run.pick(5, 1))
            meter = Meter([server.pid])
            outcome = load.open(messages, run.pick(30, 4))
            usage = meter.read()
    delays = outcome.delays()
    if outcome.refused:
        message = f"{outcome.refused} of {len(delays)} messages were refused"
        raise RuntimeError(message)
    rest = f"p90 {percentile(delays, 90):.1f}, most {delays.max():.0f} ms, of {len(delays):,} messages"
    return [
        Figure("latency", "acknowledged, p50", percentile(delays, 50), "ms", usage.others, Target("<=", 8), rest),
        Figure("latency", "acknowledged, p99", percentile(delays, 99), "ms", usage.others, Target("<=", 40)),
    ]


CASE = Case("latency", f"acknowledgements at {RATE:,} readings/s, open loop", run)
