"""Recognisers: one file each, one line in `FAMILIES`. Verdicts of several are stored side by side."""

from collections.abc import Callable, Mapping

from gaitway.core.grid import Grid
from gaitway.core.recognizers.recognizer import Recognizer, Settings
from gaitway.core.recognizers.thresholds import Thresholds

#: family -> how to make one from its settings (as the registry keeps them).
FAMILIES: Mapping[str, Callable[[Settings], Recognizer]] = {
    Thresholds.family: Thresholds.from_settings,
}


def from_settings(settings: Settings) -> Recognizer:
    """The recogniser whose `settings` these are. Raises KeyError for a family this version does not have."""
    return FAMILIES[str(settings["family"])](settings)


__all__ = ["FAMILIES", "Grid", "Recognizer", "Settings", "Thresholds", "from_settings"]
