"""`gaitway serve`: the server."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click


def server_options(function: Callable[..., None]) -> Callable[..., None]:
    """The options of every command that runs a server."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Print addresses and token as one JSON line."),
        click.option("--config", type=click.Path(path_type=Path), help="TOML file with settings."),
        click.option("--data", type=click.Path(path_type=Path), help="Folder that holds everything [./data]."),
        click.option("--port", type=int, help="Port to listen on [8788]."),
        click.option("--host", help="Address to listen on [0.0.0.0]; 127.0.0.1 serves this machine only, no tokens."),
    ):
        function = option(function)
    return function


@click.command(epilog="Example: gaitway serve --host 127.0.0.1 --port 8788 --data ./data")
@server_options
def command(as_json: bool, config: Path | None, **given: Any) -> None:
    """Take messages of phones, recognise activities, show them live and keep them.

    At a terminal, or with --json, it prints the page's one-time link and what a phone needs; elsewhere, as in a
    journal, only addresses. Every setting can also stand in a TOML file or in GAITWAY_* variables. Ctrl-C or SIGTERM
    stops it with nothing lost.
    """
    run(config, given, as_json)


def run(config: Path | None, given: dict[str, Any], as_json: bool, then: Callable[[Any], None] | None = None) -> None:
    """Serve with these settings; `then` gets them once requests are answered."""
    import sys

    import msgspec

    from gaitway.config import load
    from gaitway.profiles.embedded import serve
    from gaitway.profiles.welcome import addresses, welcome

    settings = load(config, overrides=given)

    def announce() -> None:
        if as_json:
            click.echo(msgspec.json.encode(welcome(settings)).decode())
        else:
            click.echo(welcome(settings).text(str(settings.data)) if sys.stdout.isatty() else addresses(settings))
        if then is not None:
            then(settings)

    serve(settings, announce)
