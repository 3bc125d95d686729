"""One column of a block as bytes, in the smallest form that gives the sent values back bit for bit.

Times: int32 nanoseconds from a base, or int32 in steps of 256 ns (times that passed through a double), or int64.
x, y, z: float32, or float32 to be multiplied by 9.80665 (what an iPhone sends), or float64.
"""

import struct
from typing import NamedTuple

import numpy as np

from gaitway.core.message import Floats, Times

Texts = tuple[str | None, ...]

#: As they are stored. Made once: numpy would read the text anew in each call.
_INT64, _INT32, _FLOAT64, _FLOAT32 = (np.dtype(name) for name in ("<i8", "<i4", "<f8", "<f4"))

#: Standard gravity: iPhones send float32 multiples of it.
GRAVITY = 9.80665
_SINGLE_BYTES = struct.Struct("<f")
_NS, _STEPS, _WIDE = range(3)
_STEP_BITS = 8
_NONE, _SINGLE, _SCALED, _DOUBLE = range(4)
#: Bytes a reading, by code.
TIME_BYTES = (4, 4, 8)
XYZ_BYTES = (0, 12, 12, 24)


class EncodedTimes(NamedTuple):
    """Times as bytes: `base` is the first one, `low` and `high` are the smallest and the greatest (0 when empty)."""

    code: int
    base: int
    data: bytes
    low: int
    high: int


def encode_times(times: Times) -> EncodedTimes:
    """Times of shape (n,), ns. Raises ValueError for another shape or type."""
    if times.ndim != 1 or times.dtype.kind != "i":
        msg = f"times have shape {times.shape} and type {times.dtype}, not (n,) of int64"
        raise ValueError(msg)
    if not len(times):
        return EncodedTimes(_NS, 0, b"", 0, 0)
    column = times.astype(_INT64, copy=False)
    low, high, base = int(np.minimum.reduce(column)), int(np.maximum.reduce(column)), column.item(0)
    if _fits(low - base) and _fits(high - base):
        return EncodedTimes(_NS, base, (column - base).astype(_INT32).tobytes(), low, high)
    if _fits((low - base) >> _STEP_BITS) and _fits((high - base) >> _STEP_BITS):
        deltas = column - base
        if not (deltas & ((1 << _STEP_BITS) - 1)).any():
            return EncodedTimes(_STEPS, base, (deltas >> _STEP_BITS).astype(_INT32).tobytes(), low, high)
    return EncodedTimes(_WIDE, base, column.tobytes(), low, high)


def _fits(delta: int) -> bool:
    return -(1 << 31) <= delta < 1 << 31


def decode_times(blob: bytes, at: int, n: int, code: int, base: int) -> Times:
    """The n times that start at a byte of the blob."""
    if code == _WIDE:
        return np.frombuffer(blob, "<i8", n, at).astype(np.int64)
    times = np.frombuffer(blob, "<i4", n, at).astype(np.int64)
    if code == _STEPS:
        times <<= _STEP_BITS
    times += base
    return times


def encode_xyz(xyz: Floats | None, n: int) -> tuple[int, bytes]:
    """(code, bytes) of x, y, z of shape (3, n). Raises ValueError for another shape."""
    if xyz is None:
        return _NONE, b""
    if xyz.shape != (3, n):
        msg = f"xyz has shape {xyz.shape}, not (3, {n})"
        raise ValueError(msg)
    column = xyz.astype(_FLOAT64, copy=False)
    exact = column.tobytes()  # compared as bytes: -0.0 and NaN are told apart too
    if not n or _may_be_single(column.item(0)):
        single = column.astype(_FLOAT32)
        if single.astype(_FLOAT64).tobytes() == exact:
            return _SINGLE, single.tobytes()
    scaled = (column / GRAVITY).astype(_FLOAT32)
    if (scaled.astype(_FLOAT64) * GRAVITY).tobytes() == exact:
        return _SCALED, scaled.tobytes()
    return _DOUBLE, exact


def _may_be_single(value: float) -> bool:
    """Whether a value may be a float32: most columns that hold others show it by their first, which is cheap to ask."""
    try:
        return bool(_SINGLE_BYTES.unpack(_SINGLE_BYTES.pack(value))[0] == value) or value != value  # noqa: PLR0124
    except OverflowError:
        return False


def decode_xyz(blob: bytes, at: int, n: int, code: int) -> Floats | None:
    """x, y, z of shape (3, n), as sent."""
    if code == _NONE:
        return None
    xyz = np.frombuffer(blob, "<f8" if code == _DOUBLE else "<f4", 3 * n, at).astype(np.float64)
    if code == _SCALED:
        xyz *= GRAVITY
    return xyz.reshape(3, n)


def encode_accuracy(accuracy: np.ndarray[tuple[int, ...], np.dtype[np.int8]] | None, n: int) -> bytes | None:
    """One byte a reading. Raises ValueError for a wrong length."""
    if accuracy is None:
        return None
    if accuracy.shape != (n,):
        msg = f"accuracy has shape {accuracy.shape}, not ({n},)"
        raise ValueError(msg)
    return accuracy.astype(np.int8, copy=False).tobytes()


def encode_texts(texts: Texts | None, n: int) -> bytes | None:
    """n lengths in characters (-1 for None) and the joined texts. Raises ValueError for a wrong count."""
    if texts is None:
        return None
    if len(texts) != n:
        msg = f"{len(texts)} texts for {n} readings"
        raise ValueError(msg)
    lengths = np.array([-1 if text is None else len(text) for text in texts], "<i4")
    return lengths.tobytes() + to_bytes("".join(filter(None, texts)))


def decode_texts(data: bytes, n: int) -> Texts:
    """The n texts."""
    lengths = np.frombuffer(data, "<i4", n).tolist()
    joined = to_text(data[4 * n :])
    texts: list[str | None] = []
    at = 0
    for length in lengths:
        texts.append(None if length < 0 else joined[at : at + length])
        at += max(length, 0)
    return tuple(texts)


def to_bytes(text: str) -> bytes:
    """UTF-8 that also takes half a surrogate pair, which JSON can carry."""
    return text.encode("utf-8", "surrogatepass")


def to_text(data: bytes) -> str:
    """The inverse of `to_bytes`."""
    return data.decode("utf-8", "surrogatepass")
