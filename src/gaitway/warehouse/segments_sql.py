"""Segments and days in SQL: the same as `core.segments`, for every stream and recogniser at once.

    verdicts --> centres --.
                            >-- events, in the order of time --> placed --> inner_ones --> points --> told
    samples --> cells ---- '                                                                          / \\
                                                                                             SEGMENTS     days

One line of window functions, all of them within a stream and recogniser, and no join of what was joined before: so a
filter on device_id or session_id goes all the way down to the Parquet files.
"""

from collections.abc import Sequence

from gaitway.core.grid import CELL
from gaitway.core.segments import ENOUGH
from gaitway.warehouse.sources import quoted

_MINUTE = 60_000_000_000
_OF = "device_id, session_id, recognizer"


def _nanoseconds(group: int) -> str:
    """A duration in a recogniser's name, `10s` or `500ms`, in ns; `group` and the one after it are number and unit."""
    return f"(grid[{group}]::BIGINT * CASE grid[{group + 1}] WHEN 's' THEN 1000000000 ELSE 1000000 END)"


def _verdicts(current: str, newest_only: bool) -> str:
    newest = "QUALIFY recognizer = arg_max(recognizer, revision) OVER (PARTITION BY device_id, session_id)"
    return f"""SELECT *, {_nanoseconds(1)} AS size, {_nanoseconds(3)} AS slide
        FROM (
            SELECT *, regexp_extract_all(split_part(recognizer, '/', 2), '[0-9]+|[a-z]+') AS grid
            FROM ({current}) WHERE regexp_matches(recognizer, '^[^/]+/[0-9]+m?s-[0-9]+m?s/')
        ) {newest if newest_only else ""}"""


def ctes(current: str, samples: str, *, newest_only: bool) -> Sequence[str]:
    """CTEs from the current verdicts and the times of samples to `told`; behind them, `SEGMENTS` or `days`.

    told: device_id, session_id, recognizer, a and b (first and last sample of the stretch, ns), moment (ns), cells (how
    many cells with a sample begin to be filled from there on; 0 where only what is said changes), activity, and number
    (of the segment in its stretch). `newest_only` keeps one recogniser per stream: the one with the newest revision.
    """
    verdicts = _verdicts(current, newest_only)
    return (*_placing(verdicts, samples), *_telling())


def _placing(verdicts: str, samples: str) -> Sequence[str]:
    """To `placed`: every slide with samples, and every centre that meets a stretch, with the bounds of that stretch."""
    return (
        # The verdicts stand here twice, not in a CTE of their own: that would be a wall for filters.
        # What is said changes only on the grid of centres and at the start of a stretch, and a hole that ends a stretch
        # is longer than a slide: so the cells of one slide, cut at whole minutes for `days`, go on as one row.
        f"""slides AS (
            SELECT {_OF}, any_value(size) AS size, min(t0) AS t0, max(t1) AS t1, count(*) AS cells
            FROM (
                SELECT device_id, session_id, min(time) AS t0, max(time) AS t1 FROM ({samples})
                GROUP BY device_id, session_id, time // {CELL}
            ) JOIN (SELECT DISTINCT {_OF}, size, slide FROM ({verdicts})) USING (device_id, session_id)
            GROUP BY {_OF}, (t0 - (size - slide) // 2) // slide, t0 // {_MINUTE})""",
        f"""begun AS (
            SELECT *, coalesce(t0 - lag(t1) OVER (PARTITION BY {_OF} ORDER BY t0) > size, true)::INT AS fresh
            FROM slides)""",
        f"""stretched AS (
            SELECT *, sum(fresh) OVER (PARTITION BY {_OF} ORDER BY t0 ROWS UNBOUNDED PRECEDING) AS stretch
            FROM begun)""",
        f"""events AS (
            SELECT {_OF}, t0 AS moment, t0 AS until, cells, NULL AS activity, NULL AS coverage,
                min(t0) OVER (PARTITION BY {_OF}, stretch) AS a, max(t1) OVER (PARTITION BY {_OF}, stretch) AS b
            FROM stretched
            UNION ALL
            SELECT {_OF}, epoch_ns(window_start) + (size - slide) // 2 AS moment, moment + slide AS until,
                0 AS cells, activity, coverage, NULL AS a, NULL AS b
            FROM ({verdicts}))""",
        # A centre meets the stretch of the last slide before its own end, if that is not all over when it begins. A
        # stretch of one instant still meets the centre that holds it.
        f"""placed AS (
            SELECT * FROM (
                SELECT * EXCLUDE (a, b), last_value(a IGNORE NULLS) OVER before AS a,
                    last_value(b IGNORE NULLS) OVER before AS b
                FROM events WINDOW before AS (PARTITION BY {_OF} ORDER BY until, cells ROWS UNBOUNDED PRECEDING)
            ) WHERE cells > 0 OR moment < greatest(b, a + 1))""",
    )


