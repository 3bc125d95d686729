"""A message as one binary blob: a column per sensor, made once at ingest and read back without parsing JSON.

    blob  = HEAD | front | tail
    front = ENVELOPE device session id rest, then per block: BLOCK name times xyz accuracy
    tail  = the JSON texts of all blocks (`values`, `rest`), plain or zstd

HEAD holds what a repeat may change (arrival, transport, refused), so the key of a message is a hash of what follows
it. The law: `decode(encode(m).blob) == m` for every message. Everything is little-endian; VERSION is the first byte.
"""

import struct
import threading
from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple

import numpy as np
import zstandard

from gaitway.core.message import CORE_SENSORS, Block, Message, MessageId, Stream, TimeUnit, Transport
from gaitway.errors import LogError
from gaitway.log import columns
from gaitway.log.columns import Texts

VERSION = 1
KEY_BYTES = 16
#: version, transport, tail is zstd, refused, received_at, first time, last time, readings, bytes of front.
_HEAD = struct.Struct("<BBBIqqqII")
#: Bytes of a blob's start that `event_times` needs.
HEAD_BYTES = _HEAD.size
#: bytes of device, bytes of session, id type, bytes of id, bytes of rest (-1: none), blocks.
_ENVELOPE = struct.Struct("<IIBIiI")
#: bytes of name, readings, code of times, code of xyz, accuracy present, time unit, base, bytes of values and rest in
#: the tail (-1: none).
_BLOCK = struct.Struct("<IIBBBBqii")
_TRANSPORTS: tuple[Transport, ...] = ("http", "mqtt")
_UNITS: tuple[TimeUnit, ...] = ("ns", "us", "ms", "s")
_CORE = frozenset(CORE_SENSORS)
_NO_ID, _INT_ID, _TEXT_ID = range(3)
_COMPRESS_FROM = 256
_local = threading.local()  # zstandard's objects must not be shared between threads


class Encoded(NamedTuple):
    """A message as stored, with what the tape keeps beside it."""

    blob: bytes
    key: bytes
    """16 bytes: equal for a repeat of the same message, whenever and however it came."""
    t_min: int | None
    """Smallest time (ns) of its `CORE_SENSORS` readings, of all readings where it has none; None if empty."""
    t_max: int | None
    first: int | None
    """Smallest time (ns) over all its readings."""
    last: int | None
    readings: int


class _Front(NamedTuple):
    """The blocks as bytes, and the spans of time they cover."""

    parts: list[bytes]
    texts: list[bytes]
    spans: list[tuple[int, int]]
    """(smallest time, greatest time) of each block that has readings."""
    core: list[tuple[int, int]]
    """The same of core sensors alone."""


def encode(message: Message) -> Encoded:
    """The blob of a message and its key. Raises LogError for a message whose columns differ in length.

    >>> message = Message(Stream("phone", "walk"), 7, (Block("light", np.array([5, 3])),), received_at=9)
    >>> encoded = encode(message)
    >>> decode(encoded.blob) == message, encoded.t_min, encoded.t_max, encoded.readings
    (True, 3, 5, 2)
    """
    try:
        front = _encode_blocks(message.blocks)
        envelope = _encode_envelope(message)
    except (struct.error, UnicodeEncodeError, ValueError, TypeError, OverflowError) as error:
        raise LogError(
            f"a message of {message.stream.key!r} cannot be stored: {error}",
            where="message",
            hint="its columns must have one length, its times be int64, its ids plain text",
        ) from error
    body = b"".join((envelope, *front.parts))
    texts = b"".join(front.texts)
    first, last = _span(front.spans)
    t_min, t_max = _span(front.core or front.spans)
    readings = message.readings
    stored = _compressor().compress(texts) if len(texts) >= _COMPRESS_FROM else texts
    head = _HEAD.pack(
        VERSION,
        _TRANSPORTS.index(message.transport),
        stored is not texts,
        message.refused,
        message.received_at,
        first or 0,
        last or 0,
        readings,
        len(body),
    )
    key = blake2b(body + texts if texts else body, digest_size=KEY_BYTES).digest()
    return Encoded(head + body + stored, key, t_min, t_max, first, last, readings)


