"""`make run`, then real recordings: activities in the API and the warehouse, and `gaitway verify` is clean."""

import os
import signal
import subprocess
from collections import Counter
from pathlib import Path

import httpx
import pytest

from recordings.main_job import RECORDINGS, send_all
from serving import Server, free_port, gaitway, wait_until

ROOT = Path(__file__).parents[2]


@pytest.mark.recordings
def test_real_recordings_become_activities(recordings: Path, tmp_path: Path) -> None:
    server = Server(tmp_path / "data")
    server.port = free_port()
    server.url = f"http://127.0.0.1:{server.port}"
    make = ["make", "run", "HOST=127.0.0.1", f"PORT={server.port}", f"DATA={server.data}"]
    environment = {**os.environ, "GAITWAY_DISK_RESERVE": "1 MiB"}
    process = subprocess.Popen(make, cwd=ROOT, env=environment, start_new_session=True)
    try:
        wait_until(lambda: answers(server.url), 60, "the server")
        report = send_all(recordings, server.url)
        server.wait_for_ticks()

        assert set(report["replayed"]["statuses"]) == {"200"}
        print(report["replayed"])
        assert {status for statuses in report["captured"].values() for status in statuses} == {200}
        assert len(report["sent"]) == RECORDINGS
        known = {(row["device_id"], row["session_id"]): row for row in server.streams()}
        for sent in report["sent"]:
            row = known[(sent["device_id"], sent["session_id"])]
            assert row["counts"]["dead_letters"] == 0
            windows = server.get("/api/activities", device_id=sent["device_id"], session_id=sent["session_id"])
            assert windows["activities"], sent
            counted = Counter(window["activity"] for window in windows["activities"])
            print(sent["label"], sent["readings"], dict(counted))
        assert " 0 differences" in gaitway("verify", "--url", server.url).stdout
        assert " 0 differences" in gaitway("verify", "--data", str(server.data)).stdout
        again = send_all(recordings, server.url)
        assert again["replayed"]["duplicates"] == again["replayed"]["messages"]
        after = {(row["device_id"], row["session_id"]): row for row in server.streams()}
        for key, row in known.items():
            assert after[key]["counts"]["readings"] == row["counts"]["readings"], "a second replay adds nothing"
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)
    assert " 0 differences" in gaitway("verify", "--data", str(server.data)).stdout


def answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz", trust_env=False).status_code == 200
    except httpx.TransportError:
        return False
