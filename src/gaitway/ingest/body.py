"""Reading the body of a push, within its limits."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from gaitway.errors import TooLargeError

Receive = Callable[[], Awaitable[Any]]
#: What is read and thrown away of a body that is not wanted, so that its sender is still listening when it is answered.
_DRAINED: Final = 64 << 20


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """Largest body as sent, and once inflated, in bytes."""

    body: int = 8 << 20
    inflated: int = 64 << 20


class DisconnectedError(Exception):
    """The sender went away before its body was complete: there is nobody to answer."""


async def read_body(receive: Receive, length: int | None, limit: int) -> bytes:
    """The whole body. Raises TooLargeError, DisconnectedError."""
    if length is not None and length > limit:
        await drain(receive)
        raise _too_large(length, limit)
    message = await receive()
    if message["type"] != "http.request":
        raise DisconnectedError
    body: bytes = message.get("body", b"")
    if not message.get("more_body", False):
        return _checked(body, limit)
    parts, size = [body], len(body)
    while message.get("more_body", False):
        message = await receive()
        if message["type"] != "http.request":
            raise DisconnectedError
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > limit:
            if message.get("more_body", False):
                await drain(receive)
            raise _too_large(size, limit)
    return b"".join(parts)


async def drain(receive: Receive) -> None:
    """Read what is left of a body and forget it."""
    size = 0
    while size < _DRAINED:
        message = await receive()
        if message["type"] != "http.request" or not message.get("more_body", False):
            return
        size += len(message.get("body", b""))


def _checked(body: bytes, limit: int) -> bytes:
    if len(body) > limit:
        raise _too_large(len(body), limit)
    return body


def _too_large(size: int, limit: int) -> TooLargeError:
    return TooLargeError(
        f"the body has {size} bytes or more, {limit} are allowed",
        where="body",
        hint="Send shorter batches, or raise the setting body_limit.",
    )
