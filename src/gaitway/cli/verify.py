"""`gaitway verify`: does the warehouse say what the readings say?"""

import json
import sys
from dataclasses import asdict
from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress

_SHOWN = 50


@click.command(epilog="Example: gaitway verify --data ./data")
@click.option("--data", type=click.Path(path_type=Path), help="Data folder of a stopped or running server [./data].")
@click.option("--url", help="Verify over the API of a running server instead.")
@click.option("--token", envvar="GAITWAY_TOKEN", help="A read token, where the server wants one.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(data: Path | None, url: str | None, token: str | None, as_json: bool) -> None:
    """Recompute every activity from the raw readings and print each difference; exits 1 if there is one.

    Per stream it compares with the readings up to the stream's last tick. Versions published later are counted as not
    yet due, windows behind a seal as not verifiable, streams without a tick as not ticked yet.
    """
    from gaitway.profiles.folder import DataFolder
    from gaitway.profiles.verification import FolderSource, ServerSource, Source, verify

    if data is not None and url is not None:
        raise click.UsageError("give --data or --url, not both")
    source: Source = ServerSource(url, token) if url else FolderSource(DataFolder(data or Path("data")))
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=as_json or not console.is_terminal) as progress:
        task = progress.add_task("streams", total=None)
        try:
            report = verify(source, lambda done, of: progress.update(task, completed=done, total=of))
        finally:
            source.close()
    if as_json:
        click.echo(json.dumps(asdict(report)))
    else:
        for difference in report.differences[:_SHOWN]:
            click.echo(difference)
        if len(report.differences) > _SHOWN:
            click.echo(f"... and {len(report.differences) - _SHOWN} more")
        click.echo(
            f"{report.streams} streams, {report.compared} windows compared, {len(report.differences)} differences; "
            f"{report.not_due} not yet due, {report.not_verifiable} not verifiable, {report.not_judged} not judged"
            + (f"; {report.unticked} streams not ticked yet" if report.unticked else "")
            + (f"; retired: {', '.join(report.retired)}" if report.retired else "")
        )
        if not report.compared and (report.not_due or report.unticked):
            click.echo("Nothing to compare: the streams have not been ticked yet. Start the server, or wait 5 s.")
    if report.differences:
        sys.exit(1)
