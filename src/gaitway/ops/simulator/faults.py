"""What goes wrong between a phone and a server: functions from a sequence of messages to another one.

They compose: `with_faults(pushes, ("late", "duplicates"), seed)`, always in the order of FAULTS. Each draws from a
generator of its own, so the same seed gives the same bytes whatever other faults take part. What comes out is in the
order of arrival. To add one: write a function and a line in FAULTS.
"""

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from heapq import heappop, heappush
from typing import NamedTuple
from zlib import crc32

import numpy as np

from gaitway.ops.simulator.clock import as_written
from gaitway.ops.simulator.push import Push

Pushes = Iterator[Push]
_S = 1_000_000_000
_TIME = re.compile(rb'"time":(\d+)')
_AXIS = re.compile(rb'"([xyz])":(-?[0-9.e-]+)')
_PAYLOAD = b'"payload":['


class Fault(NamedTuple):
    """One thing that goes wrong."""

    name: str
    summary: str
    apply: Callable[[Pushes, np.random.Generator], Pushes]


def with_faults(pushes: Pushes, names: Collection[str], seed: int) -> Pushes:
    """The messages with the named faults applied one after the other, in the order of FAULTS."""
    for fault in FAULTS:
        if fault.name in names:
            rng = np.random.default_rng(np.random.SeedSequence([seed, crc32(fault.name.encode())]))
            pushes = fault.apply(pushes, rng)
    return pushes


class _Outbox:
    """Messages that arrive later than they were sent; gives them out in order of arrival."""

    def __init__(self) -> None:
        self._waiting: list[tuple[int, int, Push]] = []
        self._count = 0

    def put(self, push: Push, due_ns: int) -> None:
        self._count += 1
        heappush(self._waiting, (due_ns, self._count, replace(push, due_ns=due_ns)))

    def arriving(self, before: int | None = None) -> Pushes:
        while self._waiting and (before is None or self._waiting[0][0] <= before):
            yield heappop(self._waiting)[2]


def duplicates(pushes: Pushes, rng: np.random.Generator) -> Pushes:
    """One message in eight arrives again, byte for byte, up to 3 s later."""
    outbox = _Outbox()
    for push in pushes:
        yield from outbox.arriving(push.due_ns)
        yield push
        if rng.random() < 0.125:
            outbox.put(push, push.due_ns + int(rng.integers(1, 3 * _S)))
    yield from outbox.arriving()


def reordering(pushes: Pushes, rng: np.random.Generator) -> Pushes:
    """One message in five is overtaken: it arrives 1 to 4 s late."""
    outbox = _Outbox()
    for push in pushes:
        late = rng.random() < 0.2
        outbox.put(push, push.due_ns + (int(rng.integers(_S, 4 * _S)) if late else 0))
        yield from outbox.arriving(push.due_ns)
    yield from outbox.arriving()


def holes(pushes: Pushes, rng: np.random.Generator) -> Pushes:
    """Now and then 1 to 12 messages in a row are lost; their ids are missing."""
    lost = 0
    for push in pushes:
        if not lost and rng.random() < 0.04:
            lost = int(rng.integers(1, 13))
        if lost:
            lost -= 1
            continue
        yield push


def late(pushes: Pushes, rng: np.random.Generator) -> Pushes:
    """About once a minute the phone is offline for 8 to 40 s: what it kept back arrives at once, in order."""
    outbox, back = _Outbox(), 0
    for push in pushes:
        yield from outbox.arriving(push.due_ns)
        if push.due_ns >= back and rng.random() < 1 / 30:
            back = push.due_ns + int(rng.integers(8 * _S, 40 * _S))
        if push.due_ns < back:
            outbox.put(push, back)
        else:
            yield push
    yield from outbox.arriving()


