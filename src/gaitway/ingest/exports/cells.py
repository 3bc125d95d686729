"""From the texts of an export to the JSON of a push: numbers keep their digits, so float64 gets the same bits."""

import json
import re
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from gaitway.ingest.dialect.times import read_time

_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_WORDS: Final = {"": "null", "null": "null", "true": "true", "false": "false"}
#: Columns that hold text, also where it happens to look like a number ("5701e2" is hexadecimal).
_TEXTS: Final = frozenset(
    (
        "text",
        "id",
        "name",
        "localName",
        "manufacturer",
        "model",
        "activity",
        "value",
        "manufacturerData",
        "serviceData",
        "serviceUUIDs",
        "advertisement",
        "ssid",
        "bssid",
        "ipAddress",
        "carrier",
    )
)
#: Columns that are not among the values of a push.
_OUTSIDE: Final = frozenset(("time", "seconds_elapsed", "sensor", "accuracy"))
#: Sensors whose name in a push is not that of their file in lower case.
_NAMES: Final = {"WristMotion": "wrist motion"}


class Row(NamedTuple):
    """One reading of an export: its time in ns, and itself as the JSON of a push."""

    time: int
    json: str


def sensor_name(exported: str) -> str:
    """The name under which the app pushes the sensor of an exported file.

    >>> [sensor_name(name) for name in ("Accelerometer", "TotalAcceleration", "WristMotion")]
    ['accelerometer', 'totalacceleration', 'wrist motion']
    """
    return _NAMES.get(exported, exported.lower())


class Layout:
    """How the columns of one table become readings of one sensor."""

    def __init__(self, sensor: str, columns: Iterable[str]) -> None:
        names = [column.strip() for column in columns]
        self.width = len(names)
        self._time = names.index("time") if "time" in names else None
        self._accuracy = names.index("accuracy") if "accuracy" in names else None
        self._values = [
            (index, json.dumps(name, ensure_ascii=False) + ":", name in _TEXTS)
            for index, name in enumerate(names)
            if name and name not in _OUTSIDE
        ]
        self._head = f'{{"name":{json.dumps(sensor, ensure_ascii=False)},"values":{{'

    @property
    def has_time(self) -> bool:
        """Whether there is a column `time`."""
        return self._time is not None

    def row(self, cells: Sequence[str]) -> Row | None:
        """The reading of a row as wide as the header; None where its time is unusable.

        >>> Layout("light", ["time", "seconds_elapsed", "lux"]).row(["1772619469786165500", "0.1", "1e-3"])
        Row(time=1772619469786165500, json='{"name":"light","values":{"lux":1e-3},"time":1772619469786165500}')
        """
        if self._time is None:
            return None
        time = read_time(_integer(cells[self._time]))
        if time is None:
            return None
        values = ",".join([key + _value(cells[index], as_text) for index, key, as_text in self._values])
        accuracy = ""
        if self._accuracy is not None and cells[self._accuracy]:
            accuracy = f'"accuracy":{_value(cells[self._accuracy], as_text=False)},'
        return Row(time.ns, f'{self._head}{values}}},{accuracy}"time":{time.ns}}}')


def _integer(text: str) -> int | str:
    # 19 digits at most: longer ones are no time, and none is converted digit by digit for nothing.
    return int(text) if len(text) <= 19 and text.isascii() and text.isdigit() else text


def _value(text: str, as_text: bool) -> str:
    if not as_text and _NUMBER.fullmatch(text):
        return text
    word = _WORDS.get(text)
    return word if word is not None else json.dumps(text, ensure_ascii=False)
