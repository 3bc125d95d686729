"""kill -9 at random moments under load with faults: every acknowledged reading is in the warehouse exactly once."""

import asyncio
import random
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

import gaitway as package
from gaitway.core.message import Message
from gaitway.ingest.dialect import DecodeSettings, decode
from gaitway.ops.simulator import Pace, Phone, run_phones
from serving import Server, gaitway, wait_until

_FAULTS = ("conflicts", "duplicates", "holes", "reordering", "late", "ms")
Reading = tuple[str, str, str, int, float, float, float]


class Load:
    """Phones that send in a thread as fast as they are answered, and what was acknowledged of them."""

    def __init__(self, url: str, seed: int) -> None:
        self.acknowledged: list[bytes] = []
        self._url = url
        self._phones = [
            Phone(seed * 100 + n, form="android" if n % 2 else "iphone", seconds=3600, faults=_FAULTS) for n in range(4)
        ]
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)
        self._thread.start()

    async def _run(self) -> None:
        stop = asyncio.Event()
        phones = asyncio.create_task(
            run_phones(self._url, None, self._phones, Pace(speed=40.0), stop, on_answer=self._note)
        )
        while not self._stopped.is_set() and not phones.done():
            await asyncio.sleep(0.02)
        stop.set()
        await phones

    def _note(self, answer: object) -> None:
        if answer.status == 200 and not answer.push.test:  # type: ignore[attr-defined]
            self.acknowledged.append(answer.push.body)  # type: ignore[attr-defined]

    def stop(self) -> list[bytes]:
        self._stopped.set()
        self._thread.join(30)
        return self.acknowledged


def readings_of(bodies: list[bytes]) -> set[Reading]:
    found: set[Reading] = set()
    for body in bodies:
        message: Message = decode(body, time.time_ns(), DecodeSettings()).message
        for block in message.blocks:
            assert block.xyz is not None
            for at, x, y, z in zip(block.times.tolist(), *block.xyz.tolist(), strict=True):
                found.add((*message.stream, block.sensor, at, x, y, z))
    return found


def kill_and_check(folder: Path, kills: int, seed: int) -> None:
    rng = random.Random(seed)
    server = Server(folder / "data", raw_roll_seconds="0.3", activity_roll_seconds="0.2", quiet_seconds="0.5")
    sent: list[bytes] = []
    for number in range(kills):
        server.start()
        load = Load(server.url, seed * 1000 + number)
        wait_until(lambda: load.acknowledged, 20, "an acknowledgement")  # noqa: B023 - read in this round
        time.sleep(rng.uniform(0.0, 1.0))
        part = rng.choice(["all", "all", "supervisor", "front", "engine"])
        if part == "all":
            server.kill()
        else:
            server.kill_part(part)
            time.sleep(rng.uniform(0.0, 0.6))
            if server.process is not None:
                server.kill()
        sent += load.stop()
    server.start()
    server.wait_for_ticks()
    said = gaitway("verify", "--data", str(server.data)).stdout
    assert " 0 differences" in said
    assert server.stop() == 0

    rows = package.connect(server.data).execute(
        "SELECT device_id, session_id, sensor, time, x, y, z FROM RAW_DATA.READINGS"
    )
    kept = Counter(rows.fetchall())
    expected = readings_of(sent)
    assert expected, "the load sent nothing"
    assert not (expected - kept.keys()), "acknowledged readings are missing"
    assert max(kept.values()) == 1


def test_five_kills(tmp_path: Path) -> None:
    kill_and_check(tmp_path, kills=5, seed=1)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 7))
def test_fifty_kills(tmp_path: Path, seed: int) -> None:
    kill_and_check(tmp_path, kills=10, seed=seed)
