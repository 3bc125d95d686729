"""Refuses writing while the disk is nearly full, so that a full disk never breaks a tape half-way."""

import shutil
import time
from collections.abc import Callable
from pathlib import Path

from gaitway.errors import BusyError

_LOOK_EVERY = 0.25


class DiskGuard:
    """Raises BusyError while less than `reserve_bytes` are free; looks at most four times a second, recovers by itself.

    >>> DiskGuard(Path("/"), reserve_bytes=0).check()
    """

    def __init__(
        self,
        folder: Path,
        reserve_bytes: int,
        *,
        free_bytes: Callable[[Path], int] = lambda folder: shutil.disk_usage(folder).free,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder = folder
        self._reserve = reserve_bytes
        self._free_bytes = free_bytes
        self._clock = clock
        self._looked_at = float("-inf")
        self._free = 0

    def check(self) -> None:
        """Raises BusyError when the reserve is reached."""
        now = self._clock()
        if now - self._looked_at >= _LOOK_EVERY:
            self._looked_at, self._free = now, self._free_bytes(self._folder)
        if self._free < self._reserve:
            raise BusyError(
                f"only {self._free >> 20} MiB of disk are free, {self._reserve >> 20} MiB are kept in reserve",
                where=str(self._folder),
                hint="free some space, shorten retention or lower the reserve; sending again then works",
            )
