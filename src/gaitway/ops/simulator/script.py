"""What a simulated phone's owner does: a script such as `stationary:60,walking:120,running:30`, repeated for ever."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gaitway.core.activity import Activity
from gaitway.core.message import Floats
from gaitway.errors import SettingsError

#: What a script may name, and what the published rule says of it at the `vigorous` gain (it knows no vehicles).
RULE_SAYS: dict[str, Activity] = {
    "stationary": "stationary",
    "walking": "walking",
    "running": "running",
    "sprinting": "sprinting",
    "vehicle": "stationary",
}
DEMO = "stationary:20,walking:60,running:40,stationary:20,walking:40,sprinting:20,vehicle:40"


@dataclass(frozen=True, slots=True)
class Part:
    """One activity for so many seconds."""

    activity: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Script:
    """A round of parts; after the last one it begins again.

    >>> script = Script.parse("stationary:60, walking:120")
    >>> script.duration, script.activity_at(np.array([0.0, 59.9, 60.0, 181.0])).tolist()
    (180.0, ['stationary', 'stationary', 'walking', 'stationary'])
    """

    parts: tuple[Part, ...]

    @classmethod
    def parse(cls, text: str) -> "Script":
        """Read `activity:seconds,...`. Raises SettingsError that lists every fault."""
        parts, faults = [], []
        for number, piece in enumerate(text.split(","), start=1):
            activity, _, seconds = piece.strip().partition(":")
            try:
                parts.append(_part(activity.strip(), seconds))
            except ValueError as error:
                faults.append((f"script part {number}", str(error), "Write it like stationary:60,walking:120."))
        if faults:
            raise SettingsError(faults)
        return cls(tuple(parts))

    @property
    def duration(self) -> float:
        """Seconds of one round."""
        return float(sum(part.seconds for part in self.parts))

    @property
    def starts(self) -> Floats:
        """Where each part starts in the round, s."""
        return np.cumsum([0.0, *(part.seconds for part in self.parts[:-1])])

    def locate(self, seconds: Floats) -> tuple[NDArray[np.intp], Floats, Floats]:
        """For times since the start: the index of the part, the seconds into it, and how many rounds are over."""
        rounds = np.floor(seconds / self.duration)
        within = seconds - rounds * self.duration
        starts = self.starts
        index = np.searchsorted(starts, within, side="right") - 1
        return index, within - starts[index], rounds

    def activity_at(self, seconds: Floats) -> NDArray[np.str_]:
        """What is done at each time since the start."""
        names = np.array([part.activity for part in self.parts])
        return names[self.locate(np.asarray(seconds, dtype=np.float64))[0]]

    def pure_window(self, start: float, end: float, margin: float = 1.0) -> str | None:
        """The one activity of [start, end), None where it changes there or within `margin` seconds before it.

        >>> Script.parse("stationary:60,walking:120").pure_window(62, 72)
        'walking'
        """
        (part,), (into,), _ = self.locate(np.array([start]))
        fits = into >= margin and into + (end - start) <= self.parts[part].seconds
        alone = len({p.activity for p in self.parts}) == 1
        return self.parts[part].activity if fits or alone else None


def _part(activity: str, seconds: str) -> Part:
    if activity not in RULE_SAYS:
        what = f"{activity!r} is not one of {', '.join(RULE_SAYS)}"
        raise ValueError(what)
    try:
        length = float(seconds)
    except ValueError:
        length = 0.0
    if not 0 < length < float("inf"):
        what = f"{seconds!r} is not a number of seconds above 0"
        raise ValueError(what)
    return Part(activity, length)
