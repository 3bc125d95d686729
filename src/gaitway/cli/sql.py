"""`gaitway sql`: a question to the warehouse."""

import csv
import json
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.table import Table

from gaitway.errors import GaitwayError

if TYPE_CHECKING:
    import duckdb

_SHOWN = 1000
_AT_ONCE = 2000
_EXAMPLE = 'Example: gaitway sql "SELECT activity, count(*) FROM activities_current GROUP BY activity"'


@click.command(epilog=_EXAMPLE)
@click.argument("query")
@click.option("--data", type=click.Path(path_type=Path), default=Path("data"), help="Data folder [./data].")
@click.option("--format", "shape", type=click.Choice(["table", "csv", "json"]), default="table", help="[table]")
def command(query: str, data: Path, shape: str) -> None:
    """Ask the warehouse a QUERY in DuckDB's SQL; `-` reads it from standard input.

    Tables: readings, activity_records, activities_current, user_activity_processed, segments, days. A server running
    on the folder is asked to write its tail first. The warehouse is never changed. `SHOW ALL TABLES` lists the
    columns. As json, one array of objects.
    """
    import gaitway

    text = sys.stdin.read() if query == "-" else query
    with gaitway.connect(data) as connection:
        names, types, rows = _ask(connection, text)
        _SHAPES[shape](names, types, rows)


def _ask(connection: "duckdb.DuckDBPyConnection", query: str) -> tuple[list[str], list[str], Iterator[Sequence[Any]]]:
    """Names and types of the columns, and the rows as they are fetched. Raises GaitwayError."""
    import duckdb

    if not query.strip():
        raise GaitwayError("there is no SQL", where="SQL", hint='Try: gaitway sql "SHOW ALL TABLES"')
    try:
        try:
            first = connection.execute(query).fetchmany(_AT_ONCE)
        except duckdb.IOException:  # a file was merged away just now: look again
            first = connection.execute(query).fetchmany(_AT_ONCE)
    except duckdb.Error as error:
        raise GaitwayError(str(error).strip(), where="SQL", hint=_hint(error)) from error
    described = connection.description or []
    return [str(each[0]) for each in described], [str(each[1]) for each in described], _rows(connection, first)


def _rows(connection: "duckdb.DuckDBPyConnection", chunk: list[Any]) -> Iterator[Sequence[Any]]:
    while chunk:
        yield from chunk
        chunk = connection.fetchmany(_AT_ONCE)


def _hint(error: Exception) -> str:
    kind = type(error).__name__
    if kind == "CatalogException" and "Table" in str(error):
        return "Tables: readings, activity_records, activities_current, user_activity_processed, segments, days."
    if kind == "BinderException":
        return 'docs/reference/warehouse.md lists the columns, and so does `gaitway sql "DESCRIBE readings"`.'
    return "The SQL is DuckDB's: https://duckdb.org/docs/sql/introduction"


def _as_table(names: Sequence[str], types: Sequence[str], rows: Iterator[Sequence[Any]]) -> None:
    table = Table()
    numbers: Sequence[str] = ("INT", "DOUBLE", "FLOAT", "DECIMAL")
    for name, type_ in zip(names, types, strict=True):
        table.add_column(name, justify="right" if any(n in type_ for n in numbers) else "left", overflow="fold")
    for _, row in zip(range(_SHOWN), rows, strict=False):
        table.add_row(*("" if value is None else str(value) for value in row))
    Console().print(table)
    if next(rows, None) is not None:
        click.echo(f"Only the first {_SHOWN} rows; --format csv or json gives all.", err=True)


def _as_csv(names: Sequence[str], types: Sequence[str], rows: Iterator[Sequence[Any]]) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(names)
    writer.writerows(rows)


def _as_json(names: Sequence[str], types: Sequence[str], rows: Iterator[Sequence[Any]]) -> None:
    """An array with an object a line; nothing is kept in memory."""
    before = "[\n"
    for row in rows:
        values = (_json_value(v, t) for v, t in zip(row, types, strict=True))
        click.echo(before + json.dumps(dict(zip(names, values, strict=True)), default=_plain), nl=False)
        before = ",\n"
    click.echo("[]" if before == "[\n" else "\n]")


def _json_value(value: Any, kind: str) -> Any:
    """JSON columns as what they hold; JSON has no NaN and no infinity."""
    if kind == "JSON" and value is not None:
        return json.loads(value)
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _plain(value: object) -> object:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.hex()
    return str(value)


_SHAPES: dict[str, Callable[[Sequence[str], Sequence[str], Iterator[Sequence[Any]]], None]] = {
    "table": _as_table,
    "csv": _as_csv,
    "json": _as_json,
}
