"""Judging one reading by itself: what can be read of it, or why it is set aside."""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple, TypeGuard

from gaitway.core.message import ACCELERATION, TimeUnit
from gaitway.ingest.dialect.canonical import canonical, number
from gaitway.ingest.dialect.decoded import ABSURD, CAMERA, NO_ACCURACY, DecodeSettings
from gaitway.ingest.dialect.times import read_time

_KNOWN = frozenset(("name", "time", "values", "accuracy"))
_AXES = ("x", "y", "z")
_LONGEST_NAME = 128
#: Longer texts of a camera reading are taken for an image, whatever their key.
_LONGEST_TEXT = 1024

Axes = tuple[float, float, float]


class Fault(Exception):
    """Why a reading is set aside: a word, and the path of the field inside the reading."""

    def __init__(self, reason: str, where: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.where = where


class Sample(NamedTuple):
    """One good reading, in the terms of `Block`."""

    sensor: str
    time: int
    unit: TimeUnit
    xyz: Axes | None
    accuracy: int
    values: str | None
    rest: str | None


def is_name(value: object) -> TypeGuard[str]:
    """Whether a sensor's name is usable: a text of 1 to 128 characters."""
    return isinstance(value, str) and 0 < len(value) <= _LONGEST_NAME


def judge(reading: Any, settings: DecodeSettings) -> Sample:
    """Read one reading of the app's form. Raises Fault where it must be set aside; lateness is not judged here.

    >>> judge({"name": "light", "time": 1751729987437, "values": {"lux": 7}}, DecodeSettings()).values
    '{"lux":7}'
    """
    if not isinstance(reading, dict):
        raise Fault("reading")
    name = reading.get("name")
    if not is_name(name):
        raise Fault("name", ".name")
    time = read_time(reading.get("time"))
    if time is None:
        raise Fault("no_time", ".time")
    rest = {key: value for key, value in reading.items() if key not in _KNOWN}
    if "values" in reading:
        values, path = _as_object(name, reading["values"]), ".values."
    else:  # the flat form: its values stand beside name and time
        values, path, rest = rest, ".", {}
    if name == CAMERA and not settings.keep_images:
        values = _without_image(values)
    xyz = _acceleration(values, path) if name in ACCELERATION else _axes(values)
    if xyz is not None:
        values = {key: value for key, value in values.items() if key not in _AXES}
    accuracy = _read_accuracy(reading.get("accuracy"))
    if accuracy is None:
        rest["accuracy"] = reading["accuracy"]
        accuracy = NO_ACCURACY
    return Sample(name, time.ns, time.unit, xyz, accuracy, _text(values), _text(rest))


def _as_object(name: str, values: Any) -> dict[str, Any]:
    if isinstance(values, dict):
        return values
    if name in ACCELERATION:
        raise Fault("values", ".values")
    return {"value": values}


def _acceleration(values: Mapping[str, Any], path: str) -> Axes:
    x, y, z = (_component(values, axis, path) for axis in _AXES)
    if x * x + y * y + z * z > ABSURD * ABSURD:
        raise Fault("absurd", path.rstrip("."))
    return x, y, z


def _component(values: Mapping[str, Any], axis: str, path: str) -> float:
    value = values.get(axis)
    if value is None:
        raise Fault("null" if axis in values else "missing", path + axis)
    component = number(value)
    if component is None:
        raise Fault("not_number", path + axis)
    if not math.isfinite(component):
        raise Fault("not_finite", path + axis)
    if abs(component) > ABSURD:
        raise Fault("absurd", path + axis)
    return component


def _axes(values: Mapping[str, Any]) -> Axes | None:
    """x, y, z of a sensor that need not have them; None unless all three are finite numbers."""
    x, y, z = (number(values.get(axis)) for axis in _AXES)
    if x is None or y is None or z is None or not (math.isfinite(x) and math.isfinite(y) and math.isfinite(z)):
        return None
    return x, y, z


def _read_accuracy(value: object) -> int | None:
    """0..127, NO_ACCURACY where there is none; None for what is neither and has to be kept as it is."""
    if value is None:
        return NO_ACCURACY
    read = number(value)
    return int(read) if read is not None and read in range(128) else None


def _without_image(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: value
        for key, value in values.items()
        if key != "image" and not (isinstance(value, str) and len(value) > _LONGEST_TEXT)
    }


def _text(values: dict[str, Any]) -> str | None:
    return canonical(values) if values else None
