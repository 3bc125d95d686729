"""A verdict belongs to the message whose newest 100 ms it ends with."""

import json

from bench.bodies import ONE_SECOND, Bodies
from bench.cases.verdict import events, match
from bench.load import Outcome, Post

START = 1_772_734_472  # 2026-03-05T18:14:32Z


def event(device: str, end: str) -> bytes:
    return b"id: 7\ndata: " + json.dumps({"device_id": device, "window_end": end}).encode() + b"\n\n"


def test_an_event_counts_from_its_last_byte_whatever_the_chunks() -> None:
    whole = event("a", "2026-03-05T18:14:33.000Z") + b": beat\n\n" + event("b", "2026-03-05T18:14:34.000Z")
    heard = [(float(i), whole[i : i + 1]) for i in range(len(whole))]
    found = events(heard)
    assert [each["device_id"] for _, each in found] == ["a", "b"]
    assert [when for when, _ in found] == [whole.index(b"}") + 1, whole.rindex(b"}") + 1]


def test_delays_are_from_due_to_heard_and_messages_without_a_verdict_are_left_out() -> None:
    bodies = Bodies(ONE_SECOND, 2, START, templates=1)
    first, second = bodies.device_ids
    posts = [Post(0, 0, 10.0, 10.01, 200), Post(1, 0, 10.5, 10.51, 200), Post(0, 1, 11.0, 11.01, 200)]
    heard = [
        (10.02, event(first, "2026-03-05T18:14:33.000Z")),
        (11.03, event(first, "2026-03-05T18:14:34.000Z")),
        (11.04, event(first, "2026-03-05T18:14:34.000Z")),  # said again: not a second verdict on the message
        (11.05, event(second, "2026-03-05T18:14:39.000Z")),  # of a message that was not posted
    ]
    delays = match(Outcome(10.0, posts), heard, bodies)
    assert [round(delay) for delay in delays] == [20, 30]
