"""The sensors a simulated phone can record: one function each, and one line each in SENSORS.

To add one: write a function from a Scene to columns of JSON pieces, in the order of its keys.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

import numpy as np

from gaitway.core.message import Floats
from gaitway.ops.simulator.body import GRAVITY, Body, Indices, Motion
from gaitway.ops.simulator.gait import Form
from gaitway.ops.simulator.script import Script
from gaitway.ops.simulator.wire import Pieces, numbers, texts, whole

#: `fused` sensors share the times of the phone's motion chip; `raw` ones run beside it at the same rate.
GridName = Literal["fused", "raw", "second", "ten_seconds"]
_EARTH_M_PER_DEGREE = 111_320.0
#: A former airfield that is a public park: nobody's home.
_PLACE = (52.4730, 13.4030)


@dataclass(frozen=True)
class Scene:
    """What is known at the times of one block: when, and how the body moves then."""

    form: Form
    body: Body
    script: Script
    seconds: Floats
    index: Indices
    magnetic: Floats
    drain: float
    """Share of the battery used in a second."""

    @cached_property
    def motion(self) -> Motion:
        """Computed once for all sensors that share a grid."""
        return self.body.motion(self.seconds, self.index)

    @property
    def sign(self) -> float:
        """iOS gives forces with the opposite sign."""
        return -1.0 if self.form == "iphone" else 1.0


class Sensor(NamedTuple):
    """One sensor of the app."""

    name: str
    keys: tuple[str, ...]
    grid: GridName
    columns: Callable[[Scene], Sequence[Pieces]]
    forms: tuple[Form, ...] = ("iphone", "android")


def _zyx(values: Floats) -> list[list[bytes]]:
    return [numbers(values[2]), numbers(values[1]), numbers(values[0])]


def _single(values: Floats) -> Floats:
    return values.astype(np.float32).astype(np.float64)


def in_g_units(values: Floats) -> Floats:
    """What an iPhone sends for m/s2: float32 of the value in g, times 9.80665 in double."""
    return _single(values / GRAVITY) * GRAVITY


def _force(scene: Scene, values: Floats) -> list[list[bytes]]:
    signed = values * scene.sign
    return _zyx(in_g_units(signed) if scene.form == "iphone" else _single(signed))


def _accelerometer(scene: Scene) -> Sequence[Pieces]:
    return _force(scene, scene.motion.acceleration)


def _gravity(scene: Scene) -> Sequence[Pieces]:
    return _force(scene, scene.motion.gravity)


def _total(scene: Scene) -> Sequence[Pieces]:
    return _force(scene, scene.motion.acceleration + scene.motion.gravity)


def _uncalibrated(scene: Scene) -> Sequence[Pieces]:
    total = (scene.motion.acceleration + scene.motion.gravity) * scene.sign
    return _zyx(_single(total / GRAVITY if scene.form == "iphone" else total))


def _gyroscope(scene: Scene) -> Sequence[Pieces]:
    return _zyx(_single(scene.motion.rotation))


def _magnetometer(scene: Scene) -> Sequence[Pieces]:
    return _zyx(_single(scene.magnetic[:, None] + 0.02 * scene.motion.gravity))


def _orientation(scene: Scene) -> Sequence[Pieces]:
    w, x, y, z = scene.motion.attitude
    yaw = np.arctan2(2 * (w * z + x * y), 1 - 2 * (y * y + z * z))
    pitch = np.arctan2(2 * (w * x + y * z), 1 - 2 * (x * x + y * y))
    roll = np.arcsin(np.clip(2 * (w * y - z * x), -1.0, 1.0))
    return [numbers(column) for column in (yaw, z, y, x, w, roll, pitch)]


def _location(scene: Scene) -> Sequence[Pieces]:
    angle = scene.body.metres(scene.seconds) / 300.0
    latitude = _PLACE[0] + 300.0 / _EARTH_M_PER_DEGREE * np.cos(angle)
    longitude = _PLACE[1] + 490.0 / _EARTH_M_PER_DEGREE * np.sin(angle)
    speed = scene.body.speed(scene.seconds)
    # As the app has it: -1 means that a resting phone knows no bearing.
    bearing = np.where(speed > 0, np.degrees(angle + np.pi / 2) % 360.0, -1.0)
    accuracy = np.full_like(speed, 4.8)
    columns = (accuracy, np.full_like(speed, 0.5), accuracy, speed, bearing, np.full_like(speed, 48.2))
    return [numbers(column) for column in (*columns, longitude, latitude)]


def _barometer(scene: Scene) -> Sequence[Pieces]:
    height = 0.3 * np.sin(scene.seconds / 47.0)
    return [numbers(_single(height)), numbers(_single(1009.6 - 0.12 * height))]


def _pedometer(scene: Scene) -> Sequence[Pieces]:
    return [whole(scene.body.steps(scene.seconds).astype(np.int64))]


def _battery(scene: Scene) -> Sequence[Pieces]:
    level = np.clip(0.9 - scene.drain * scene.seconds, 0.01, 1.0).round(2)
    count = len(level)
    return [[b'"unplugged"'] * count, numbers(level), [b"false"] * count]


_PHONE_SAYS = {"sprinting": "running", "vehicle": "automotive"}


def _activity(scene: Scene) -> Sequence[Pieces]:
    done = [str(name) for name in scene.script.activity_at(scene.seconds)]
    return [[b'"high"'] * len(done), texts([_PHONE_SAYS.get(name, name) for name in done])]


_ZYX = ("z", "y", "x")
SENSORS: tuple[Sensor, ...] = (
    Sensor("accelerometer", _ZYX, "fused", _accelerometer),
    Sensor("gravity", _ZYX, "fused", _gravity),
    Sensor("gyroscope", _ZYX, "fused", _gyroscope),
    Sensor("orientation", ("yaw", "qz", "qy", "qx", "qw", "roll", "pitch"), "fused", _orientation),
    Sensor("totalacceleration", _ZYX, "fused", _total, ("android",)),
    Sensor("accelerometeruncalibrated", _ZYX, "raw", _uncalibrated),
    Sensor("magnetometer", _ZYX, "raw", _magnetometer),
    Sensor(
        "location",
        (
            "bearingAccuracy",
            "speedAccuracy",
            "horizontalAccuracy",
            "speed",
            "bearing",
            "altitude",
            "longitude",
            "latitude",
        ),
        "second",
        _location,
    ),
    Sensor("barometer", ("relativeAltitude", "pressure"), "second", _barometer),
    Sensor("pedometer", ("steps",), "second", _pedometer),
    Sensor("battery", ("batteryState", "batteryLevel", "lowPowerMode"), "ten_seconds", _battery),
    Sensor("activity", ("confidence", "activity"), "ten_seconds", _activity),
)
BY_NAME = {sensor.name: sensor for sensor in SENSORS}
