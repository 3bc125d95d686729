"""Torn streams for the laws: what phones, networks and clocks do, as Hypothesis strategies."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

from gaitway.core.activity import ActivityRecord, Verdict
from gaitway.core.message import Block, Message, Record, Stream
from gaitway.core.samples import Sources, gather

PHONE = Stream("phone", "walk")
BASE = 1_782_477_373_956_791_296
MS = 1_000_000
SENSORS = ("accelerometer", "totalacceleration", "accelerometeruncalibrated", "gravity", "gyroscope")
VALUES = (0.0, 1.2, -1.6, 1.6, 2.0, 8.0, 0.3, 0.98, 9.81, 20.0, -0.0)


@dataclass(frozen=True)
class Torn:
    """A stream as it arrives: messages with gaps, repeats, conflicts, lateness and disorder."""

    messages: list[Message]


@st.composite
def blocks(draw: st.DrawFn, start: int, sensors: Sequence[str]) -> Block:
    """Readings within 1.5 s of a start: up to 12 at any times, repeats included; or steadily one in 90 ms."""
    kind = draw(st.sampled_from(["steady", "steady", "rising", "any"]))
    times = list(range(0, 1500, 90))
    if kind != "steady":
        times = draw(st.lists(st.integers(0, 1500), min_size=1, max_size=12))
    if kind == "rising":
        times = sorted(set(times))
    n = len(times)
    few = draw(st.lists(st.sampled_from(VALUES), min_size=3, max_size=9))
    xyz = [few[i % len(few)] for i in range(3 * n)]
    return Block(
        sensor=draw(st.sampled_from(sensors)),
        times=np.array([start + t * MS for t in times], np.int64),
        xyz=np.array(xyz).reshape(3, n),
    )


@st.composite
def torn_streams(draw: st.DrawFn, stream: Stream = PHONE, *, sources: bool = True) -> Torn:
    """Messages in the order in which they arrive."""
    sensors = draw(st.sampled_from([SENSORS[:1], SENSORS, (SENSORS[1], SENSORS[3])])) if sources else SENSORS[:1]
    start = BASE
    sent: list[Message] = []
    for number in range(draw(st.integers(1, 14))):
        start += draw(st.sampled_from([1000, 1000, 1000, 1500, 700, 4000, 17_000, 163_000])) * MS
        parts = tuple(draw(st.lists(blocks(start, sensors), min_size=0, max_size=3)))
        sent.append(Message(stream, number, parts, received_at=start + 1500 * MS))
    arriving = list(sent)
    for _ in range(draw(st.integers(0, 4))):
        arriving.insert(draw(st.integers(0, len(arriving))), draw(st.sampled_from(sent)))
    how = draw(st.sampled_from(["in order", "shuffled", "one late", "two swapped"]))
    if how == "shuffled":
        arriving = draw(st.permutations(arriving))
    elif how == "one late":
        arriving.append(arriving.pop(draw(st.integers(0, len(arriving) - 1))))
    elif how == "two swapped" and len(arriving) > 1:
        at = draw(st.integers(0, len(arriving) - 2))
        arriving[at], arriving[at + 1] = arriving[at + 1], arriving[at]
    return Torn(arriving)


class Tapes:
    """Both tapes in memory, and what the core reads back of them."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.activities: list[ActivityRecord] = []
        self.states: dict[Stream, bytes] = {}
        self.read_back = 0

    def put(self, message: Message) -> Record:
        """Append a message to tape 1."""
        record = Record(len(self.records) + 1, "message", message.stream, message.received_at, message)
        self.records.append(record)
        return record

    def tick(self, stream: Stream) -> Record:
        """Append a tick to tape 1."""
        record = Record(len(self.records) + 1, "tick", stream, 0)
        self.records.append(record)
        return record

    def seal(self, stream: Stream, before: int) -> Record:
        """Append a seal to tape 1."""
        record = Record(len(self.records) + 1, "seal", stream, 0, before=before)
        self.records.append(record)
        return record

    def samples(self, stream: Stream, start: int, end: int, upto: int) -> Sources:
        """As `ReadBack` promises."""
        self.read_back += 1
        kept = [r.message for r in self.records[:upto] if r.stream == stream and r.message is not None]
        return gather(kept, start, end)

    def published(self, stream: Stream, recognizer: str, start: int, end: int) -> Mapping[int, Verdict]:
        """As `ReadBack` promises."""
        found = {}
        for a in self.activities:
            if a.stream == stream and a.recognizer == recognizer and start <= a.window_start < end:
                found[a.window_start] = a.verdict
        return found

    def state(self, stream: Stream) -> bytes | None:
        """As `ReadBack` promises."""
        return self.states.get(stream)

    def current(self, stream: Stream, recognizer: str) -> dict[int, Verdict]:
        """Per window_start the verdict with the highest revision."""
        best: dict[int, ActivityRecord] = {}
        for a in self.activities:
            if a.stream == stream and a.recognizer == recognizer:
                known = best.get(a.window_start)
                if known is None or a.revision > known.revision:
                    best[a.window_start] = a
        return {start: a.verdict for start, a in best.items()}
