"""SQL of the tables that readers see, over the rows of `sources`. Every function gives one SELECT.

Filters of a reader on the columns that identify a row reach the Parquet scan: they are what the repeats are grouped by.
"""

from collections.abc import Sequence

from gaitway.core.message import ACCELERATION
from gaitway.warehouse.schemas import SCHEMAS
from gaitway.warehouse.sources import Rows, quoted

#: What makes two readings equal (law 4), in the order in which readings are listed.
READING_KEY = ("device_id", "session_id", "time", "sensor", "x", "y", "z", '"values"')
#: What tells two versions of a verdict apart.
VERSION_KEY = ("device_id", "session_id", "window_start", "recognizer", "revision")
WINDOW_KEY = VERSION_KEY[:-1]

_READING_REST = ("accuracy", "message_id", "transport", "received_at", "position", "rest", "envelope")
_AXES = ", ".join(f"coalesce({axis}64, {axis}::DOUBLE * scale) AS {axis}" for axis in "xyz")


def query(ctes: Sequence[str], select: str) -> str:
    """A SELECT with its CTEs in front."""
    return f"WITH {', '.join(ctes)} {select}" if ctes else select


def exact_readings(rows: str) -> str:
    """The readings of a relation with x, y, z as they were sent; repeats are left in."""
    return f'SELECT device_id, session_id, time, sensor, {_AXES}, "values", {", ".join(_READING_REST)} FROM {rows}'


def readings(rows: Rows) -> str:
    """Each reading once, with the place where it came first."""
    key = ", ".join(READING_KEY)
    # Not any_value or first: all columns must come from one and the same row, nulls included.
    first = ", ".join(
        "min(position) AS position" if c == "position" else f"arg_min_null({c}, position) AS {c}" for c in _READING_REST
    )
    mixed = f"SELECT {key}, {first} FROM ({exact_readings(rows.mixed)}) GROUP BY {key}"
    return mixed if rows.clean is None else f"{exact_readings(rows.clean)} UNION ALL {mixed}"


def readings_view(rows: Rows) -> str:
    """RAW_DATA.READINGS."""
    return query(
        rows.ctes,
        f"""SELECT device_id, session_id, sensor, time, make_timestamp(time // 1000) AS ts, x, y, z,
            "values"::JSON AS "values", accuracy, message_id, transport, received_at, position
        FROM ({readings(rows)})""",
    )


def records_view(rows: Rows) -> str:
    """RAW_DATA.ACTIVITY_RECORDS: the readings of a message together, as the app's array."""
    axes = ", ".join(f"""'"{axis}":' || {axis}""" for axis in "xyz")
    # Put together as text: json_merge_patch would take a null for "remove this key".
    inner = """CASE WHEN length({0}) > 2 THEN substr({0}, 2, length({0}) - 2) END"""
    reading = f"""'{{' || concat_ws(',', '"name":' || to_json(sensor), '"time":' || time,
        '"values":{{' || concat_ws(',', {axes}, {inner.format('"values"')}) || '}}',
        '"accuracy":' || accuracy, {inner.format("rest")}) || '}}'"""
    return query(
        rows.ctes,
        f"""SELECT device_id, session_id, any_value(message_id) AS message_id, received_at,
            any_value(transport) AS transport, 1::INTEGER AS schema_version,
            ('[' || string_agg({reading}, ',' ORDER BY time, sensor) || ']')::JSON AS payload,
            any_value(envelope)::JSON AS rest, 'message' AS kind
        FROM ({readings(rows)}) GROUP BY device_id, session_id, received_at, position""",
    )


def versions(rows: Rows) -> str:
    """Every version of every verdict, once."""
    return _newest(rows, VERSION_KEY, "position")


def current(rows: Rows) -> str:
    """The version of every verdict that stands."""
    return _newest(rows, WINDOW_KEY, "(revision, position)")


def _newest(rows: Rows, key: Sequence[str], order: str) -> str:
    """Of the rows with equal keys the last one in an order."""
    # A GROUP BY, not QUALIFY row_number() = 1: see `sources.globbed`.
    last = ", ".join(
        name if name in key else f"arg_max_null({name}, {order}) AS {name}" for name in SCHEMAS["activities"].names
    )
    return f"SELECT {last} FROM {rows.all} GROUP BY {', '.join(key)}"


def versions_view(rows: Rows) -> str:
    """PROCESSED_DATA.USER_ACTIVITY_PROCESSED."""
    return query(rows.ctes, versions(rows))


def current_view(rows: Rows) -> str:
    """PROCESSED_DATA.ACTIVITIES_CURRENT."""
    return query(rows.ctes, current(rows))


def sample_times(rows: Rows) -> str:
    """device_id, session_id and time of every acceleration sample; repeats are left in."""
    sensors = ", ".join(quoted(sensor) for sensor in ACCELERATION)
    return f"""SELECT device_id, session_id, time FROM {rows.all}
        WHERE sensor IN ({sensors}) AND (x IS NOT NULL OR x64 IS NOT NULL)"""


def of_recognizer(name: str) -> str:
    """A condition on `recognizer`: a whole name, or a family with or without its version.

    >>> of_recognizer("thresholds-1/10s-2s/5f3a")
    "recognizer = 'thresholds-1/10s-2s/5f3a'"
    >>> of_recognizer("thresholds")
    "regexp_extract(recognizer, '^([^/]*)-[^-/]*/', 1) = 'thresholds' OR split_part(recognizer, '/', 1) = 'thresholds'"
    """
    if "/" in name:
        return f"recognizer = {quoted(name)}"
    family = f"regexp_extract(recognizer, '^([^/]*)-[^-/]*/', 1) = {quoted(name)}"
    return f"{family} OR split_part(recognizer, '/', 1) = {quoted(name)}"
