"""What a recogniser is."""

import json
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any, Protocol

from gaitway.core.activity import Verdict
from gaitway.core.evidence import Evidence
from gaitway.core.grid import Grid

Settings = Mapping[str, Any]
"""Everything a verdict depends on beside the readings, as JSON; includes `family`, `version`, `size` and `slide`."""


class Recognizer(Protocol):
    """Judges windows of one grid. A verdict is a function of its evidence and of nothing else."""

    @property
    def name(self) -> str:
        """`family-version/size-slide/hash`: a changed setting makes another name, so rows never overwrite others."""
        ...

    @property
    def grid(self) -> Grid:
        """The windows it judges."""
        ...

    @property
    def settings(self) -> Settings:
        """What the name stands for; kept for ever."""
        ...

    def judge(self, evidence: Evidence) -> Verdict:
        """The verdict on a window. Called when it closes, and again when its evidence may have changed."""
        ...


def recognizer_name(settings: Settings) -> str:
    """The name that stands for these settings.

    >>> recognizer_name({"family": "f", "version": 1, "size": 10_000_000_000, "slide": 2_000_000_000})
    'f-1/10s-2s/f10a'
    """
    text = json.dumps(settings, sort_keys=True, separators=(",", ":"))
    grid = Grid(settings["size"], settings["slide"]).text
    return f"{settings['family']}-{settings['version']}/{grid}/{blake2b(text.encode(), digest_size=2).hexdigest()}"
