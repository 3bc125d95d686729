"""A person who carries a phone through a script: acceleration, gravity, rotation and attitude at any time.

One stride is a table made once; a sample is a look-up in it, and noise is looked up by the sample's number. So every
sample is a function of its time alone: the same whatever the batch it travels in, and cheap.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gaitway.core.message import Floats
from gaitway.ops.simulator.gait import GAITS, Form, Gain, Placement, stride_table
from gaitway.ops.simulator.script import Script

GRAVITY = 9.80665
RAMP_S = 0.7
NOISE_POINTS = 4096
GYRO_NOISE = 0.003
_TURN = np.linspace(0.0, 2.0 * np.pi, 1025)
_CIRCLE = np.stack([np.sin(_TURN), np.cos(_TURN)])
Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Motion:
    """What the phone goes through at n times, in its own axes with Android's signs; SI units.

    It turns about one axis by an angle whose tan(angle / 2) is `half`, so that turning costs no sine. What nobody asks
    for is not computed.
    """

    straight: Floats
    """(3, n): acceleration without gravity, before the phone's swing."""
    half: Floats
    turning: Floats
    """(n,): rad/s."""
    noise: Floats
    down: Floats
    axis: Floats
    base: Floats

    @cached_property
    def acceleration(self) -> Floats:
        """(3, n), without gravity."""
        return self._turned(self.straight)

    @cached_property
    def gravity(self) -> Floats:
        """(3, n), norm 9.80665: what a resting phone measures."""
        return self._turned(self.down[:, None])

    @cached_property
    def rotation(self) -> Floats:
        """(3, n), rad/s."""
        out: Floats = self.axis[:, None] * self.turning + GYRO_NOISE * self.noise[::-1]
        return out

    @cached_property
    def attitude(self) -> Floats:
        """(4, n): quaternion w, x, y, z."""
        root = np.sqrt(1.0 / (1.0 + self.half * self.half))
        return _product(np.stack([root, *(self.axis[:, None] * (self.half * root))]), self.base)

    @cached_property
    def _cos_sin(self) -> tuple[Floats, Floats]:
        scale = 1.0 / (1.0 + self.half * self.half)
        return (1.0 - self.half * self.half) * scale, 2.0 * self.half * scale

    def _turned(self, vectors: Floats) -> Floats:
        """Rodrigues' rotation."""
        cos, sin = self._cos_sin
        (a, b, c), (x, y, z) = self.axis.tolist(), vectors
        along = (a * x + b * y + c * z) * (1.0 - cos)
        crossed = np.stack([b * z - c * y, c * x - a * z, a * y - b * x])
        out: Floats = vectors * cos + crossed * sin + self.axis[:, None] * along
        return out


class Carried(NamedTuple):
    """How a phone is carried: its form decides what `real` gains are."""

    form: Form
    placement: Placement
    gain: Gain


@dataclass(frozen=True, slots=True)
class _Style:
    """One activity as this person does it with this phone."""

    stride_hz: float
    magnitude: float
    stride: Floats
    noise: float
    swing: float
    steps_hz: float
    speed: float


