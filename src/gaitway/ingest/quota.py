"""How much a token may push: token buckets over a clock that is passed in."""

import math
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final, Literal

from gaitway.errors import QuotaError

What = Literal["messages", "bytes", "streams", "dead_letters"]
_NS: Final = 1_000_000_000
_KEPT: Final = 10_000


@dataclass(frozen=True, slots=True)
class Limits:
    """What one token may push. A full bucket holds ten seconds' worth of a rate, or an hour's of a count."""

    messages: float = 10_000.0
    """A second."""
    bytes: float = 512.0 * 1024 * 1024
    """A second, as sent."""
    streams: float = 10_000.0
    """New ones an hour."""
    dead_letters: float = 50_000.0
    """Unreadable bodies an hour that are kept."""


class Bucket:
    """Fills by `rate` a second up to `size`; what is taken must be in it. Time is in ns and may start anywhere.

    >>> bucket = Bucket(rate=1.0, size=2.0, now=0)
    >>> [bucket.take(1.0, now=0) for _ in range(3)]
    [0.0, 0.0, 1.0]
    >>> bucket.take(1.0, now=1_000_000_000)
    0.0
    """

    __slots__ = ("_at", "_held", "rate", "size")

    def __init__(self, rate: float, size: float, now: int) -> None:
        self.rate = rate
        self.size = size
        self._held = size
        self._at = now

    def take(self, amount: float, now: int) -> float:
        """Take an amount: 0.0 when it was there, else nothing is taken and the seconds until it will be.

        An amount larger than the bucket passes when the bucket is full, and leaves a debt.
        """
        if now > self._at:
            held = self._held + (now - self._at) * self.rate / _NS
            self._held = held if held < self.size else self.size
            self._at = now
        if amount <= self._held:
            self._held -= amount
            return 0.0
        missing = min(amount, self.size) - self._held
        if missing > 0:
            return missing / self.rate
        self._held -= amount
        return 0.0


class OverQuotaError(QuotaError):
    """A quota is used up; `retry_after` is in seconds, at least 1."""

    def __init__(self, what: What, retry_after: int) -> None:
        super().__init__(
            f"this token sent more {what.replace('_', ' ')} than its quota",
            where="token",
            hint=f"Try again in {retry_after} s, or raise the setting quota_{what}.",
            reason=f"quota_{what}",
        )
        self.retry_after = retry_after


class Quotas:
    """The buckets of every token that pushes; those longest unused are forgotten (and so are full again)."""

    def __init__(self, limits: Limits) -> None:
        self._shape: dict[What, tuple[float, float]] = {
            "messages": (limits.messages, limits.messages * 10),
            "bytes": (limits.bytes, limits.bytes * 10),
            "streams": (limits.streams / 3600, limits.streams),
            "dead_letters": (limits.dead_letters / 3600, limits.dead_letters),
        }
        self._buckets: OrderedDict[int, dict[What, Bucket]] = OrderedDict()

    def take(self, key: int, what: What, amount: float, now: int) -> None:
        """Count against a token's quota; raises OverQuotaError when it is used up. `now`: a monotonic clock, ns."""
        wait = self._of(key, now)[what].take(amount, now)
        if wait:
            raise OverQuotaError(what, math.ceil(wait))

    def _of(self, key: int, now: int) -> dict[What, Bucket]:
        buckets = self._buckets.get(key)
        if buckets is None:
            buckets = {what: Bucket(rate, size, now) for what, (rate, size) in self._shape.items()}
            self._buckets[key] = buckets
            if len(self._buckets) > _KEPT:
                self._buckets.popitem(last=False)
        else:
            self._buckets.move_to_end(key)
        return buckets
