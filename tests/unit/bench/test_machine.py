"""Whole-process figures from /proc."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from bench.machine import Meter, cpu_seconds, fsync_ms, memory_bytes, read_stat, tree

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc: Linux only")


def burn(seconds: float) -> None:
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


def test_the_own_line_can_be_read() -> None:
    stat = read_stat(Path("/proc/self/stat").read_text())
    assert stat.parent == os.getppid()
    assert stat.cpu == pytest.approx(time.process_time(), abs=0.5)


def test_a_tree_holds_grandchildren_and_not_the_neighbours() -> None:
    stats = {
        pid: read_stat(f"{pid} (x) S {parent} " + "0 " * 40) for pid, parent in ((1, 0), (2, 1), (3, 2), (4, 1), (5, 0))
    }
    assert sorted(tree(1, stats)) == [1, 2, 3, 4]


def test_a_child_that_has_ended_still_counts() -> None:
    before = cpu_seconds([os.getpid()])
    code = "import time\nwhile time.process_time() < 0.2: pass"
    subprocess.run([sys.executable, "-I", "-c", code], check=True)
    assert cpu_seconds([os.getpid()]) - before > 0.15  # in ticks of 10 ms


def test_what_this_process_and_its_measured_tree_use_is_not_others() -> None:
    meter = Meter([os.getpid()])
    burn(0.2)
    usage = meter.read()
    assert usage.cpu == pytest.approx(usage.own, abs=0.1)
    assert usage.own > 0.15
    assert 0 <= usage.others <= 1


def test_memory_is_that_of_all_processes_of_a_tree() -> None:
    alone = memory_bytes(os.getpid())
    code = "held = bytearray(b'1' * 50_000_000); print(flush=True); input()"
    with subprocess.Popen([sys.executable, "-I", "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        both = memory_bytes(os.getpid())
        child.communicate(b"\n")
    assert both - alone > 40_000_000


def test_an_fsync_takes_time_and_leaves_nothing(tmp_path: Path) -> None:
    assert fsync_ms(tmp_path, times=3) > 0
    assert list(tmp_path.iterdir()) == []
