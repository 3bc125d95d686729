"""The envelope of a message: whose it is, its number, and what else it says."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from gaitway.core.message import MessageId, Stream
from gaitway.errors import BodyError
from gaitway.ingest.dialect.canonical import canonical

_ID = re.compile(r"[A-Za-z0-9._:@-]{1,128}")
_KNOWN = frozenset(("messageId", "sessionId", "deviceId"))
_WIDEST = 1 << 63


class Envelope(NamedTuple):
    """What a message says of itself."""

    stream: Stream
    message_id: MessageId
    rest: str | None


def is_id(value: object) -> bool:
    """Whether a device or session id is usable.

    >>> is_id("f08abd14-4a86"), is_id("my phone"), is_id(""), is_id(7)
    (True, False, False, False)
    """
    return isinstance(value, str) and _ID.fullmatch(value) is not None


def read_message_id(value: object) -> MessageId:
    """Integers of 64 bits and texts as they are, none as None, anything else as the text of it.

    >>> read_message_id(27), read_message_id("a"), read_message_id(None), read_message_id(True), read_message_id(2**70)
    (27, 'a', None, 'true', '1180591620717411303424')
    """
    if value is None or isinstance(value, str):
        return value
    if type(value) is int and -_WIDEST <= value < _WIDEST:
        return value
    return canonical(value)


def read_envelope(fields: Mapping[str, Any], array: str) -> Envelope:
    """Read the envelope's fields; `array` names the one with the readings. Raises BodyError without usable ids."""
    for key in ("deviceId", "sessionId"):
        if not is_id(fields.get(key)):
            problem = "is missing" if key not in fields else "is not a usable id"
            hint = "An id is a text of 1 to 128 letters, digits and . _ : @ -"
            raise BodyError(f"{key} {problem}", where=key, hint=hint, reason="ids")
    unknown = {key: value for key, value in fields.items() if key not in _KNOWN and key != array}
    return Envelope(
        Stream(fields["deviceId"], fields["sessionId"]),
        read_message_id(fields.get("messageId")),
        canonical(unknown) if unknown else None,
    )
