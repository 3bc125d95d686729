"""`gaitway simulate`: phones made from a seed, sent to a server."""

import asyncio
import json
import signal
from collections.abc import Callable
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from gaitway.cli.speed import read_speed
from gaitway.errors import SettingsError
from gaitway.ops.simulator import DEMO, FAULTS, Answer, Pace, Phone, Script, Tally
from gaitway.ops.simulator.fleet import fleet, run_phones
from gaitway.ops.simulator.gait import PLACEMENTS
from gaitway.ops.simulator.sensors import SENSORS

_EPILOG = """\b
Examples:
  gaitway simulate
  gaitway simulate --phones 100 --form iphone --seconds 60
  gaitway simulate --script stationary:30,walking:60 --fault late --fault duplicates
  gaitway simulate --seconds 3600 --speed max --json

\b
Faults:
""" + "\n".join(f"  {fault.name:13} {fault.summary}" for fault in FAULTS)


@click.command("simulate", epilog=_EPILOG)
@click.option("--phones", default=1, show_default=True, type=click.IntRange(1, 10_000), help="How many phones.")
@click.option("--form", default="mixed", show_default=True, type=click.Choice(["iphone", "android", "mixed"]))
@click.option("--rate", type=float, metavar="HZ", help="17 to 400. Default: 100 on iPhones, 200 on Android.")
@click.option("--script", default=DEMO, show_default=True, help="What their owners do, again and again.")
@click.option("--gain", default="vigorous", show_default=True, type=click.Choice(["vigorous", "real"]), help="real: as"
              " gentle as most recordings are; the published rule then calls much walking stationary.")  # fmt: skip
@click.option("--placement", type=click.Choice(list(PLACEMENTS)), help="Where all carry the phone. Default: it varies.")
@click.option("--sensor", "sensors", multiple=True, type=click.Choice([sensor.name for sensor in SENSORS]),
              help="May be given again. Default: accelerometer.")  # fmt: skip
@click.option("--seconds", type=float, help="Length of the recordings. Default: until Ctrl-C, one script if --speed.")
@click.option("--speed", default="1", show_default=True, callback=read_speed, help="Times as fast as life, or max.")
@click.option("--fault", "faults", multiple=True, type=click.Choice([fault.name for fault in FAULTS]),
              metavar="NAME", help="What goes wrong (see below); may be given again.")  # fmt: skip
@click.option(
    "--seed", default=1, show_default=True, type=click.IntRange(0), help="The same seed makes the same phones."
)
@click.option("--batch-ms", default=1000, show_default=True, type=click.IntRange(50, 600_000), help="Batch period.")
@click.option("--test-push", is_flag=True, help="Begin with the app's test push.")
@click.option("--url", envvar="GAITWAY_URL", default="http://127.0.0.1:8788", show_default=True,
              help="The server, or a whole push address.")  # fmt: skip
@click.option("--token", envvar="GAITWAY_TOKEN", help="A push token, where the server wants one.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON and nothing else.")
def command(**options: Any) -> None:
    """Make simulated phones from a seed and let them push to a server, in the exact dialect of the app.

    In real time by default. Ctrl-C stops cleanly. Exits with 1 when the server took nothing.
    """
    try:
        phones, pace = _phones(options), _pace(options)
        tally = _run(phones, pace, options)
    except SettingsError as error:
        raise click.UsageError(str(error)) from error
    click.echo(json.dumps(summary(tally)) if options["as_json"] else _text(tally, options["url"]))
    if not tally.acknowledged:
        raise SystemExit(1)


def summary(tally: Tally) -> dict[str, Any]:
    """What `--json` prints."""
    return {
        "phones": tally.phones,
        "messages": tally.messages,
        "readings": tally.readings,
        "bytes": tally.bytes,
        "acknowledged": tally.acknowledged,
        "acknowledged_readings": tally.acknowledged_readings,
        "statuses": {str(status): count for status, count in sorted(tally.statuses.items())},
        "said": dict(tally.texts),
        "slowest_ms": round(tally.slowest_ms, 1),
    }


def _phones(options: dict[str, Any]) -> list[Phone]:
    seconds = options["seconds"]
    if seconds is None:
        seconds = Script.parse(options["script"]).duration if options["speed"] > 1 else float("inf")
    return fleet(
        options["phones"],
        options["seed"],
        options["form"],
        rate=options["rate"],
        script=options["script"],
        gain=options["gain"],
        placement=options["placement"],
        sensors=options["sensors"] or ("accelerometer",),
        seconds=seconds,
        faults=options["faults"],
    )


def _pace(options: dict[str, Any]) -> Pace:
    return Pace(speed=options["speed"], batch_ms=options["batch_ms"], test_push=options["test_push"])


def _run(phones: list[Phone], pace: Pace, options: dict[str, Any]) -> Tally:
    url, token = options["url"], options["token"]
    console = Console(stderr=True)
    if options["as_json"]:
        return asyncio.run(_until_interrupted(url, token, phones, pace, None))
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), TextColumn("{task.fields[state]}"))
    with Progress(*columns, console=console, transient=True) as progress:
        seconds = max(phone.seconds for phone in phones)
        batches = None if seconds == float("inf") else len(phones) * -(-seconds * 1000 // pace.batch_ms)
        task = progress.add_task(_who(phones), total=batches, state="")
        seen = Tally()

        def show(answer: Answer) -> None:
            seen.add(answer)
            progress.update(task, advance=1, state=_state(seen))

        return asyncio.run(_until_interrupted(url, token, phones, pace, show))


async def _until_interrupted(
    url: str, token: str | None, phones: list[Phone], pace: Pace, show: Callable[[Answer], None] | None
) -> Tally:
    """Run; the first Ctrl-C or SIGTERM stops after the messages under way, a second Ctrl-C at once."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()

    def interrupted() -> None:
        stop.set()
        loop.remove_signal_handler(signal.SIGINT)

    loop.add_signal_handler(signal.SIGINT, interrupted)
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    try:
        return await run_phones(url, token, phones, pace, stop, show)
    finally:
        loop.remove_signal_handler(signal.SIGINT)
        loop.remove_signal_handler(signal.SIGTERM)


def _who(phones: list[Phone]) -> str:
    return phones[0].device_id if len(phones) == 1 else f"{len(phones)} phones"


def _state(tally: Tally) -> str:
    bad = tally.messages - tally.acknowledged
    said = f", {bad} not: {tally.texts.most_common(1)[0][0][:60]}" if bad else ""
    return f"{tally.acknowledged:,} messages acknowledged{said}"


def _text(tally: Tally, url: str) -> str:
    lines = [
        f"{tally.phones} simulated phone{'s' if tally.phones > 1 else ''}: {tally.messages:,} messages with"
        f" {tally.readings:,} readings sent, {tally.acknowledged:,} messages acknowledged.",
    ]
    for text, count in tally.texts.most_common(3):
        lines.append(f"{count:,} times: {text}")
    if tally.statuses[0] and not tally.acknowledged:
        lines.append(f"Nobody answers at {url}. Is `gaitway serve` running? `gaitway doctor` looks.")
    return "\n".join(lines)
