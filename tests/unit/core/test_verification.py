"""What `verify` says is different, and what it cannot or need not compare."""

import numpy as np

from gaitway.core.batch import activities
from gaitway.core.grid import SECOND, Grid
from gaitway.core.message import Block, Message, Stream
from gaitway.core.recognizers import Thresholds
from gaitway.core.samples import gather
from gaitway.core.verification import Findings, Published, Scope, check_tick, compare

PHONE = Stream("phone", "walk")
RULE = Thresholds(Grid(10 * SECOND, 2 * SECOND))
START = 1_782_477_374_000_000_000
MESSAGE = Message(PHONE, 1, (Block("accelerometer", START + np.arange(200) * SECOND // 10, np.full((3, 200), 2.0)),), 0)
SOURCES = gather([MESSAGE], 0, 2**63 - 1)


def published(revision: int = 5) -> dict[int, Published]:
    return {RULE.grid.start(w): Published(v, revision) for w, v in activities([MESSAGE], RULE).items()}


def test_what_equals_the_batch_function_is_clean() -> None:
    found = compare(PHONE, SOURCES, published(), RULE, Scope(tick=5))

    assert (found.compared, found.differences) == (len(published()), [])


def test_a_changed_field_a_missing_window_and_one_too_many_are_named() -> None:
    rows = published()
    changed, missing, *_ = sorted(rows)
    rows[changed] = Published(rows[changed].verdict._replace(sample_count=7), 5)
    rows[0] = rows.pop(missing)

    found = compare(PHONE, SOURCES, rows, RULE, Scope(tick=5))

    assert len(found.differences) == 3
    assert "no reading lies in it" in found.differences[0]
    assert "sample_count 7, the readings say" in found.differences[1]
    assert "missing; the readings say" in found.differences[2]


def test_versions_after_the_last_tick_are_not_yet_due() -> None:
    rows = published()
    first = min(rows)
    rows[first] = Published(rows[first].verdict._replace(activity="running"), 6)

    found = compare(PHONE, SOURCES, rows, RULE, Scope(tick=5))

    assert (found.not_due, found.differences) == (1, [])


def test_windows_behind_a_seal_and_before_the_recogniser_are_left_out() -> None:
    starts = sorted(published())

    sealed = compare(PHONE, SOURCES, {}, RULE, Scope(tick=5, sealed_to=starts[2]))
    new = compare(PHONE, SOURCES, {}, RULE, Scope(tick=5, since=starts[3]))

    assert (sealed.not_verifiable, len(sealed.differences)) == (2, len(starts) - 2)
    assert (new.not_judged, len(new.differences)) == (3, len(starts) - 3)


def test_a_stream_without_a_tick_is_counted() -> None:
    total = Findings()
    for scope in (Scope(tick=0), Scope(tick=5), Scope(tick=0), Scope(tick=0, has_readings=False)):
        total.add(check_tick(PHONE, scope))

    assert (total.unticked, total.differences) == (2, [])


def test_a_tick_that_left_nothing_is_a_difference() -> None:
    found = check_tick(PHONE, Scope(tick=0, lost_tick=7))

    assert (found.unticked, found.differences) == (0, ["phone walk: was ticked at 7 but has no activities or state"])
