"""Prometheus metrics: read from the rooms when they are asked for, so that counting costs the hot path nothing."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

CONTENT_TYPE: Final = "text/plain; version=0.0.4"
_FSYNC_BUCKETS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)
Number = int | float


@dataclass(frozen=True, slots=True)
class Reading:
    """One metric: what it is called, what it means, and how to read it now.

    With a `label`, `read` gives a value per value of the label. Counters get `_total` behind their name.
    """

    kind: Literal["counter", "gauge"]
    name: str
    text: str
    read: Callable[[], Number | Mapping[str, Number]]
    label: str = ""


class Metrics(Collector):
    """All metrics of one process."""

    def __init__(self, readings: Iterable[Reading] = ()) -> None:
        self._readings = list(readings)
        self._registry = CollectorRegistry()
        self._registry.register(self)
        self._fsync = Histogram(
            "gaitway_fsync_seconds",
            "Time of the commit of one group of messages, with its fsync.",
            buckets=_FSYNC_BUCKETS,
            registry=self._registry,
        )

    def add(self, *readings: Reading) -> None:
        """Add metrics."""
        self._readings.extend(readings)

    def observe_commit(self, rows: int, seconds: float) -> None:
        """Note a group commit. Safe to call from any thread."""
        del rows  # GroupCommit counts them itself
        self._fsync.observe(seconds)

    def collect(self) -> Iterator[Metric]:
        """Read everything now; asked by the Prometheus client."""
        for reading in self._readings:
            yield _family(reading)

    def render(self) -> bytes:
        """All metrics as Prometheus reads them."""
        return generate_latest(self._registry)


def _family(reading: Reading) -> Metric:
    kind = CounterMetricFamily if reading.kind == "counter" else GaugeMetricFamily
    family = kind(f"gaitway_{reading.name}", reading.text, labels=[reading.label] if reading.label else [])
    value = reading.read()
    if isinstance(value, Mapping):
        for label, number in value.items():
            family.add_metric([label], number)
    else:
        family.add_metric([], value)
    return family
