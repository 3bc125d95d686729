"""The simplified form of other clients: `sensorReadings`, `timestamp` in ms, values as an array.

{"messageId": "...", "sessionId": "...", "deviceId": "...",
 "sensorReadings": [{"name": "accelerometer", "timestamp": 1678886400000, "values": [0.1, 0.2, 9.8]}]}
"""

from typing import Any

from gaitway.core.message import CORE_SENSORS
from gaitway.ingest.dialect.lenient import Dialect

#: Sensors whose array of three is x, y, z. The arrays of others are kept as they are.
_OF_AXES = frozenset((*CORE_SENSORS, "gyroscope", "gyroscopeuncalibrated", "magnetometer", "magnetometeruncalibrated"))


def as_pushed(reading: Any) -> Any:
    """A reading of the simplified form as the app would push it.

    >>> as_pushed({"name": "gravity", "timestamp": 1678886400000, "values": [0, 0, 9.8]})
    {'name': 'gravity', 'values': {'x': 0, 'y': 0, 'z': 9.8}, 'time': 1678886400000}
    """
    if not isinstance(reading, dict):
        return reading
    pushed = dict(reading)
    if "time" not in pushed and "timestamp" in pushed:
        pushed["time"] = pushed.pop("timestamp")
    values, name = pushed.get("values"), pushed.get("name")
    if isinstance(values, list) and len(values) == 3 and isinstance(name, str) and name in _OF_AXES:
        pushed["values"] = dict(zip("xyz", values, strict=True))
    return pushed


SIMPLIFIED = Dialect("simplified", "sensorReadings", "timestamp", as_pushed)
