"""The usual consumer: reads one reading after the other, windows in plain Python, writes what it finds.

`python -m bench.peers.consumer FOLDER PUBLISHER`; how far it is stands in FOLDER/consumed.
"""

import json
import math
import os
import sys
import time
from pathlib import Path
from typing import Any

from bench.peers.publish import READERS

_SECOND = 1_000_000_000
_SIZE, _SLIDE, _LATENESS = 10 * _SECOND, 2 * _SECOND, 2 * _SECOND
_POLL = 0.05
_LEVELS = ((2.0, "stationary"), (8.0, "walking"), (20.0, "running"), (math.inf, "sprinting"))


class Windows:
    """Sliding windows of one stream: a running mean of |a| in each."""

    def __init__(self) -> None:
        self._open: dict[int, tuple[int, float]] = {}
        self._newest = 0

    def add(self, moment: int, magnitude: float) -> list[dict[str, Any]]:
        """Take a sample in; the windows that it closes.

        >>> windows = Windows()
        >>> [len(windows.add(second * 1_000_000_000, 1.0)) for second in range(8, 15)]
        [0, 0, 0, 0, 1, 0, 1]
        """
        start = moment // _SLIDE * _SLIDE
        while start > moment - _SIZE:
            count, total = self._open.get(start, (0, 0.0))
            self._open[start] = (count + 1, total + magnitude)
            start -= _SLIDE
        self._newest = max(self._newest, moment)
        closed = [start for start in self._open if start + _SIZE <= self._newest - _LATENESS]
        return [self._close(start) for start in sorted(closed)]

    def _close(self, start: int) -> dict[str, Any]:
        count, total = self._open.pop(start)
        mean = total / count
        activity = next(name for limit, name in _LEVELS if mean < limit)
        return {"window_start": start, "activity": activity, "avg_magnitude": mean, "sample_count": count}


def main() -> None:
    """Consume until SIGTERM."""
    folder, publisher = Path(sys.argv[1]), sys.argv[2]
    position = 0
    streams: dict[tuple[str, str], Windows] = {}
    with READERS[publisher](folder) as read, (folder / "activities.jsonl").open("a") as out:
        while True:
            batch = read(position)
            for position, value in batch:  # noqa: B007 - the last one is how far we are
                reading = json.loads(value)
                if reading["sensor"] != "accelerometer":
                    continue
                key = (reading["device_id"], reading["session_id"])
                windows = streams.setdefault(key, Windows())
                magnitude = math.sqrt(reading["x"] ** 2 + reading["y"] ** 2 + reading["z"] ** 2)
                for activity in windows.add(reading["time"], magnitude):
                    out.write(json.dumps({"device_id": key[0], "session_id": key[1], **activity}) + "\n")
            if batch:
                out.flush()
                _tell(folder, position)
            else:
                time.sleep(_POLL)


def _tell(folder: Path, position: int) -> None:
    new = folder / "consumed.new"
    new.write_text(str(position))
    os.replace(new, folder / "consumed")


if __name__ == "__main__":
    main()
