"""What a case is given, and what it is."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from bench.figures import Figure


@dataclass(slots=True)
class Run:
    """One run of the benchmark: how thorough, and where its files lie."""

    quick: bool
    folder: Path
    say: Callable[[str], None] = print
    _numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    def pick(self, thorough: float, quick: float) -> float:
        """One of two lengths."""
        return quick if self.quick else thorough

    def place(self, name: str) -> Path:
        """A folder of its own."""
        path = self.folder / f"{next(self._numbers):03d}-{name}"
        path.mkdir(parents=True)
        return path


class Case(NamedTuple):
    """One case: its name, what it measures, how, and whether it runs only when asked for."""

    name: str
    about: str
    run: Callable[[Run], list[Figure]]
    opt_in: bool = False
