"""The integer ids a stream has sent over one transport, as few ranges; what lies between them is missing."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence


class IdRanges:
    """A set of integers, kept as ranges: a phone that counts up costs one range, however long it records.

    Beyond `limit` ranges (ids that are no counter, such as clock times) the two lowest become one: an id in the gap
    between them then counts as seen, while `missing` still counts the gap.

    >>> ids = IdRanges()
    >>> for ident in (1, 2, 3, 7, 8, 5): ids.add(ident)
    >>> 7 in ids, 4 in ids, ids.missing, list(ids)
    (True, False, 2, [(1, 3), (5, 5), (7, 8)])
    """

    __slots__ = ("_count", "_firsts", "_lasts", "_limit")

    def __init__(self, limit: int = 1024) -> None:
        self._firsts: list[int] = []
        self._lasts: list[int] = []
        self._count = 0
        self._limit = limit

    @classmethod
    def load(cls, saved: Sequence[int], limit: int = 1024) -> "IdRanges":
        """The set that `dump` gave."""
        ids = cls(limit)
        ids._count = saved[0]
        ids._firsts, ids._lasts = list(saved[1::2]), list(saved[2::2])
        return ids

    def dump(self) -> list[int]:
        """The count, then first and last of each range."""
        return [self._count, *(bound for pair in self for bound in pair)]

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return iter(zip(self._firsts, self._lasts, strict=True))

    def __contains__(self, ident: int) -> bool:
        lasts = self._lasts
        if not lasts or ident > lasts[-1]:
            return False
        return self._firsts[bisect_left(lasts, ident)] <= ident

    def add(self, ident: int) -> None:
        """Take an id in; twice does no harm."""
        firsts, lasts = self._firsts, self._lasts
        if lasts and ident == lasts[-1] + 1:  # the usual case
            lasts[-1] = ident
            self._count += 1
            return
        at = bisect_left(lasts, ident)
        if at < len(lasts) and firsts[at] <= ident:
            return
        self._count += 1
        self._insert(at, ident)

    def _insert(self, at: int, ident: int) -> None:
        firsts, lasts = self._firsts, self._lasts
        meets_left = at > 0 and lasts[at - 1] == ident - 1
        meets_right = at < len(firsts) and firsts[at] == ident + 1
        if meets_left and meets_right:
            lasts[at - 1] = lasts[at]
            del firsts[at], lasts[at]
        elif meets_left:
            lasts[at - 1] = ident
        elif meets_right:
            firsts[at] = ident
        else:
            firsts.insert(at, ident)
            lasts.insert(at, ident)
            if len(firsts) > self._limit:
                del firsts[1], lasts[0]

    @property
    def missing(self) -> int:
        """How many ids between the lowest and the highest never came."""
        return self._lasts[-1] - self._firsts[0] + 1 - self._count if self._lasts else 0
