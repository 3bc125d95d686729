"""What each form of body means: ids, readings kept and set aside, units of time, test pushes, images."""

import json
from typing import Any

import numpy as np
import pytest

from gaitway.core.message import Block, Message, Stream
from gaitway.errors import BodyError
from gaitway.ingest.dialect import DIALECTS, Decoded, DecodeSettings, decode

NOW = 1_751_730_000_000_000_000
T = NOW - 5_000_000_000
ENVELOPE: dict[str, Any] = {"messageId": 27, "sessionId": "walk", "deviceId": "phone"}


def reading(name: str = "accelerometer", /, **fields: Any) -> dict[str, Any]:
    return {"name": name, "values": {"z": 0.3, "y": 0.2, "x": 0.1}, "time": T} | fields


def push(*readings: Any, **envelope: Any) -> Decoded:
    return decode(json.dumps(ENVELOPE | envelope | {"payload": list(readings)}).encode(), NOW)


def only(decoded: Decoded) -> Block:
    (block,) = decoded.message.blocks
    assert not decoded.letters
    return block


def set_aside(decoded: Decoded) -> tuple[str, str]:
    (letter,) = decoded.letters
    assert not decoded.message.readings
    assert decoded.message.refused == letter.readings == 1
    assert letter.stream == decoded.message.stream
    return letter.reason, letter.where


def test_a_message_of_an_iphone() -> None:
    decoded = push(reading(), reading(time=T + 10), reading("gyroscope"))
    message = decoded.message
    assert message.stream == Stream("phone", "walk")
    assert (message.message_id, message.received_at, message.transport, message.rest) == (27, NOW, "http", None)
    accelerometer, gyroscope = message.blocks
    assert accelerometer == Block("accelerometer", np.array([T, T + 10]), np.array([[0.1] * 2, [0.2] * 2, [0.3] * 2]))
    assert gyroscope.sensor == "gyroscope"
    assert accelerometer.times.dtype == np.int64
    assert decoded.letters == ()
    assert not decoded.test
    assert decoded.dialect == "push"


def test_a_message_of_an_android_phone_has_accuracy_and_a_compass() -> None:
    compass = reading("magnetometer", values={"magneticBearing": 137.27661523593756}, accuracy=3)
    accelerometer, magnetometer = push(reading(accuracy=2), compass, reading()).message.blocks
    assert accelerometer.accuracy is not None
    assert accelerometer.accuracy.tolist() == [2, -1]
    assert magnetometer.xyz is None
    assert magnetometer.values == ('{"magneticBearing":137.27661523593756}',)


def test_transport_is_an_argument() -> None:
    assert decode(json.dumps(ENVELOPE | {"payload": []}).encode(), NOW, transport="mqtt").message.transport == "mqtt"


def test_an_empty_payload_is_a_message_of_nothing() -> None:
    message = push().message
    assert (message.blocks, message.readings, message.refused) == ((), 0, 0)


def test_what_is_unknown_is_kept_in_values_rest_and_envelope() -> None:
    decoded = push(reading(values={"z": 3, "y": 2, "x": 1, "b": None, "a": [1, {"é": "ü"}]}, via="watch"), userId="me")
    block = only(decoded)
    assert block.values == ('{"a":[1,{"é":"ü"}],"b":null}',)
    assert block.rest == ('{"via":"watch"}',)
    assert block.xyz is not None
    assert block.xyz.T.tolist() == [[1.0, 2.0, 3.0]]
    assert decoded.message.rest == '{"userId":"me"}'


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (7, 7),
        (-7, -7),
        ("some-uuid", "some-uuid"),
        (None, None),
        (True, "true"),
        (1.5, "1.5"),
        ({"b": 1, "a": 2}, '{"a":2,"b":1}'),
        (2**63 - 1, 2**63 - 1),
        (2**63, "9223372036854775808"),
        (10**1000, "1" + "0" * 1000),
    ],
)
def test_message_ids(sent: object, kept: object) -> None:
    assert push(reading(), messageId=sent).message.message_id == kept


def test_a_message_id_may_be_missing() -> None:
    body = {key: value for key, value in ENVELOPE.items() if key != "messageId"} | {"payload": [reading()]}
    assert decode(json.dumps(body).encode(), NOW).message.message_id is None


@pytest.mark.parametrize("key", ["deviceId", "sessionId"])
@pytest.mark.parametrize("bad", ["", "my phone", "a|b", "x" * 129, "ü", None, 7, ["a"], "a\n"])
def test_an_unusable_id_refuses_the_body(key: str, bad: object) -> None:
    with pytest.raises(BodyError) as refused:
        push(reading(), **{key: bad})
    assert (refused.value.status, refused.value.reason, refused.value.where) == (400, "ids", key)
    assert refused.value.hint