def _telling() -> Sequence[str]:
    """From `placed` to `told`: what is said from when on, and the cells between."""
    good = f"FILTER (WHERE coverage >= {ENOUGH}) OVER (PARTITION BY {_OF}, a)"
    ordered = f"(PARTITION BY {_OF}, a ORDER BY moment, cells ROWS UNBOUNDED PRECEDING)"
    # A stretch in which nobody speaks is unknown from its first sample on; the oldest centre speaks from there too.
    said = """{'moment': CASE WHEN moment = oldest AND cells = 0 THEN a ELSE moment END,
        'said': CASE WHEN cells > 0 AND oldest IS NULL AND moment = a THEN 'unknown' ELSE activity END}"""
    silence = "{'moment': until, 'said': 'unknown'}"
    return (
        f"ranged AS (SELECT *, min(moment) {good} AS oldest, max(moment) {good} AS newest FROM placed)",
        f"""inner_ones AS (
            SELECT *, CASE WHEN cells = 0 THEN lead(moment) OVER (PARTITION BY {_OF}, a, cells > 0 ORDER BY moment)
                END AS following
            FROM ranged WHERE cells > 0 OR moment BETWEEN oldest AND newest)""",
        f"""points AS (
            SELECT {_OF}, a, b, cells, unnest(CASE WHEN following > until THEN [said, {silence}] ELSE [said] END,
                max_depth := 2)
            FROM (SELECT *, {said} AS said FROM inner_ones))""",
        f"""turns AS (
            SELECT *, said IS NOT NULL AND said IS DISTINCT FROM lag(said IGNORE NULLS) OVER
                (PARTITION BY {_OF}, a ORDER BY moment, cells) AS turn
            FROM points)""",
        f"""told AS (
            SELECT * EXCLUDE (said), last_value(said IGNORE NULLS) OVER {ordered} AS activity,
                sum(turn::INT) OVER {ordered} AS number
            FROM turns)""",
    )


#: Rows {device_id, session_id, recognizer, activity, start_ns, end_ns, cells}: the segments; behind `ctes`.
SEGMENTS = f"""SELECT {_OF}, activity, start_ns,
        coalesce(lead(start_ns) OVER (PARTITION BY {_OF}, a ORDER BY start_ns), b) AS end_ns, cells
    FROM (
        SELECT {_OF}, a, number, any_value(b) AS b, any_value(activity) AS activity, min(moment) AS start_ns,
            sum(cells)::BIGINT AS cells
        FROM told GROUP BY {_OF}, a, number)"""


def days(timezone: str, activities: Sequence[str]) -> str:
    """Minutes of each activity per device and local day; behind `ctes`."""
    local = f"(make_timestamp(minute // 1000) AT TIME ZONE 'UTC' AT TIME ZONE {quoted(timezone)})::DATE"
    minutes = "round(coalesce(sum(cells){}, 0) / 600.0, 4)"
    each = ", ".join(
        f"{minutes.format(f' FILTER (activity = {quoted(name)})')} AS {name}_minutes" for name in activities
    )
    return f"""SELECT device_id, {local} AS day, recognizer, {each}, {minutes.format("")} AS recorded_minutes
        FROM (
            SELECT device_id, recognizer, activity, moment // {_MINUTE} * {_MINUTE} AS minute, sum(cells) AS cells
            FROM told WHERE cells > 0 GROUP BY ALL
        ) GROUP BY ALL"""
