"""Where the rows of a table come from, as SQL relations: the files that count, and what is not yet in a file.

The counting rule of `layout` in two forms: a list of paths that was made a moment ago (fast, for the server's own
connections), and pure SQL over `glob()` (for a file of views that must stay right while files come and go).
"""

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from gaitway.warehouse.durable import publish
from gaitway.warehouse.layout import SCHEMA_DATE, WarehouseFile
from gaitway.warehouse.schemas import SCHEMAS, Table, write_file

#: For how long after a merge the views read both the merged file and what it replaces (which stays for a minute):
#: within one query DuckDB looks twice at the folder, and a file that came in between must not hide rows.
SETTLED = "30 seconds"
_SHAPE_ROWS = 200_000


class Rows(NamedTuple):
    """A table's rows as relations that stand behind FROM, in a query that begins with WITH and `ctes`."""

    all: str
    """Every row, repeats included."""
    clean: str | None
    """Those of days that lie in one merged file: no repeats among them. None where there are no such days."""
    mixed: str
    """The others. They may repeat: a message came twice, a merged file beside what it replaces, a tail beside files."""
    ctes: tuple[str, ...] = ()


def quoted(text: object) -> str:
    """A text as an SQL literal.

    >>> quoted("Anna's")
    "'Anna''s'"
    """
    return "'" + str(text).replace("'", "''") + "'"


def listed(files: Sequence[WarehouseFile], tail: str | None = None, tail_dates: Collection[date] = ()) -> Rows:
    """The rows of a list of files, and of a registered table of what is not yet in a file.

    The list must hold at least one file; the file of the columns does.
    """
    # The empty file last: DuckDB guesses the size of all from the first (see `write_shape`).
    files = sorted(files, key=lambda file: file.date == SCHEMA_DATE)
    per_day = Counter(file.date for file in files)
    merged = [f for f in files if f.merged and per_day[f.date] == 1 and f.date not in tail_dates]
    others = [f for f in files if f not in merged] or files[-1:]
    clean = _scan([f.path for f in merged]) if merged else None
    everything = _with_tail(_scan([f.path for f in files]), tail)
    return Rows(everything, clean, _with_tail(_scan([f.path for f in others]), tail))


def globbed(warehouse: Path, table: Table, tail: str | None = None) -> Rows:
    """The rows of whatever files count when a query runs; `tail` as in `listed`.

    `all` and `mixed` may only be used right below a GROUP BY. There DuckDB may learn from the join which files to leave
    out; elsewhere that makes it fetch other rows than it chose (a LIMIT or QUALIFY looks rows up again by the number of
    their file among those left: duckdb issue 26044). `clean` is written so that it does not learn.
    """
    root = _literal(_root(warehouse, table))
    shaped = shape_path(warehouse, table).exists()
    every = _scan_glob(f"{root}/{'*' if shaped else 'date=*'}/*.parquet")
    single = "merged AND others = 0" if shaped else "false"
    if tail is not None:
        day = "time // 86400000000000" if table == "raw" else "epoch_us(window_start) // 86400000000"
        single += f" AND (date - DATE '1970-01-01') NOT IN (SELECT {day} FROM {tail})"
    counting = f"SELECT file, {single} AS single FROM ({counting_files(warehouse, table)}) WHERE last > 0"
    # One look at the folder decides for both halves: a day that changes sides meanwhile is neither lost nor doubled.
    files = f"{table}_files AS MATERIALIZED ({counting})"
    chosen = f"SELECT file FROM {table}_files"
    clean = f"{_scan_glob(f'{root}/*/*.merged.parquet')} WHERE concat(filename, '') IN ({chosen} WHERE single)"
    mixed = f"(SELECT * EXCLUDE (filename) FROM {every} WHERE filename IN ({chosen} WHERE NOT single))"
    return Rows(
        _with_tail(f"(SELECT * EXCLUDE (filename) FROM {every} WHERE filename IN ({chosen}))", tail),
        f"(SELECT * EXCLUDE (filename) FROM {clean})" if shaped else None,
        _with_tail(mixed, tail),
        (files,),
    )