@pytest.mark.parametrize("payload", [None, {}, "x", 3])
def test_without_an_array_the_body_is_refused(payload: object) -> None:
    with pytest.raises(BodyError) as refused:
        decode(json.dumps(ENVELOPE | {"payload": payload}).encode(), NOW)
    assert (refused.value.reason, refused.value.where) == ("no_array", "payload")
    with pytest.raises(BodyError, match="missing"):
        decode(json.dumps(ENVELOPE).encode(), NOW)


@pytest.mark.parametrize(
    ("body", "where"),
    [
        (b"", "line 1 column 1"),
        (b"{", "line 1 column 2"),
        (b'{"a":1}\n}', "line 2 column 1"),
        (b'{"deviceId":"\xff"}', "byte 13"),
        (b"[" * 100_000, ""),
        (b'{"payload":[' + b'{"values":' * 50_000, ""),
    ],
)
def test_what_is_not_json_is_refused_with_its_place(body: bytes, where: str) -> None:
    with pytest.raises(BodyError) as refused:
        decode(body, NOW)
    assert (refused.value.reason, refused.value.where) == ("not_json", where)


@pytest.mark.parametrize("body", [b"[]", b"3", b'"x"', b"null", b"NaN"])
def test_json_that_is_no_message_is_refused(body: bytes) -> None:
    with pytest.raises(BodyError) as refused:
        decode(body, NOW)
    assert refused.value.reason == "ids"


def test_a_byte_order_mark_and_bare_line_breaks_are_tolerated() -> None:
    body = json.dumps(ENVELOPE | {"payload": [{"name": "annotation", "time": T, "text": "a-b"}]}).replace("-", "\n")
    assert only(decode(f"\ufeff{body}".encode(), NOW)).values == ('{"text":"a\\nb"}',)


# Acceleration: usable or set aside.


@pytest.mark.parametrize("name", ["accelerometer", "totalacceleration", "accelerometeruncalibrated"])
@pytest.mark.parametrize(
    ("values", "reason", "where"),
    [
        ({"x": 0.1, "y": 0.2}, "missing", "payload[0].values.z"),
        ({"x": 0.1, "y": 0.2, "z": None}, "null", "payload[0].values.z"),
        ({"x": float("nan"), "y": 0.2, "z": 0.3}, "not_finite", "payload[0].values.x"),
        ({"x": 0.1, "y": float("-inf"), "z": 0.3}, "not_finite", "payload[0].values.y"),
        ({"x": "NaN", "y": 0.2, "z": 0.3}, "not_finite", "payload[0].values.x"),
        ({"x": 10**400, "y": 0.2, "z": 0.3}, "not_finite", "payload[0].values.x"),
        ({"x": 1000.1, "y": 0, "z": 0}, "absurd", "payload[0].values.x"),
        ({"x": 600, "y": 600, "z": 600}, "absurd", "payload[0].values"),
        ({"x": "fast", "y": 0.2, "z": 0.3}, "not_number", "payload[0].values.x"),
        ({"x": "1_0", "y": 0.2, "z": 0.3}, "not_number", "payload[0].values.x"),
        ({"x": True, "y": 0.2, "z": 0.3}, "not_number", "payload[0].values.x"),
        ({"x": [0.1], "y": 0.2, "z": 0.3}, "not_number", "payload[0].values.x"),
        ([0.1, 0.2, 0.3], "values", "payload[0].values"),
        (9.81, "values", "payload[0].values"),
        (None, "values", "payload[0].values"),
    ],
)
def test_an_unusable_acceleration_is_set_aside(name: str, values: object, reason: str, where: str) -> None:
    assert set_aside(push(reading(name, values=values))) == (reason, where)


def test_a_number_beyond_float64_is_not_finite() -> None:
    body = json.dumps(ENVELOPE | {"payload": [reading()]}).replace("0.1", "1e400").encode()
    assert set_aside(decode(body, NOW)) == ("not_finite", "payload[0].values.x")


def test_an_integer_of_thousands_of_digits_spoils_only_its_reading() -> None:
    body = json.dumps(ENVELOPE | {"payload": [reading(), reading(time=T + 1)]}).replace("0.1", "1" * 5000, 1)
    decoded = decode(body.encode(), NOW)
    assert decoded.message.readings == 1
    assert [letter.reason for letter in decoded.letters] == ["not_finite"]


