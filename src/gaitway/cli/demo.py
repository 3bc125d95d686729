"""`gaitway demo`: the server, with simulated phones."""

import asyncio
import threading
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gaitway.cli.serve import run, server_options

if TYPE_CHECKING:
    from gaitway.config import Settings


@click.command(epilog="Example: gaitway demo --host 127.0.0.1 --phones 5")
@click.option("--phones", default=4, show_default=True, type=click.IntRange(1, 1000), help="How many phones.")
@click.option("--seed", default=7, show_default=True, type=click.IntRange(0), help="The same seed, the same phones.")
@server_options
def command(phones: int, seed: int, as_json: bool, config: Path | None, **given: Any) -> None:
    """Serve, and let simulated phones walk, run and rest: to look around without a phone.

    The phones are marked as simulated; their readings are kept like any others.
    """

    def bring_phones(settings: "Settings") -> None:
        threading.Thread(target=_simulate, args=(settings, phones, seed), name="phones", daemon=True).start()

    run(config, given, as_json, bring_phones)


def _simulate(settings: "Settings", phones: int, seed: int) -> None:
    from gaitway.ops.simulator import DEMO, fleet, run_phones
    from gaitway.profiles.folder import DataFolder
    from gaitway.profiles.processes import local_url
    from gaitway.registry import Registry, TokenBook

    registry = Registry(DataFolder(settings.data).registry)
    token = TokenBook(registry).add("push", "demo", seconds=86_400.0).text
    registry.close()
    made = [replace(phone, script=turned(DEMO, number)) for number, phone in enumerate(fleet(phones, seed))]
    asyncio.run(run_phones(local_url(settings), token, made))


def turned(script: str, steps: int) -> str:
    """The script, begun so many steps further on: not everybody does the same at once.

    >>> turned("stationary:20,walking:60,running:40", 1)
    'walking:60,running:40,stationary:20'
    """
    parts = script.split(",")
    at = steps % len(parts)
    return ",".join(parts[at:] + parts[:at])