def milliseconds(pushes: Pushes, rng: np.random.Generator) -> Pushes:
    """Every time is in whole milliseconds, as some senders have it."""
    return (replace(push, body=_with_times(push.body, lambda time: b"%d" % (time // 1_000_000))) for push in pushes)


def float_times(pushes: Pushes, rng: np.random.Generator) -> Pushes:
    """Every time is written as a float."""
    return (replace(push, body=_with_times(push.body, lambda time: b"%r" % float(time))) for push in pushes)


def clock_ahead(pushes: Pushes, rng: np.random.Generator) -> Pushes:
    """The phone's clock is 3 to 9 min ahead: the server stores its readings and says so with 499."""
    return _shifted(pushes, int(rng.integers(180 * _S, 540 * _S)))


def clock_behind(pushes: Pushes, rng: np.random.Generator) -> Pushes:
    """The phone's clock is 1 to 48 h behind: never a fault to a server that takes recordings of any age."""
    return _shifted(pushes, -int(rng.integers(3600 * _S, 48 * 3600 * _S)))


def early(pushes: Pushes, rng: np.random.Generator) -> Pushes:
    """The first message also holds readings from 4 s before the recording began."""
    first = next(pushes, None)
    if first is None:
        return
    head, _, rows = first.body.partition(_PAYLOAD)
    before = _with_times(rows.removesuffix(b"]}"), lambda time: _written(time - 4 * _S))
    body = head + _PAYLOAD + (before + b"," if first.readings else b"") + rows
    yield replace(first, body=body, readings=2 * first.readings)
    yield from pushes


def dead_battery(pushes: Pushes, rng: np.random.Generator) -> Pushes:
    """Battery readings fall from 8 % to 1 % within 20 to 40 messages; then the phone is silent."""
    last = int(rng.integers(20, 41))
    for count, push in enumerate(pushes):
        if count == last:
            return
        level = round(0.08 - 0.07 * count / (last - 1), 2)
        yield _with_battery(push, level) if count % 5 == 0 or count == last - 1 else push


def conflicts(pushes: Pushes, rng: np.random.Generator) -> Pushes:
    """One message in ten is followed by another of the same id, in which one value differs."""
    for push in pushes:
        yield push
        if rng.random() < 0.1 and (found := _AXIS.search(push.body)):
            value = b"%r" % round(float(found[2]) + 1.0, 3)
            body = push.body[: found.start(2)] + value + push.body[found.end(2) :]
            yield replace(push, body=body, due_ns=push.due_ns)


def nulls(pushes: Pushes, rng: np.random.Generator) -> Pushes:
    """One value in 50 is null or NaN: that reading is set aside, the others stay."""
    return (replace(push, body=_AXIS.sub(lambda found: _perhaps_null(found, rng), push.body)) for push in pushes)


#: In the order in which they are applied: what changes readings comes before what changes the way, units come last.
FAULTS: tuple[Fault, ...] = (
    Fault("clock-ahead", "the phone's clock is 3 to 9 min ahead", clock_ahead),
    Fault("clock-behind", "the phone's clock is 1 to 48 h behind", clock_behind),
    Fault("early", "readings from 4 s before the start", early),
    Fault("battery", "the battery dies after 20 to 40 messages", dead_battery),
    Fault("nulls", "null and NaN in place of values", nulls),
    Fault("conflicts", "two messages of one id with other content", conflicts),
    Fault("holes", "messages are lost", holes),
    Fault("duplicates", "messages arrive twice", duplicates),
    Fault("reordering", "messages overtake each other", reordering),
    Fault("late", "the phone is offline for a while and sends all at once", late),
    Fault("ms", "times in milliseconds", milliseconds),
    Fault("float-times", "times as floats", float_times),
)
NAMES = tuple(fault.name for fault in FAULTS)


def _with_times(body: bytes, change: Callable[[int], bytes]) -> bytes:
    return _TIME.sub(lambda found: b'"time":' + change(int(found[1])), body)


def _written(time: int) -> bytes:
    return b"%d" % int(as_written(np.array([time], dtype=np.int64))[0])


def _shifted(pushes: Pushes, by: int) -> Pushes:
    return (replace(push, body=_with_times(push.body, lambda time: _written(time + by))) for push in pushes)


def _with_battery(push: Push, level: float) -> Push:
    found = _TIME.search(push.body)
    if found is None:
        return push
    reading = (
        b'{"name":"battery","values":{"batteryState":"unplugged","batteryLevel":%r,"lowPowerMode":true},"time":%b}'
    )
    body = push.body.replace(_PAYLOAD, _PAYLOAD + reading % (level, found[1]) + b",", 1)
    return replace(push, body=body, readings=push.readings + 1)


def _perhaps_null(found: re.Match[bytes], rng: np.random.Generator) -> bytes:
    draw = rng.random()
    if draw >= 0.02:
        return found[0]
    return b'"%b":%b' % (found[1], b"null" if draw < 0.01 else b"NaN")