def test_numbers_as_text_are_read() -> None:
    block = only(push(reading(values={"x": "0.5", "y": " -1e-1 ", "z": "+3."}, accuracy="3", time=str(T))))
    assert block.xyz is not None
    assert block.xyz.T.tolist() == [[0.5, -0.1, 3.0]]
    assert block.times.tolist() == [T]
    assert block.accuracy is not None
    assert block.accuracy.tolist() == [3]


def test_the_bound_of_the_absurd_itself_is_kept() -> None:
    assert (
        push(reading(values={"x": 1000, "y": 0, "z": 0}), reading(values={"x": 600, "y": -800, "z": 0})).letters == ()
    )


def test_good_readings_among_bad_ones_are_kept() -> None:
    bad: list[Any] = [
        17,
        None,
        "x",
        [],
        {},
        {"name": "accelerometer"},
        reading(values=None),
        reading(time=-1),
        reading(name=7),
    ]
    decoded = push(*[each for spoilt in bad for each in (spoilt, reading())])
    assert decoded.message.readings == len(bad)
    assert decoded.message.refused == len(decoded.letters) == len(bad)
    assert [letter.where for letter in decoded.letters][:4] == [f"payload[{index}]" for index in (0, 2, 4, 6)]


def test_a_letter_holds_the_whole_reading() -> None:
    sent = reading(values={"x": None, "y": "ü" * 5, "z": 3}, via=[1])
    (letter,) = push(sent).letters
    assert json.loads(letter.body) == sent
    assert letter.received_at == NOW


# Other sensors: kept as they are.


@pytest.mark.parametrize(
    ("values", "kept"),
    [
        ({"lux": None}, '{"lux":null}'),
        ({"lux": float("nan")}, '{"lux":"NaN"}'),
        ({"lux": float("-inf")}, '{"lux":"-Infinity"}'),
        ({"x": None, "y": 1, "z": 2}, '{"x":null,"y":1,"z":2}'),
        ({"x": "north"}, '{"x":"north"}'),
        ({"steps": "12"}, '{"steps":"12"}'),
        (7, '{"value":7}'),
        ([1, 2], '{"value":[1,2]}'),
        (None, '{"value":null}'),
        ({}, None),
    ],
)
def test_values_of_other_sensors_are_kept(values: object, kept: str | None) -> None:
    block = only(push(reading("light", values=values)))
    assert block.xyz is None
    assert block.values == (None if kept is None else (kept,))


def test_other_sensors_may_be_large() -> None:
    assert only(push(reading("magnetometer", values={"x": 1e6, "y": 0, "z": 0}))).xyz is not None


def test_half_a_surrogate_pair_becomes_the_replacement_character() -> None:
    block = only(push(reading("annotation", values={"t": "\ud83d \ud83d\ude00"})))
    assert block.values == ('{"t":"\ufffd \U0001f600"}',)


def test_the_flat_form_of_the_documentation_is_read() -> None:
    heart, walk = push(
        {"name": "heartrate", "time": T, "bpm": 72}, {"name": "accelerometer", "time": T, "x": 1, "y": 2, "z": 3}
    ).message.blocks
    assert heart.values == ('{"bpm":72}',)
    assert walk.xyz is not None
    assert walk.rest is None


@pytest.mark.parametrize("name", [None, "", 7, "x" * 129])
def test_a_reading_needs_a_name(name: object) -> None:
    assert set_aside(push(reading(name=name))) == ("name", "payload[0].name")


@pytest.mark.parametrize(("sent", "kept"), [(-1, "-1"), (128, "128"), (2.5, "2.5"), ("high", '"high"'), (True, "true")])
def test_an_accuracy_of_no_known_kind_is_kept_beside(sent: object, kept: str) -> None:
    block = only(push(reading(accuracy=sent)))
    assert block.accuracy is None
    assert block.rest == (f'{{"accuracy":{kept}}}',)


def test_images_are_dropped_unless_asked_for() -> None:
    camera = reading("camera", values={"image": "QUJD" * 5000, "imageFormat": "jpg", "thumb": "A" * 2000})
    body = json.dumps(ENVELOPE | {"payload": [camera]}).encode()
    assert only(decode(body, NOW)).values == ('{"imageFormat":"jpg"}',)
    kept = only(decode(body, NOW, DecodeSettings(keep_images=True))).values
    assert kept is not None
    assert json.loads(kept[0] or "") == camera["values"]


# Times.


