"""`gaitway export`: tables of the warehouse as files for other programs."""

import json
from functools import partial
from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress, TaskID

#: As in `gaitway.warehouse.export.TABLES`, which would load Arrow just to print the help.
TABLES = ("readings", "activities", "versions", "segments", "days")


@click.command(epilog="Example: gaitway export --table activities --format csv --out ./export --from 2026-03-01")
@click.option("--table", "tables", multiple=True, type=click.Choice(TABLES), help="May be given again [activities].")
@click.option("--format", "suffix", type=click.Choice(["parquet", "csv"]), default="parquet", help="[parquet]")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), default=Path("."), help="Folder [.].")
@click.option("--device", help="Of this phone only.")
@click.option("--session", help="Of this recording only.")
@click.option("--sensor", help="Readings of this sensor only.")
@click.option("--recognizer", help="Verdicts of this recogniser only: a name or a family.")
@click.option("--from", "start", help="Not before this time: ISO 8601 (UTC) or ns.")
@click.option("--to", "end", help="Before this time.")
@click.option("--data", type=click.Path(path_type=Path), default=Path("data"), help="Data folder [./data].")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object: what was written where.")
def command(tables: tuple[str, ...], suffix: str, out: Path, data: Path, as_json: bool, **asked: str | None) -> None:
    """Write tables to OUT/TABLE.parquet or .csv; a file that is there is replaced.

    readings: one row per reading. activities: the verdicts that stand. versions: every version of them. segments: runs
    of equal verdicts. days: minutes per activity and local day. docs/reference/warehouse.md gives units and meanings.
    A server running on the folder is asked to write its tail first.
    """
    import gaitway
    from gaitway.ports import Selection
    from gaitway.warehouse.export import export
    from gaitway.web.query import read_time

    selection = Selection(
        device_id=asked["device"],
        session_id=asked["session"],
        sensor=asked["sensor"],
        recognizer=asked["recognizer"],
        start=read_time(asked["start"], "--from"),
        end=read_time(asked["end"], "--to"),
    )
    written = []
    with (
        gaitway.connect(data) as connection,
        Progress(console=Console(stderr=True), transient=True, disable=as_json) as progress,
    ):
        for table in dict.fromkeys(tables or ("activities",)):
            told = partial(_tell, progress, progress.add_task(table, total=None))
            written.append(export(connection, table, out / f"{table}.{suffix}", selection, told))
    if as_json:
        click.echo(json.dumps({"exported": [each._asdict() for each in written]}))
        return
    for each in written:
        click.echo(f"{each.path}: {each.rows:,} rows, {each.bytes / 1e6:,.1f} MB")


def _tell(progress: Progress, task: TaskID, done: int, of: int) -> None:
    progress.update(task, completed=done, total=of)
