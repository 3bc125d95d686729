"""The main job on real input: send recordings of real phones to a running server, and say what came of them.

    python tests/recordings/main_job.py PATH --url http://127.0.0.1:8788

PATH holds `samples/export_ios_1.54`, `samples/push` and `data/sensorlogger.parquet`. Nothing of it is part of the
project. Needs a server that serves this machine without tokens, or GAITWAY_TOKEN with a push token.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from uuid import NAMESPACE_URL, uuid5

import httpx
import pyarrow.compute as pc
import pyarrow.parquet as pq

RECORDINGS = 20
LEAST_NS = 10_000_000_000
BASE_NS = 1_750_000_000_000_000_000
"""Added to times that count from the recording's start."""


class Sent(NamedTuple):
    """A recording that was sent."""

    device_id: str
    session_id: str
    label: str
    readings: int


def main() -> None:
    """Send everything; print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path)
    parser.add_argument("--url", default="http://127.0.0.1:8788")
    given = parser.parse_args()
    print(json.dumps(send_all(given.path, given.url, os.environ.get("GAITWAY_TOKEN")), indent=1))


def send_all(path: Path, url: str, token: str | None = None) -> dict[str, Any]:
    """Replay the exports, post the captured messages, send long recordings of the Parquet file."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    with httpx.Client(base_url=url, headers=headers, timeout=60, trust_env=False) as client:
        replayed = replay(path / "samples" / "export_ios_1.54", url, token)
        captured = {file.name: post_file(client, file) for file in sorted((path / "samples" / "push").iterdir())}
        sent = [send(client, rows) for rows in long_recordings(path / "data" / "sensorlogger.parquet")]
    return {"replayed": replayed, "captured": captured, "sent": [each._asdict() for each in sent]}


def replay(folder: Path, url: str, token: str | None) -> dict[str, Any]:
    """`gaitway replay`, as a user runs it; its summary."""
    command = [sys.executable, "-m", "gaitway", "replay", str(folder), "--url", url, "--json"]
    done = subprocess.run(
        [*command, *(["--token", token] if token else [])], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise AssertionError(f"replay ended with {done.returncode}: {done.stderr}")
    summary: dict[str, Any] = json.loads(done.stdout)
    return summary


def post_file(client: httpx.Client, file: Path) -> list[int]:
    """Post each JSON text of a file (a whole one, or one a line); the statuses."""
    text = file.read_text()
    try:
        bodies = [json.loads(text)]
    except ValueError:
        bodies = [json.loads(line) for line in text.splitlines() if line.strip()]
    if file.name.startswith("test_push"):
        bodies = [bodies[0]["http_style"], bodies[0]["mqtt_style"]]
    return [client.post("/data", json=body).status_code for body in bodies]


def long_recordings(file: Path) -> Iterator[list[dict[str, Any]]]:
    """Recordings of at least 10 s, of as many labels and people as there are, without holes."""
    table = pq.read_table(file)
    keys = ["source", "subject", "recording", "label"]
    spans = table.group_by(keys).aggregate([("t_ns", "min"), ("t_ns", "max")]).to_pylist()
    long = [span for span in spans if span["t_ns_max"] - span["t_ns_min"] >= LEAST_NS]
    for span in _varied(long)[:RECORDINGS]:
        same = [pc.equal(table[key], span[key]) for key in keys]
        mask = same[0]
        for each in same[1:]:
            mask = pc.and_(mask, each)
        yield sorted(table.filter(mask).to_pylist(), key=lambda row: row["t_ns"])


def _varied(spans: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One of each label and person first, then the others."""
    seen: dict[tuple[str, str], int] = {}
    ranked = []
    for number, span in enumerate(spans):
        key = (span["label"], span["subject"])
        seen[key] = seen.get(key, 0) + 1
        ranked.append((seen[key], number, span))
    return [span for _, _, span in sorted(ranked, key=lambda item: item[:2])]


def send(client: httpx.Client, rows: list[dict[str, Any]]) -> Sent:
    """Send one recording in the app's form, a message a second."""
    first = rows[0]
    base = BASE_NS if rows[0]["t_ns"] < 10**17 else 0
    device = str(uuid5(NAMESPACE_URL, f"{first['source']}/{first['subject']}/{first['device']}"))
    session = str(uuid5(NAMESPACE_URL, f"{first['source']}/{first['recording']}/{first['label']}"))
    batches: dict[int, list[dict[str, Any]]] = {}
    for row in rows:
        values = {"z": row["az"], "y": row["ay"], "x": row["ax"]}
        reading = {"name": "accelerometer", "values": values, "time": row["t_ns"] + base}
        if first["platform"] == "android":
            reading["accuracy"] = 3
        batches.setdefault(row["t_ns"] // 10**9, []).append(reading)
    for number, payload in enumerate(batches.values()):
        body = {"messageId": number, "sessionId": session, "deviceId": device, "payload": payload}
        client.post("/data", json=body).raise_for_status()
    return Sent(device, session, first["label"], len(rows))


if __name__ == "__main__":
    main()
