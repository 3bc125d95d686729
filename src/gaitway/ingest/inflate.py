"""Inflating compressed bodies, never further than a limit: a few bytes may claim to be gigabytes."""

import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Final, Protocol

import zstandard

from gaitway.errors import BodyError, TooLargeError

#: What a body may inflate to unless the operator says otherwise.
LIMIT: Final = 64 << 20
_MOST_ENCODINGS: Final = 3
#: A stream of thousands of empty members costs much and holds nothing.
_MOST_MEMBERS: Final = 1000
#: 4 bytes of zstd can stand for 128 KiB, so it is fed little at a time: at most 8 MiB come out before the next look.
_ZSTD_PIECE: Final = 256
_GZIP_PIECE: Final = 64 << 10
_HINT: Final = "Send Content-Encoding gzip or zstd with a body that is that, or send it plain."


class _Member(Protocol):
    """One gzip member or zstd frame being inflated."""

    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...


def inflate(body: bytes, encoding: str, limit: int = LIMIT) -> bytes:
    """The plain body. `encoding` is the Content-Encoding header: gzip, x-gzip, zstd, identity, also several.

    Raises TooLargeError as soon as any step gives more than `limit` bytes, BodyError where the body is not what the
    header says, is cut short, or the encoding is another.

    >>> inflate(zlib.compress(b"[]", wbits=31), "gzip")
    b'[]'
    """
    names = [name for name in (part.strip().lower() for part in encoding.split(",")) if name not in ("", "identity")]
    if len(names) > _MOST_ENCODINGS:
        raise _bad(f"The body is encoded {len(names)} times")
    for name in reversed(names):
        way = _WAYS.get(name)
        if way is None:
            raise _bad(f"Content-Encoding {name[:40]!r} is not known here")
        body = _collected(way(body, limit), limit)
    return body


def _collected(pieces: Iterator[bytes], limit: int) -> bytes:
    parts, size = [], 0
    try:
        for piece in pieces:
            size += len(piece)
            if size > limit:
                raise TooLargeError(
                    f"The body inflates to more than {limit} bytes",
                    where="body",
                    hint="Send smaller batches, or raise the limit on what bodies inflate to.",
                )
            parts.append(piece)
    except (zlib.error, zstandard.ZstdError) as error:
        raise _bad(f"The body cannot be inflated: {error}") from error
    return b"".join(parts)


def _gzip(body: bytes, limit: int) -> Iterator[bytes]:
    """The plain pieces of all members, each at most a piece long."""
    member, members = zlib.decompressobj(wbits=31), 1
    for start in range(0, len(body), _GZIP_PIECE):
        data = body[start : start + _GZIP_PIECE]
        while data:
            if member.eof:
                member, members = zlib.decompressobj(wbits=31), _counted(members)
            yield member.decompress(data, _GZIP_PIECE)
            data = member.unconsumed_tail or member.unused_data
    while not member.eof and (rest := member.decompress(member.unconsumed_tail, _GZIP_PIECE)):
        yield rest
    _check_whole(member)


def _zstd(body: bytes, limit: int) -> Iterator[bytes]:
    """The plain pieces of all frames."""
    # A frame may ask for a window of gigabytes; what fits the limit never needs one larger than it.
    decompressor = zstandard.ZstdDecompressor(max_window_size=max(limit, 8 << 20))
    frame, frames = decompressor.decompressobj(), 1
    for start in range(0, len(body), _ZSTD_PIECE):
        data = body[start : start + _ZSTD_PIECE]
        while data:
            if frame.eof:
                frame, frames = decompressor.decompressobj(), _counted(frames)
            yield frame.decompress(data)
            data = frame.unused_data
    _check_whole(frame)


def _counted(members: int) -> int:
    if members >= _MOST_MEMBERS:
        raise _bad(f"The body is made of more than {_MOST_MEMBERS} compressed parts")
    return members + 1


def _check_whole(member: _Member) -> None:
    if not member.eof:
        raise _bad("The body is cut short: its compressed data do not end")


def _bad(what: str) -> BodyError:
    return BodyError(what, where="Content-Encoding", hint=_HINT, reason="encoding")


_WAYS: Final[Mapping[str, Callable[[bytes, int], Iterator[bytes]]]] = {"gzip": _gzip, "x-gzip": _gzip, "zstd": _zstd}
