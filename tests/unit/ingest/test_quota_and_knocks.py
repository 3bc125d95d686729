"""Quotas over a clock that is passed in, and the memory of who knocked."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gaitway.errors import QuotaError
from gaitway.ingest.knocks import Knock, Knocks
from gaitway.ingest.quota import Bucket, Limits, OverQuotaError, Quotas

SECOND = 1_000_000_000


def test_a_rate_allows_ten_seconds_at_once_and_then_its_rate() -> None:
    quotas = Quotas(Limits(messages=2))
    for _ in range(20):
        quotas.take(1, "messages", 1, now=0)
    with pytest.raises(OverQuotaError) as caught:
        quotas.take(1, "messages", 1, now=0)
    assert (caught.value.status, caught.value.retry_after) == (429, 1)
    quotas.take(1, "messages", 1, now=SECOND // 2)


def test_tokens_have_their_own_quotas() -> None:
    quotas = Quotas(Limits(streams=1))
    quotas.take(1, "streams", 1, now=0)
    quotas.take(2, "streams", 1, now=0)
    with pytest.raises(QuotaError):
        quotas.take(1, "streams", 1, now=0)


def test_hours_are_counted_in_hours() -> None:
    quotas = Quotas(Limits(streams=1))
    quotas.take(1, "streams", 1, now=0)
    with pytest.raises(OverQuotaError) as caught:
        quotas.take(1, "streams", 1, now=1800 * SECOND)
    assert caught.value.retry_after == 1800
    quotas.take(1, "streams", 1, now=3600 * SECOND)


def test_one_message_larger_than_the_bucket_still_passes_and_leaves_a_debt() -> None:
    bucket = Bucket(rate=10, size=100, now=0)
    assert bucket.take(250, now=0) == 0
    assert bucket.take(1, now=0) > 15


def test_buckets_of_many_tokens_do_not_fill_the_memory() -> None:
    quotas = Quotas(Limits())
    for key in range(11_000):
        quotas.take(key, "messages", 1, now=0)
    assert len(quotas._buckets) == 10_000


@given(st.lists(st.tuples(st.floats(0, 50), st.integers(0, 5 * SECOND)), max_size=60))
def test_never_more_than_the_bucket_and_its_rate_passes(steps: list[tuple[float, int]]) -> None:
    bucket, now, passed = Bucket(rate=3, size=50, now=0), 0, 0.0
    for amount, pause in steps:
        now += pause
        if bucket.take(amount, now) == 0:
            passed += amount
    assert passed <= 50 + 3 * now / SECOND + 1e-6


def test_a_clock_that_steps_back_gives_nothing_away() -> None:
    bucket = Bucket(rate=1, size=1, now=10 * SECOND)
    bucket.take(1, now=10 * SECOND)
    assert bucket.take(1, now=0) == 1.0
    assert bucket.take(1, now=10 * SECOND) == 1.0


def test_knocks_are_counted_for_a_minute() -> None:
    knocks = Knocks()
    for second in (0, 30, 59):
        knocks.refused("10.0.0.7", "token", "no", now=second * SECOND)
    assert knocks.recent(59 * SECOND) == [Knock("10.0.0.7", False, "token", 3, 59 * SECOND, "no")]
    assert [knock.count for knock in knocks.recent(75 * SECOND)] == [2]
    assert knocks.recent(200 * SECOND) == []


def test_knocks_are_told_at_most_once_a_second_each() -> None:
    told: list[Knock] = []
    knocks = Knocks(told.append)
    for tenth in range(25):
        knocks.refused("10.0.0.7", "token", "no", now=SECOND + tenth * SECOND // 10)
    assert [knock.count for knock in told] == [1, 11, 21]


def test_a_test_push_is_told_and_is_no_refusal() -> None:
    told: list[Knock] = []
    knocks = Knocks(told.append)
    knocks.found("10.0.0.7", "phone", now=5)
    assert [(knock.found, knock.text) for knock in told] == [(True, "phone")]
    assert knocks.recent(5) == []


def test_many_addresses_do_not_fill_the_memory() -> None:
    knocks = Knocks()
    for number in range(1000):
        knocks.refused(f"10.0.{number // 256}.{number % 256}", "token", "no", now=number)
    assert len(knocks.recent(1000)) == 64
    for now in range(3000):
        knocks.refused("10.9.9.9", "token", "no", now=now)
    assert knocks.recent(3000)[-1].count == 1000
