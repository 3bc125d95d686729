"""Nothing is written while the disk is nearly full."""

from pathlib import Path

import pytest

from gaitway.errors import BusyError
from gaitway.log.disk_guard import DiskGuard


class Disk:
    """A disk and a clock that a test moves by hand."""

    def __init__(self) -> None:
        self.free = 10
        self.now = 0.0
        self.looks = 0

    def guard(self) -> DiskGuard:
        return DiskGuard(Path("data"), 5, free_bytes=self.look, clock=lambda: self.now)

    def look(self, _: Path) -> int:
        self.looks += 1
        return self.free


def test_below_the_reserve_it_is_busy_and_it_recovers_unaided() -> None:
    disk = Disk()
    guard = disk.guard()
    guard.check()
    disk.free, disk.now = 4, 1.0
    with pytest.raises(BusyError, match="reserve") as caught:
        guard.check()
    assert caught.value.status == 503
    assert caught.value.where == "data"
    disk.free, disk.now = 5, 2.0
    guard.check()


def test_it_looks_at_most_four_times_a_second() -> None:
    disk = Disk()
    guard = disk.guard()
    for hundredth in range(100):
        disk.now = hundredth / 100
        guard.check()
    assert disk.looks == 4
