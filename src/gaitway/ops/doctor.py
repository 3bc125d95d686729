"""What a doctor says: findings, and how figures are judged. No check here touches a disk or a network.

Subject -> checks: each one small function -> findings, each with why and what to do
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Literal, NamedTuple

from gaitway.errors import GaitwayError

Level = Literal["ok", "warn", "fail"]
_S = 1_000_000_000
#: A reading later than this before the server's clock is refused; from 2 min on the phone's user is told.
CLOCK_REFUSED_NS = 600 * _S
CLOCK_TOLD_NS = 120 * _S
CLOCK_NOTICED_NS = 3 * _S
SILENT_NS = 15 * _S
LOW_BATTERY = 0.05


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. What is not `ok` says why, and a hint at what to do."""

    level: Level
    what: str
    why: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Subject:
    """What to look at; None where nobody asked for it."""

    data: Path | None = None
    url: str | None = None
    port: int | None = None
    token: str | None = None
    device_id: str | None = None
    reserve: int = 1 << 30
    """Free bytes below which nothing is stored."""
    timezone: str | None = None
    """Of the views; None: what they have."""


class Check(NamedTuple):
    """A check by its name. A subject it does not concern gives no finding."""

    name: str
    look: Callable[[Subject], Iterable[Finding]]


class Arrival(NamedTuple):
    """One message as the tape noted it. Times are ns; `newest` is the newest event time in it."""

    received_at: int
    newest: int


def diagnose(subject: Subject, checks: Sequence[Check]) -> Iterator[tuple[str, Finding]]:
    """(name of the check, finding) of all checks. A check that meets an error of Gaitway says so as a finding."""
    for check in checks:
        try:
            yield from ((check.name, finding) for finding in check.look(subject))
        except GaitwayError as error:
            yield check.name, Finding("fail", str(error), error.where, error.hint)


def judge_disk(free: int, reserve: int) -> Finding:
    """Whether there is room to store.

    >>> judge_disk(5 << 30, 1 << 30).level, judge_disk(3 << 29, 1 << 30).level, judge_disk(1, 1 << 30).level
    ('ok', 'warn', 'fail')
    """
    what = f"{_gib(free)} of disk are free, {_gib(reserve)} are kept in reserve"
    if free < reserve:
        return Finding("fail", what, "phones are answered 503 and nothing is stored", "Free some space.")
    if free < 2 * reserve:
        return Finding("warn", what, "soon nothing will be stored", "Free some space, or set retention_days.")
    return Finding("ok", what)


def judge_clock(arrivals: Sequence[Arrival]) -> Finding:
    """Whether a phone's clock agrees with the server's, by how old its newest readings were on arrival.

    The median counts: a few late batches say nothing about the clock.

    >>> judge_clock([Arrival(100 * 10**9, 99 * 10**9)]).what
    "the phone's clock agrees with the server's (readings arrive 1.0 s old)"
    """
    age = median(arrival.received_at - arrival.newest for arrival in arrivals)
    ahead = -age
    if ahead > CLOCK_NOTICED_NS:
        if ahead > CLOCK_REFUSED_NS:
            why = "readings from more than 10 min ahead are refused; they are whole among the dead letters"
        elif ahead > CLOCK_TOLD_NS:
            why = "the phone is told so once a session"
        else:
            why = "its activities appear too late by that much"
        level: Level = "fail" if ahead > CLOCK_TOLD_NS else "warn"
        hint = "Set the phone's clock (or this machine's) to automatic."
        return Finding(level, f"the phone's clock is {span(ahead)} ahead", why, hint)
    if age > CLOCK_REFUSED_NS:
        why = "its clock is behind, or this is a recording that was sent later"
        return Finding(
            "warn", f"readings arrive {span(age)} old", why, "If it records now, set its clock to automatic."
        )
    return Finding("ok", f"the phone's clock agrees with the server's (readings arrive {age / _S:.1f} s old)")


def judge_gaps(arrivals: Sequence[Arrival]) -> Finding:
    """Whether messages came without long breaks. `arrivals` in order of arrival, at least one."""
    breaks = [b.received_at - a.received_at for a, b in pairwise(arrivals)]
    long = [pause for pause in breaks if pause > SILENT_NS]
    if not long:
        return Finding("ok", f"its last {len(arrivals)} messages came without a break")
    what = f"{len(long)} breaks in its last {len(arrivals)} messages, the longest {span(max(long))}"
    hint = "Switch battery saving off for Sensor Logger, and look at the network where the phone was."
    return Finding("warn", what, "the app slept, or the phone had no network", hint)


def judge_silence(silent: int, battery: float | None, late: bool) -> Finding:
    """Why a phone says nothing, from how long it has been silent (ns), its last battery level (0 to 1), and whether
    its last messages came late.
    """
    if silent <= SILENT_NS:
        return Finding("ok", f"its last message came {span(max(silent, 0))} ago")
    what = f"its last message came {span(silent)} ago"
    if battery is not None and battery <= LOW_BATTERY:
        return Finding("warn", what, f"its battery was at {battery:.0%}: it is most likely empty", "Charge the phone.")
    if late:
        why = "its last messages came late: it most likely lost the network"
        return Finding("warn", what, why, "See that the phone is in a network from which it reaches this server.")
    why = "its last messages came in time: the recording most likely ended, or the app was closed"
    return Finding("warn", what, why, "Start a recording in Sensor Logger, with HTTP push on.")


def judge_missing(missing: int, messages: int) -> Finding:
    """Whether messages were lost on the way, by gaps in their numbers."""
    if not missing:
        return Finding("ok", "no message of its newest session is missing")
    share = missing / (missing + messages)
    why = "they were lost between the phone and this server; the app does not send them again"
    hint = "Keep Skip Writing off in the app: then its export can be sent with `gaitway replay`."
    return Finding("warn", f"{missing:,} messages of its newest session are missing ({share:.1%})", why, hint)


def span(nanoseconds: float) -> str:
    """A length of time for people.

    >>> span(1.5e9), span(90e9), span(7200e9), span(3 * 86400e9)
    ('1.5 s', '1.5 min', '2.0 h', '3.0 days')
    """
    seconds = nanoseconds / _S
    for size, unit in ((86_400.0, "days"), (3600.0, "h"), (60.0, "min")):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.1f} s"


def worst(findings: Iterable[Finding]) -> Level:
    """The worst level.

    >>> worst([Finding("ok", ""), Finding("warn", "")]), worst([])
    ('warn', 'ok')
    """
    levels = {finding.level for finding in findings}
    return "fail" if "fail" in levels else "warn" if "warn" in levels else "ok"


def _gib(size: int) -> str:
    return f"{size / (1 << 30):.1f} GiB"
