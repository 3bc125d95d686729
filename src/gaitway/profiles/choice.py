"""Which recognisers the settings switch on, and which of them leads."""

from gaitway.config import Settings
from gaitway.core.grid import Grid
from gaitway.core.recognizers import Recognizer, Thresholds
from gaitway.errors import SettingsError


def recognizers(settings: Settings) -> list[Recognizer]:
    """The recognisers these settings switch on."""
    return [Thresholds(Grid(settings.size, settings.slide), settings.thresholds)]


def leading(settings: Settings, known: list[Recognizer]) -> Recognizer:
    """The one that the page and the views show. Raises SettingsError where `lead` names none."""
    for recognizer in known:
        if settings.lead in (recognizer.name, recognizer.settings["family"]):
            return recognizer
    names = ", ".join(recognizer.name for recognizer in known)
    raise SettingsError([("lead", f"{settings.lead!r} is not switched on", f"Choose one of: {names}.")])
