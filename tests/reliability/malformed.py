"""Bodies for a push route, from right to hopeless, each with what must become of it."""

import gzip
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

import zstandard
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from gaitway.ops.simulator import Phone

Json = Any
START: Final = 1_772_741_672_000_000_000
#: What a malformed push may be answered with. Anything from 500 on is a fault of the server.
ALLOWED: Final = frozenset((200, 400, 413, 429, 499))
#: A message whose ids and array are usable is taken; 499 only tells that a clock is ahead, after storing.
TAKEN: Final = frozenset((200, 499))
REFUSED: Final = frozenset((400,))
TOO_LARGE: Final = frozenset((413,))
BODY_LIMIT: Final = 256 << 10
INFLATED_LIMIT: Final = 1 << 20

#: Stand in a text for what `json.dumps` cannot write; the last three may be nested too deeply to be read at all.
_SHALLOW: Final = {
    "@huge@": "1e999",
    "@digits@": "9" * 5000,
    "@negative@": "-" + "7" * 400,
    "@tiny@": "1e-999",
    "@surrogate@": r'"\ud800"',
    "@twice@": r'{"x":1,"x":[2],"x":null}',
    "@break@": '"a\nb"',
}
_DEEP: Final = {
    "@lists@": "[" * 3000 + "]" * 3000,
    "@objects@": '{"a":' * 1500 + "0" + "}" * 1500,
    "@some@": "[" * 400 + "]" * 400,
}
_WRITTEN: Final = {f'"{mark}"': text for mark, text in {**_SHALLOW, **_DEEP}.items()}


class Reading(NamedTuple):
    """One reading as /api/readings gives it back."""

    device_id: str
    session_id: str
    sensor: str
    time: int
    values: tuple[tuple[str, Any], ...]

    @classmethod
    def of(cls, device_id: str, session_id: str, sent: dict[str, Json], name: str = "name") -> "Reading":
        """From JSON of the app, or of the API (`name="sensor"`)."""
        values = (
            (key, value if type(value) in (int, float) else json.dumps(value)) for key, value in sent["values"].items()
        )
        return cls(device_id, session_id, sent[name], sent["time"], tuple(sorted(values)))


@dataclass(frozen=True)
class Body:
    """What is sent, how it may be answered, and which of its readings must be kept where it is taken."""

    content: bytes
    answers: frozenset[int] = ALLOWED
    good: frozenset[Reading] = frozenset()
    encoding: str = ""


def messages(seed: int, number: int) -> list[dict[str, Json]]:
    """The messages of one phone, one a second; odd seeds are iPhones."""
    form, rate = ("iphone", 20) if seed % 2 else ("android", 17)
    phone = Phone(
        seed,
        form=form,  # type: ignore[arg-type]
        rate=rate,
        sensors=("accelerometer", "gravity", "location", "battery"),
        seconds=number,
    )
    return [json.loads(push.body) for push in phone.messages(START)]


def whole(message: dict[str, Json]) -> Body:
    """A message as it is: all of it must be kept."""
    return Body(json.dumps(message).encode(), frozenset((200,)), frozenset(_good(message, message["payload"])))


def _good(message: dict[str, Json], readings: Sequence[Json]) -> list[Reading]:
    return [Reading.of(message["deviceId"], message["sessionId"], reading) for reading in readings]


def _write(value: Json) -> bytes:
    text = json.dumps(value)
    for mark, written in _WRITTEN.items():
        text = text.replace(mark, written)
    return text.encode()


_SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from(
        [0, -1, 2**31, 2**53 + 1, 2**63 - 1, 2**63, 2**64, -(2**63), 10**17, 10**18, START, 4 * 10**18, 10**300]
    ),
    st.floats(),
    st.text(max_size=12),
    st.sampled_from(["NaN", "1e5", "0x10", "test", "camera", "accelerometer", "1772741672000", "", " 1 "]),
    st.sampled_from(sorted(_SHALLOW)),
)
_KEYS = st.sampled_from(["x", "y", "z", "name", "time", "values", "accuracy", "image"]) | st.text(max_size=8)
#: Any JSON, and a little more.
ANYTHING: SearchStrategy[Json] = st.recursive(
    _SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_KEYS, inner, max_size=4), max_leaves=8
)
_NESTED = st.sampled_from(sorted(_DEEP))


@st.composite
def _spoilt_reading(draw: DrawFn, reading: dict[str, Json], junk: SearchStrategy[Json]) -> Json:
    """A reading with one thing wrong, or odd."""
    way = draw(st.sampled_from(("all", "field", "axis", "gone", "more", "flat")))
    value = draw(junk)
    if way == "all":
        return value
    if way == "field":
        return {**reading, draw(st.sampled_from(("name", "time", "values", "accuracy"))): value}
    if way == "axis":
        return {**reading, "values": {**reading["values"], draw(st.sampled_from("xyz")): value}}
    if way == "gone":
        gone = draw(st.sampled_from(("name", "time", "values")))
        return {key: kept for key, kept in reading.items() if key != gone}
    if way == "more":
        return {**reading, draw(st.text(min_size=1, max_size=8)): value}
    return {"name": reading["name"], "time": reading["time"], **reading["values"], "w": value}


