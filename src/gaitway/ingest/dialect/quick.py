"""The quick ways to read the app's push: whole columns at a time, no judgement of single readings.

Both give up (Unfit) as soon as anything would need one.
"""

import struct
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, NamedTuple, Protocol, TypeVar

import msgspec
import numpy as np
from msgspec import UNSET, Meta, Raw, Struct, UnsetType
from numpy.typing import NDArray

from gaitway.core.message import ACCELERATION, Block, Floats, Message, Stream
from gaitway.ingest.dialect.canonical import canonical_each
from gaitway.ingest.dialect.decoded import ABSURD, CAMERA, NO_ACCURACY, TEST, Arrival, Decoded, Unfit
from gaitway.ingest.dialect.envelope import Envelope, is_id, read_envelope, read_message_id
from gaitway.ingest.dialect.readings import is_name
from gaitway.ingest.dialect.times import all_in_ns

# Fields stand in the order in which the app sends them: the decoder then finds each at once.
_Accuracy = Annotated[int, Meta(ge=0, le=127)]


class _Axes(Struct, gc=False, forbid_unknown_fields=True):
    z: float
    y: float
    x: float


class _Reading(Struct, gc=False, forbid_unknown_fields=True, kw_only=True):
    name: str
    values: _Axes
    accuracy: _Accuracy = NO_ACCURACY
    time: int


class _Push(Struct, gc=False, forbid_unknown_fields=True, kw_only=True):
    # The app's own names.
    messageId: int | str | None = None
    sessionId: str
    deviceId: str
    userId: str | UnsetType = UNSET
    payload: list[_Reading]


class _RawReading(Struct, gc=False, forbid_unknown_fields=True, kw_only=True):
    name: str
    values: Raw
    accuracy: _Accuracy = NO_ACCURACY
    time: int


class _Named(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def time(self) -> int: ...
    @property
    def accuracy(self) -> int: ...


_R = TypeVar("_R", bound=_Named)


class _Values(NamedTuple):
    """The values of a group as columns: `Block.xyz` and `Block.values`."""

    xyz: Floats | None
    texts: tuple[str | None, ...] | None = None


_PUSH = msgspec.json.Decoder(_Push)
_FIELDS = msgspec.json.Decoder(dict[str, Raw])
_RAW_READINGS = msgspec.json.Decoder(list[_RawReading])
_AXES = msgspec.json.Decoder(list[_Axes])
_DICTS = msgspec.json.Decoder(list[dict[str, Any]])
_NOT_TYPED = (msgspec.MsgspecError, ValueError, OverflowError, RecursionError)
_AXIS_NAMES = frozenset("xyz")


def pure(body: bytes, arrival: Arrival) -> Decoded:
    """A message whose every reading has x, y, z and nothing else. Raises Unfit for any other."""
    try:
        push = _PUSH.decode(body)
    except _NOT_TYPED as error:
        raise Unfit from error
    if not (is_id(push.deviceId) and is_id(push.sessionId)):
        raise Unfit
    groups = _by_sensor(push.payload)
    columns = [(name, group, _Values(_axes([reading.values for reading in group]))) for name, group in groups.items()]
    rest = None if push.userId is UNSET else canonical_each([{"userId": push.userId}])[0]
    envelope = Envelope(Stream(push.deviceId, push.sessionId), read_message_id(push.messageId), rest)
    return _decoded(envelope, columns, arrival)


def mixed(body: bytes, arrival: Arrival) -> Decoded:
    """A message of readings with any values, well-formed throughout. Raises Unfit for any other."""
    try:
        fields = _FIELDS.decode(body)
        groups = _by_sensor(_RAW_READINGS.decode(fields.pop("payload", b"")))
        columns = [(name, group, _raw_values([reading.values for reading in group])) for name, group in groups.items()]
        envelope = read_envelope({key: msgspec.json.decode(raw) for key, raw in fields.items()}, "payload")
    except _NOT_TYPED as error:
        raise Unfit from error
    return _decoded(envelope, columns, arrival)


def _by_sensor(readings: Sequence[_R]) -> dict[str, Sequence[_R]]:
    """Readings by sensor, in order of first appearance. The usual message holds one or a few sensors."""
    names = [reading.name for reading in readings]
    if names and names.count(names[0]) == len(names):  # comparing is cheaper than hashing
        groups: dict[str, Sequence[_R]] = {names[0]: readings}
    else:
        lists: dict[str, list[_R]] = {name: [] for name in names}
        for name, reading in zip(names, readings, strict=True):
            lists[name].append(reading)
        groups = dict(lists)
    if TEST in groups or CAMERA in groups or not all(is_name(name) for name in groups):
        raise Unfit
    return groups


def _axes(values: Sequence[_Axes]) -> Floats:
    numbers = [value.x for value in values]
    numbers += [value.y for value in values]
    numbers += [value.z for value in values]
    packed = struct.pack(f"{len(numbers)}d", *numbers)  # a third of what numpy takes to look into a list
    return np.frombuffer(packed).reshape(3, len(values))


def _raw_values(raws: Sequence[Raw]) -> _Values:
    joined = b"[" + b",".join(raws) + b"]"
    try:
        return _Values(_axes(_AXES.decode(joined)))
    except msgspec.ValidationError:
        values = _DICTS.decode(joined)
    xyz = _take_axes(values) if any(not _AXIS_NAMES.isdisjoint(value) for value in values) else None
    texts = tuple(None if text == "{}" else text for text in canonical_each(values))
    return _Values(xyz, texts if any(texts) else None)


def _take_axes(values: Sequence[dict[str, Any]]) -> Floats:
    """Take x, y, z out of values that all have them as numbers. Raises Unfit where one does not."""
    xyz = np.empty((3, len(values)))
    for row, axis in enumerate("xyz"):
        column = [value.pop(axis, None) for value in values]
        if not {type(number) for number in column} <= {int, float}:
            raise Unfit
        xyz[row] = column
    return xyz


def _decoded(envelope: Envelope, columns: Iterable[tuple[str, Sequence[_Named], _Values]], arrival: Arrival) -> Decoded:
    blocks = []
    newest = arrival.received_at
    for name, group, values in columns:
        try:
            sent = np.fromiter([reading.time for reading in group], np.int64, len(group))
        except OverflowError as error:
            raise Unfit from error
        times, unit, last = all_in_ns(sent, arrival.latest)
        if name in ACCELERATION:
            _check_acceleration(values.xyz)
        newest = max(newest, last)
        blocks.append(Block(name, times, values.xyz, _accuracy(group), values.texts, None, unit))
    message = Message(
        envelope.stream, envelope.message_id, tuple(blocks), arrival.received_at, arrival.transport, envelope.rest
    )
    return Decoded(message, clock_ahead_ns=newest - arrival.received_at)


def _accuracy(readings: Sequence[_Named]) -> NDArray[np.int8] | None:
    column = [reading.accuracy for reading in readings]
    if column.count(NO_ACCURACY) == len(column):
        return None
    return np.array(column, np.int8)


def _check_acceleration(xyz: Floats | None) -> None:
    if xyz is None:
        raise Unfit
    sizes = np.abs(xyz)
    peak = sizes.item(sizes.argmax())  # not max(): among so little arithmetic its wide registers take long to wake
    if peak <= ABSURD / 2:  # then the magnitude is below ABSURD too
        return
    x, y, z = xyz
    if peak > ABSURD or (x * x + y * y + z * z).max() > ABSURD * ABSURD:
        raise Unfit
