"""`gaitway rebuild`: activities anew from the raw readings."""

import json
from dataclasses import asdict
from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress


@click.command(epilog="Example: gaitway rebuild --data ./data")
@click.option("--data", type=click.Path(path_type=Path), help="Data folder of a stopped server [./data].")
@click.option("--config", type=click.Path(path_type=Path), help="The TOML file of the server's settings.")
@click.option("--recognizer", help="Judge older data by this one: a name or a family. Default: by all.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(data: Path | None, config: Path | None, recognizer: str | None, as_json: bool) -> None:
    """Judge all raw readings again and publish what differs.

    For activities that were deleted or damaged, for an engine state that was lost, and for a recogniser that was
    switched on after the readings came. Unchanged windows are left alone. The server must be stopped.
    """
    from gaitway.config import load
    from gaitway.errors import NotFoundError
    from gaitway.profiles.choice import recognizers
    from gaitway.profiles.folder import DataFolder
    from gaitway.profiles.rebuild import Rebuilder

    settings = load(config, overrides={"data": data})
    known = recognizers(settings)
    only = [r.name for r in known if recognizer in (r.name, r.settings["family"])]
    if recognizer is not None and not only:
        message = f"no recogniser {recognizer!r} is switched on"
        hint = f"There are: {', '.join(r.name for r in known)}."
        raise NotFoundError(message, where="--recognizer", hint=hint)
    folder = DataFolder(settings.data)
    if not folder.tape.parent.is_dir():
        hint = "Name the folder that `gaitway serve --data` uses."
        raise NotFoundError(f"{folder.root} holds no log", where=str(folder.root), hint=hint)
    rebuilder = Rebuilder(folder, known, settings.lateness, only or None)
    try:
        console = Console(stderr=True)
        with Progress(console=console, transient=True, disable=as_json or not console.is_terminal) as progress:
            task = progress.add_task("streams", total=None)
            found = rebuilder.run(lambda done, of: progress.update(task, completed=done, total=of))
    finally:
        rebuilder.close()
    if as_json:
        click.echo(json.dumps(asdict(found)))
    else:
        click.echo(f"{found.streams} streams, {found.windows} windows judged, {found.published} published anew.")
        click.echo("Start the server: it writes them to the warehouse.")
