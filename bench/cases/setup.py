"""How long `make setup` takes in a clean clone. Only when asked for: it needs the package registry."""

import subprocess
import time
from pathlib import Path

from bench.case import Case, Run
from bench.figures import Figure, Target
from bench.machine import Meter

_ROOT = Path(__file__).resolve().parents[2]


def run(run: Run) -> list[Figure]:
    """What is committed is cloned, so uncommitted changes do not count."""
    clone = run.place("setup") / "clone"
    subprocess.run(["git", "clone", "--quiet", str(_ROOT), str(clone)], check=True)
    meter = Meter()
    begin = time.monotonic()
    subprocess.run(["make", "--silent", "setup"], cwd=clone, check=True)
    took = time.monotonic() - begin
    return [Figure("setup", "clean clone to .venv/bin/gaitway", took, "s", meter.read().others, Target("<=", 90))]


CASE = Case("setup", "make setup in a clean clone", run, opt_in=True)
