"""A folder whose engine state was written by an older version is taken over, and the answers stay right."""

import sqlite3
from pathlib import Path

import httpx
import msgspec

from gaitway.core.state import VERSION
from gaitway.ops.simulator import Phone
from serving import Server, gaitway

START = 1_782_477_374_000_000_000


def make_old(activity: Path) -> int:
    """Write every saved state as version 1 did: no `shown`, no `since`; how many there are."""
    db = sqlite3.connect(activity)
    rows = db.execute("SELECT stream, blob FROM state").fetchall()
    for stream, blob in rows:
        version, newest, tick, sealed_to, late, grids = msgspec.msgpack.decode(blob)
        assert version == VERSION
        old = {text: [max(closed, shown), dirty] for text, (closed, shown, dirty, *_) in grids.items()}
        saved = msgspec.msgpack.encode([1, newest, tick, sealed_to, late, old])
        db.execute("UPDATE state SET blob = ? WHERE stream = ?", (saved, stream))
    db.commit()
    db.close()
    return len(rows)


def test_version_1_goes_on(tmp_path: Path) -> None:
    server = Server(tmp_path / "data", quiet_seconds="0.5")
    phones = [Phone(seed, seconds=60, faults=("late", "reordering")) for seed in (1, 2)]
    bodies = [[push.body for push in phone.arrivals(START)] for phone in phones]
    server.start()
    for sent in bodies:
        for body in sent[:30]:
            httpx.post(f"{server.url}/data", content=body, trust_env=False).raise_for_status()
    server.wait_for_ticks()
    assert server.stop() == 0

    assert make_old(server.data / "log" / "activity.sqlite") == 2

    server.start()
    for sent in bodies:
        for body in sent[30:]:
            httpx.post(f"{server.url}/data", content=body, trust_env=False).raise_for_status()
    server.wait_for_ticks()
    assert server.stop() == 0
    said = gaitway("verify", "--data", str(server.data)).stdout
    assert "2 streams" in said
    assert " 0 differences" in said
