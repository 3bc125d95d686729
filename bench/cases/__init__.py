"""All cases, in the order in which they run. Another one is a module here and a line below."""

from bench.cases import latency, peers, phones, setup, start, storage, throughput, verdict

CASES = (
    throughput.CASE,
    peers.CASE,
    latency.CASE,
    verdict.CASE,
    phones.CASE,
    start.CASE,
    storage.CASE,
    setup.CASE,
)
