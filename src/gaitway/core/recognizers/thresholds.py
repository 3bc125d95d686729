"""`thresholds`: the published rule on the mean magnitude of gravity-free acceleration.

Below 2 m/s2 stationary, below 8 walking, below 20 running, otherwise sprinting. It is kept exact and beside anything
better, because it is what people compare with.
"""

from dataclasses import dataclass, field
from typing import ClassVar

from gaitway.core.activity import Activity, Verdict
from gaitway.core.evidence import Evidence
from gaitway.core.grid import Grid
from gaitway.core.magnitude import SCALE
from gaitway.core.recognizers.recognizer import Settings, recognizer_name

BANDS: tuple[Activity, ...] = ("stationary", "walking", "running", "sprinting")
_OPEN_HALF_WIDTH = 10.0  # of the last band, which has no upper end


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The rule with its three limits (m/s2, rising) on a grid. Context 0: only the window itself counts."""

    grid: Grid
    limits: tuple[float, float, float] = (2.0, 8.0, 20.0)
    name: str = field(init=False)
    family: ClassVar[str] = "thresholds"
    version: ClassVar[int] = 1

    def __post_init__(self) -> None:
        if not 0 < self.limits[0] < self.limits[1] < self.limits[2]:
            message = f"thresholds {self.limits}: three rising numbers above 0"
            raise ValueError(message)
        object.__setattr__(self, "name", recognizer_name(self.settings))

    @classmethod
    def from_settings(cls, settings: Settings) -> "Thresholds":
        """The rule as the registry keeps it."""
        first, second, third = settings["limits"]
        return cls(Grid(settings["size"], settings["slide"]), (first, second, third))

    @property
    def settings(self) -> Settings:
        """What the name stands for."""
        return {
            "family": self.family,
            "version": self.version,
            "size": self.grid.size,
            "slide": self.grid.slide,
            "limits": list(self.limits),
        }

    def judge(self, evidence: Evidence) -> Verdict:
        """The band of the mean; `unknown` with confidence 0 under a coverage of a half.

        The sum is compared with limit * 2^20 * n, so a mean at a limit is never a matter of rounding.
        """
        count, total, coverage = evidence
        mean = total / (count * SCALE)
        if coverage < 0.5:
            return Verdict("unknown", 0.0, mean, count, coverage)
        band = sum(total >= limit * SCALE * count for limit in self.limits)
        return Verdict(BANDS[band], self._confidence(mean, band), mean, count, coverage)

    def _confidence(self, mean: float, band: int) -> float:
        distance = min(abs(mean - limit) for limit in self.limits)
        edges = (0.0, *self.limits)
        half = _OPEN_HALF_WIDTH if band == len(self.limits) else (edges[band + 1] - edges[band]) / 2
        return 0.5 + 0.45 * min(1.0, distance / half)
