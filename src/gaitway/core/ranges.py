"""A set of whole numbers as ranges."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable


class Ranges:
    """Ranges [start, end), kept sorted, apart and as few as possible.

    >>> marked = Ranges([(1, 3)]); marked.add(3, 5); marked.add(9, 10); marked.spans()
    [(1, 5), (9, 10)]
    """

    __slots__ = ("_ends", "_starts")

    def __init__(self, spans: Iterable[tuple[int, int]] = ()) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []
        for start, end in spans:
            self.add(start, end)

    def add(self, start: int, end: int) -> None:
        """Add [start, end), merging what overlaps or touches; nothing where it is empty."""
        if start >= end:
            return
        first = bisect_left(self._ends, start)
        last = bisect_right(self._starts, end)
        if first < last:
            start = min(start, self._starts[first])
            end = max(end, self._ends[last - 1])
        self._starts[first:last] = [start]
        self._ends[first:last] = [end]

    def spans(self) -> list[tuple[int, int]]:
        """The ranges, rising."""
        return list(zip(self._starts, self._ends, strict=True))

    def clear(self) -> None:
        """Forget all."""
        self._starts.clear()
        self._ends.clear()

    def __bool__(self) -> bool:
        return bool(self._starts)
