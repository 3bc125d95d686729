"""The app's dialect as bytes: keys in the order of real captures, numbers as JavaScript writes them, no spaces."""

from collections.abc import Sequence
from itertools import repeat
from typing import NamedTuple

import msgspec
import numpy as np

from gaitway.core.message import Floats, Times

Pieces = Sequence[bytes]
_encode = msgspec.json.Encoder().encode


class Block(NamedTuple):
    """Readings of one sensor, ready to be written: per value its pieces of JSON text."""

    template: "Template"
    times: Times
    """As the app writes them, rising."""
    columns: Sequence[Pieces]


class Template:
    """What is the same in every reading of a sensor.

    >>> row = Template("accelerometer", ("z", "y", "x"), accuracy=3)
    >>> row.write([[b"1"], [b"2"], [b"3"]], [b"9"])
    [b'{"name":"accelerometer","values":{"z":1,"y":2,"x":3},"accuracy":3,"time":9}']
    """

    def __init__(self, sensor: str, keys: Sequence[str], accuracy: int | None) -> None:
        self.sensor = sensor
        self.keys = tuple(keys)
        heads = [f'"{key}":'.encode() for key in keys]
        start = b'{"name":"%b","values":{' % sensor.encode()
        self._before = [start + heads[0], *(b"," + head for head in heads[1:])]
        self._last = b'},"time":' if accuracy is None else b'},"accuracy":%d,"time":' % accuracy

    def write(self, columns: Sequence[Pieces], times: Pieces) -> list[bytes]:
        """One piece of JSON per reading."""
        parts: list[object] = []
        for before, column in zip(self._before, columns, strict=True):
            parts += [repeat(before), column]
        return list(map(b"".join, zip(*parts, repeat(self._last), times, repeat(b"}"), strict=False)))  # type: ignore[call-overload]


def numbers(values: Floats) -> list[bytes]:
    """Each number as JavaScript writes it: the shortest decimal that reads back, whole numbers without a point.

    >>> numbers(np.array([0.1, -2.0, -0.0, 1013.25]))
    [b'0.1', b'-2', b'0', b'1013.25']
    """
    text: bytes = _encode((values + 0.0).tolist())
    return (text[1:-1] + b",").replace(b".0,", b",").split(b",")[:-1]


def whole(values: Times) -> list[bytes]:
    """Each integer as text.

    >>> whole(np.array([5, 1772619244507756500]))
    [b'5', b'1772619244507756500']
    """
    return _encode(values.tolist())[1:-1].split(b",") if len(values) else []


def texts(values: Sequence[object]) -> list[bytes]:
    """Each value as JSON by itself.

    >>> texts(["walking", True])
    [b'"walking"', b'true']
    """
    return [_encode(value) for value in values]


def payload(blocks: Sequence[Block]) -> list[bytes]:
    """All readings in the order of their times, as the app gathers them."""
    filled = [block for block in blocks if len(block.times)]
    rows = [row for block in filled for row in block.template.write(block.columns, whole(block.times))]
    if len(filled) < 2:
        return rows
    order = np.argsort(np.concatenate([block.times for block in filled]), kind="stable")
    return [rows[place] for place in order.tolist()]


def envelope(message_id: int, session_id: str, device_id: str, readings: Sequence[bytes]) -> bytes:
    """One message.

    >>> envelope(0, "s", "d", [b'{"name":"test"}'])
    b'{"messageId":0,"sessionId":"s","deviceId":"d","payload":[{"name":"test"}]}'
    """
    head = b'{"messageId":%d,"sessionId":"%b","deviceId":"%b","payload":['
    return head % (message_id, session_id.encode(), device_id.encode()) + b",".join(readings) + b"]}"
