"""Live verdicts: on the newest span of a stream, at most one a second of arrival, honest about how little there is."""

import numpy as np
import pytest

from gaitway.core.activity import LiveVerdict
from gaitway.core.fold import Fold
from gaitway.core.grid import SECOND, Grid
from gaitway.core.message import Block, Message, Stream
from gaitway.core.recognizers import Thresholds
from laws.streams import Tapes

PHONE = Stream("phone", "walk")
START = 1_782_477_374_000_000_000
RULE = Thresholds(Grid(10 * SECOND, 2 * SECOND))


class Phone:
    """Sends a second of 50 Hz at a time."""

    def __init__(self, sensor: str = "accelerometer") -> None:
        self.tapes = Tapes()
        self.fold = Fold([RULE], 2 * SECOND, self.tapes)
        self.sensor = sensor

    def send(self, second: float, magnitude: float = 3.0, arrives: float | None = None) -> list[LiveVerdict]:
        start = START + round(second * SECOND)
        times = start + np.arange(50) * 20_000_000
        xyz = np.zeros((3, 50))
        xyz[0] = np.where(np.arange(50) % 2, magnitude, -magnitude)
        at = START + round((second + 1 if arrives is None else arrives) * SECOND)
        self.fold.feed([self.tapes.put(Message(PHONE, None, (Block(self.sensor, times, xyz),), at))])
        return self.fold.live_verdicts()


def test_two_seconds_are_enough_for_a_first_verdict() -> None:
    phone = Phone()

    (first,) = phone.send(0)
    (second,) = phone.send(1)

    assert (first.verdict.activity, first.verdict.coverage) == ("unknown", 0.0)
    assert (second.verdict.activity, second.verdict.coverage, second.verdict.sample_count) == ("walking", 1.0, 100)
    assert (second.window_start, second.window_end) == (START - 8 * SECOND, START + 2 * SECOND)


def test_the_span_is_the_size_before_the_newest_cell() -> None:
    phone = Phone()
    for second in range(20):
        (live,) = phone.send(second, magnitude=1.0 if second < 10 else 5.0)

    assert live.window_start == START + 10 * SECOND
    assert live.verdict.avg_magnitude == 5.0
    assert live.verdict.sample_count == 500


def test_at_most_one_a_second_of_arrival() -> None:
    phone = Phone()

    assert len(phone.send(0, arrives=1.0)) == 1
    assert phone.send(1, arrives=1.4) == []
    assert len(phone.send(2, arrives=2.1)) == 1


def test_jitter_of_a_message_a_second_costs_no_verdict() -> None:
    phone = Phone()

    said = [len(phone.send(second, arrives=second + 1 + late)) for second, late in enumerate((0, 0.4, -0.3, 0.1, -0.4))]

    assert said == [1, 1, 1, 1, 1]


def test_after_a_hole_longer_than_a_window_it_counts_anew() -> None:
    phone = Phone()
    for second in range(5):
        phone.send(second)

    (after,) = phone.send(60)
    (later,) = phone.send(61)

    assert after.verdict.activity == "unknown"
    assert (later.verdict.activity, later.verdict.sample_count) == ("walking", 100)


@pytest.mark.parametrize("sensor", ["totalacceleration", "accelerometeruncalibrated"])
def test_other_sources_speak_too(sensor: str) -> None:
    phone = Phone(sensor)
    phone.send(0)

    (live,) = phone.send(1)

    assert (live.verdict.activity, live.verdict.sample_count) == ("walking", 100)