def decode(blob: bytes, sensors: Sequence[str] | None = None) -> Message:
    """The message of a blob; with `sensors`, blocks of other sensors are left out and cost next to nothing.

    Raises LogError when the blob is damaged or from a newer version.
    """
    if blob[:1] != bytes((VERSION,)):
        raise LogError(
            f"a record has format {blob[0] if blob else 'nothing'}, this Gaitway reads {VERSION}",
            where="tape",
            hint="the log was written by a newer Gaitway: upgrade this one",
        )
    try:
        return _decode(blob, None if sensors is None else _encoded_names(tuple(sensors)))
    except (struct.error, ValueError, IndexError, zstandard.ZstdError) as error:
        raise LogError(
            f"a record of the tape is damaged: {error}", where="tape", hint="restore the segment from a backup"
        ) from error


def payload_hash(message: Message | bytes) -> bytes:
    """The key of a message or of its blob: a hash of device, session, id and payload, not of how or when it came."""
    if isinstance(message, Message):
        return encode(message).key
    front_bytes, packed = _HEAD.unpack_from(message)[-1], message[2]
    end = HEAD_BYTES + front_bytes
    return blake2b(message[HEAD_BYTES:end] + _tail(message, end, packed), digest_size=KEY_BYTES).digest()


def event_times(head: bytes) -> tuple[int, int] | None:
    """Smallest and greatest time (ns) of all readings, from the first `HEAD_BYTES` of a blob; None without readings."""
    first, last, readings = _HEAD.unpack_from(head)[5:8]
    return (first, last) if readings else None


def _encode_envelope(message: Message) -> bytes:
    device, session = message.stream.device_id.encode(), message.stream.session_id.encode()
    tag, ident = _encode_id(message.message_id)
    rest = None if message.rest is None else columns.to_bytes(message.rest)
    sizes = _ENVELOPE.pack(
        len(device), len(session), tag, len(ident), -1 if rest is None else len(rest), len(message.blocks)
    )
    return b"".join((sizes, device, session, ident, rest or b""))


