"""Reading tape 1 from any process while another one writes and trims it."""

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from gaitway.core.message import Message, Record, Stream
from gaitway.errors import LogError
from gaitway.log.codec import decode
from gaitway.log.folder import SegmentFolder, SegmentGoneError
from gaitway.log.rows import INT64, KINDS, MESSAGE, SEAL, before_of
from gaitway.log.segment import Segment, bodies_within, last_position, rows_after, seals_of
from gaitway.log.trimmed import trimmed_seals


class SqliteTapeReader:
    """A `TapeReader` over a folder of segment files. Read-only, safe to use from several threads."""

    def __init__(self, folder: Path, registry: Path) -> None:
        self._files = SegmentFolder(folder)
        self._registry = registry
        self._lock = threading.RLock()

    def end(self) -> int:
        """The position of the newest durable record; 0 when the tape is empty."""
        with self._lock:
            return self._files.retried(self._end)

    def start(self) -> int:
        """The position of the oldest record that is still there; end() + 1 when none is."""
        with self._lock:
            self._files.refresh()
            return self._files.segments[0].first if self._files.segments else 1

    def read(self, after: int, limit: int, sensors: Sequence[str] | None = None) -> list[Record]:
        """Up to `limit` records after a position, in order; what was trimmed is passed over."""
        with self._lock:
            return self._files.retried(lambda: self._read(after, limit, sensors))

    def seals(self) -> Mapping[Stream, Sequence[tuple[int, int]]]:
        """Per sealed stream (position, before) of its seals, rising; trimmed ones included."""
        with self._lock:
            found = self._files.retried(self._seals)
        found |= {position: (stream, before) for position, stream, before in trimmed_seals(self._registry)}
        by_stream: dict[Stream, list[tuple[int, int]]] = {}
        for position in sorted(found):
            stream, before = found[position]
            by_stream.setdefault(stream, []).append((position, before))
        return by_stream

    def samples(
        self, stream: Stream, start: int, end: int, upto: int, sensors: Sequence[str] | None = None
    ) -> list[Message]:
        """Messages of a stream that may hold readings with start <= time < end, at positions <= upto, in any order."""
        with self._lock:
            blobs = self._files.retried(lambda: self._samples(stream, _clamp(start), _clamp(end), _clamp(upto)))
        return [decode(blob, sensors) for blob in blobs]

    def close(self) -> None:
        """Let go of all files. Idempotent."""
        with self._lock:
            self._files.close()

    def _end(self) -> int:
        self._files.refresh()
        if not self._files.segments:
            return 0
        newest = self._files.segments[-1]
        last = self._files.ask(newest, lambda connection, _: last_position(connection))
        return newest.first - 1 if last is None else last

    def _read(self, after: int, limit: int, sensors: Sequence[str] | None) -> list[Record]:
        records: list[Record] = []
        fresh = False
        while len(records) < limit:
            segment = self._files.holding(after + 1)
            found = [] if segment is None else self._records(segment, after, limit - len(records), sensors)
            records.extend(found)
            if found:
                after = found[-1].position
            elif segment is not None and segment.last is not None and after < segment.last:
                after = segment.last
            elif fresh:
                break
            else:  # the newest segment known gives no more: look once for newer ones
                self._files.refresh()
                fresh = True
        return records

    def _records(self, segment: Segment, after: int, limit: int, sensors: Sequence[str] | None) -> list[Record]:
        rows = self._files.ask(segment, lambda connection, _: rows_after(connection, after, limit))
        first = max(after + 1, segment.first)
        if [row[0] for row in rows] != list(range(first, first + len(rows))) or self._is_short(
            segment, first, rows, limit
        ):
            if not segment.path.exists():
                raise SegmentGoneError(segment.path)
            raise LogError(
                f"{segment.path.name} lacks records after position {after}",
                where=str(segment.path),
                hint="restore it from a backup",
            )
        return [self._record(segment, row, sensors) for row in rows]

    @staticmethod
    def _is_short(segment: Segment, first: int, rows: Sequence[tuple[object, ...]], limit: int) -> bool:
        return segment.last is not None and len(rows) < min(limit, segment.last + 1 - first)

    def _record(
        self, segment: Segment, row: tuple[int, int, int, int, bytes | None], sensors: Sequence[str] | None
    ) -> Record:
        position, no, kind, received_at, body = row
        stream = self._stream(segment, no)
        message = decode(body, sensors) if kind == MESSAGE and body is not None else None
        before = before_of(body) if kind == SEAL and body is not None else None
        return Record(position, KINDS[kind], stream, received_at, message, before)

    def _stream(self, segment: Segment, no: int) -> Stream:
        if no not in segment.streams:
            self._files.ask(segment, lambda connection, _: segment.learn_streams(connection))
        return segment.streams[no]

    def _samples(self, stream: Stream, start: int, end: int, upto: int) -> list[bytes]:
        self._files.refresh()
        blobs: list[bytes] = []
        for segment in self._files.segments:
            if segment.first <= upto and segment.may_hold(start, end):
                blobs.extend(self._samples_in(segment, stream, start, end, upto))
        return blobs

    def _samples_in(self, segment: Segment, stream: Stream, start: int, end: int, upto: int) -> list[bytes]:
        if stream not in segment.numbers and segment.last is None:
            self._files.ask(segment, lambda connection, _: segment.learn_streams(connection))
        no = segment.numbers.get(stream)
        if no is None:
            return []
        return self._files.ask(segment, lambda connection, _: bodies_within(connection, no, start, end, upto))

    def _seals(self) -> dict[int, tuple[Stream, int]]:
        self._files.refresh()
        found: dict[int, tuple[Stream, int]] = {}
        for segment in self._files.segments:
            for position, no, before in self._files.ask(segment, lambda connection, _: seals_of(connection)):
                found[position] = (self._stream(segment, no), before)
        return found


def _clamp(number: int) -> int:
    return min(max(number, INT64.start), INT64.stop - 1)