@st.composite
def _with_bad_readings(draw: DrawFn, message: dict[str, Json]) -> Body:
    """Usable ids and an array in which some readings are bad: every other one must be kept."""
    deep = draw(st.integers(0, 15)) == 0
    readings = message["payload"]
    spoilt = draw(st.sets(st.integers(0, len(readings) - 1), min_size=1, max_size=4))
    junk = ANYTHING | _NESTED if deep else ANYTHING
    payload = [draw(_spoilt_reading(each, junk)) if at in spoilt else each for at, each in enumerate(readings)]
    good = [each for at, each in enumerate(readings) if at not in spoilt]
    odd = draw(
        st.dictionaries(st.sampled_from(["messageId", "userId", "extra", "sensorReadings"]), ANYTHING, max_size=2)
    )
    content = _write({**message, **odd, "payload": payload})
    if draw(st.booleans()):  # of equal keys the last one counts
        content = b'{"sessionId":%s,' % _write(draw(ANYTHING)) + content[1:]
    return Body(content, ALLOWED if deep else TAKEN, frozenset(_good(message, good)))


@st.composite
def _with_bad_envelope(draw: DrawFn, message: dict[str, Json]) -> Body:
    key = draw(st.sampled_from(("deviceId", "sessionId", "payload")))
    if draw(st.booleans()):
        return Body(_write({each: value for each, value in message.items() if each != key}), REFUSED)
    return Body(_write({**message, key: draw(ANYTHING | _NESTED)}))


@st.composite
def _damaged(draw: DrawFn, message: dict[str, Json]) -> Body:
    """Cut, flipped, doubled, in another alphabet."""
    content = json.dumps(message).encode()
    at = draw(st.integers(0, len(content) - 1))
    way = draw(st.sampled_from(("cut", "head", "flip", "insert", "double", "utf-16", "tail")))
    if way == "cut":
        return Body(content[:at], REFUSED)
    if way == "flip":
        return Body(content[:at] + bytes([content[at] ^ draw(st.integers(1, 255))]) + content[at + 1 :])
    if way == "insert":
        return Body(content[:at] + draw(st.binary(min_size=1, max_size=6)) + content[at:])
    if way == "utf-16":
        return Body(json.dumps(message).encode("utf-16"), REFUSED)
    if way == "head":
        return Body(content[max(at, 1) :])
    return Body(content + (content if way == "double" else b"]"), REFUSED)


def _gzip(content: bytes) -> bytes:
    return gzip.compress(content, 1)


def _zstd(content: bytes) -> bytes:
    return zstandard.compress(content, 1)


_PACKED: Final[dict[str, Callable[[bytes], bytes]]] = {
    "": lambda content: b"\xef\xbb\xbf" + content,
    "identity": lambda content: content,
    "gzip": _gzip,
    "X-GZIP": lambda content: _gzip(content[:10]) + _gzip(content[10:]),
    "zstd": _zstd,
    "gzip, zstd": lambda content: _zstd(_gzip(content)),
}


@st.composite
def _packed(draw: DrawFn, message: dict[str, Json]) -> Body:
    """Compressed as its header says: not worse than plain."""
    encoding = draw(st.sampled_from(sorted(_PACKED)))
    body = draw(_with_bad_readings(message)) if draw(st.booleans()) else whole(message)
    return replace(body, content=_PACKED[encoding](body.content), encoding=encoding)


@st.composite
def _torn(draw: DrawFn, message: dict[str, Json]) -> Body:
    """Compressed, and then cut or flipped; or not what its header says."""
    name = draw(st.sampled_from(("gzip", "zstd")))
    content = _PACKED[name](json.dumps(message).encode())
    at = draw(st.integers(1, len(content) - 1))
    way = draw(st.sampled_from(("cut", "flip", "tail", "label", "plain", "chain")))
    if way == "cut":
        return Body(content[:at], REFUSED, encoding=name)
    if way == "flip":  # zstd carries no checksum here: a flipped bit may pass
        return Body(content[:at] + bytes([content[at] ^ draw(st.integers(1, 255))]) + content[at + 1 :], encoding=name)
    if way == "tail":
        return Body(content + b"\x00\x01tail", REFUSED, encoding=name)
    if way == "label":
        label = draw(st.sampled_from(("br", "deflate", "gzip;q=1", "zst", "gzip,gzip,gzip,gzip", "a" * 300)))
        return Body(content, REFUSED, encoding=label)
    if way == "plain":
        return Body(json.dumps(message).encode(), REFUSED, encoding=name)
    return Body(content, REFUSED, encoding=f"{name}, {name}")


_LARGE: Final = (
    Body(b" " * (BODY_LIMIT + 1), TOO_LARGE),
    Body(_gzip(bytes(INFLATED_LIMIT + 1)), TOO_LARGE, encoding="gzip"),
    Body(_zstd(bytes(INFLATED_LIMIT * 50)), TOO_LARGE, encoding="zstd"),
    Body(_zstd(_gzip(bytes(INFLATED_LIMIT * 50))), TOO_LARGE, encoding="gzip, zstd"),
    Body(b"[" * BODY_LIMIT, REFUSED),
    Body(b'{"payload":' * 20_000, REFUSED),
    Body(b"9" * BODY_LIMIT, REFUSED),
)
_MESSAGE_WAYS: Final = (_with_bad_readings, _with_bad_readings, _packed, _with_bad_envelope, _damaged, _torn)


@st.composite
def bodies(draw: DrawFn, made: Sequence[dict[str, Json]], sessions: int) -> Body:
    """A body to push. Messages are taken from `made`, and put into one of so many sessions of their phone."""
    way = draw(st.integers(0, 19))
    if way == 0:
        return draw(st.sampled_from(_LARGE))
    if way == 1:
        return Body(draw(st.binary(max_size=400)), encoding=draw(st.sampled_from(("", "", "gzip", "zstd"))))
    if way == 2:
        return Body(_write(draw(ANYTHING | _NESTED)))
    message = {**draw(st.sampled_from(made)), "sessionId": f"malformed-{draw(st.integers(1, sessions))}"}
    return draw(draw(st.sampled_from(_MESSAGE_WAYS))(message))
