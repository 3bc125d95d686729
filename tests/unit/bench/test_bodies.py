"""Made messages are what the app sends: the real decoder reads them as such, and they go on where the last ended."""

import itertools
import json
import time

import numpy as np
import pytest
from bench.bodies import ACCELERATION, BOTH, FIRST_MESSAGE, GRAVITY, ONE_SECOND, Bodies, Shape, body_of

from gaitway.core.message import Message
from gaitway.ingest.dialect import DecodeSettings, decode

START = 1_760_000_000


def messages(shape: Shape, count: int, streams: int = 1) -> list[Message]:
    bodies = Bodies(shape, streams, START, templates=4)
    now = time.time_ns()
    posts = [bodies.next(stream) for _ in range(count) for stream in range(streams)]
    return [decode(body_of(post), now, DecodeSettings()).message for post in posts]


@pytest.mark.parametrize("shape", [ACCELERATION, BOTH, ONE_SECOND], ids=lambda shape: shape.name)
def test_every_reading_is_accepted(shape: Shape) -> None:
    (message,) = messages(shape, 1)
    assert (message.readings, message.refused) == (shape.readings, 0)
    assert {block.sensor for block in message.blocks} == set(shape.sensors)


@pytest.mark.parametrize("shape", [ACCELERATION, BOTH, ONE_SECOND], ids=lambda shape: shape.name)
def test_the_time_of_a_stream_rises_from_message_to_message(shape: Shape) -> None:
    made = messages(shape, 12)
    assert [message.message_id for message in made] == list(range(FIRST_MESSAGE, FIRST_MESSAGE + 12))
    times = np.concatenate([message.blocks[0].times for message in made])
    assert (np.diff(times) > 0).all()
    assert times[0] // 10**9 == START
    assert times[-1] // 10**9 == START + 12 * shape.seconds - 1


def test_streams_are_told_apart() -> None:
    made = messages(ONE_SECOND, 2, streams=3)
    assert len({message.stream for message in made}) == 3
    assert [message.message_id for message in made] == [FIRST_MESSAGE] * 3 + [FIRST_MESSAGE + 1] * 3


def test_the_head_gives_the_length_of_the_body() -> None:
    head, _, body = Bodies(BOTH, 1, START, templates=1).next(0).partition(b"\r\n\r\n")
    assert f"Content-Length: {len(body)}".encode() in head.split(b"\r\n")


def test_a_body_of_200_readings_weighs_what_the_app_sends() -> None:
    assert 26_000 < len(body_of(Bodies(ACCELERATION, 1, START, templates=1).next(0))) < 28_000


def test_values_are_float32_times_standard_gravity_in_the_apps_order_of_keys() -> None:
    reading = json.loads(body_of(Bodies(ACCELERATION, 1, START, templates=1).next(0)))["payload"][0]
    assert [*reading, *reading["values"]] == ["name", "values", "time", "z", "y", "x"]
    for value in reading["values"].values():
        assert float(np.float32(value / GRAVITY)) * GRAVITY == value


def test_a_second_of_ten_digits_is_stamped_whole_where_all_its_digits_change() -> None:
    bodies = Bodies(ACCELERATION, 1, 1_999_999_999, templates=1)
    times = [reading["time"] for reading in json.loads(body_of(bodies.next(0)))["payload"]]
    assert all(later > earlier for earlier, later in itertools.pairwise(times))
    assert times[-1] // 10**9 == 2_000_000_000
