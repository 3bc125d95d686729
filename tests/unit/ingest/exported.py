"""Small exports of the app, made for tests."""

import csv
import io
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

START = 1_772_619_469_786_165_500
STEP = 10_031_000
DEVICE = "832809b8-84b8-4630-9cc2-6fa081107094"
METADATA = f"version,device name,platform,appVersion,device id\n3,iPhone 15 Pro Max,ios,1.54,{DEVICE}\n"


def motion(rows: int = 250, start: int = START, header: Sequence[str] = ("z", "y", "x")) -> str:
    """A CSV of a sensor with axes, as the app writes it: z, y, x, all digits of a float64."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["time", "seconds_elapsed", *header])
    for row in range(rows):
        values = [repr((row * 7 + axis) % 13 / 7 * 9.80665) for axis in range(len(header))]
        writer.writerow([start + row * STEP, row * STEP / 1e9, *values])
    return out.getvalue()


def write(folder: Path, files: Mapping[str, str]) -> Path:
    """Write an export as a folder."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
    return folder


def pack(path: Path, files: Mapping[str, str]) -> Path:
    """Write an export as a zip."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return path
