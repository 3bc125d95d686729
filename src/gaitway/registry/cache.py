"""Token lookups of the front: a dictionary, dropped whenever the registry changed."""

import threading
import time
from collections.abc import Callable
from typing import Final

from gaitway.registry.store import Registry
from gaitway.registry.tokens import Token, TokenBook

_CHECK_NS: Final = 500_000_000
_KEPT: Final = 4096


class TokenCache:
    """Text -> token. What another process added or revoked is known within half a second.

    Unknown texts are remembered too, so that a phone with a wrong token does not cost a query each time; never more
    than a few thousand texts in all.
    """

    def __init__(
        self, registry: Registry, *, clock: Callable[[], int] = time.monotonic_ns, check_ns: int = _CHECK_NS
    ) -> None:
        self.book = TokenBook(registry)
        self._clock = clock
        self._check_ns = check_ns
        self._changed = registry.change_marker()
        self._version = self._changed()
        self._checked = clock()
        self._known: dict[str, Token | None] = {}
        self._used: dict[int, int] = {}
        self._lock = threading.Lock()

    def find(self, text: str) -> Token | None:
        """The token of a text, or None. A dictionary lookup, but for the first time and twice a second."""
        self._revalidate()
        now = time.time_ns()
        try:
            token = self._known[text]
        except KeyError:
            token = self.book.find(text, now=now)
            if len(self._known) >= _KEPT:
                self._known.clear()
            self._known[text] = token
        if token is None or not token.valid(now):
            return None
        self._used[token.id] = now
        return token

    def _revalidate(self) -> None:
        now = self._clock()
        if now - self._checked < self._check_ns:
            return
        self._checked = now
        version = self._changed()
        if version != self._version:
            self._version = version
            self._known.clear()

    def bind(self, token_id: int, device_id: str) -> None:
        """As `TokenBook.bind`, and known here at once. Blocks on the disk: call it from a thread."""
        self.book.bind(token_id, device_id)
        self.forget()

    def forget(self) -> None:
        """Ask the registry again from now on: this process changed it."""
        self._known.clear()

    def flush_used(self) -> None:
        """Write down when tokens were last used. Blocks on the disk: call it from a thread, about once a minute."""
        with self._lock:
            used, self._used = self._used, {}
            if used:
                self.book.touch(used.items())
