"""How people move: the figures of each activity, where phones are carried, and one stride as a table.

The ranges were set by what recordings of 49 people show: means, spread and spectrum of |a|.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from gaitway.core.message import Floats

Gain = Literal["vigorous", "real"]
Form = Literal["iphone", "android"]
STRIDE_POINTS = 2048


@dataclass(frozen=True, slots=True)
class Gait:
    """One activity. Ranges are (low, high): each person has a place of their own in them."""

    step_hz: tuple[float, float]
    harmonics: tuple[float, ...]
    """Amplitude of the 1st, 2nd ... harmonic of the stride (the 2nd is the step)."""
    strike: float
    """Amplitude of the heel strike beside the harmonics."""
    noise: float
    """Of the sensor and, in vehicles, the road; m/s2."""
    swing: float
    """Amplitude of the phone's rotation, rad."""
    speed: float
    """Over ground, m/s."""
    vigorous: tuple[float, float]
    """Mean |a| for which the published rule gives this activity's verdict, m/s2."""
    real: dict[Form, tuple[float, float]]
    """Mean |a| as real recordings have it (5 to 95 %), m/s2."""
    steps: bool = True


_WALK = (0.53, 0.57, 0.27, 0.27, 0.19, 0.19, 0.18, 0.17, 0.06, 0.05, 0.05, 0.04)
_RUN = (0.30, 0.80, 0.25, 0.40, 0.15, 0.22, 0.10, 0.12, 0.06, 0.06)
_SWAY = (0.5, 0.4, 0.3, 0.2)
_ROAD = (0.2, 0.3, 0.4, 0.5, 0.4, 0.3, 0.3, 0.2, 0.2, 0.2)
_STILL: dict[Form, tuple[float, float]] = {"iphone": (0.03, 0.25), "android": (0.02, 0.28)}

GAITS: dict[str, Gait] = {
    "stationary": Gait((0.3, 0.6), _SWAY, 0.0, 0.012, 0.004, 0.0, (0.03, 0.26), _STILL, steps=False),
    "walking": Gait(
        (1.65, 2.05), _WALK, 1.1, 0.03, 0.2, 1.4, (2.6, 4.8), {"iphone": (0.85, 2.3), "android": (0.6, 4.3)}
    ),
    "running": Gait(
        (2.5, 2.95), _RUN, 1.3, 0.1, 0.45, 3.1, (9.5, 14.5), {"iphone": (7.5, 14.0), "android": (7.5, 15.5)}
    ),
    "sprinting": Gait(
        (3.4, 4.2), _RUN, 1.4, 0.2, 0.6, 6.8, (22.5, 28.0), {"iphone": (20.0, 26.0), "android": (20.0, 26.0)}
    ),
    "vehicle": Gait(
        (0.8, 1.2), _ROAD, 0.0, 0.25, 0.01, 14.0, (0.6, 1.4), {"iphone": (0.5, 1.4), "android": (0.5, 1.6)}, steps=False
    ),
}


@dataclass(frozen=True, slots=True)
class Placement:
    """Where the phone is carried."""

    lift: float
    """How much of the range of gains it adds: a trouser pocket moves more than a bag."""
    strike: float
    """What is left of a heel strike there."""
    swing: float


PLACEMENTS: dict[str, Placement] = {
    "pocket": Placement(lift=0.35, strike=1.0, swing=1.2),
    "hand": Placement(lift=0.2, strike=0.5, swing=0.7),
    "bag": Placement(lift=0.05, strike=0.3, swing=0.4),
}


def stride_table(rng: np.random.Generator, gait: Gait, strike: float) -> Floats:
    """One stride of a person as (3, STRIDE_POINTS + 1): sideways, forward, up; its mean norm is 1.

    Odd harmonics (left against right) go sideways, even ones (the step) up and forward; a heel strike is a short
    damped swing at each step. No two people get the same weights and phases.
    """
    phase = np.linspace(0.0, 1.0, STRIDE_POINTS + 1)
    table = np.zeros((3, STRIDE_POINTS + 1))
    for number, amplitude in enumerate(gait.harmonics, start=1):
        weights = np.array([0.9, 0.5, 0.4]) if number % 2 else np.array([0.25, 0.6, 0.9])
        weights = weights * rng.uniform(0.7, 1.3, 3)
        shifts = rng.uniform(0.0, 0.6, 3)
        table += amplitude * weights[:, None] * np.sin(2 * np.pi * (number * phase + shifts[:, None]))
    if gait.strike:
        table += gait.strike * strike * _heel_strikes(rng, phase)
    scaled: Floats = table / np.linalg.norm(table, axis=0)[:-1].mean()
    return scaled


def _heel_strikes(rng: np.random.Generator, phase: Floats) -> Floats:
    ringing, damping = rng.uniform(14.0, 20.0), rng.uniform(18.0, 26.0)
    right = rng.uniform(0.8, 1.2)
    strikes = np.zeros_like(phase)
    for start, size in ((0.0, 1.0), (0.5, right)):
        since = (phase - start) % 1.0
        strikes += size * np.exp(-damping * since) * np.sin(2 * np.pi * ringing * since)
    return np.array([0.15, -0.5, 1.5])[:, None] * strikes
