"""The followers that carry both tapes into the warehouse: read on, gather, and write a range when it is time to.

    tape 1 -> RawLoader ------> Warehouse.write_raw         1 M rows or 5 min, at stop, when asked
    tape 2 -> ActivityLoader -> Warehouse.write_activities  250,000 rows or 60 s, at stop, when asked

Where a loader goes on is what the warehouse says itself: it has no state of its own that could disagree.
"""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from gaitway.core.activity import ActivityRecord
from gaitway.core.message import Block, Record
from gaitway.errors import WarehouseError
from gaitway.ports import ActivityReader, TapeReader, Warehouse
from gaitway.warehouse.schemas import Table
from gaitway.warehouse.sealed import OnSealed, Seals

Clock = Callable[[], float]
Item = TypeVar("Item")
#: About what a block and its message weigh in memory beside their numbers, in bytes.
_BLOCK_BYTES = 1000


@dataclass(frozen=True, slots=True)
class Roll:
    """When what was gathered is written: whichever comes first."""

    rows: int
    seconds: float
    """Since the oldest of it was read."""
    bytes: int = 96 << 20
    """Of memory, as estimated: messages of one reading each weigh far more than rows."""


RAW_ROLL = Roll(rows=1_000_000, seconds=300.0)
ACTIVITY_ROLL = Roll(rows=250_000, seconds=60.0)


class Loader(ABC, Generic[Item]):
    """Follows one tape from one thread. `step` until it says False, then wait for news or until `due`."""

    table: Table
    _batch: int

    def __init__(self, warehouse: Warehouse, roll: Roll, clock: Clock) -> None:
        self._warehouse, self._roll, self._clock = warehouse, roll, clock
        self._done = self._read = warehouse.position(self.table)
        if self._done > self._end():
            message = f"the warehouse ends at {self._done}, but the tape already at {self._end()}"
            hint = "They are not of one time: restore both from one backup. What the tape gets now would be left out."
            raise WarehouseError(message, where=self.table, hint=hint)
        self._items: list[Item] = []
        self._rows = self._bytes = 0
        self._since: float | None = None

    @property
    def read(self) -> int:
        """The last tape position that was read, written or not."""
        return self._read

    @property
    def position(self) -> int:
        """The last tape position that is durably in the warehouse."""
        return self._done

    @property
    def rows(self) -> int:
        """How many rows are gathered and not yet written."""
        return self._rows

    def due(self) -> bool:
        """Whether what is gathered should be written now: it is large enough, or old enough."""
        if self._since is None:
            return False
        full = self._rows >= self._roll.rows or self._bytes >= self._roll.bytes
        return full or self._clock() - self._since >= self._roll.seconds

    def step(self) -> bool:
        """Read on once, and write if that is due. False when there was nothing to do.

        Raises WarehouseError where the disk says no: then nothing is lost, and the next step tries again.
        """
        # What is due goes first: after a failed write the memory must not grow.
        wrote = self.due()
        if wrote:
            self._write()
        items = self._read_on(self._batch)
        for item in items:
            self._gather(item)
        return wrote or bool(items)

    def flush(self, upto: int | None = None) -> int:
        """Write all that was read, and first read on to position `upto`; the new `position`. At stop, or when asked."""
        while upto is not None and self.read < upto:
            if not self.step():
                break
        if self._items:
            self._write()
        return self._done

    def _read_on(self, limit: int) -> Sequence[Item]:
        items = self._next(self.read, limit)
        if items and self._position(items[0]) != self.read + 1:
            raise _trimmed(self.table, self._position(items[0]), self.read)
        return items

    def _gather(self, item: Item) -> None:
        if self._since is None:
            self._since = self._clock()
        rows, size = self._weigh(item)
        self._items.append(item)
        self._rows += rows
        self._bytes += size
        self._read = self._position(item)

    def _write(self) -> None:
        self._put(self._items, self._done + 1, self._read)
        self._done = self._read
        self._items, self._rows, self._bytes, self._since = [], 0, 0, None

    @abstractmethod
    def _end(self) -> int: ...

    @abstractmethod
    def _next(self, after: int, limit: int) -> Sequence[Item]: ...

    @abstractmethod
    def _position(self, item: Item) -> int: ...

    @abstractmethod
    def _weigh(self, item: Item) -> tuple[int, int]:
        """Rows, and about how many bytes of memory."""

    @abstractmethod
    def _put(self, items: Sequence[Item], first: int, last: int) -> None: ...


class SealedWarehouse(Warehouse, Protocol):
    """A warehouse that keeps out what is sealed, and says so."""

    seals: Seals
    on_sealed: OnSealed | None


class RawLoader(Loader[Record]):
    """Carries the readings of tape 1 into the warehouse, those of all sensors; what a seal forbids to `on_sealed`."""

    table = "raw"
    _batch = 128

    def __init__(
        self,
        tape: TapeReader,
        warehouse: SealedWarehouse,
        on_sealed: OnSealed,
        roll: Roll = RAW_ROLL,
        clock: Clock = time.monotonic,
    ) -> None:
        self._tape = tape
        self._sealing = warehouse
        warehouse.on_sealed = on_sealed
        warehouse.seals = tape.seals()
        super().__init__(warehouse, roll, clock)

    def _end(self) -> int:
        return self._tape.end()

    def _next(self, after: int, limit: int) -> Sequence[Record]:
        records = self._tape.read(after, limit)
        if not records and self._tape.start() > after + 1:
            raise _trimmed(self.table, self._tape.start(), after)
        if any(record.kind == "seal" for record in records):
            self._sealing.seals = self._tape.seals()
        return records

    def _position(self, item: Record) -> int:
        return item.position

    def _weigh(self, item: Record) -> tuple[int, int]:
        rows, size = 0, _BLOCK_BYTES
        for block in item.message.blocks if item.message else ():
            count = len(block.times)
            rows += count
            size += _BLOCK_BYTES + 32 * count
            if block.values is not None or block.rest is not None:
                size += _text_bytes(block)
        return rows, size

    def _put(self, items: Sequence[Record], first: int, last: int) -> None:
        self._warehouse.write_raw(items, first, last)


class ActivityLoader(Loader[tuple[int, ActivityRecord]]):
    """Carries the records of tape 2 into the warehouse."""

    table = "activities"
    _batch = 2048

    def __init__(
        self,
        tape: ActivityReader,
        warehouse: Warehouse,
        roll: Roll = ACTIVITY_ROLL,
        clock: Clock = time.monotonic,
    ) -> None:
        self._tape = tape
        super().__init__(warehouse, roll, clock)

    def _end(self) -> int:
        return self._tape.end()

    def _next(self, after: int, limit: int) -> Sequence[tuple[int, ActivityRecord]]:
        return self._tape.read(after, limit)

    def _position(self, item: tuple[int, ActivityRecord]) -> int:
        return item[0]

    def _weigh(self, item: tuple[int, ActivityRecord]) -> tuple[int, int]:
        return 1, _BLOCK_BYTES

    def _put(self, items: Sequence[tuple[int, ActivityRecord]], first: int, last: int) -> None:
        self._warehouse.write_activities(items, first, last)


def _text_bytes(block: Block) -> int:
    texts = [column for column in (block.values, block.rest) if column is not None]
    return sum(60 + len(text) for column in texts for text in column if text is not None)


def _trimmed(table: Table, start: int, read: int) -> WarehouseError:
    message = f"the tape begins at {start}, but the warehouse ends at {read}"
    hint = "The tape was trimmed too far, or the folder of the warehouse was removed: restore it from a backup."
    return WarehouseError(message, where=table, hint=hint)
