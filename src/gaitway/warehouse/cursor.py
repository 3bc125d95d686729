"""Cursors: where a page ended, as an opaque text; rows that are equal in time are told apart too."""

import base64
import binascii
import json
from collections.abc import Sequence

from gaitway.core.message import Stream
from gaitway.errors import RefusedError

Part = str | int | float
Key = tuple[Part, ...]
"""What a page's rows are ordered by: device_id, session_id, a time, and what tells rows of one time apart."""


def write_cursor(key: Key) -> str:
    """The text for the key of a page's last row.

    >>> read_cursor(write_cursor(("phone", "walk", 17, 0.5)), (str, str, int, float))
    ('phone', 'walk', 17, 0.5)
    """
    return base64.urlsafe_b64encode(json.dumps(key, separators=(",", ":")).encode()).decode().rstrip("=")


def read_cursor(cursor: str, types: Sequence[type]) -> Key:
    """The key a cursor stands for. Raises RefusedError where it was given by nobody, or for another kind of rows."""
    try:
        key = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, binascii.Error):
        raise _unknown(cursor) from None
    if not isinstance(key, list) or [type(part) for part in key] != list(types):
        raise _unknown(cursor)
    return tuple(key)


def stream_of(key: Key) -> Stream:
    """The stream of a key."""
    return Stream(str(key[0]), str(key[1]))


def _unknown(cursor: str) -> RefusedError:
    hint = "Use the `next` of an earlier answer to the same question, or leave it out."
    return RefusedError(f"{cursor[:60]!r} is not a cursor", where="cursor", hint=hint, reason="query")
