"""Reading a message reading by reading: every good one is kept, every other one set aside with its reason."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gaitway.core.message import Block, Message, Stream, TimeUnit
from gaitway.errors import BodyError
from gaitway.ingest.dialect.decoded import NO_ACCURACY, TEST, Arrival, Decoded, Unfit
from gaitway.ingest.dialect.envelope import is_id, read_envelope
from gaitway.ingest.dialect.readings import Fault, Sample, judge
from gaitway.ports import DeadLetter

QuickWay = Callable[[bytes, Arrival], Decoded]
_Group = tuple[str, bool, TimeUnit]


@dataclass(frozen=True, slots=True)
class Dialect:
    """One form in which readings are sent."""

    name: str
    array: str
    """The envelope's key that holds the readings: a message with it is of this dialect."""
    time_key: str = "time"
    """What a reading calls its time, for the path in a dead letter."""
    as_pushed: Callable[[Any], Any] = lambda reading: reading
    """A reading of this dialect in the form of the app's push; what it does not know it leaves as it is."""
    quick: tuple[QuickWay, ...] = ()
    """Ways to read a well-formed body faster, in the order in which to try them; each may raise Unfit."""

    def read_quickly(self, body: bytes, arrival: Arrival) -> Decoded | None:
        """The answer of the first quick way that fits; None where none does. Raises BodyError."""
        for way in self.quick:
            try:
                return way(body, arrival)
            except Unfit:
                continue
        return None

    def read(self, fields: dict[str, Any], arrival: Arrival) -> Decoded:
        """Read a message leniently. Raises BodyError where it has no usable ids or no array of readings."""
        readings = fields.get(self.array)
        if _is_test(fields, readings):
            return self._test(fields, arrival)
        envelope = read_envelope(fields, self.array)
        if not isinstance(readings, list):
            problem = "is not an array" if self.array in fields else "is missing"
            hint = "Readings are expected as an array of objects with name, time and values."
            raise BodyError(f"{self.array} {problem}", where=self.array, hint=hint, reason="no_array")
        samples, letters, newest = self._judge(readings, envelope.stream, arrival)
        message = Message(
            envelope.stream,
            envelope.message_id,
            _blocks(samples),
            arrival.received_at,
            arrival.transport,
            envelope.rest,
            refused=len(letters),
        )
        return Decoded(message, tuple(letters), False, max(0, newest - arrival.received_at), self.name)

    def _judge(
        self, readings: list[Any], stream: Stream, arrival: Arrival
    ) -> tuple[list[Sample], list[DeadLetter], int]:
        samples, letters, newest = [], [], 0
        latest = arrival.latest
        for index, sent in enumerate(readings):
            reading = self.as_pushed(sent)
            try:
                sample = judge(reading, arrival.settings)
                newest = max(newest, sample.time)
                if sample.time > latest:
                    raise Fault("time", ".time")
                samples.append(sample)
            except Fault as fault:
                inside = f".{self.time_key}" if fault.where == ".time" else fault.where
                where = f"{self.array}[{index}]{inside}"
                letters.append(_letter(reading, fault.reason, where, stream, arrival))
        return samples, letters, newest

    def _test(self, fields: dict[str, Any], arrival: Arrival) -> Decoded:
        device, session = (fields[key] if is_id(fields.get(key)) else "" for key in ("deviceId", "sessionId"))
        message = Message(Stream(device, session), None, (), arrival.received_at, arrival.transport)
        return Decoded(message, test=True, dialect=self.name)


@dataclass(slots=True)
class _Column:
    """The samples of one block so far."""

    samples: list[Sample] = field(default_factory=list)

    def block(self, sensor: str, unit: TimeUnit) -> Block:
        samples = self.samples
        axes = [sample.xyz for sample in samples if sample.xyz is not None]
        accuracy = [sample.accuracy for sample in samples]
        values = tuple(sample.values for sample in samples)
        rest = tuple(sample.rest for sample in samples)
        return Block(
            sensor,
            np.array([sample.time for sample in samples], np.int64),
            np.array(axes, np.float64).T.copy() if axes else None,
            np.array(accuracy, np.int8) if any(each != NO_ACCURACY for each in accuracy) else None,
            values if any(values) else None,
            rest if any(rest) else None,
            unit,
        )


def _blocks(samples: Sequence[Sample]) -> tuple[Block, ...]:
    """One block per sensor, unit of time and presence of x, y, z, in order of first appearance."""
    groups: dict[_Group, _Column] = {}
    for sample in samples:
        key = (sample.sensor, sample.xyz is not None, sample.unit)
        groups.setdefault(key, _Column()).samples.append(sample)
    return tuple(column.block(sensor, unit) for (sensor, _, unit), column in groups.items())


def _is_test(fields: dict[str, Any], readings: Any) -> bool:
    """The app's test push: every reading is named "test", or (over MQTT) the whole message is."""
    if isinstance(readings, list):
        return bool(readings) and all(isinstance(each, dict) and each.get("name") == TEST for each in readings)
    return readings is None and fields.get("name") == TEST


def _letter(reading: Any, reason: str, where: str, stream: Stream, arrival: Arrival) -> DeadLetter:
    body = json.dumps(reading, ensure_ascii=False, separators=(",", ":")).encode()
    return DeadLetter(arrival.received_at, reason, where, body, stream, readings=1)
