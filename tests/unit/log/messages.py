"""Messages for the tests of the log: any that Hypothesis can think of, and the usual ones."""

from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from gaitway.core.message import ACCELERATION, Block, Message, MessageId, Stream, TimeUnit, Transport

BASE = 1_782_477_373_956_791_296
SECOND = 1_000_000_000
WALK = Stream("phone", "walk")
SENSORS = (*ACCELERATION, "gravity", "gyroscope", "location", "orientation")
UNITS: tuple[TimeUnit, ...] = ("ns", "us", "ms", "s")

int64 = st.integers(-(1 << 63), (1 << 63) - 1)
any_text = st.text(st.characters(exclude_categories=()), max_size=20)  # halves of surrogate pairs included


def usual_times(n: int) -> st.SearchStrategy[Any]:
    """Times as phones send them (steps, jitter, 256 ns grid) and as they never should."""
    steady = st.builds(
        lambda base, step, jitter: base + np.arange(n) * step + np.array(jitter, np.int64),
        st.integers(BASE - (1 << 60), BASE),
        st.sampled_from([0, 10_000_000, 256 * 39062, 4 * SECOND, -10_000_000]),
        st.lists(st.sampled_from([0, 0, 1, -3, 256, -512, 1 << 33, 1 << 42]), min_size=n, max_size=n),
    )
    return st.one_of(steady, hnp.arrays(np.int64, n, elements=int64))


def any_xyz(n: int) -> st.SearchStrategy[Any]:
    """float32, float32 x 9.80665, and float64 of every size, -0.0 included."""
    single = hnp.arrays(np.float32, (3, n), elements=st.floats(-1e3, 1e3, width=32)).map(lambda v: v.astype(np.float64))
    double = hnp.arrays(np.float64, (3, n), elements=st.floats(allow_nan=False))
    return st.one_of(single, single.map(lambda v: v * 9.80665), double, single.map(np.asfortranarray))


@st.composite
def blocks(draw: st.DrawFn) -> Block:
    n = draw(st.integers(0, 12))
    texts = st.one_of(st.none(), st.lists(st.none() | any_text, min_size=n, max_size=n).map(tuple))
    return Block(
        sensor=draw(st.sampled_from(SENSORS) | any_text),
        times=draw(usual_times(n)),
        xyz=draw(st.none() | any_xyz(n)),
        accuracy=draw(st.none() | hnp.arrays(np.int8, n)),
        values=draw(texts),
        rest=draw(texts),
        time_unit=draw(st.sampled_from(UNITS)),
    )


@st.composite
def messages(draw: st.DrawFn) -> Message:
    ids = st.text("abcXYZ019._:@-", min_size=1, max_size=128)
    transports: tuple[Transport, ...] = ("http", "mqtt")
    return Message(
        Stream(draw(ids), draw(ids)),
        draw(st.none() | st.integers() | any_text),
        tuple(draw(st.lists(blocks(), max_size=4))),
        draw(int64),
        draw(st.sampled_from(transports)),
        draw(st.none() | any_text),
        draw(st.integers(0, (1 << 32) - 1)),
    )


def block(start: int, n: int = 3, sensor: str = "accelerometer", step: int = 10_000_000) -> Block:
    """n readings from a start on, one every `step` ns."""
    xyz = np.arange(3 * n, dtype=np.float64).reshape(3, n)
    return Block(sensor, start + np.arange(n, dtype=np.int64) * step, xyz)


def message(ident: MessageId, at: int = 0, stream: Stream = WALK, **changes: Any) -> Message:
    """A message that starts `at` seconds after BASE and arrives a second later."""
    start = BASE + at * SECOND
    given = {"blocks": (block(start),), "received_at": start + SECOND, **changes}
    return Message(stream, ident, **given)
