"""Does what was published equal the batch function? Pure; `gaitway verify` brings the readings and the records."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from gaitway.core.activity import Verdict, iso
from gaitway.core.batch import judge_windows
from gaitway.core.message import Stream
from gaitway.core.recognizers.recognizer import Recognizer
from gaitway.core.samples import Sources
from gaitway.core.state import ALL


class Published(NamedTuple):
    """The current version of one window."""

    verdict: Verdict
    revision: int


class Scope(NamedTuple):
    """What of a stream can be compared."""

    tick: int
    """Tape-1 position of its last tick; the readings given are those up to it."""
    sealed_to: int = 0
    """Windows that start before this time (ns) cannot be verified: their readings are gone."""
    since: int = ALL
    """First window_start the recogniser judges."""
    has_readings: bool = True
    lost_tick: int = 0
    """Tape-1 position of a tick that was folded though no state (or one without a tick) is left; 0: none."""


@dataclass
class Findings:
    """What a comparison gave; add them up over streams."""

    compared: int = 0
    not_due: int = 0
    """Versions later than the stream's last tick."""
    not_verifiable: int = 0
    """Windows behind a seal."""
    not_judged: int = 0
    """Windows from before the recogniser's first start."""
    unticked: int = 0
    """Streams with readings that had no tick yet."""
    differences: list[str] = field(default_factory=list)

    def add(self, other: "Findings") -> None:
        """Add the findings of another stream."""
        self.compared += other.compared
        self.not_due += other.not_due
        self.not_verifiable += other.not_verifiable
        self.not_judged += other.not_judged
        self.unticked += other.unticked
        self.differences += other.differences


def compare(
    stream: Stream, sources: Sources, published: Mapping[int, Published], recognizer: Recognizer, scope: Scope
) -> Findings:
    """Compare the current versions (by window_start) of one recogniser with the batch function over the samples."""
    found = Findings()
    expected = {recognizer.grid.start(w): v for w, v in judge_windows(sources, recognizer).items()}
    for start in sorted(expected.keys() | published.keys()):
        known = published.get(start)
        if known is not None and known.revision > scope.tick:
            found.not_due += 1
        elif start < scope.sealed_to:
            found.not_verifiable += 1
        elif known is None and start < scope.since:
            found.not_judged += 1
        else:
            found.compared += 1
            said = None if known is None else known.verdict
            if (due := expected.get(start)) != said:
                where = f"{stream.device_id} {stream.session_id} {iso(start)} {recognizer.name}"
                found.differences.append(f"{where}: {_difference(said, due)}")
    return found


def check_tick(stream: Stream, scope: Scope) -> Findings:
    """Whether a stream was ticked; if it was and nothing is left of that, this is a difference.

    >>> check_tick(Stream("phone", "walk"), Scope(tick=0)).unticked
    1
    """
    found = Findings()
    if scope.tick or not scope.has_readings:
        return found
    if scope.lost_tick:
        where = f"{stream.device_id} {stream.session_id}"
        found.differences.append(f"{where}: was ticked at {scope.lost_tick} but has no activities or state")
    else:
        found.unticked = 1
    return found


def _difference(said: Verdict | None, due: Verdict | None) -> str:
    if said is None:
        return f"missing; the readings say {_text(due)}"
    if due is None:
        return f"says {_text(said)}, but no reading lies in it"
    fields = [
        f"{name} {a!r}, the readings say {b!r}" for name, a, b in zip(Verdict._fields, said, due, strict=True) if a != b
    ]
    return "; ".join(fields)


def _text(verdict: Verdict | None) -> str:
    return "nothing" if verdict is None else f"{verdict.activity} ({verdict.sample_count} samples)"
