"""`python -m bench [case ...] [--quick] [--json FILE]`."""

import json
import platform
import shutil
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import click

from bench.case import Case, Run
from bench.cases import CASES
from bench.figures import LOUD, Figure, as_json, table
from bench.machine import CORES, calibrate, fsync_ms

_RESULTS = Path(__file__).with_name("results")


@click.command(epilog="Example: python -m bench throughput latency")
@click.argument("cases", nargs=-1, type=click.Choice([case.name for case in CASES]), metavar="[CASE]...")
@click.option("--quick", is_flag=True, help="A few seconds per case: shows that it works, not how fast.")
@click.option("--json", "file", type=click.Path(path_type=Path), help="Where the figures go [bench/results/TIME.json].")
@click.option("--folder", type=click.Path(path_type=Path), help="Where servers keep their data, on a real disk [/tmp].")
def main(cases: tuple[str, ...], quick: bool, file: Path | None, folder: Path | None) -> None:
    """Measure what is promised. Without names all cases run but those that need the network.

    CASES: throughput, peers, latency, verdict, phones, start, storage, setup. bench/README.md says what each does.
    Exits with 1 when a promise was not kept, but not with --quick.
    """
    chosen = [case for case in CASES if (case.name in cases if cases else not case.opt_in)]
    place = Path(tempfile.mkdtemp(prefix="gaitway-bench-", dir=folder))
    try:
        begun = _machine(place, quick)
        figures = _measure(chosen, Run(quick, place, click.echo))
    except BaseException:
        click.echo(f"What the servers wrote is left in {place}", err=True)
        raise
    shutil.rmtree(place)
    if len(chosen) > 1:
        click.echo("\n" + table(figures))
    _explain(figures, quick)
    _keep(file, begun, figures)
    if not quick and any(figure.kept is False for figure in figures):
        raise SystemExit(1)


def _machine(place: Path, quick: bool) -> dict[str, object]:
    """What is measured on, printed and kept with the figures."""
    found: dict[str, object] = {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "quick": quick,
        "cores": CORES,
        "processor": _processor(),
        "python": platform.python_version(),
        "calibration_us": round(calibrate(), 1),
        "fsync_ms": round(fsync_ms(place), 3),
    }
    click.echo("\n".join(f"{name:15} {value}" for name, value in found.items()))
    return found


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _measure(cases: Sequence[Case], run: Run) -> list[Figure]:
    figures: list[Figure] = []
    for case in cases:
        click.echo(f"\n{case.name}: {case.about}")
        found = case.run(run)
        click.echo(table(found))
        figures += found
    return figures


def _explain(figures: Sequence[Figure], quick: bool) -> None:
    if any(figure.others > LOUD for figure in figures):
        click.echo("(!) Others took more than 10 % of the machine: on a quiet one rates are higher and delays shorter.")
    if quick:
        click.echo("--quick: too short to judge by.")


def _keep(file: Path | None, begun: dict[str, object], figures: Sequence[Figure]) -> None:
    if file is None:
        _RESULTS.mkdir(exist_ok=True)
        file = _RESULTS / f"{str(begun['time'])[:19].replace(':', '')}.json"
    file.write_text(json.dumps({**begun, "figures": as_json(figures)}, indent=1) + "\n")
    click.echo(f"Kept in {file}")


if __name__ == "__main__":
    main(prog_name="python -m bench")
