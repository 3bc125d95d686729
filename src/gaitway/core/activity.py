"""What the core says: verdicts on windows, as records of tape 2 and as live verdicts."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, NamedTuple

from gaitway.core.message import Stream

Activity = Literal["stationary", "walking", "running", "sprinting", "vehicle", "unknown"]
Status = Literal["final", "revised"]

#: The order in which activities are shown everywhere.
ACTIVITIES: tuple[Activity, ...] = ("stationary", "walking", "running", "sprinting", "vehicle", "unknown")


class Verdict(NamedTuple):
    """What a recogniser says of one span. Law 2 covers all of it."""

    activity: Activity
    confidence: float
    avg_magnitude: float
    sample_count: int
    coverage: float


@dataclass(frozen=True, slots=True)
class ActivityRecord:
    """One version of the verdict on one window: a record of tape 2.

    Identity is (stream, window_start, recognizer); the version with the highest `revision` is the current one.
    """

    stream: Stream
    window_start: int
    """ns, inclusive."""
    window_end: int
    """ns, exclusive."""
    recognizer: str
    verdict: Verdict
    revision: int
    """Position on tape 1 of the record that caused this version."""
    status: Status
    schema_version: int = 1


@dataclass(frozen=True, slots=True)
class LiveVerdict:
    """The provisional verdict on the newest span of a stream; broadcast, never stored."""

    stream: Stream
    window_start: int
    window_end: int
    recognizer: str
    verdict: Verdict


def iso(time_ns: int) -> str:
    """A window's time as ISO 8601 in UTC with milliseconds.

    >>> iso(1772734472000000000)
    '2026-03-05T18:14:32.000Z'
    """
    seconds, rest = divmod(time_ns, 1_000_000_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest // 1_000_000:03d}Z"
