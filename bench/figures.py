"""Figures beside what was promised, as a table for people and as JSON."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, NamedTuple

#: Others taking more of the machine than this are named beside every figure.
LOUD = 0.10
_HEADINGS = ("case", "figure", "measured", "promised", "kept", "others", "note")


class Target(NamedTuple):
    """What was promised of a figure."""

    side: Literal["<=", ">="]
    value: float

    def kept(self, value: float) -> bool:
        """Whether a measured value keeps it.

        >>> Target("<=", 12).kept(12), Target(">=", 10).kept(9.9)
        (True, False)
        """
        return value <= self.value if self.side == "<=" else value >= self.value


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure. `others` is the share of the machine that others took meanwhile."""

    case: str
    name: str
    value: float
    unit: str
    others: float
    target: Target | None = None
    note: str = ""

    @property
    def kept(self) -> bool | None:
        """Whether the promise was kept; None where nothing was promised."""
        return None if self.target is None else self.target.kept(self.value)


def number(value: float) -> str:
    """Three digits that mean something, thousands apart.

    >>> number(412345.6), number(17.834), number(0.04271), number(0.0)
    ('412,000', '17.8', '0.0427', '0')
    """
    if value == 0 or value != value:
        return "0" if value == 0 else "none"
    digits = 3 - len(f"{abs(value):.0f}") if abs(value) >= 1 else 3
    if digits < 0:
        return f"{round(value, digits):,.0f}"
    return f"{value:.{digits}f}" if abs(value) >= 1 else f"{value:.3g}"


def table(figures: Sequence[Figure]) -> str:
    """A Markdown table, aligned so that it reads as it is."""
    rows = [_HEADINGS, *(_row(figure) for figure in figures)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(_HEADINGS))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def _row(figure: Figure) -> tuple[str, ...]:
    target = figure.target
    return (
        figure.case,
        figure.name,
        f"{number(figure.value)} {figure.unit}".rstrip(),
        "" if target is None else f"{target.side} {target.value:,g}",
        {None: "", True: "yes", False: "NO"}[figure.kept],
        share(figure.others),
        figure.note,
    )


def share(others: float) -> str:
    """What others took, marked where it disturbs.

    >>> share(0.04), share(0.31)
    ('4 %', '31 % (!)')
    """
    return f"{others * 100:.0f} %" + (" (!)" if others > LOUD else "")


def as_json(figures: Sequence[Figure]) -> list[dict[str, Any]]:
    """Figures as plain data."""
    return [
        {**asdict(figure), "target": figure.target and list(figure.target), "kept": figure.kept} for figure in figures
    ]