def _encode_id(ident: MessageId) -> tuple[int, bytes]:
    if ident is None:
        return _NO_ID, b""
    if isinstance(ident, int):
        return _INT_ID, ident.to_bytes(ident.bit_length() // 8 + 1, "little", signed=True)
    return _TEXT_ID, columns.to_bytes(ident)


def _encode_blocks(blocks: Sequence[Block]) -> _Front:
    front = _Front([], [], [], [])
    with np.errstate(all="ignore"):  # a value that overflows float32 is kept as float64
        for block in blocks:
            _encode_block(block, front)
    return front


def _encode_block(block: Block, front: _Front) -> None:
    n = len(block.times)
    name = columns.to_bytes(block.sensor)
    times = columns.encode_times(block.times)
    xyz_code, xyz = columns.encode_xyz(block.xyz, n)
    accuracy = columns.encode_accuracy(block.accuracy, n)
    values, rest = columns.encode_texts(block.values, n), columns.encode_texts(block.rest, n)
    sizes = _BLOCK.pack(
        len(name),
        n,
        times.code,
        xyz_code,
        accuracy is not None,
        _UNITS.index(block.time_unit),
        times.base,
        -1 if values is None else len(values),
        -1 if rest is None else len(rest),
    )
    front.parts.extend((sizes, name, times.data, xyz, accuracy or b""))
    front.texts.extend((values or b"", rest or b""))
    if n:
        front.spans.append((times.low, times.high))
        if block.sensor in _CORE:
            front.core.append((times.low, times.high))


def _span(spans: Sequence[tuple[int, int]]) -> tuple[int, int] | tuple[None, None]:
    if not spans:
        return None, None
    if len(spans) == 1:
        return spans[0]
    return min(low for low, _ in spans), max(high for _, high in spans)


def _decode(blob: bytes, wanted: frozenset[bytes] | None) -> Message:
    _, transport, packed, refused, received_at, _, _, _, front_bytes = _HEAD.unpack_from(blob)
    device, session, tag, ident, rest, blocks = _ENVELOPE.unpack_from(blob, HEAD_BYTES)
    at = HEAD_BYTES + _ENVELOPE.size
    stream = Stream(blob[at : at + device].decode(), blob[at + device : at + device + session].decode())
    at += device + session
    message_id = _decode_id(tag, blob[at : at + ident])
    at += ident
    envelope_rest = None if rest < 0 else columns.to_text(blob[at : at + rest])
    front = _FrontReader(blob, at + max(rest, 0), HEAD_BYTES + front_bytes, packed)
    kept = tuple(block for block in (front.block(wanted) for _ in range(blocks)) if block is not None)
    return Message(
        stream, message_id, kept, received_at, transport=_TRANSPORTS[transport], rest=envelope_rest, refused=refused
    )


def _decode_id(tag: int, data: bytes) -> MessageId:
    if tag == _NO_ID:
        return None
    return int.from_bytes(data, "little", signed=True) if tag == _INT_ID else columns.to_text(data)


class _FrontReader:
    """Walks the blocks of a blob; the tail is unpacked only when a wanted block has texts."""

    __slots__ = ("_at", "_blob", "_end", "_packed", "_tail", "_tail_at")

    def __init__(self, blob: bytes, at: int, end: int, packed: int) -> None:
        self._blob, self._at, self._end, self._packed = blob, at, end, packed
        self._tail: bytes | None = None
        self._tail_at = 0

    def block(self, wanted: frozenset[bytes] | None) -> Block | None:
        """The next block, or None when it is not wanted."""
        blob, at = self._blob, self._at
        name_bytes, n, times, xyz, graded, unit, base, values, rest = _BLOCK.unpack_from(blob, at)
        at += _BLOCK.size
        name = blob[at : at + name_bytes]
        at += name_bytes
        xyz_at = at + columns.TIME_BYTES[times] * n
        accuracy_at = xyz_at + columns.XYZ_BYTES[xyz] * n
        self._at = accuracy_at + n * graded
        texts_at = self._tail_at
        self._tail_at += max(values, 0) + max(rest, 0)
        if wanted is not None and name not in wanted:
            return None
        return Block(
            _name(name),
            columns.decode_times(blob, at, n, times, base),
            columns.decode_xyz(blob, xyz_at, n, xyz),
            np.frombuffer(blob, np.int8, n, accuracy_at).copy() if graded else None,
            self._texts(texts_at, values, n),
            self._texts(texts_at + max(values, 0), rest, n),
            _UNITS[unit],
        )

    def _texts(self, at: int, size: int, n: int) -> Texts | None:
        if size < 0:
            return None
        if self._tail is None:
            self._tail = _tail(self._blob, self._end, self._packed)
        return columns.decode_texts(self._tail[at : at + size], n)


def _tail(blob: bytes, at: int, packed: int) -> bytes:
    return _decompressor().decompress(blob[at:]) if packed else blob[at:]


@lru_cache(maxsize=64)
def _encoded_names(sensors: tuple[str, ...]) -> frozenset[bytes]:
    return frozenset(columns.to_bytes(sensor) for sensor in sensors)


@lru_cache(maxsize=1024)
def _name(data: bytes) -> str:
    return columns.to_text(data)


def _compressor() -> zstandard.ZstdCompressor:
    found: zstandard.ZstdCompressor | None = getattr(_local, "compressor", None)
    if found is None:
        found = _local.compressor = zstandard.ZstdCompressor(level=1)
    return found


def _decompressor() -> zstandard.ZstdDecompressor:
    found: zstandard.ZstdDecompressor | None = getattr(_local, "decompressor", None)
    if found is None:
        found = _local.decompressor = zstandard.ZstdDecompressor()
    return found