def test_times_of_several_units_become_blocks_of_their_own() -> None:
    decoded = push(*[reading(time=T // factor) for factor in (1, 10**3, 10**6, 10**9, 1)])
    assert [(block.time_unit, block.times.tolist()) for block in decoded.message.blocks] == [
        ("ns", [T, T]),
        ("us", [T]),
        ("ms", [T]),
        ("s", [T]),
    ]


@pytest.mark.parametrize("time", [0, -T, 99_999_999, None, True, "soon", [], {}, "", "0x10", 10**30, "9e18", 9.3e18])
def test_an_unusable_time_sets_the_reading_aside_whatever_its_sensor(time: object) -> None:
    for name in ("accelerometer", "light"):
        reason, where = set_aside(push(reading(name, time=time)))
        assert where == "payload[0].time"
        assert reason == ("time" if time == "9e18" else "no_time")


def test_old_readings_are_never_a_fault() -> None:
    assert push(reading(time=10**17)).letters == ()


def test_a_reading_later_than_ten_minutes_is_refused_for_its_time() -> None:
    latest = NOW + 600 * 10**9
    assert push(reading(time=latest)).letters == ()
    decoded = push(reading(time=latest), reading(time=latest + 1, accuracy=3))
    assert decoded.message.readings == 1
    (letter,) = decoded.letters
    assert (letter.reason, letter.where) == ("time", "payload[1].time")
    again = ENVELOPE | {"payload": [json.loads(letter.body)]}
    assert only(decode(json.dumps(again).encode(), NOW + 1)).times.tolist() == [latest + 1]


@pytest.mark.parametrize(("ahead", "said"), [(-5, 0), (0, 0), (7, 7), (3600 * 10**9, 3600 * 10**9)])
def test_the_clock_ahead_is_told(ahead: int, said: int) -> None:
    assert push(reading(time=NOW + ahead), reading(time=T)).clock_ahead_ns == said
    assert push(reading(time=NOW + ahead), reading(values=None)).clock_ahead_ns == said


# Test pushes and the simplified form.


@pytest.mark.parametrize(
    ("body", "device"),
    [
        ({"messageId": 0, "sessionId": "any", "deviceId": "phone", "payload": [{"name": "test"}]}, "phone"),
        ({"sessionId": "", "deviceId": "", "payload": [{"name": "test", "time": T, "values": {}}]}, ""),
        ({"name": "test"}, ""),
    ],
)
def test_test_pushes_are_known(body: object, device: str) -> None:
    decoded = decode(json.dumps(body).encode(), NOW)
    assert decoded.test
    assert decoded.message.stream.device_id == device
    assert not decoded.message.blocks
    assert not decoded.letters


def test_a_reading_named_test_does_not_hide_real_ones() -> None:
    decoded = push({"name": "test"}, reading())
    assert not decoded.test
    assert decoded.message.readings == 1


def test_the_simplified_form() -> None:
    sent = {"name": "accelerometer", "timestamp": 1678886400000, "values": [0.1, 0.2, 9.8]}
    light = {"name": "light", "timestamp": 1678886400001, "values": [4, 5, 6]}
    bad = {"name": "accelerometer", "timestamp": "x", "values": [0.1, 0.2, 9.8]}
    ids = {"messageId": "some-uuid", "sessionId": "s", "deviceId": "d"}
    decoded = decode(json.dumps(ids | {"sensorReadings": [sent, light, bad, 5]}).encode(), NOW)
    assert decoded.dialect == "simplified"
    assert decoded.message.message_id == "some-uuid"
    walk, lux = decoded.message.blocks
    assert walk.xyz is not None
    assert (walk.xyz.T.tolist(), walk.times.tolist(), walk.time_unit) == (
        [[0.1, 0.2, 9.8]],
        [1678886400000 * 10**6],
        "ms",
    )
    assert lux.values == ('{"value":[4,5,6]}',)
    assert [letter.where for letter in decoded.letters] == ["sensorReadings[2].timestamp", "sensorReadings[3]"]


def test_a_letter_of_the_simplified_form_is_in_the_form_of_the_push() -> None:
    ahead = NOW // 10**6 + 3_600_000
    sent = {"name": "gravity", "timestamp": ahead, "values": [0, 0, 9.8]}
    (letter,) = decode(json.dumps(ENVELOPE | {"sensorReadings": [sent]}).encode(), NOW).letters
    assert letter.reason == "time"
    assert json.loads(letter.body) == {"name": "gravity", "time": ahead, "values": {"x": 0, "y": 0, "z": 9.8}}


def test_every_dialect_has_its_own_name_and_array() -> None:
    assert len({dialect.name for dialect in DIALECTS}) == len({dialect.array for dialect in DIALECTS}) == len(DIALECTS)


def test_decoding_is_a_function_of_its_arguments() -> None:
    body = json.dumps(ENVELOPE | {"payload": [reading(), reading("light", values=None), 5]}).encode()
    first, second = decode(body, NOW), decode(body, NOW)
    assert first == second
    assert isinstance(first.message, Message)
