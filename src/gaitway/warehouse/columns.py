"""Every column that readers see, with its unit: the comments inside the views and the reference in the docs."""

from collections.abc import Mapping
from typing import Final

from gaitway.core.activity import ACTIVITIES

_IDS = {"device_id": "the phone", "session_id": "one recording on it"}
_MESSAGE = {
    "message_id": "the app's number or name of the push, as text",
    "transport": "how it came: http or mqtt",
    "received_at": "the server's clock at arrival, ns since 1970",
}
_VERDICT = {
    **_IDS,
    "window_start": "start of the window, inclusive, UTC",
    "window_end": "end of the window, exclusive, UTC",
    "activity": f"{', '.join(ACTIVITIES[:-1])} or {ACTIVITIES[-1]}",
    "confidence": "0 to 1; 0 for unknown",
    "avg_magnitude": "mean of |a| without gravity, m/s2",
    "sample_count": "acceleration samples in the window",
    "coverage": "share of the window's 100 ms cells that hold a sample, 0 to 1",
    "recognizer": "which recogniser judged: family-version/size-slide/settings",
    "revision": "tape-1 position of the record that caused this version; the highest one stands",
    "status": "final, or revised after late readings",
    "schema_version": "version of the record's form",
    "position": "position on tape 2",
}

#: View -> column -> what it holds, in the order of the view.
COLUMNS: Final[Mapping[str, Mapping[str, str]]] = {
    "RAW_DATA.READINGS": {
        **_IDS,
        "sensor": "the app's name of the sensor: accelerometer, gyroscope, location ...",
        "time": "event time, ns since 1970 UTC",
        "ts": "the same as a timestamp, UTC, cut to microseconds",
        "x": "first axis in the sensor's own unit: m/s2, rad/s, uT ...; null where the sensor has none",
        "y": "second axis, likewise",
        "z": "third axis, likewise",
        "values": "JSON object of every value that is not x, y, z; null where there is none",
        "accuracy": "the phone's own grade, 0 (unreliable) to 3 (high); null on iPhones",
        **_MESSAGE,
        "position": "tape-1 position of the message in which it came first",
    },
    "RAW_DATA.ACTIVITY_RECORDS": {
        **_IDS,
        **{name: _MESSAGE[name] for name in ("message_id", "received_at", "transport")},
        "schema_version": "version of the record's form",
        "payload": "JSON array of the app's readings: name, time (ns), values, accuracy",
        "rest": "JSON object of what else the app's envelope held; null where nothing",
        "kind": "message",
    },
    "PROCESSED_DATA.USER_ACTIVITY_PROCESSED": _VERDICT,
    "PROCESSED_DATA.ACTIVITIES_CURRENT": _VERDICT,
    "PROCESSED_DATA.SEGMENTS": {
        **_IDS,
        "recognizer": "which recogniser judged",
        "activity": "what all of the segment is",
        "segment_start": "first moment, inclusive, UTC",
        "segment_end": "last moment, exclusive, UTC; the last of a recording ends with its last sample",
        "covered": "time with samples in it, counted in 100 ms cells, s",
    },
    "PROCESSED_DATA.DAYS": {
        "device_id": "the phone",
        "day": "local day in the setting `timezone`",
        "recognizer": "which recogniser judged",
        **{f"{name}_minutes": f"{name}, minutes with samples" for name in ACTIVITIES},
        "recorded_minutes": "all of them together, minutes with samples",
    },
    "GAITWAY.RAW_FILES": {
        "file": "path of a Parquet file of readings that counts",
        "date": "UTC day of its readings",
        "first": "first tape-1 position it may hold",
        "last": "last tape-1 position it may hold",
        "merged": "whether compaction made it",
        "others": "how many more files of its day count",
    },
    "GAITWAY.ACTIVITY_FILES": {
        "file": "path of a Parquet file of verdicts that counts",
        "date": "UTC day of its windows' starts",
        "first": "first tape-2 position it may hold",
        "last": "last tape-2 position it may hold",
        "merged": "whether compaction made it",
        "others": "how many more files of its day count",
    },
    "GAITWAY.SETTINGS": {
        "folder": "the data folder these views read",
        "timezone": "what cuts days",
        "lead": "the recogniser, or family, that SEGMENTS and DAYS show",
        "fingerprint": "changes with the folder, the settings and the program's version of the views",
    },
}
