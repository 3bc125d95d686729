"""What the front remembers of a phone, for the page."""

import numpy as np
import pytest

from gaitway.core.message import Block, Message, Stream
from gaitway.ingest.phones import Phones, platform_of, signal_of

SECOND = 1_000_000_000
STREAM = Stream("phone", "walk")


def block(sensor: str, times: list[int], xyz: list[tuple[float, float, float]] | None = None, **more: object) -> Block:
    columns = None if xyz is None else np.array(xyz, np.float64).T.copy()
    return Block(sensor, np.array(times, np.int64), columns, **more)  # type: ignore[arg-type]


def message(*blocks: Block, at: int = 0) -> Message:
    return Message(STREAM, 1, blocks, received_at=at)


def test_the_rate_is_over_the_last_second_or_so() -> None:
    phones = Phones()
    for second in range(1, 6):
        times = [second * SECOND + i for i in range(100)]
        phones.note(message(block("accelerometer", times, [(0, 0, 1)] * 100), at=second * SECOND))
    seen = phones.get(STREAM)
    assert seen is not None and seen.rate == pytest.approx(100, abs=101)
    assert (seen.messages, seen.received, seen.time) == (5, 5 * SECOND, 5 * SECOND + 99)
    assert phones.readings_per_second(6 * SECOND) == seen.rate
    assert phones.readings_per_second(60 * SECOND) == 0


def test_platforms_are_told_apart_by_what_only_one_sends() -> None:
    plain = block("accelerometer", [1], [(0, 0, 1)])
    assert platform_of(message(plain)) == "ios"
    assert platform_of(message(block("accelerometer", [1], [(0, 0, 1)], accuracy=np.array([3], np.int8)))) == "android"
    assert platform_of(message(plain, block("totalacceleration", [1], [(0, 0, 9)]))) == "android"
    assert platform_of(message(block("battery", [1], values=('{"batteryLevel":0.5}',)))) is None


def test_a_phone_is_new_once_and_again_when_its_platform_is_known() -> None:
    phones = Phones()
    phones.note(message(block("battery", [1])))
    assert [seen.platform for seen in phones.take_new()] == [None]
    phones.note(message(block("battery", [1])))
    assert phones.take_new() == []
    phones.note(message(block("accelerometer", [1], [(0, 0, 1)])))
    assert [seen.platform for seen in phones.take_new()] == ["ios"]


@pytest.mark.parametrize("values", ['{"batteryLevel":"full"}', '{"batteryLevel":true}', "{}", None])
def test_the_newest_battery_level_that_is_one_is_kept(values: str | None) -> None:
    phones = Phones()
    phones.note(message(block("battery", [1], values=('{"batteryLevel":0.43}',))))
    assert phones.note(message(block("battery", [2], values=(values,)))).battery == 0.43


def test_the_signal_is_even_with_holes_left_open() -> None:
    times = [0, 10_000_000, 45_000_000, 200_000_000]
    signal = signal_of(message(block("accelerometer", times, [(3, 4, 0), (3, 4, 0), (0, 0, 2), (1, 0, 0)])))
    assert signal is not None
    assert (signal.start, signal.values) == (0, [5.0, 2.0, None, None, None, 1.0])


def test_a_long_message_shows_its_last_eleven_seconds() -> None:
    times = [second * SECOND for second in range(1000)]
    signal = signal_of(message(block("accelerometer", times, [(1, 0, 0)] * 1000)))
    assert signal is not None and len(signal.values) == 275 and signal.values[-1] == 1.0


def test_gravity_is_taken_off_roughly_where_it_is_in() -> None:
    signal = signal_of(message(block("totalacceleration", [0, 40_000_000], [(0, 0, 9.8), (0, 0, 9.8)])))
    assert signal is not None and signal.values == [0.0, 0.0]


def test_without_acceleration_there_is_no_signal() -> None:
    assert signal_of(message(block("gyroscope", [0], [(1, 1, 1)]))) is None