class Body:
    """Everything follows from the generator it is made with; nothing changes later."""

    def __init__(self, rng: np.random.Generator, script: Script, carried: Carried) -> None:
        self._script = script
        self._base = _random_quaternion(rng)
        axes = _matrix(self._base)
        self._gravity = axes @ np.array([0.0, 0.0, GRAVITY])
        place = min(rng.uniform(0.0, 0.65) + carried.placement.lift, 1.0)
        styles = {name: _style(rng, name, carried, place) for name in GAITS}
        self._styles = [styles[part.activity] for part in script.parts]
        self._strides = [axes @ style.stride for style in self._styles]
        axis = rng.normal(size=3)
        self._axis = axis / np.linalg.norm(axis)
        self._vary = _smooth(rng, knots=32, spread=0.06)
        self._drift = _smooth(rng, knots=16, spread=0.1)
        self._noise = rng.normal(size=(3, NOISE_POINTS))
        self._level = np.array([style.noise for style in self._styles])
        self._swing = np.array([style.swing for style in self._styles])
        self._stride_hz = np.array([style.stride_hz for style in self._styles])
        self._magnitude = np.array([style.magnitude for style in self._styles])
        self._before = np.concatenate([self._magnitude[:1], self._magnitude[:-1]])
        self._strode = _Track(script, self._stride_hz)
        self._stepped = _Track(script, np.array([style.steps_hz for style in self._styles]))
        self._moved = _Track(script, np.array([style.speed for style in self._styles]))

    def motion(self, seconds: Floats, index: Indices) -> Motion:
        """The motion at times since the start (s); `index` numbers the samples and picks their noise."""
        part, into, rounds = self._script.locate(seconds)
        phase = self._strode.at(part, into, rounds) + _look_up(self._drift, seconds / 40.0)
        vary = 1.0 + _look_up(self._vary, phase / 16.0)
        ramp = np.minimum(into / RAMP_S, 1.0)
        before = self._before[part]
        gain = (before + (self._magnitude[part] - before) * ramp) * vary
        noise = self._noise[:, index % NOISE_POINTS]
        sine, cosine = _look_up(_CIRCLE, phase)
        tilt = self._swing[part] * ramp * vary
        return Motion(
            straight=self._stride_at(part, phase) * gain + noise * self._level[part],
            half=0.5 * tilt * sine,
            turning=2.0 * np.pi * self._stride_hz[part] * tilt * cosine,
            noise=noise,
            down=self._gravity,
            axis=self._axis,
            base=self._base,
        )

    def steps(self, seconds: Floats) -> Floats:
        """Whole steps taken since the start."""
        return np.floor(self._stepped.at(*self._script.locate(seconds)))

    def metres(self, seconds: Floats) -> Floats:
        """Way gone since the start."""
        return self._moved.at(*self._script.locate(seconds))

    def speed(self, seconds: Floats) -> Floats:
        """Over ground, m/s."""
        out: Floats = self._moved.rates[self._script.locate(seconds)[0]]
        return out

    def _stride_at(self, part: NDArray[np.intp], phase: Floats) -> Floats:
        if (part == part[0]).all():
            return _look_up(self._strides[part[0]], phase)
        out = np.empty((3, len(phase)))
        for number in set(part.tolist()):
            here = part == number
            out[:, here] = _look_up(self._strides[number], phase[here])
        return out


class _Track:
    """A quantity that grows at a rate given per part, in closed form: no state to carry from batch to batch."""

    def __init__(self, script: Script, rates: Floats) -> None:
        grown = rates * np.array([part.seconds for part in script.parts])
        self.rates = rates
        self._before = np.concatenate([[0.0], np.cumsum(grown)[:-1]])
        self._round = float(grown.sum())

    def at(self, part: NDArray[np.intp], into: Floats, rounds: Floats) -> Floats:
        """Its value where `Script.locate` found the times."""
        out: Floats = rounds * self._round + self._before[part] + self.rates[part] * into
        return out


def _style(rng: np.random.Generator, name: str, carried: Carried, place: float) -> _Style:
    gait, placement = GAITS[name], carried.placement
    low, high = gait.vigorous if carried.gain == "vigorous" else gait.real[carried.form]
    step_hz = rng.uniform(*gait.step_hz)
    return _Style(
        stride_hz=step_hz / 2.0,
        magnitude=low + (high - low) * place,
        stride=stride_table(rng, gait, placement.strike),
        noise=gait.noise,
        swing=gait.swing * placement.swing,
        steps_hz=step_hz if gait.steps else 0.0,
        speed=gait.speed,
    )


def _look_up(table: Floats, phase: Floats) -> Floats:
    """Read a periodic table (last column = first) at phases in turns, linearly between its points."""
    points = table.shape[-1] - 1
    place = (phase - np.floor(phase)) * points
    index = np.minimum(place.astype(np.intp), points - 1)
    low = table[..., index]
    out: Floats = low + (table[..., index + 1] - low) * (place - index)
    return out


def _smooth(rng: np.random.Generator, knots: int, spread: float) -> Floats:
    """A periodic table of smooth random variation around 0."""
    values = rng.normal(0.0, spread, knots).clip(-2 * spread, 2 * spread)
    values -= values.mean()
    return np.concatenate([values, values[:1]])


def _random_quaternion(rng: np.random.Generator) -> Floats:
    quaternion = rng.normal(size=4)
    out: Floats = quaternion / np.linalg.norm(quaternion)
    return out


def _matrix(quaternion: Floats) -> Floats:
    w, x, y, z = quaternion.tolist()
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )


def _product(left: Floats, right: Floats) -> Floats:
    """Hamilton product of (4, n) quaternions and one."""
    (a, b, c, d), (w, x, y, z) = left, right.tolist()
    return np.stack(
        [
            a * w - b * x - c * y - d * z,
            a * x + b * w + c * z - d * y,
            a * y - b * z + c * w + d * x,
            a * z + b * y - c * x + d * w,
        ]
    )
