"""The data folder of the embedded profile: where each thing lies, and the lock that lets one server in."""

import fcntl
import os
import time
from dataclasses import dataclass
from pathlib import Path

from gaitway.errors import LogError


@dataclass(frozen=True, slots=True)
class DataFolder:
    """The paths below `serve --data`."""

    root: Path

    @property
    def tape(self) -> Path:
        """Segments of tape 1."""
        return self.root / "log" / "raw"

    @property
    def refused(self) -> Path:
        """The front's dead letters."""
        return self.root / "log" / "refused.sqlite"

    @property
    def activity(self) -> Path:
        """Tape 2 and the engine's checkpoint."""
        return self.root / "log" / "activity.sqlite"

    @property
    def core_errors(self) -> Path:
        """The engine's dead letters."""
        return self.root / "log" / "core_errors.sqlite"

    @property
    def rebuilding(self) -> Path:
        """Stands while activities are being rebuilt, so that the next start sees at a glance that it was broken off."""
        return self.root / "log" / "rebuilding"

    @property
    def registry(self) -> Path:
        """Devices, tokens, recognisers."""
        return self.root / "registry.sqlite"

    @property
    def warehouse(self) -> Path:
        """The Parquet files."""
        return self.root / "warehouse"

    @property
    def run(self) -> Path:
        """Socket and locks; may be deleted while nothing runs."""
        return self.root / "run"


class FolderLock:
    """Only one process at a time may write a part of a folder. The kernel frees it when that process dies."""

    def __init__(self, data: DataFolder, part: str, wait: float = 5.0) -> None:
        """Take the lock, waiting for a server that is just stopping. Raises LogError when another one stays."""
        data.run.mkdir(parents=True, exist_ok=True)
        path = data.run / f"{part}.lock"
        self._file = path.open("a+", encoding="ascii")
        deadline = time.monotonic() + wait
        while True:
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError:
                if time.monotonic() > deadline:
                    self._file.seek(0)
                    holder = self._file.read().strip() or "unknown"
                    message = f"another Gaitway writes this folder (process {holder})"
                    raise LogError(message, where=str(data.root), hint="Stop it, or use another --data.") from None
                time.sleep(0.05)
        self._file.truncate(0)
        self._file.write(str(os.getpid()))
        self._file.flush()

    def release(self) -> None:
        """Let the next one in."""
        self._file.close()
