"""What readers of history are told: the rows of the API, put together from tape, engine and warehouse."""

import time
from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from gaitway.core.message import Stream
from gaitway.ports import DeadLetters, Selection, StreamCounts
from gaitway.registry import Recognizers
from gaitway.web.front import Front, Marks
from gaitway.web.query import bad_cursor
from gaitway.web.shapes import DeadLetterList, DeadLetterRow, RecognizerList, StreamRow, Streams

_LIVE: Final = 15_000_000_000


class Desk:
    """Answers about history. Every method blocks: call them in a thread."""

    def __init__(self, front: Front) -> None:
        self._front = front
        self._recognizers = Recognizers(front.registry)

    def streams(self, selection: Selection) -> Streams:
        """A page of streams, by device, then session."""
        after = stream_of_cursor(selection.cursor) if selection.cursor else None
        counts = sorted(
            (count for count in self._front.tape.counts() if _chosen(count.stream, selection, after)),
            key=lambda count: count.stream,
        )
        page = counts[: selection.limit]
        if not page:
            return {"streams": [], "next": None}
        rows = self._stream_rows(page)
        return {"streams": rows, "next": page[-1].stream.key if len(counts) > len(page) else None}

    def _stream_rows(self, counts: Sequence[StreamCounts]) -> list[StreamRow]:
        now = time.time_ns()
        readings = self._front.history.reading_counts()
        states = self._front.states()
        refused = refused_readings(self._front.letters.values())
        return [
            _stream_row(count, readings.get(count.stream, 0), states.get(count.stream), refused, now)
            for count in counts
        ]

    def recognizers(self) -> RecognizerList:
        """All recognisers that ever judged here."""
        lead = self._front.settings.lead
        known = self._recognizers.all()
        newest = max((item.started for item in known if _is_called(item.name, lead)), default=None)
        active = self._front.active()
        rows = [
            {
                "name": item.name,
                "settings": dict(item.settings),
                "started": item.started,
                "retired": item.name not in active,
                "lead": _is_called(item.name, lead) and item.started == newest,
            }
            for item in known
        ]
        return cast(RecognizerList, {"recognizers": rows, "next": None})

    def dead_letters(self, limit: int, cursor: str | None) -> DeadLetterList:
        """A page of all stores' dead letters, newest first. A cursor holds each store's own."""
        stores = self._front.letters
        cursors = _cursors(cursor, list(stores))
        found: list[tuple[str, dict[str, Any]]] = []
        for name, store in stores.items():
            if cursors[name] != _DONE:
                found += [(name, row) for row in store.page(limit, cursors[name] or None).rows]
        found.sort(key=lambda item: (-item[1]["received_at"], item[0], -int(item[1]["id"])))
        page = found[:limit]
        for name, row in page:
            cursors[name] = str(row["id"])
        for name in stores:
            if len([1 for store, _ in found if store == name]) < limit and not _left(name, found[limit:]):
                cursors[name] = _DONE
        rows = [cast(DeadLetterRow, {**row, "id": f"{name}-{row['id']}"}) for name, row in page]
        done = all(value == _DONE for value in cursors.values())
        return {"dead_letters": rows, "next": None if done else ".".join(cursors[name] for name in stores)}


_DONE: Final = "x"


def _left(name: str, rest: Sequence[tuple[str, Mapping[str, Any]]]) -> bool:
    return any(store == name for store, _ in rest)


def _cursors(cursor: str | None, names: Sequence[str]) -> dict[str, str]:
    if not cursor:
        return dict.fromkeys(names, "")
    parts = cursor.split(".")
    if len(parts) != len(names) or not all(part in ("", _DONE) or part.isdecimal() for part in parts):
        raise bad_cursor(cursor)
    return dict(zip(names, parts, strict=True))


def refused_readings(stores: Any) -> dict[Stream | None, int]:
    """Readings refused per stream, over several stores of dead letters."""
    refused: dict[Stream | None, int] = {}
    for store in cast("Sequence[DeadLetters]", stores):
        for stream, number in store.counts().items():
            refused[stream] = refused.get(stream, 0) + number
    return refused


def stream_of_cursor(cursor: str) -> Stream:
    """The stream a cursor stands for. Raises RefusedError."""
    device_id, bar, session_id = cursor.partition("|")
    if not bar:
        raise bad_cursor(cursor)
    return Stream(device_id, session_id)


def _chosen(stream: Stream, selection: Selection, after: Stream | None) -> bool:
    return (
        (after is None or stream > after)
        and selection.device_id in (None, stream.device_id)
        and selection.session_id in (None, stream.session_id)
    )


def _is_called(name: str, lead: str) -> bool:
    """Whether a recogniser is meant by a name or a family (`thresholds` of `thresholds-1/10s-2s/5f3a`)."""
    return name == lead or name.partition("/")[0].rpartition("-")[0] == lead or name.partition("/")[0] == lead


def _stream_row(
    count: StreamCounts, readings: int, marks: Marks | None, refused: Mapping[Stream | None, int], now: int
) -> StreamRow:
    return {
        "device_id": count.stream.device_id,
        "session_id": count.stream.session_id,
        "first_time": count.first_time,
        "last_time": count.last_time,
        "live": 0 <= now - count.last_received <= _LIVE and count.messages > 0,
        "tick": (marks.tick or None) if marks else None,
        "sealed_to": (marks.sealed_to or None) if marks else None,
        "since": dict(marks.since) if marks else {},
        "counts": {
            "messages": count.messages,
            "readings": readings,
            "duplicates": count.duplicates,
            "conflicting": count.conflicting,
            "missing": count.missing,
            "late": marks.late if marks else 0,
            "dead_letters": refused.get(count.stream, 0),
        },
    }
