"""The grid of windows, and the panes windows are made of.

    panes     |0 |1 |2 |3 |4 |5 |6 |          pane = gcd(size, slide), at most 62 cells of 100 ms
    window 0  [==============)                [0 s, 10 s)
    window 1     [==============)             [2 s, 12 s)
    window 2        [==============)          [4 s, 14 s)

Aligned to the Unix epoch: window w starts at w * slide.
"""

from dataclasses import dataclass, field
from math import gcd

SECOND = 1_000_000_000
CELL = 100_000_000
"""Coverage is counted in cells of 100 ms."""

_MOST_CELLS = 62  # a pane's cells are the bits of one int64


@dataclass(frozen=True, slots=True)
class Grid:
    """Windows of `size` ns that slide by `slide` ns; both whole multiples of 100 ms, slide at most size.

    >>> grid = Grid(10 * SECOND, 2 * SECOND)
    >>> grid.pane // SECOND, list(grid.windows_at(11 * SECOND)), grid.text
    (2, [1, 2, 3, 4, 5], '10s-2s')
    """

    size: int
    slide: int
    pane: int = field(init=False)
    cells: int = field(init=False)
    """Cells of a window."""

    def __post_init__(self) -> None:
        if self.size <= 0 or self.slide <= 0 or self.size % CELL or self.slide % CELL or self.slide > self.size:
            message = f"window size {self.size} ns and slide {self.slide} ns: multiples of 100 ms, slide at most size"
            raise ValueError(message)
        common = gcd(self.size, self.slide) // CELL
        widest = max(n for n in range(1, _MOST_CELLS + 1) if common % n == 0)
        object.__setattr__(self, "pane", widest * CELL)
        object.__setattr__(self, "cells", self.size // CELL)

    @property
    def text(self) -> str:
        """Size and slide as recogniser names carry them: `10s-2s`, `500ms-100ms`."""
        return f"{duration_text(self.size)}-{duration_text(self.slide)}"

    @classmethod
    def parse(cls, text: str) -> "Grid":
        """The grid of such a text.

        >>> Grid.parse("10s-500ms").slide
        500000000
        """
        size, slide = (_duration(part) for part in text.split("-"))
        return cls(size, slide)

    def start(self, window: int) -> int:
        """Start of a window, ns."""
        return window * self.slide

    def first_at(self, time: int) -> int:
        """The oldest window that holds a time.

        >>> Grid(10 * SECOND, 2 * SECOND).first_at(11 * SECOND)
        1
        """
        return (time - self.size) // self.slide + 1

    def last_at(self, time: int) -> int:
        """The newest window that holds a time."""
        return time // self.slide

    def windows_at(self, time: int) -> range:
        """The windows that hold a time."""
        return range(self.first_at(time), self.last_at(time) + 1)

    def ended(self, watermark: int) -> int:
        """How far windows have ended: every window below this number ends at or before the watermark.

        >>> Grid(10 * SECOND, 2 * SECOND).ended(12 * SECOND)
        2
        """
        return (watermark - self.size) // self.slide + 1

    def panes_of(self, window: int) -> range:
        """The panes of a window."""
        first = window * self.slide // self.pane
        return range(first, first + self.size // self.pane)


def duration_text(ns: int) -> str:
    """A duration in the shortest whole unit.

    >>> duration_text(2 * SECOND), duration_text(500_000_000)
    ('2s', '500ms')
    """
    return f"{ns // SECOND}s" if ns % SECOND == 0 else f"{ns // 1_000_000}ms"


def _duration(text: str) -> int:
    return int(text[:-2]) * 1_000_000 if text.endswith("ms") else int(text[:-1]) * SECOND
