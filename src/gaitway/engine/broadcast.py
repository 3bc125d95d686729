"""What the engine says to open pages: live verdicts, and activity records as they are published."""

from collections.abc import Iterable, Sequence

import msgspec

from gaitway.core.activity import ActivityRecord, LiveVerdict, iso
from gaitway.core.fold import Fold
from gaitway.core.message import Stream
from gaitway.engine.link import EngineLink

_ENCODE = msgspec.json.Encoder().encode


class Broadcast:
    """Sends over the link what a feed gave. Nothing here is stored."""

    def __init__(self, link: EngineLink, lead: str) -> None:
        self._link = link
        self._lead = lead

    def send(self, fold: Fold, records: Sequence[ActivityRecord]) -> None:
        """Send live verdicts always, records of the leading recogniser while a page listens."""
        for verdict in fold.live_verdicts():
            self._link.verdict(_ENCODE(live_json(verdict)))
        for record in records if self._link.watched else ():
            if record.recognizer == self._lead:
                self._link.event(b"record " + _ENCODE(record_json(record)))


def live_json(live: LiveVerdict) -> dict[str, object]:
    """A live verdict as the event stream carries it."""
    return _json(live.stream, (live.window_start, live.window_end, live.recognizer), live.verdict)


def record_json(record: ActivityRecord) -> dict[str, object]:
    """An activity record as `processed_activity` carries it."""
    window = (record.window_start, record.window_end, record.recognizer)
    body = _json(record.stream, window, record.verdict)
    return {**body, "revision": record.revision, "status": record.status, "schema_version": record.schema_version}


def _json(stream: Stream, window: tuple[int, int, str], verdict: Iterable[object]) -> dict[str, object]:
    start, end, recognizer = window
    activity, confidence, magnitude, samples, coverage = verdict
    return {
        "device_id": stream.device_id,
        "session_id": stream.session_id,
        "window_start": iso(start),
        "window_end": iso(end),
        "activity": activity,
        "confidence": confidence,
        "avg_magnitude": magnitude,
        "sample_count": samples,
        "coverage": coverage,
        "recognizer": recognizer,
    }
