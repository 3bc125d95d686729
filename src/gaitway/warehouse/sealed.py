"""Readings that a seal keeps out of the warehouse, as dead letters that can be replayed."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from gaitway.core.message import Block, Message, Record, Stream
from gaitway.ports import DeadLetter
from gaitway.warehouse.raw_columns import choose

OnSealed = Callable[[Sequence[DeadLetter]], None]
#: Per stream (position, before) of its seals, as `TapeReader.seals` gives them.
Seals = Mapping[Stream, Sequence[tuple[int, int]]]

#: A dead letter keeps 64 KiB of a body; the envelope needs some of it.
_LETTER_BYTES = 60_000


def split_sealed(records: Sequence[Record], seals: Seals) -> tuple[list[tuple[int, Message]], list[DeadLetter]]:
    """(position, message) of what may be written, and dead letters of what the seals before it forbid.

    A reading is forbidden when its time is before the `before` of a seal of its stream at a smaller tape position.
    """
    known = {stream: list(of_stream) for stream, of_stream in seals.items()}
    for record in records:
        if record.kind == "seal" and record.before is not None:
            known.setdefault(record.stream, []).append((record.position, record.before))
    messages: list[tuple[int, Message]] = []
    letters: list[DeadLetter] = []
    for record in records:
        if record.message is None:
            continue
        before = max((b for position, b in known.get(record.stream, ()) if position < record.position), default=None)
        message = record.message
        if before is not None:
            letters += _letters(record.position, message, before)
            message = _after(message, before)
        messages.append((record.position, message))
    return messages, letters


def _after(message: Message, before: int) -> Message:
    if all((block.times >= before).all() for block in message.blocks):
        return message
    return replace(message, blocks=tuple(choose(block, block.times >= before) for block in message.blocks))


def _letters(position: int, message: Message, before: int) -> Iterator[DeadLetter]:
    batch: list[str] = []
    size = 0
    for block in message.blocks:
        for reading in _readings(choose(block, block.times < before)):
            length = len(reading.encode())
            if batch and size + length > _LETTER_BYTES:
                yield _letter(position, message, batch)
                batch, size = [], 0
            batch.append(reading)
            size += length + 1
    if batch:
        yield _letter(position, message, batch)


def _letter(position: int, message: Message, readings: Sequence[str]) -> DeadLetter:
    envelope: dict[str, Any] = json.loads(message.rest) if message.rest else {}
    envelope |= {"deviceId": message.stream.device_id, "sessionId": message.stream.session_id}
    if message.message_id is not None:
        envelope["messageId"] = message.message_id
    body = f'{_json(envelope)[:-1]},"payload":[{",".join(readings)}]}}'
    return DeadLetter(
        received_at=message.received_at,
        reason="sealed",
        where="payload",
        body=body.encode(),
        stream=message.stream,
        readings=len(readings),
        position=position,
    )


def _readings(block: Block) -> Iterator[str]:
    """Each reading in the app's dialect. Its time is in ns, whatever unit it was sent in."""
    for row, time in enumerate(block.times.tolist()):
        values: dict[str, Any] = json.loads((block.values and block.values[row]) or "{}")
        if block.xyz is not None:
            values |= zip("xyz", block.xyz[:, row].tolist(), strict=True)
        reading: dict[str, Any] = json.loads((block.rest and block.rest[row]) or "{}")
        reading |= {"name": block.sensor, "time": time, "values": values}
        if block.accuracy is not None and block.accuracy[row] >= 0:
            reading["accuracy"] = int(block.accuracy[row])
        yield _json(reading)


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))
