"""`gaitway replay`: recordings of the past, sent as the phone would have."""

import asyncio
import json
import sys
import time
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from gaitway.cli.speed import read_speed
from gaitway.errors import NotFoundError
from gaitway.ingest.exports import Batch, Recording, recordings
from gaitway.ingest.replay import Pace, Report, Sender, Target, letters, replay

_SHOWN = 20
_EPILOG = """\b
Examples:
  gaitway replay 2026-03-05_20-14-32.zip
  gaitway replay ~/recordings --url http://192.168.1.20:8788 --token TOKEN
  gaitway replay walk.json --speed 1
  gaitway replay --dead-letters --data ./data
"""


@click.command("replay", epilog=_EPILOG)
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@click.option("--url", envvar="GAITWAY_URL", default="http://127.0.0.1:8788", show_default=True,
              help="The server, or a whole push address.")  # fmt: skip
@click.option("--token", envvar="GAITWAY_TOKEN", help="A push token, where the server wants one.")
@click.option("--speed", default="max", show_default=True, callback=read_speed, help="Times as fast as life, or max.")
@click.option("--device", help="Device id to use instead of the export's.")
@click.option("--session", help="Session id to use; for one recording only.")
@click.option("--dead-letters", is_flag=True, help="Send the readings that were refused for their time again.")
@click.option("--data", type=click.Path(path_type=Path, file_okay=False), default=Path("data"), show_default=True,
              help="Data folder of --dead-letters.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON and nothing else.")
def command(files: tuple[Path, ...], dead_letters: bool, as_json: bool, **options: Any) -> None:
    """Send exports of the app to a server: zips, folders of CSV files, JSON files.

    Every folder with CSV files is a recording. Messages are cut by event time, so sending a recording again sends only
    duplicates, which the server drops. Exits with 1 unless everything was taken.
    """
    if bool(files) == dead_letters:
        raise click.UsageError("give files to replay, or --dead-letters")
    report, target = Report(), Target(options["url"], options["token"])
    if dead_letters:
        found, sending = [], _send_letters(target, report, options["data"])
    else:
        found = _found(files, options["device"], options["session"], quiet=as_json)
        sending = _send_recordings(target, Pace(options["speed"]), report, found, quiet=as_json)
    began = time.monotonic()
    try:
        asyncio.run(sending)
    finally:  # also when the server gave up: what was sent is worth knowing
        _show(report, found, time.monotonic() - began, as_json)
    if not report.ok and (report.messages or not dead_letters):
        sys.exit(1)


def _found(files: Iterable[Path], device: str | None, session: str | None, *, quiet: bool) -> list[Recording]:
    with Console(stderr=True, quiet=quiet).status("Reading recordings"):
        found = list(recordings(files, device, session))
    if session is not None and len(found) > 1:
        message = f"--session names one session, but there are {len(found)} recordings"
        raise click.UsageError(message)
    return found


async def _send_letters(target: Target, report: Report, data: Path) -> None:
    from gaitway.log.dead_letters import SqliteDeadLetters

    path = data / "log" / "refused.sqlite"
    if not path.exists():
        raise NotFoundError("there are no dead letters", where=str(path), hint="Give the server's folder: --data DIR.")
    async with target.client() as client:
        with closing(SqliteDeadLetters(path, read_only=True)) as store:
            await Sender(client, target.address, Pace(), report).send(letters(store, time.time_ns(), report))


async def _send_recordings(target: Target, pace: Pace, report: Report, found: list[Recording], *, quiet: bool) -> None:
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed:,.0f} of {task.total:,.0f}"))
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True), transient=True, disable=quiet) as bar:
        task = bar.add_task("readings", total=sum(recording.readings for recording in found))

        def told(batch: Batch) -> None:
            bar.advance(task, batch.readings)

        async with target.client() as client:
            sender = Sender(client, target.address, pace, report)
            sender.told = told
            await replay(found, sender)


def _show(report: Report, found: list[Recording], seconds: float, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(_summary(report, found, seconds)))
        return
    for skipped in [each for recording in found for each in recording.skipped][:_SHOWN]:
        click.echo(f"skipped: {skipped.where} {skipped.why}")
    if report.skipped > _SHOWN:
        click.echo(f"skipped: {report.skipped - _SHOWN:,} more")
    for recording in found:
        if not recording.readings:
            click.echo(f"no readings: {recording.source}")
    click.echo(
        f"{report.recordings:,} recordings, {report.messages:,} messages with {report.readings:,} readings"
        f" in {seconds:.1f} s: {report.statuses[200]:,} messages taken, {report.duplicates:,} of them duplicates,"
        f" {report.refused:,} readings refused, {report.skipped:,} skipped."
    )
    for text, count in report.texts.most_common():
        click.echo(f"{count:,} times: {text}")


def _summary(report: Report, found: list[Recording], seconds: float) -> dict[str, Any]:
    """What `--json` prints."""
    names = ("messages", "readings", "bytes", "duplicates", "refused", "skipped", "retries")
    return {
        "ok": report.ok,
        **{name: getattr(report, name) for name in names},
        "seconds": round(seconds, 3),
        "statuses": {str(status): count for status, count in sorted(report.statuses.items())},
        "said": dict(report.texts),
        "recordings": [
            {
                "source": recording.source,
                "device_id": recording.device_id,
                "session_id": recording.session_id,
                "platform": recording.platform,
                "readings": recording.readings,
                "first_time": recording.first_time,
                "last_time": recording.last_time,
                "skipped": [skipped._asdict() for skipped in recording.skipped],
            }
            for recording in found
        ],
    }
