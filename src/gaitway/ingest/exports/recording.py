"""One recording, cut into the messages in which the phone would have pushed it."""

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Final, NamedTuple
from uuid import UUID, uuid5

from gaitway.ingest.exports.cells import Row
from gaitway.ingest.exports.tables import Skipped, Table

#: Event time of one message, in cells aligned to the epoch: however a recording is read, it is cut alike.
CELL: Final = 1_000_000_000
#: A cell with more than this becomes several messages; servers limit bodies (8 MiB here by default).
_LARGEST: Final = 4 << 20
_SESSIONS: Final = UUID("5f8c1f36-6f0e-5d0a-9b57-2b1f4f1a7c11")
_TIME: Final = attrgetter("time")


class Batch(NamedTuple):
    """One message."""

    message_id: int
    body: bytes
    readings: int
    end: int
    """Event time at which the phone would have sent it (ns): the end of its cell."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a recording comes from, and whose it is."""

    source: str
    device_id: str
    session_id: str | None = None
    platform: str = ""


@dataclass(frozen=True, slots=True)
class _Survey:
    """What one pass over a table found."""

    readings: int
    first: int
    last: int
    in_order: bool


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording of one device. Its messages are made anew each time, in bounded memory, always the same."""

    source: str
    """The folder or file it was read from, for people."""
    device_id: str
    session_id: str
    platform: str
    """`ios`, `android`, or "" where the export does not say."""
    readings: int
    first_time: int
    """ns; 0 where it holds no reading."""
    last_time: int
    skipped: tuple[Skipped, ...]
    """Rows and files that hold no reading, each with the reason."""
    _tables: tuple[tuple[Table, bool], ...]
    """Each table, and whether its times never fall."""

    @classmethod
    def of(cls, origin: Origin, tables: Sequence[Table], skipped: Sequence[Skipped] = ()) -> "Recording":
        """Read every table once, to know what there is. Raises ExportError.

        Where the origin gives no session id it is made of the device id and the first time: the same recording, the
        same session.
        """
        found = list(skipped)
        surveys = [(table, survey) for table in tables if (survey := _survey(table.rows(found.append))) is not None]
        first = min((survey.first for _, survey in surveys), default=0)
        return cls(
            origin.source,
            origin.device_id,
            origin.session_id or str(uuid5(_SESSIONS, f"{origin.device_id}|{first}")),
            origin.platform,
            sum(survey.readings for _, survey in surveys),
            first,
            max((survey.last for _, survey in surveys), default=0),
            tuple(found),
            tuple((table, survey.in_order) for table, survey in surveys),
        )

    def messages(self) -> Iterator[tuple[int, bytes]]:
        """(message id, body) of every message, ids rising by 1 from 1, in order of time."""
        for batch in self.batches():
            yield batch.message_id, batch.body

    def batches(self) -> Iterator[Batch]:
        """The messages, with what it takes to send them at the pace of the phone."""
        pieces: list[str] = []
        number, size, cell = 1, 0, 0
        for row in heapq.merge(*(_rows(table, in_order) for table, in_order in self._tables), key=_TIME):
            if pieces and (row.time // CELL != cell or size > _LARGEST):
                yield self._batch(number, pieces, cell)
                number, pieces, size = number + 1, [], 0
            cell = row.time // CELL
            pieces.append(row.json)
            size += len(row.json)
        if pieces:
            yield self._batch(number, pieces, cell)

    def _batch(self, number: int, pieces: list[str], cell: int) -> Batch:
        head = f'{{"messageId":{number},"sessionId":"{self.session_id}","deviceId":"{self.device_id}","payload":['
        return Batch(number, f"{head}{','.join(pieces)}]}}".encode(), len(pieces), (cell + 1) * CELL)


def _survey(rows: Iterator[Row]) -> _Survey | None:
    readings, first, last, before, in_order = 0, 0, 0, 0, True
    for row in rows:
        time = row.time
        first, last = (min(first, time), max(last, time)) if readings else (time, time)
        in_order = in_order and time >= before
        before = time
        readings += 1
    return _Survey(readings, first, last, in_order) if readings else None


def _rows(table: Table, in_order: bool) -> Iterator[Row]:
    rows = table.rows(_already_told)
    return rows if in_order else iter(sorted(rows, key=_TIME))


def _already_told(skipped: Skipped) -> None:
    """The survey has reported it."""
