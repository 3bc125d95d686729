"""Who knocked: test pushes that were found, and requests that were turned away, for the page. Bounded."""

from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

_MINUTE: Final = 60_000_000_000
_ADDRESSES: Final = 64
_TIMES: Final = 1000


@dataclass(frozen=True, slots=True)
class Knock:
    """Somebody at the door. `count` is how often in the last minute for this reason; `at` is ns."""

    address: str
    found: bool
    reason: str
    count: int
    at: int
    text: str


class Knocks:
    """The knocks of the last minute, at most 64 addresses and reasons, the newest last.

    `told` is called with each that is new, and at most once a second for one that repeats.
    """

    def __init__(self, told: Callable[[Knock], None] | None = None) -> None:
        self.told = told
        self._times: OrderedDict[tuple[str, str], deque[int]] = OrderedDict()
        self._texts: dict[tuple[str, str], str] = {}
        self._told_at: dict[tuple[str, str], int] = {}

    def found(self, address: str | None, text: str, now: int) -> None:
        """A test push arrived."""
        self._add(address, "found", text, now)

    def refused(self, address: str | None, reason: str, text: str, now: int) -> None:
        """A request was turned away."""
        self._add(address, reason, text, now)

    def recent(self, now: int) -> list[Knock]:
        """What was turned away in the last minute."""
        knocks = [self._knock(key, now) for key in list(self._times) if key[1] != "found"]
        return [knock for knock in knocks if knock.count]

    def _add(self, address: str | None, reason: str, text: str, now: int) -> None:
        key = (address or "unknown", reason)
        self._times.setdefault(key, deque(maxlen=_TIMES)).append(now)
        self._times.move_to_end(key)
        self._texts[key] = text
        if len(self._times) > _ADDRESSES:
            oldest, _ = self._times.popitem(last=False)
            self._texts.pop(oldest, None)
            self._told_at.pop(oldest, None)
        if self.told and now - self._told_at.get(key, now - _MINUTE) >= 1_000_000_000:
            self._told_at[key] = now
            self.told(self._knock(key, now))

    def _knock(self, key: tuple[str, str], now: int) -> Knock:
        times = self._times[key]
        while times and times[0] <= now - _MINUTE:
            times.popleft()
        address, reason = key
        return Knock(address, reason == "found", reason, len(times), times[-1] if times else 0, self._texts[key])
