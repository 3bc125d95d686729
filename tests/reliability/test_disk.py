"""With the disk reserve reached phones are told to try again, and it goes on by itself once there is room."""

import os
import shutil
from pathlib import Path

import httpx

from gaitway.ops.simulator import Phone
from serving import gaitway, serving, wait_until

_MIB = 1 << 20
_BALLAST = 512 * _MIB
START = 1_782_477_374_000_000_000


def test_503_while_the_reserve_is_reached_then_200_again(tmp_path: Path) -> None:
    reserve = shutil.disk_usage(tmp_path).free - _BALLAST // 2
    bodies = [push.body for push in Phone(5, seconds=12).messages(START)]
    with serving(tmp_path / "data", disk_reserve=reserve, quiet_seconds="0.5") as server:

        def push(body: bytes) -> httpx.Response:
            return httpx.post(f"{server.url}/data", content=body, trust_env=False)

        assert push(bodies[0]).status_code == 200
        ballast = tmp_path / "ballast"
        with ballast.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, _BALLAST)

        refused = wait_until(lambda: answer if (answer := push(bodies[1])).status_code == 503 else None)
        assert int(refused.headers["retry-after"]) > 0
        assert refused.json()["hint"]
        assert httpx.get(f"{server.url}/readyz", trust_env=False).status_code == 503

        ballast.unlink()
        wait_until(lambda: push(bodies[1]).status_code == 200)
        assert {push(body).status_code for body in bodies[2:]} == {200}
        server.wait_for_ticks()
        (row,) = server.streams()
        assert row["counts"]["readings"] == row["counts"]["messages"] * 100 - (1200 - row["counts"]["readings"])
        assert row["counts"]["missing"] == 0
        assert " 0 differences" in gaitway("verify", "--url", server.url).stdout
