"""The law everything else serves: what is said to have happened is a pure function of the set of accepted readings.

Whatever their order, batching, duplication or lateness, and whatever crashed in between, the current versions equal
the batch function, bit for bit, once the stream has ticked.
"""

import math
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from gaitway.core.activity import Verdict
from gaitway.core.batch import activities
from gaitway.core.fold import Fold
from gaitway.core.grid import CELL, SECOND, Grid
from gaitway.core.message import Block, Message, Stream
from gaitway.core.recognizers import Recognizer, Thresholds
from laws.streams import Tapes, Torn, torn_streams

GRIDS = (
    Grid(10 * SECOND, 2 * SECOND),
    Grid(5 * SECOND, SECOND),
    Grid(10 * SECOND, 10 * SECOND),
    Grid(700_000_000, 300_000_000),
)
PHONE = Stream("phone", "walk")
OTHER = Stream("other", "walk")


def run(tapes: Tapes, arriving: list[Message | Stream], recognizers: list[Recognizer], cuts: list[int]) -> None:
    """Fold what arrives (a Stream stands for its tick), cut into batches; a batch of 0 is a crash and restart."""
    fold = Fold(recognizers, 2 * SECOND, tapes)
    at, cut = 0, 0
    while at < len(arriving):
        size = cuts[cut % len(cuts)]
        cut += 1
        if size == 0:
            fold = Fold(recognizers, 2 * SECOND, tapes)
            continue
        batch = [tapes.tick(a) if isinstance(a, Stream) else tapes.put(a) for a in arriving[at : at + size]]
        at += size
        tapes.activities.extend(fold.feed(batch))
        tapes.states.update(fold.touched())
        assert not fold.quarantined


batch_sizes = st.lists(st.integers(0, 5), min_size=1, max_size=8).filter(any)


@given(torn=torn_streams(), grid=st.sampled_from(GRIDS), cuts=batch_sizes, data=st.data())
@settings(max_examples=300, deadline=None)
def test_the_fold_equals_the_batch_function_whatever_came_in_between(
    torn: Torn, grid: Grid, cuts: list[int], data: st.DataObject
) -> None:
    arriving: list[Message | Stream] = list(torn.messages)
    for _ in range(data.draw(st.integers(0, 3))):
        arriving.insert(data.draw(st.integers(0, len(arriving))), PHONE)
    tapes, rule = Tapes(), Thresholds(grid)

    run(tapes, [*arriving, PHONE], [rule], cuts)

    expected = {grid.start(w): v for w, v in activities(torn.messages, rule).items()}
    assert tapes.current(PHONE, rule.name) == expected


@given(torn=torn_streams(), cuts=batch_sizes, data=st.data())
@settings(max_examples=100, deadline=None)
def test_every_version_equals_the_batch_over_what_had_arrived_at_its_revision(
    torn: Torn, cuts: list[int], data: st.DataObject
) -> None:
    """Stronger than the law: no version ever says more or less than the readings up to its revision."""
    arriving: list[Message | Stream] = list(torn.messages)
    arriving.insert(data.draw(st.integers(0, len(arriving))), PHONE)
    tapes, rule = Tapes(), Thresholds(GRIDS[0])

    run(tapes, [*arriving, PHONE], [rule], cuts)

    for record in tapes.activities:
        upto = [r.message for r in tapes.records[: record.revision] if r.message is not None]
        window = record.window_start // rule.grid.slide
        assert activities(upto, rule)[window] == record.verdict


@given(torn=torn_streams(), order=st.randoms(use_true_random=False))
@settings(max_examples=100, deadline=None)
def test_order_and_repeats_do_not_change_the_batch_function(torn: Torn, order: object) -> None:
    shuffled = list(torn.messages) * 2
    order.shuffle(shuffled)  # type: ignore[attr-defined]
    rule = Thresholds(GRIDS[0])

    assert activities(shuffled, rule) == activities(torn.messages, rule)


@given(torn=torn_streams(), mine=torn_streams(stream=OTHER), cuts=batch_sizes)
@settings(max_examples=60, deadline=None)
def test_one_phone_with_a_wrong_clock_changes_nothing_for_another(torn: Torn, mine: Torn, cuts: list[int]) -> None:
    mixed: list[Message | Stream] = []
    for index in range(max(len(torn.messages), len(mine.messages))):
        mixed += torn.messages[index : index + 1] + mine.messages[index : index + 1]
    together, alone, rule = Tapes(), Tapes(), Thresholds(GRIDS[0])

    run(together, [*mixed, PHONE, OTHER], [rule], cuts)
    run(alone, [*mine.messages, OTHER], [rule], [1])

    assert together.current(OTHER, rule.name) == alone.current(OTHER, rule.name)


