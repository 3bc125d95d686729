"""The shapes of answers, as OpenAPI describes them."""

from typing import Any, TypedDict


class Counts(TypedDict):
    """messages, duplicates, conflicting and missing count messages, the rest readings."""

    messages: int
    readings: int
    duplicates: int
    conflicting: int
    missing: int
    late: int
    dead_letters: int


class StreamRow(TypedDict):
    """One recording on one phone. Times are ns. `since`: first window of recognisers that came later than it."""

    device_id: str
    session_id: str
    first_time: int | None
    last_time: int | None
    live: bool
    tick: int | None
    sealed_to: int | None
    since: dict[str, int]
    counts: Counts


class Streams(TypedDict):
    """A page of streams."""

    streams: list[StreamRow]
    next: str | None


class ActivityRow(TypedDict):
    """An activity record: the verdict on one window. Times are ISO 8601 in UTC, `avg_magnitude` is m/s2."""

    session_id: str
    device_id: str
    window_start: str
    window_end: str
    activity: str
    confidence: float
    avg_magnitude: float
    sample_count: int
    coverage: float
    recognizer: str
    revision: int
    status: str
    schema_version: int


class SegmentRow(TypedDict):
    """A run of equal verdicts. Times are ISO 8601 in UTC, `covered` is seconds."""

    device_id: str
    session_id: str
    recognizer: str
    activity: str
    start: str
    end: str
    covered: float


class Activities(TypedDict):
    """A page of activity records, current versions."""

    activities: list[ActivityRow]
    next: str | None


class Segments(TypedDict):
    """A page of segments."""

    segments: list[SegmentRow]
    next: str | None


class ReadingRow(TypedDict):
    """One reading; x, y, z are among its values. `time` is ns."""

    sensor: str
    time: int
    values: dict[str, Any]


class Readings(TypedDict):
    """A page of readings."""

    readings: list[ReadingRow]
    next: str | None


class RecognizerRow(TypedDict):
    """A recogniser: its settings, the tape position from which on it judges, whether it was switched off, and leads."""

    name: str
    settings: dict[str, Any]
    started: int
    retired: bool
    lead: bool


class RecognizerList(TypedDict):
    """All recognisers."""

    recognizers: list[RecognizerRow]
    next: str | None


class DeadLetterRow(TypedDict):
    """What was refused, and why. `received_at` is ns."""

    id: str
    received_at: int
    device_id: str | None
    session_id: str | None
    reason: str
    where: str
    excerpt: str


class DeadLetterList(TypedDict):
    """A page of dead letters, newest first."""

    dead_letters: list[DeadLetterRow]
    next: str | None


class Fault(TypedDict):
    """Any error."""

    error: str
    where: str
    hint: str


class Started(TypedDict):
    """A simulated phone that was started."""

    device_id: str


class Name(TypedDict):
    """What a phone shall be called; empty takes its name away."""

    name: str


class DeviceRow(TypedDict):
    """A phone."""

    device_id: str
    name: str | None
    platform: str | None
    model: str | None
    first_seen: int
    simulated: bool
