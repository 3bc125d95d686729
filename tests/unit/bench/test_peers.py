"""The peers do their work: what they publish is durable before it is answered, and their windows are right."""

from pathlib import Path

import pytest
from bench.peers.consumer import Windows
from bench.peers.publish import PUBLISHERS, READERS


@pytest.mark.parametrize("kind", sorted(READERS))
def test_what_is_published_is_read_once_and_in_order(kind: str, tmp_path: Path) -> None:
    with PUBLISHERS[kind](tmp_path) as publish, READERS[kind](tmp_path) as read:
        publish("a")
        publish("b")
        assert list(read(0)) == [(1, "a"), (2, "b")]
        assert list(read(2)) == []
        publish("c")
        assert list(read(2)) == [(3, "c")]


def test_every_sample_is_in_five_windows() -> None:
    windows = Windows()
    closed = [found for second in range(40) for found in windows.add(second * 10**9, 3.0)]
    # closed once the newest sample is 2 s past their end, at 38 s and before
    assert [found["window_start"] // 10**9 for found in closed] == list(range(-8, 28, 2))
    assert [found["sample_count"] for found in closed] == [2, 4, 6, 8] + [10] * 14
    assert {found["activity"] for found in closed} == {"walking"}
