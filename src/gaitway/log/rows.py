"""Entries as rows of the tape, encoded once by the caller, so that a group cannot fail for one of them."""

import struct
from typing import NamedTuple

from gaitway.core.message import Kind, Message, Stream
from gaitway.errors import LogError
from gaitway.log.codec import encode
from gaitway.ports import Entry

#: Codes of `Kind` and `Transport` in a segment file. Never change an index.
KINDS: tuple[Kind, ...] = ("message", "tick", "seal")
TRANSPORTS = ("http", "mqtt")
MESSAGE, TICK, SEAL = range(3)
INT64 = range(-(1 << 63), 1 << 63)
_BEFORE = struct.Struct("<q")


class Row(NamedTuple):
    """One entry of tape 1, ready to be written: everything but its position and its stream's number."""

    kind: int
    stream: Stream
    received_at: int
    body: bytes | None = None
    """A message's blob; of a seal its `before`; None for a tick."""
    key: bytes | None = None
    t_min: int | None = None
    t_max: int | None = None
    first: int | None = None
    last: int | None = None
    readings: int = 0
    mid: int | None = None
    """The message's id where it is an integer of 64 bits: only these are counted."""
    transport: int = 0
    refused: int = 0
    before: int | None = None


def prepare(entry: Entry) -> Row:
    """The row of an entry. Raises LogError when the entry cannot be stored."""
    _check(entry)
    if entry.kind == "seal":
        before = _checked_before(entry)
        return Row(SEAL, entry.stream, entry.received_at, _BEFORE.pack(before), before=before)
    if entry.message is None:
        return Row(TICK, entry.stream, entry.received_at)
    return _message_row(entry, entry.message)


def before_of(body: bytes) -> int:
    """The `before` of a seal's body."""
    return int(_BEFORE.unpack(body)[0])


def _message_row(entry: Entry, message: Message) -> Row:
    encoded = encode(message)
    ident = message.message_id
    return Row(
        MESSAGE,
        entry.stream,
        entry.received_at,
        encoded.blob,
        encoded.key,
        encoded.t_min,
        encoded.t_max,
        encoded.first,
        encoded.last,
        encoded.readings,
        ident if isinstance(ident, int) and ident in INT64 else None,
        TRANSPORTS.index(message.transport),
        message.refused,
    )


def _check(entry: Entry) -> None:
    if (entry.kind == "message") != (entry.message is not None):
        raise _unusable(entry, f"a {entry.kind} {'without' if entry.kind == 'message' else 'with'} a message")
    if entry.message is not None and entry.message.stream != entry.stream:
        raise _unusable(entry, f"its message is of {entry.message.stream.key!r}")
    if entry.received_at not in INT64:
        raise _unusable(entry, f"received_at is {entry.received_at}")
    if not all(ident.isprintable() for ident in entry.stream):
        raise _unusable(entry, "its ids hold characters that cannot be stored")


def _checked_before(entry: Entry) -> int:
    if entry.before is None or entry.before not in INT64:
        raise _unusable(entry, f"a seal before {entry.before}")
    return entry.before


def _unusable(entry: Entry, what: str) -> LogError:
    return LogError(
        f"{entry.kind} of {entry.stream.key!r}: {what}",
        where="entry",
        hint="this is a fault of the program, not of data",
    )
