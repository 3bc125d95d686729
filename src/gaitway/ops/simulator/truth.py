"""What simulated phones sent and did, for tests: readings as arrays, and what the verdicts should be."""

from collections.abc import Iterable
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from gaitway.core.activity import Activity
from gaitway.core.message import Floats, Times
from gaitway.ops.simulator.phone import Phone
from gaitway.ops.simulator.push import Push
from gaitway.ops.simulator.script import RULE_SAYS


class Sent(NamedTuple):
    """Readings of one sensor in the order in which they were sent."""

    times: Times
    """(n,), ns."""
    xyz: Floats
    """(3, n)."""


def stream_arrays(pushes: Iterable[Push]) -> dict[str, Sent]:
    """Per sensor all readings with x, y, z of well-formed messages, repeats included."""
    found: dict[str, tuple[list[int], list[tuple[float, float, float]]]] = {}
    for push in pushes:
        for reading in msgspec.json.decode(push.body)["payload"]:
            values = reading.get("values", {})
            if "x" in values:
                times, rows = found.setdefault(reading["name"], ([], []))
                times.append(reading["time"])
                rows.append((values["x"], values["y"], values["z"]))
    return {
        name: Sent(np.array(times, dtype=np.int64), np.array(rows, dtype=np.float64).T)
        for name, (times, rows) in found.items()
    }


def labels_at(phone: Phone, start_ns: int, times: Times) -> NDArray[np.str_]:
    """What the phone's owner did at given times (ns), by the script."""
    return phone.parsed.activity_at(((times - start_ns) * 1e-9).astype(np.float64))


def window_truth(phone: Phone, start_ns: int, size_ns: int, slide_ns: int) -> dict[int, Activity]:
    """window_start -> what the published rule should say, of each whole window in which only one thing is done.

    Windows are aligned to the epoch. For phones at the `vigorous` gain that record for a finite time.
    """
    end = start_ns + round(phone.seconds * 1e9)
    truth: dict[int, Activity] = {}
    for window in range(-(-start_ns // slide_ns) * slide_ns, end - size_ns + 1, slide_ns):
        since = (window - start_ns) * 1e-9
        done = phone.parsed.pure_window(since, since + size_ns * 1e-9)
        if done is not None:
            truth[window] = RULE_SAYS[done]
    return truth
