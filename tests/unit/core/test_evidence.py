"""Which source speaks for a window, and how what includes gravity is freed of it."""

import numpy as np
import pytest

from gaitway.core.batch import activities
from gaitway.core.evidence import STANDARD_GRAVITY, choose, evidence
from gaitway.core.grid import SECOND, Grid
from gaitway.core.magnitude import SCALE
from gaitway.core.message import Block, Message, Stream, Times
from gaitway.core.recognizers import Thresholds
from gaitway.core.samples import Samples

PHONE = Stream("phone", "walk")
TIMES: Times = np.arange(0, 10 * SECOND, SECOND // 10, dtype=np.int64)
RULE = Thresholds(Grid(10 * SECOND, 10 * SECOND))


def samples(x: float, y: float = 0.0, z: float = 0.0, times: Times | None = None) -> Samples:
    at = TIMES if times is None else times
    return Samples(at, np.repeat([[x], [y], [z]], len(at), axis=1))


@pytest.mark.parametrize(
    ("coverages", "chosen"),
    [
        ((0.5, 1.0, 1.0), 0),
        ((0.49, 0.5, 1.0), 1),
        ((0.49, 0.2, 0.5), 2),
        ((0.2, 0.4, 0.3), 1),
        ((0.4, 0.4, 0.4), 0),
        ((0.0, 0.3, 0.3), 1),
    ],
)
def test_the_first_source_with_half_the_cells_else_the_fullest(
    coverages: tuple[float, float, float], chosen: int
) -> None:
    assert choose(coverages) == chosen


def test_the_accelerometer_is_taken_as_it_is() -> None:
    seen = evidence({"accelerometer": samples(3, 4), "gravity": samples(0, 0, 9.8)}, 0, 10 * SECOND)

    assert seen is not None
    assert (seen.n, seen.mean, seen.coverage) == (100, 5.0, 1.0)


def test_gravity_of_the_same_times_is_taken_off() -> None:
    sources = {"totalacceleration": samples(3, 4, 9.75), "gravity": samples(0, 0, 9.75)}

    seen = evidence(sources, 0, 10 * SECOND)

    assert seen is not None
    assert seen.mean == 5.0


def test_with_a_gravity_sample_missing_the_mean_is_taken_off() -> None:
    sources = {"totalacceleration": samples(0, 0, 9.75), "gravity": samples(0, 0, 1, TIMES[:-1])}

    seen = evidence(sources, 0, 10 * SECOND)

    assert seen is not None
    assert seen.mean == 0.0


def test_uncalibrated_acceleration_in_g_is_brought_to_metres() -> None:
    in_g = Samples(TIMES, np.array([np.zeros(100), np.zeros(100), np.tile([0.5, 1.5], 50)]))

    seen = evidence({"accelerometeruncalibrated": in_g}, 0, 10 * SECOND)

    assert seen is not None
    assert seen.mean == pytest.approx(0.5 * STANDARD_GRAVITY, abs=1 / SCALE)


def test_a_window_without_acceleration_is_no_window() -> None:
    assert evidence({"gravity": samples(0, 0, 9.8)}, 0, 10 * SECOND) is None


def test_under_half_the_cells_is_unknown_with_its_figures_as_they_are() -> None:
    block = Block("accelerometer", TIMES[:49], np.full((3, 49), 1.0))

    (verdict,) = activities([Message(PHONE, 1, (block,), 0)], RULE).values()

    assert (verdict.activity, verdict.confidence, verdict.sample_count, verdict.coverage) == ("unknown", 0.0, 49, 0.49)
    assert verdict.avg_magnitude == pytest.approx(3**0.5, abs=1 / SCALE)


@pytest.mark.parametrize(
    ("magnitude", "activity", "confidence"),
    [
        (0.0, "stationary", 0.95),
        (1.5, "stationary", 0.725),
        (2.0, "walking", 0.5),
        (5.0, "walking", 0.95),
        (8.0, "running", 0.5),
        (14.0, "running", 0.95),
        (20.0, "sprinting", 0.5),
        (25.0, "sprinting", 0.725),
        (90.0, "sprinting", 0.95),
    ],
)
def test_the_published_rule(magnitude: float, activity: str, confidence: float) -> None:
    block = Block("accelerometer", TIMES, samples(magnitude).xyz)

    (verdict,) = activities([Message(PHONE, 1, (block,), 0)], RULE).values()

    assert verdict.activity == activity
    assert verdict.confidence == pytest.approx(confidence)


def test_a_changed_setting_makes_another_name() -> None:
    other = Thresholds(RULE.grid, (1.0, 8.0, 20.0))

    assert other.name != RULE.name
    assert Thresholds.from_settings(other.settings) == other
