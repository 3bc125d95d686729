"""`gaitway doctor`: what is wrong with a folder, a port, a token, a phone."""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.text import Text

from gaitway.config import Settings, load
from gaitway.errors import SettingsError
from gaitway.ops.doctor import Finding, Subject, diagnose, worst

_COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}
_EPILOG = """\b
Examples:
  gaitway doctor
  gaitway doctor --data ./data --device sim-brisk-heron-3fa2
  gaitway doctor --url https://gait.example --token 0123-4567-89ab-cdef-ghjk-mnpq-rstv
"""


@click.command("doctor", epilog=_EPILOG)
@click.option("--data", type=click.Path(path_type=Path), help="Data folder. Default: that of the settings.")
@click.option("--url", help="A server: who answers, is it ready, whom does it serve without a token?")
@click.option("--port", type=click.IntRange(1, 65_535), help="A port of this machine. Default: that of the settings.")
@click.option("--token", envvar="GAITWAY_TOKEN", help="A token: known, of which kind, bound to which phone?")
@click.option("--device", "device_id", help="A phone by its id: last message, breaks, clock, battery.")
@click.option("--config", type=click.Path(path_type=Path), help="The TOML file of the server.")
@click.option("--json", "as_json", is_flag=True, help="Print the findings as one JSON object.")
def command(config: Path | None, as_json: bool, **options: Any) -> None:
    """Look at a folder, a port, a token, a phone, and say what is wrong and what to do about it.

    Without options: the folder and the port of the settings. It only looks; one thing it does by itself: views that
    do not fit their folder are written again. Exits with 1 when a check fails.
    """
    from gaitway.cli.doctor_checks import CHECKS

    settings, findings = _settings(config)
    subject = _subject(options, settings)
    console = Console(highlight=False)
    if not as_json:
        for finding in findings:
            _print(console, "settings", finding)
    named = [("settings", finding) for finding in findings]
    for check, finding in diagnose(subject, CHECKS):
        named.append((check, finding))
        if not as_json:
            _print(console, check, finding)
    level = worst(finding for _, finding in named)
    if as_json:
        rows = [{"check": check, **asdict(finding)} for check, finding in named]
        click.echo(json.dumps({"level": level, "findings": rows}))
    if level == "fail":
        sys.exit(1)


def _subject(options: dict[str, Any], settings: Settings) -> Subject:
    """What was asked for; folder and port of the settings where nobody named a place."""
    nowhere = all(options[place] is None for place in ("data", "url", "port"))
    places = {"data": settings.data, "port": settings.port} if nowhere else {}
    return Subject(**{**options, **places}, reserve=settings.disk_reserve)


def _settings(config: Path | None) -> tuple[Settings, list[Finding]]:
    """The settings, or the defaults and every fault."""
    try:
        return load(config), []
    except SettingsError as error:
        return Settings(), [Finding("fail", f"{where}: {what}", "", hint) for where, what, hint in error.faults]


def _print(console: Console, check: str, finding: Finding) -> None:
    line = Text(f"{finding.level:<5}", style=_COLOURS[finding.level])
    line.append(f"{check:<10} ", style="dim")
    line.append(finding.what, style="default")
    console.print(line, soft_wrap=True)
    for text in (finding.why, finding.hint if finding.level != "ok" else ""):
        if text:
            console.print(Text(f"{'':16}{text}", style="dim"), soft_wrap=True)