def _scan_glob(pattern: str) -> str:
    return f"read_parquet({quoted(pattern)}, filename = true, hive_partitioning = false)"


def shape_path(warehouse: Path, table: Table) -> Path:
    """A file that tells DuckDB that a table may be large: see `write_shape`."""
    return _root(warehouse, table) / "_shape" / "shape.merged.parquet"


def write_shape(warehouse: Path, table: Table) -> None:
    """Write a file of many equal rows, none of which counts; in `globbed` it is the first that the patterns find.

    DuckDB guesses the size of all files from the first one. That would be the empty file of the columns, and a query
    planned for no rows reads every file where it could have left most of them out (measured: 10 to 20 times slower).
    """
    path = shape_path(warehouse, table)
    if not path.exists():
        columns = [_filled(field) for field in SCHEMAS[table]]
        publish(path, lambda tmp: write_file(tmp, table, [pa.table(columns, schema=SCHEMAS[table])]))


def _filled(field: "pa.Field[Any]") -> Any:
    if field.nullable:
        return pa.nulls(_SHAPE_ROWS, field.type)
    coded = pa.types.is_dictionary(field.type)
    type_ = field.type.value_type if coded else field.type
    value = pa.scalar("" if pa.types.is_string(type_) else 0, type_)
    column = pa.repeat(value, _SHAPE_ROWS)
    return column.dictionary_encode() if coded else column


def _scan(paths: Sequence[Path]) -> str:
    names = ", ".join(quoted(_literal(path)) for path in paths)
    return f"read_parquet([{names}], hive_partitioning = false)"


def _with_tail(rows: str, tail: str | None) -> str:
    return rows if tail is None else f"(FROM {rows} UNION ALL BY NAME FROM {tail})"


def counting_files(warehouse: Path, table: Table) -> str:
    """SELECT of the files that count: file, date, first, last, merged, others (how many more its date has)."""
    root = _literal(_root(warehouse, table))
    name = "date=([-0-9]{10})/([0-9]{15})-([0-9]{15})(\\.merged)?\\.parquet$"
    return f"""
        WITH names AS (
            SELECT file, parts.date::DATE AS date, parts.first::BIGINT AS first, parts.last::BIGINT AS last,
                parts.merged <> '' AS merged
            FROM (
                SELECT file, regexp_extract(file, '{name}', ['date', 'first', 'last', 'merged']) AS parts
                FROM glob({quoted(root + "/date=*/*.parquet")})
            ) WHERE parts.date <> ''
        ), markers AS (
            SELECT parts.first::BIGINT AS first, parts.last::BIGINT AS last
            FROM (
                SELECT regexp_extract(file, '/([0-9]{{15}})-([0-9]{{15}})$', ['first', 'last']) AS parts
                FROM glob({quoted(root + "/_done/*")})
            ) WHERE parts.first <> ''
            UNION ALL SELECT 0, 0
        ), settled AS (
            SELECT names.* FROM names JOIN (
                SELECT filename FROM read_blob({quoted(root + "/date=*/*.merged.parquet")})
                WHERE last_modified < now() - INTERVAL '{SETTLED}'
            ) ON filename = file
        )
        SELECT file, date, first, last, merged, count(*) OVER (PARTITION BY date) - 1 AS others
        FROM names AS f
        WHERE (merged OR EXISTS (FROM markers AS m WHERE m.first <= f.first AND f.last <= m.last))
            AND NOT EXISTS (FROM settled AS s WHERE s.date = f.date AND s.first <= f.first AND f.last <= s.last
                AND (NOT f.merged OR s.first < f.first OR f.last < s.last))"""


def _root(warehouse: Path, table: Table) -> Path:
    return warehouse.absolute() / table


def _literal(path: Path) -> str:
    """A path for `glob()` and `read_parquet()`, which would read *, ? and [ in it as a pattern."""
    return "".join(f"[{c}]" if c in "*?[" else c for c in str(path))
