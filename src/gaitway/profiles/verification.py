"""Where `gaitway verify` gets its readings and records: from a data folder, or from a running server's API."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, Protocol

import httpx
import numpy as np

from gaitway.core.activity import Verdict
from gaitway.core.message import CORE_SENSORS, Stream
from gaitway.core.recognizers import Recognizer, from_settings
from gaitway.core.samples import Samples, Sources, gather, merge
from gaitway.core.state import ALL
from gaitway.core.verification import Findings, Published, Scope, check_tick, compare
from gaitway.engine.link import request_flush
from gaitway.errors import GaitwayError, NotFoundError
from gaitway.log.activity import ActivityTapeReader
from gaitway.log.reader import SqliteTapeReader
from gaitway.ports import Selection
from gaitway.profiles.folder import DataFolder
from gaitway.registry import Recognizers, Registry
from gaitway.warehouse.history import ParquetHistory
from gaitway.warehouse.parquet import ParquetWarehouse

_EVER = 2**63 - 1
_PAGE = 10_000
_RECORDS = 512


class Known(NamedTuple):
    """A recogniser that has judged here."""

    recognizer: Recognizer
    retired: bool
    """Switched off: its rows get no revisions, so they are not compared."""


class Source(Protocol):
    """What verifying needs."""

    def recognizers(self) -> list[Known]:
        """Every recogniser that has judged here."""
        ...

    def streams(self) -> dict[Stream, Scope]:
        """Every stream that has readings or a state, with its last tick and seal."""
        ...

    def since(self, stream: Stream, recognizer: Recognizer) -> int:
        """First window_start (ns) the recogniser judges of a stream."""
        ...

    def samples(self, stream: Stream, upto: int) -> Sources:
        """Samples of the readings at tape-1 positions up to `upto`."""
        ...

    def published(self, stream: Stream, recognizer: str) -> Mapping[int, Published]:
        """The current versions by window_start."""
        ...

    def close(self) -> None:
        """Let go of what is open."""
        ...


@dataclass
class Report(Findings):
    """What verifying a whole folder or server gave."""

    streams: int = 0
    retired: list[str] = field(default_factory=list)


def verify(source: Source, progress: Callable[[int, int], None] = lambda done, of: None) -> Report:
    """Recompute every activity from the raw readings, stream by stream; 32 bytes of memory per reading of a stream."""
    report = Report()
    known = source.recognizers()
    report.retired = [each.recognizer.name for each in known if each.retired]
    streams = source.streams()
    for number, (stream, scope) in enumerate(streams.items(), 1):
        report.add(check_tick(stream, scope))
        samples = source.samples(stream, scope.tick) if scope.tick else {}
        for recognizer, retired in known:
            if not retired:
                narrowed = scope._replace(since=source.since(stream, recognizer))
                published = source.published(stream, recognizer.name)
                report.add(compare(stream, samples, published, recognizer, narrowed))
        report.streams += 1
        progress(number, len(streams))
    return report


class FolderSource:
    """A data folder; with a server running on it, that server is asked to write its tail first."""

    def __init__(self, data: DataFolder) -> None:
        """Raises NotFoundError where nothing was ever served."""
        if not data.activity.exists():
            message = f"{data.root} holds no activities"
            raise NotFoundError(message, where=str(data.root), hint="Name the folder that `gaitway serve --data` uses.")
        request_flush(data.root)
        self._data = data
        self._tape = SqliteTapeReader(data.tape, data.registry)
        self._activity = ActivityTapeReader(data.activity)
        self._warehouse = ParquetWarehouse(data.warehouse)
        self._history = ParquetHistory(data.root, self._tape, self._activity, "UTC")
        self._folded = self._activity.folded()  # before the states: a running engine may only be further
        self._checkpoints = self._activity.checkpoints()

    def close(self) -> None:
        """Let go of the files."""
        self._history.close()
        self._tape.close()
        self._activity.close()

    def recognizers(self) -> list[Known]:
        """From the registry."""
        active = self._activity.active()
        registry = Registry(self._data.registry)
        try:
            known = Recognizers(registry).all()
        finally:
            registry.close()
        return [Known(from_settings(each.settings), each.name not in active) for each in known]

    def streams(self) -> dict[Stream, Scope]:
        """From the engine's checkpoint, the readings and the seals on tape 1."""
        read = self._history.reading_counts().keys()
        ticked = {stream for stream, found in self._checkpoints.items() if found.tick}
        lost = self._ticks(read - ticked)
        seals = self._tape.seals()
        scopes = {}
        for stream in sorted(read | self._checkpoints.keys()):
            found = self._checkpoints.get(stream)
            tick, sealed_to = (found.tick, found.sealed_to) if found else (0, 0)
            sealed_to = max([sealed_to, *(before for _, before in seals.get(stream, ()))])
            scopes[stream] = Scope(tick, sealed_to, has_readings=stream in read, lost_tick=lost.get(stream, 0))
        return scopes

    def since(self, stream: Stream, recognizer: Recognizer) -> int:
        """From the engine's checkpoint."""
        found = self._checkpoints.get(stream)
        return ALL if found is None else found.since.get(recognizer.name, ALL)

    def samples(self, stream: Stream, upto: int) -> Sources:
        """From the warehouse, and from the log behind it."""
        written = self._warehouse.position("raw")
        messages = list(self._warehouse.samples(stream, 0, _EVER, upto))
        if upto > written:
            messages += self._tape.samples(stream, 0, _EVER, upto, CORE_SENSORS)
        return gather(messages, 0, _EVER)

    def published(self, stream: Stream, recognizer: str) -> Mapping[int, Published]:
        """From the warehouse and its tail."""
        selection = {"device_id": stream.device_id, "session_id": stream.session_id, "recognizer": recognizer}
        return dict(map(published_row, _pages(lambda cursor: self._history.activities(_select(selection, cursor)))))

    def _ticks(self, streams: Collection[Stream]) -> dict[Stream, int]:
        """Per stream its first tick that is on tape 1 and that the engine says it has folded, if there is one."""
        found: dict[Stream, int] = {}
        position = 0
        while len(found) < len(streams) and position < self._folded:
            records = self._tape.read(position, _RECORDS, ())
            if not records:
                break
            position = records[-1].position
            for record in records:
                if record.kind == "tick" and record.stream in streams and record.position <= self._folded:
                    found.setdefault(record.stream, record.position)
        return found


