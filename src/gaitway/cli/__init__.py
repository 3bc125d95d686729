"""The front door. One file per command, each with a `command`; loaded only when it is asked for."""

import importlib
import sys

import click

from gaitway.errors import GaitwayError

#: In the order in which `gaitway --help` lists them.
COMMANDS = (
    "serve",
    "demo",
    "token",
    "simulate",
    "replay",
    "sql",
    "export",
    "verify",
    "rebuild",
    "doctor",
)


class _Commands(click.Group):
    """Imports a command's module only when it is used: `gaitway token` need not load DuckDB."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"gaitway.cli.{cmd_name}").command
        return command


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="gaitway")
def gaitway() -> None:
    """The phone in your pocket becomes live activity recognition and a warehouse of movement history.

    Start with `gaitway serve`, open the link it prints, and scan the code with your phone.
    """


def main() -> None:
    """Run a command; what goes wrong is said in plain words, with what to do about it."""
    try:
        gaitway()
    except GaitwayError as error:
        where = f" ({error.where})" if error.where else ""
        click.echo(f"gaitway: {error}{where}", err=True)
        if error.hint:
            click.echo(f"  {error.hint}", err=True)
        sys.exit(1)
