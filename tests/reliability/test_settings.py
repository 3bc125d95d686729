"""A changed setting judges beside the old one; changed back, the first one has missed nothing."""

from pathlib import Path

import httpx

from gaitway.ops.simulator import Phone
from serving import Server, gaitway

START = 1_782_477_374_000_000_000


def test_thresholds_there_and_back(tmp_path: Path) -> None:
    server = Server(tmp_path / "data", quiet_seconds="0.3", revise_seconds="0.2")
    phones = [Phone(1, seconds=40), Phone(2, seconds=40), Phone(3, seconds=40)]
    for number, (phone, thresholds) in enumerate(zip(phones, ("2,8,20", "3,8,20", "2,8,20"), strict=True)):
        server.settings["thresholds"] = thresholds
        server.start()
        half = [push.body for push in phones[0].messages(START)][number * 13 : number * 13 + 13]
        for body in [push.body for push in phone.messages(START + 10**12)] + half:
            httpx.post(f"{server.url}/data", content=body, trust_env=False).raise_for_status()
        server.wait_for_ticks()
        assert server.stop() == 0

    server.start()
    server.wait_for_ticks()
    said = gaitway("verify", "--url", server.url).stdout
    assert server.stop() == 0
    assert "4 streams" in said
    assert " 0 differences" in said
    assert "retired: thresholds-1/10s-2s/" in said
