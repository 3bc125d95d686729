"""Every recogniser that ever judged here, under the name its records carry, with its settings: kept for ever."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from gaitway.errors import StateError
from gaitway.registry.store import Registry


class KnownRecognizer(NamedTuple):
    """A recogniser by name. It judges from the tape-1 position `started` on."""

    name: str
    settings: Mapping[str, Any]
    started: int


class Recognizers:
    """Name -> settings. A name stands for one set of settings only."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def start(self, name: str, settings: Mapping[str, Any], started: int) -> KnownRecognizer:
        """Note a recogniser at its first start; later starts change nothing.

        Raises StateError when the name stands for other settings.
        """
        text = json.dumps(settings, sort_keys=True, separators=(",", ":"))
        with self._registry.transaction() as db:
            db.execute("INSERT OR IGNORE INTO recognizers VALUES (?, ?, ?)", (name, text, started))
            row = db.execute("SELECT * FROM recognizers WHERE name = ?", (name,)).fetchone()
        if row["settings"] != text:
            message = f"{name} stands for other settings"
            raise StateError(message, where=row["settings"], hint="Two settings got one name: please report it.")
        return KnownRecognizer(row["name"], json.loads(row["settings"]), row["started"])

    def all(self) -> list[KnownRecognizer]:
        """Every recogniser, by name."""
        rows = self._registry.rows("SELECT * FROM recognizers ORDER BY name")
        return [KnownRecognizer(row["name"], json.loads(row["settings"]), row["started"]) for row in rows]