class ServerSource:
    """A running server, over its API."""

    def __init__(self, url: str, token: str | None) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._client = httpx.Client(base_url=url, headers=headers, timeout=60)
        self._rows = {Stream(row["device_id"], row["session_id"]): row for row in self._all("/api/streams", "streams")}

    def close(self) -> None:
        """Let go of the connection."""
        self._client.close()

    def recognizers(self) -> list[Known]:
        """From /api/recognizers."""
        rows = self._get("/api/recognizers", {})["recognizers"]
        return [Known(from_settings(row["settings"]), row["retired"]) for row in rows]

    def streams(self) -> dict[Stream, Scope]:
        """From /api/streams."""
        return {
            stream: Scope(row["tick"] or 0, row["sealed_to"] or 0, has_readings=row["counts"]["readings"] > 0)
            for stream, row in self._rows.items()
        }

    def since(self, stream: Stream, recognizer: Recognizer) -> int:
        """From /api/streams."""
        since: int = self._rows[stream]["since"].get(recognizer.name, ALL)
        return since

    def samples(self, stream: Stream, upto: int) -> Sources:
        """From /api/readings."""
        found: dict[str, Samples] = {}
        for sensor in CORE_SENSORS:
            asked = {"device_id": stream.device_id, "session_id": stream.session_id, "sensor": sensor, "until": upto}
            rows = [row for row in self._all("/api/readings", "readings", asked) if _has_xyz(row["values"])]
            times = np.array([row["time"] for row in rows], np.int64)
            xyz = np.array([[row["values"][axis] for row in rows] for axis in "xyz"], np.float64).reshape(3, -1)
            found[sensor] = merge([times], [xyz])
        return found

    def published(self, stream: Stream, recognizer: str) -> Mapping[int, Published]:
        """From /api/activities."""
        asked = {"device_id": stream.device_id, "session_id": stream.session_id, "recognizer": recognizer}
        return dict(map(published_row, self._all("/api/activities", "activities", asked)))

    def _all(self, path: str, name: str, asked: Mapping[str, Any] | None = None) -> Iterator[dict[str, Any]]:
        cursor: str | None = None
        while True:
            page = self._get(path, {**(asked or {}), "limit": _PAGE, **({"cursor": cursor} if cursor else {})})
            yield from page[name]
            cursor = page["next"]
            if cursor is None:
                return

    def _get(self, path: str, asked: Mapping[str, Any]) -> dict[str, Any]:
        try:
            answer = self._client.get(path, params=dict(asked))
        except httpx.TransportError as error:
            message = f"the server does not answer: {error}"
            raise GaitwayError(message, where=str(self._client.base_url), hint="Is it running there?") from error
        if answer.status_code != 200:
            body = answer.json() if "json" in answer.headers.get("content-type", "") else {"error": answer.text}
            message = f"the server answered {answer.status_code}: {body.get('error')}"
            raise GaitwayError(message, where=path, hint=body.get("hint", ""))
        found: dict[str, Any] = answer.json()
        return found


def published_row(row: Mapping[str, Any]) -> tuple[int, Published]:
    """(window_start in ns, current version) of a row of /api/activities."""
    start = datetime.fromisoformat(row["window_start"])
    verdict = Verdict(*(row[name] for name in Verdict._fields))
    return round(start.timestamp() * 1000) * 1_000_000, Published(verdict, row["revision"])


def _select(asked: Mapping[str, str], cursor: str | None) -> Selection:
    return Selection(**asked, limit=_PAGE, cursor=cursor)  # type: ignore[arg-type]


def _pages(ask: Callable[[str | None], Any]) -> Iterator[dict[str, Any]]:
    cursor: str | None = None
    while True:
        page = ask(cursor)
        yield from page.rows
        cursor = page.next
        if cursor is None:
            return


def _has_xyz(values: Mapping[str, object]) -> bool:
    return all(isinstance(values.get(axis), int | float) for axis in "xyz")
