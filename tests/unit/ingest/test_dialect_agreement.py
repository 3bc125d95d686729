"""The ways of reading agree, nothing but BodyError is raised, and no good reading is lost among bad ones."""

import json
import math
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gaitway.core.message import ACCELERATION
from gaitway.errors import BodyError
from gaitway.ingest.dialect import Decoded, DecodeSettings, decode, quick
from gaitway.ingest.dialect.canonical import parse
from gaitway.ingest.dialect.decoded import Arrival, Unfit
from gaitway.ingest.dialect.lenient import QuickWay
from gaitway.ingest.dialect.push import PUSH

NOW = 1_751_730_000_000_000_000
ARRIVAL = Arrival(NOW, "http", DecodeSettings())
IDS: dict[str, Any] = {"sessionId": "walk", "deviceId": "phone"}
AXES_ONLY = (*ACCELERATION, "gravity", "gyroscope", "magnetometer")

finite = st.floats(-500, 500)
times = st.one_of(
    st.integers(10**17, NOW),
    st.integers(10**14, NOW // 10**3),
    st.integers(10**11, NOW // 10**6),
    st.integers(10**8, NOW // 10**9),
)
axes = st.fixed_dictionaries({"z": finite, "y": finite | st.integers(-9, 9), "x": finite})
texts = st.text(st.characters(codec="utf-8"), max_size=8)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
plain_readings = st.fixed_dictionaries(
    {"name": st.sampled_from(AXES_ONLY), "values": axes, "time": times}, optional={"accuracy": st.integers(0, 3)}
)
rich_readings = st.fixed_dictionaries(
    {
        "name": st.sampled_from(["orientation", "battery", "Bluetooth ✔", "magnetometer"]),
        "values": st.dictionaries(texts.filter(lambda key: key not in "xyz"), json_values, max_size=4)
        | axes.flatmap(lambda found: st.dictionaries(texts, json_values, max_size=2).map(lambda more: more | found)),
        "time": times,
    },
    optional={"accuracy": st.integers(0, 3)},
)
message_ids = st.none() | st.integers() | st.text(max_size=5) | st.booleans()


def leniently(body: bytes) -> Decoded:
    return PUSH.read(parse(body), ARRIVAL)


def fits(way: QuickWay, body: bytes) -> Decoded | None:
    try:
        return way(body, ARRIVAL)
    except Unfit:
        return None


@given(st.lists(plain_readings, max_size=30), message_ids, st.dictionaries(st.just("userId"), texts))
def test_pure_messages_are_read_alike_by_all_ways(readings: list[Any], number: object, extra: dict[str, str]) -> None:
    body = json.dumps(IDS | extra | {"messageId": number, "payload": readings}).encode()
    expected = leniently(body)
    assert expected.message.readings == len(readings)
    assert decode(body, NOW) == expected
    for way in PUSH.quick:
        quickly = fits(way, body)
        assert quickly is None or quickly == expected


@given(st.lists(plain_readings | rich_readings, max_size=30), st.dictionaries(texts, json_values, max_size=2))
def test_mixed_messages_are_read_alike_by_all_ways(readings: list[Any], extra: dict[str, Any]) -> None:
    body = json.dumps(extra | IDS | {"payload": readings}, ensure_ascii=False).encode()
    expected = leniently(body)
    assert expected.message.readings == len(readings)
    assert decode(body, NOW) == expected
    for way in PUSH.quick:
        quickly = fits(way, body)
        assert quickly is None or quickly == expected


@given(st.lists(plain_readings.map(lambda found: found | {"time": NOW - 1}), min_size=1, max_size=30))
def test_the_usual_message_takes_the_quick_ways(readings: list[Any]) -> None:
    body = json.dumps(IDS | {"messageId": 1, "payload": readings}).encode()
    assert fits(quick.pure, body) == fits(quick.mixed, body) == leniently(body)


# Anything else: what people, bugs and attackers send.

wild_numbers = st.floats() | st.integers() | st.sampled_from([10**400, 2**64, -1, NOW + 10**12, 10**17, 1e17])
wild = st.recursive(
    st.none() | st.booleans() | wild_numbers | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)
wild_values = wild | st.dictionaries(st.sampled_from("xyz"), wild_numbers | st.none() | st.text(max_size=4))
wild_readings = wild | st.fixed_dictionaries(
    {},
    optional={
        "name": st.sampled_from(["accelerometer", "camera", "test", "light"]) | wild,
        "values": wild_values,
        "time": times | wild_numbers | st.just(str(NOW)) | wild,
        "accuracy": wild,
        "more": wild,
    },
)
good = {"name": "accelerometer", "values": {"z": 1, "y": 2, "x": 3}, "time": NOW - 7}


@given(st.lists(wild_readings, max_size=12), st.dictionaries(st.text(max_size=4), wild, max_size=2), st.integers(0, 12))
def test_no_good_reading_is_lost_among_wild_ones(readings: list[Any], extra: dict[str, Any], place: int) -> None:
    readings.insert(min(place, len(readings)), good)
    for array in ("payload", "sensorReadings"):
        decoded = decode(json.dumps(extra | IDS | {array: readings}).encode(), NOW)
        assert decoded.message.readings + len(decoded.letters) == len(readings)
        assert decoded.message.refused == len(decoded.letters)
        blocks = [block for block in decoded.message.blocks if block.sensor == "accelerometer"]
        assert any(NOW - 7 in block.times for block in blocks)
        check(decoded)


@given(wild | st.dictionaries(st.sampled_from(["payload", "sensorReadings", "name", "deviceId", "sessionId"]), wild))
def test_any_json_gives_an_answer_or_a_body_error(value: object) -> None:
    answered(json.dumps(value).encode())


@given(st.binary(max_size=200))
def test_any_bytes_give_an_answer_or_a_body_error(body: bytes) -> None:
    answered(body)


@given(st.data(), st.lists(plain_readings | rich_readings, min_size=1, max_size=5))
def test_a_damaged_message_gives_an_answer_or_a_body_error(data: st.DataObject, readings: list[Any]) -> None:
    body = bytearray(json.dumps(IDS | {"messageId": 1, "payload": readings}).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(body) - 1))
        piece = data.draw(
            st.binary(max_size=3) | st.sampled_from([b"NaN", b"null", b'"', b"1e999", b"\\ud800", b"{", b"]"])
        )
        body[place : place + data.draw(st.integers(0, 3))] = piece
    answered(bytes(body))


def answered(body: bytes) -> None:
    try:
        check(decode(body, NOW))
    except BodyError as error:
        assert str(error)
        assert error.hint


def check(decoded: Decoded) -> None:
    """What holds of every answer: columns of one length, values that are JSON, times that may be stored."""
    for block in decoded.message.blocks:
        columns = [block.accuracy, block.values, block.rest] + ([] if block.xyz is None else list(block.xyz))
        assert all(len(column) == len(block) for column in columns if column is not None)
        assert block.times.min() >= 10**17
        assert block.times.max() <= ARRIVAL.latest
        if block.sensor in ACCELERATION:
            assert block.xyz is not None
            assert all(math.hypot(*each) <= 1000.0001 for each in block.xyz.T)
        for text in (*(block.values or ()), *(block.rest or ())):
            assert text is None or isinstance(json.loads(text.encode()), dict)
    for letter in decoded.letters:
        assert letter.reason
        json.loads(letter.body)
