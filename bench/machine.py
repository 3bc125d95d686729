"""The machine's side of a figure: CPU and memory of whole process trees, what others took, and calibrations.

Linux only: all of it is read from /proc.
"""

import os
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from bench.bodies import ACCELERATION, Bodies, body_of

_TICK = os.sysconf("SC_CLK_TCK")
_PROC = Path("/proc")
CORES = len(os.sched_getaffinity(0))


class Stat(NamedTuple):
    """What is used of one line of /proc/PID/stat: CPU in seconds, its own and of children that have ended."""

    parent: int
    cpu: float
    ended: float


def read_stat(text: str) -> Stat:
    """Parse a line of /proc/PID/stat; the name in it may hold anything.

    >>> read_stat("7 (a b) c) S 3 " + "0 " * 9 + "100 50 25 25 " + "0 " * 20).parent
    3
    """
    fields = text.rpartition(")")[2].split()
    user, system, ended_user, ended_system = (int(field) / _TICK for field in fields[11:15])
    return Stat(int(fields[1]), user + system, ended_user + ended_system)


def _stats() -> dict[int, Stat]:
    found = {}
    for path in _PROC.iterdir():
        if path.name.isdigit():
            try:
                found[int(path.name)] = read_stat((path / "stat").read_text())
            except (FileNotFoundError, ProcessLookupError):
                continue  # it has just ended
    return found


def tree(root: int, stats: dict[int, Stat]) -> list[int]:
    """A process and all its descendants.

    >>> tree(1, {1: Stat(0, 0, 0), 2: Stat(1, 0, 0), 3: Stat(2, 0, 0), 4: Stat(9, 0, 0)})
    [1, 2, 3]
    """
    found = [root]
    for parent in found:
        found += [pid for pid, stat in stats.items() if stat.parent == parent]
    return found


def cpu_seconds(roots: Sequence[int]) -> float:
    """User and system time of process trees so far, ended children included."""
    stats = _stats()
    pids = [pid for root in roots for pid in tree(root, stats) if pid in stats]
    return sum(stats[pid].cpu + stats[pid].ended for pid in pids)


def memory_bytes(root: int) -> int:
    """Proportional set size of a process tree: pages that processes share are counted once."""
    total = 0
    for pid in tree(root, _stats()):
        try:
            lines = (_PROC / str(pid) / "smaps_rollup").read_text().splitlines()
        except (FileNotFoundError, ProcessLookupError):
            continue
        total += sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
    return total


def machine_seconds() -> float:
    """Time all cores spent working, and time the hypervisor kept from them. Interrupts belong to nobody: left out."""
    fields = (_PROC / "stat").read_text().split("\n", 1)[0].split()
    user, nice, system, steal = (int(fields[i]) / _TICK for i in (1, 2, 3, 8))
    return user + nice + system + steal


class Meter:
    """Measures from its making to `read`: seconds, CPU of the measured trees, and the share of the machine others took.

    Others are all who do not descend from this process.
    """

    def __init__(self, measured: Sequence[int] = ()) -> None:
        self._measured = list(measured)
        self._then = self._now()

    def read(self) -> "Usage":
        """What was used until now."""
        wall, machine, run, own, measured = (now - then for now, then in zip(self._now(), self._then, strict=True))
        return Usage(wall, measured, own, max(0.0, machine - run) / (wall * CORES))

    def _now(self) -> tuple[float, ...]:
        run, measured = cpu_seconds([os.getpid()]), cpu_seconds(self._measured)
        return time.monotonic(), machine_seconds(), run, time.process_time(), measured


class Usage(NamedTuple):
    """What a measurement used. `cpu` is the servers', `own` the load generator's, `others` a share of the machine."""

    seconds: float
    cpu: float
    own: float
    others: float


class _Axes(msgspec.Struct, gc=False):
    x: float
    y: float
    z: float


class _Reading(msgspec.Struct, gc=False):
    name: str
    values: _Axes
    time: int
    accuracy: int | None = None


class _Push(msgspec.Struct, gc=False):
    messageId: int | str
    sessionId: str
    deviceId: str
    payload: list[_Reading]


def calibrate(rounds: int = 15, times: int = 40) -> float:
    """CPU of one typed decode of a body of 200 accelerometer readings, us: the unit in which machines compare."""
    body = body_of(Bodies(ACCELERATION, 1, 1_760_000_000, templates=1).next(0))
    decode = msgspec.json.Decoder(_Push).decode
    taken = []
    for _ in range(rounds):
        begin = time.thread_time()
        for _ in range(times):
            decode(body)
        taken.append((time.thread_time() - begin) / times * 1e6)
    return statistics.median(taken)


def fsync_ms(folder: Path, times: int = 60) -> float:
    """Median of writing 4 KiB and having it on the disk, ms."""
    taken = []
    with tempfile.TemporaryFile(dir=folder) as file:
        for _ in range(times):
            file.write(bytes(4096))
            file.flush()
            begin = time.monotonic()
            os.fdatasync(file.fileno())
            taken.append((time.monotonic() - begin) * 1e3)
    return statistics.median(taken)