@given(torn=torn_streams(), cuts=batch_sizes)
@settings(max_examples=60, deadline=None)
def test_recognisers_of_several_grids_judge_side_by_side(torn: Torn, cuts: list[int]) -> None:
    tapes = Tapes()
    rules: list[Recognizer] = [Thresholds(GRIDS[0]), Thresholds(GRIDS[0], (1.0, 3.0, 9.0)), Thresholds(GRIDS[1])]

    run(tapes, [*torn.messages, PHONE], rules, cuts)

    for rule in rules:
        expected = {rule.grid.start(w): v for w, v in activities(torn.messages, rule).items()}
        assert tapes.current(PHONE, rule.name) == expected


@given(torn=torn_streams(), cuts=batch_sizes)
@settings(max_examples=60, deadline=None)
def test_two_ticks_do_no_harm(torn: Torn, cuts: list[int]) -> None:
    tapes, rule = Tapes(), Thresholds(GRIDS[0])
    run(tapes, [*torn.messages, PHONE], [rule], cuts)
    before = len(tapes.activities)
    fold = Fold([rule], 2 * SECOND, tapes)

    assert fold.feed([tapes.tick(PHONE)]) == []
    assert len(tapes.activities) == before


@given(torn=torn_streams(sources=False))
@settings(max_examples=100, deadline=None)
def test_the_batch_function_equals_the_rule_written_down_in_plain_python(torn: Torn) -> None:
    rule = Thresholds(GRIDS[0])

    assert activities(torn.messages, rule) == plain(torn.messages)


def plain(messages: list[Message]) -> dict[int, Verdict]:
    """The rule of the accelerometer alone: no NumPy, no panes, one window after the other."""
    samples: dict[int, tuple[float, ...]] = {}
    for message in messages:
        for block in message.blocks:
            assert block.xyz is not None
            for at, *xyz in zip(block.times.tolist(), *block.xyz.tolist(), strict=True):
                samples[at] = max(samples.get(at, tuple(xyz)), tuple(xyz))
    size, slide = 10 * SECOND, 2 * SECOND
    found = {}
    for window in {w for t in samples for w in range((t - size) // slide + 1, t // slide + 1)}:
        inside = [t for t in samples if window * slide <= t < window * slide + size]
        total = 0
        for t in inside:
            x, y, z = samples[t]
            total += math.floor(math.sqrt(x * x + y * y + z * z) * 2**20 + 0.5)
        found[window] = _rule(total, len(inside), len({t // CELL for t in inside}) / 100)
    return found


def _rule(total: int, n: int, coverage: float) -> Verdict:
    mean = total / (n * 2**20)
    if coverage < 0.5:
        return Verdict("unknown", 0.0, mean, n, coverage)
    nearest = min(abs(mean - limit) for limit in (2.0, 8.0, 20.0))
    if mean < 2:
        return Verdict("stationary", 0.5 + 0.45 * min(1.0, nearest / 1.0), mean, n, coverage)
    if mean < 8:
        return Verdict("walking", 0.5 + 0.45 * min(1.0, nearest / 3.0), mean, n, coverage)
    if mean < 20:
        return Verdict("running", 0.5 + 0.45 * min(1.0, nearest / 6.0), mean, n, coverage)
    return Verdict("sprinting", 0.5 + 0.45 * min(1.0, nearest / 10.0), mean, n, coverage)


@given(torn=torn_streams(), at=st.integers(0, 14), part=st.floats(0, 1), restart=st.booleans())
@settings(max_examples=150)
def test_behind_a_seal_nothing_changes_and_from_it_on_the_law_holds(
    torn: Torn, at: int, part: float, restart: bool
) -> None:
    tapes, rule = Tapes(), Thresholds(GRIDS[0])
    before, after = torn.messages[:at], torn.messages[at:]
    times = [int(t) for message in torn.messages for block in message.blocks for t in block.times]
    edge = round(min(times) + part * (max(times) - min(times))) if times else 1
    run(tapes, [*before, PHONE], [rule], [3])
    published = len(tapes.activities)
    fold = Fold([rule], 2 * SECOND, tapes)
    tapes.activities.extend(fold.feed([tapes.seal(PHONE, edge)]))
    tapes.states.update(fold.touched())
    if restart:
        fold = Fold([rule], 2 * SECOND, tapes)
    tapes.activities.extend(fold.feed([*(tapes.put(message) for message in after), tapes.tick(PHONE)]))

    kept = [*before, *(without(message, edge) for message in after)]
    expected = {rule.grid.start(w): v for w, v in activities(kept, rule).items() if rule.grid.start(w) >= edge}
    assert {s: v for s, v in tapes.current(PHONE, rule.name).items() if s >= edge} == expected
    assert all(a.window_start >= edge - rule.grid.size for a in tapes.activities[published:])


def without(message: Message, edge: int) -> Message:
    """The message less its readings before a time."""
    blocks = []
    for block in message.blocks:
        assert block.xyz is not None
        kept = block.times >= edge
        blocks.append(Block(block.sensor, block.times[kept], block.xyz[:, kept]))
    return replace(message, blocks=tuple(blocks))
