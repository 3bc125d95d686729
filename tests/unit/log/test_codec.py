"""A message comes back from its blob exactly as it was."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gaitway.core.message import CORE_SENSORS, Block, Message
from gaitway.errors import LogError
from gaitway.log.codec import HEAD_BYTES, decode, encode, event_times, payload_hash
from unit.log.messages import BASE, SECOND, WALK, block, message, messages

LONG_TEXTS = tuple(f'{{"qw":0.{i:06d},"qx":-0.5}}' for i in range(100))


@given(messages())
@example(message(1 << 70, blocks=(Block("orientation", np.arange(100) + BASE, values=LONG_TEXTS, rest=LONG_TEXTS),)))
def test_decode_gives_back_what_was_encoded(sent: Message) -> None:
    assert decode(encode(sent).blob) == sent


@given(messages())
def test_every_bit_of_a_number_comes_back(sent: Message) -> None:
    for before, after in zip(sent.blocks, decode(encode(sent).blob).blocks, strict=True):
        assert (before.xyz is None) == (after.xyz is None)
        if before.xyz is not None and after.xyz is not None:
            assert before.xyz.tobytes() == after.xyz.tobytes()  # -0.0 is not 0.0


@given(messages())
def test_the_times_kept_beside_a_blob_are_those_of_its_readings(sent: Message) -> None:
    encoded = encode(sent)
    every = [int(t) for b in sent.blocks for t in b.times]
    core = [int(t) for b in sent.blocks if b.sensor in CORE_SENSORS for t in b.times] or every
    assert (encoded.first, encoded.last) == ((min(every), max(every)) if every else (None, None))
    assert (encoded.t_min, encoded.t_max) == ((min(core), max(core)) if core else (None, None))
    assert event_times(encoded.blob[:HEAD_BYTES]) == ((min(every), max(every)) if every else None)
    assert encoded.readings == sent.readings


@given(messages(), st.sampled_from([(), ("gravity",), CORE_SENSORS]))
def test_blocks_of_other_sensors_are_left_out_on_request(sent: Message, sensors: tuple[str, ...]) -> None:
    wanted = tuple(b for b in sent.blocks if b.sensor in sensors)
    assert decode(encode(sent).blob, sensors) == replace(sent, blocks=wanted)


@given(messages())
def test_the_key_does_not_depend_on_how_and_when_a_message_came(sent: Message) -> None:
    again = replace(sent, received_at=5, transport="mqtt", refused=3)
    assert encode(again).key == encode(sent).key == payload_hash(sent) == payload_hash(encode(sent).blob)


@pytest.mark.parametrize(
    "other",
    [
        message(2),
        message("1"),
        message(None),
        message(1, at=1),
        message(1, stream=WALK._replace(session_id="run")),
        message(1, stream=WALK._replace(device_id="tablet")),
        message(1, blocks=(block(BASE, sensor="gravity"),)),
        message(1, blocks=(replace(block(BASE), accuracy=np.zeros(3, np.int8)),)),
        message(1, blocks=(replace(block(BASE), values=('{"a":1}', None, None)),)),
        message(1, rest='{"userId":"u"}'),
    ],
)
def test_the_key_tells_other_messages_apart(other: Message) -> None:
    assert payload_hash(other) != payload_hash(message(1))


@pytest.mark.parametrize("scale", [1.0, 9.80665])
def test_what_phones_send_takes_sixteen_bytes_a_reading(scale: float) -> None:
    times = BASE + np.arange(2000) * 9_999_872
    xyz = np.random.default_rng(7).normal(size=(3, 2000)).astype(np.float32).astype(np.float64) * scale
    for stride in (1, 10):  # 2 s, and 20 s: more than 32 bits of nanoseconds
        sent = message(1, blocks=(Block("accelerometer", times[::stride] * 1, xyz[:, ::stride]),))
        assert len(encode(sent).blob) - 16 * sent.readings < 200


def test_a_damaged_blob_is_an_error_with_a_hint() -> None:
    blob = encode(message(1, blocks=(replace(block(BASE), values=("{}",) * 3),), rest="{}")).blob
    for end in (1, HEAD_BYTES, HEAD_BYTES + 30, len(blob) // 2, len(blob) - 20):
        with pytest.raises(LogError, match="damaged") as caught:
            decode(blob[:end])
        assert caught.value.hint


@pytest.mark.parametrize("blob", [b"", b"\x09 from the future"])
def test_a_blob_of_another_version_is_an_error_with_a_hint(blob: bytes) -> None:
    with pytest.raises(LogError, match="format") as caught:
        decode(blob)
    assert "upgrade" in caught.value.hint


@pytest.mark.parametrize(
    "broken",
    [
        replace(block(BASE), xyz=np.zeros((3, 2))),
        replace(block(BASE), accuracy=np.zeros(4, np.int8)),
        replace(block(BASE), values=("{}",)),
        replace(block(BASE), rest=()),
        replace(block(BASE), times=np.array([0.5, 1, 2])),
    ],
)
def test_columns_of_different_length_or_type_are_refused(broken: Block) -> None:
    with pytest.raises(LogError, match="cannot be stored"):
        encode(message(1, blocks=(broken,)))


def test_times_two_seconds_apart_and_more_are_exact() -> None:
    for step in (1, SECOND, 256 * SECOND, (1 << 40) + 1, 1 << 61):
        sent = message(1, blocks=(Block("light", np.array([0, step, -step], np.int64) + BASE),))
        assert decode(encode(sent).blob).blocks[0].times.tolist() == [BASE, BASE + step, BASE - step]
