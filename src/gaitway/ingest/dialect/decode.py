"""The door to the dialects: which there are, and which one a body is in."""

from typing import Any

from gaitway.core.message import Transport
from gaitway.errors import BodyError
from gaitway.ingest.dialect.canonical import parse, too_deep
from gaitway.ingest.dialect.decoded import Arrival, Decoded, DecodeSettings
from gaitway.ingest.dialect.lenient import Dialect
from gaitway.ingest.dialect.push import PUSH
from gaitway.ingest.dialect.simplified import SIMPLIFIED

#: Every dialect, in the order in which they are tried. A new one is a module and a line here.
DIALECTS: tuple[Dialect, ...] = (PUSH, SIMPLIFIED)

_DEFAULTS = DecodeSettings()


def decode(
    body: bytes, received_at: int, settings: DecodeSettings = _DEFAULTS, transport: Transport = "http"
) -> Decoded:
    """What a body, already inflated, holds. A pure function of its arguments; `received_at` in ns.

    Raises BodyError, and nothing else, where the body is not JSON, has no usable ids or no array of readings.

    >>> body = b'{"deviceId": "phone", "sessionId": "walk", "payload": [{"name": "light", "time": 1e9, "values": {}}]}'
    >>> decode(body, 1_000_000_000_000_000_000).message.blocks[0].sensor
    'light'
    """
    arrival = Arrival(received_at, transport, settings)
    try:
        for dialect in DIALECTS:
            decoded = dialect.read_quickly(body, arrival)
            if decoded is not None:
                return decoded
        return _read(parse(body), arrival)
    except RecursionError as error:
        raise too_deep() from error


def _read(value: Any, arrival: Arrival) -> Decoded:
    if not isinstance(value, dict):
        hint = "A message is an object with messageId, sessionId, deviceId and payload."
        raise BodyError("The body is JSON, but no object", hint=hint, reason="ids")
    for dialect in DIALECTS:
        if dialect.array in value:
            return dialect.read(value, arrival)
    return DIALECTS[0].read(value, arrival)
