"""`gaitway doctor` on real folders, ports, tokens and phones: what is broken is found, what is well is not."""

import json
import shutil
import socket
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from gaitway.cli.doctor import command
from gaitway.core.message import Block, Message, Stream
from gaitway.log.tape import SqliteTape
from gaitway.ports import Entry
from gaitway.profiles.folder import DataFolder, FolderLock
from gaitway.registry.store import Registry
from gaitway.registry.tokens import TokenBook
from gaitway.warehouse.parquet import ParquetWarehouse
from gaitway.warehouse.views import views_are_current, write_views_file

S = 10**9
PHONE = Stream("phone-1", "walk")
Findings = dict[str, list[dict[str, str]]]


def doctor(*arguments: object) -> tuple[int, Findings]:
    """The exit code, and the findings by check."""
    result = CliRunner().invoke(command, [*map(str, arguments), "--json"])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.output
    found: Findings = {}
    for row in json.loads(result.output)["findings"]:
        found.setdefault(row["check"], []).append(row)
    return result.exit_code, found


def levels(found: Findings) -> set[str]:
    return {row["level"] for rows in found.values() for row in rows}


def message(number: int, at: int, *, age: int = S, battery: float | None = None) -> Entry:
    """A message that arrives at a time, its newest reading so old."""
    times = np.arange(at - age - S, at - age, S // 10, dtype=np.int64)
    blocks = [Block("accelerometer", times, np.ones((3, len(times))))]
    if battery is not None:
        blocks.append(Block("battery", times[-1:], values=(f'{{"batteryLevel":{battery}}}',)))
    return Entry("message", PHONE, at, Message(PHONE, number, tuple(blocks), at))


def fill(data: DataFolder, entries: list[Entry]) -> None:
    """What a server leaves behind: a tape, a registry, a warehouse with views."""
    Registry(data.registry).close()
    tape = SqliteTape(data.tape, data.registry)
    warehouse = ParquetWarehouse(data.warehouse)
    warehouse.prepare()
    try:
        tape.append(entries)
        warehouse.write_raw(tape.read(0, len(entries)), 1, len(entries))
    finally:
        tape.close()
    write_views_file(data.root, "UTC")


@pytest.fixture
def data(tmp_path: Path) -> DataFolder:
    return DataFolder(tmp_path / "data")


def recent(count: int = 20, **settings: Any) -> list[Entry]:
    now = time.time_ns()
    return [message(n, now - (count - n) * S, **settings) for n in range(count)]


def test_a_healthy_folder_has_only_good_findings(data: DataFolder) -> None:
    fill(data, recent())
    code, found = doctor("--data", data.root)
    assert (code, levels(found)) == (0, {"ok"})
    assert {"folder", "rights", "disk", "log", "databases", "warehouse", "files", "views"} <= found.keys()


def test_a_folder_that_is_not_there_fails_with_a_hint(tmp_path: Path) -> None:
    code, found = doctor("--data", tmp_path / "nowhere")
    assert code == 1
    assert "gaitway serve" in found["folder"][0]["hint"]


def test_too_little_room_fails(data: DataFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(data, recent())
    monkeypatch.setenv("GAITWAY_DISK_RESERVE", str(1 << 60))
    code, found = doctor("--data", data.root)
    assert (code, found["disk"][0]["level"]) == (1, "fail")
    assert "503" in found["disk"][0]["why"]


def test_wrong_settings_are_listed_and_the_rest_is_looked_at_all_the_same(
    data: DataFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(data, recent())
    monkeypatch.setenv("GAITWAY_SLIED", "2 s")
    code, found = doctor("--data", data.root)
    assert code == 1
    assert "GAITWAY_SLIED" in found["settings"][0]["what"]
    assert found["log"][0]["level"] == "ok"


def test_a_server_that_writes_the_folder_is_named(data: DataFolder) -> None:
    fill(data, recent())
    assert "no server" in doctor("--data", data.root)[1]["server"][0]["what"]
    lock = FolderLock(data, "front")
    try:
        assert "front is process" in doctor("--data", data.root)[1]["server"][0]["what"]
    finally:
        lock.release()


def test_what_a_broken_write_left_is_told_once_it_is_old(data: DataFolder) -> None:
    import os

    fill(data, recent())
    left = data.warehouse / "raw" / "date=2026-03-05"
    left.mkdir()
    (left / "x.parquet.tmp").write_bytes(b"half")
    assert doctor("--data", data.root)[1]["leftovers"][0]["level"] == "ok"
    os.utime(left / "x.parquet.tmp", (0, 0))
    assert doctor("--data", data.root)[1]["leftovers"][0]["level"] == "warn"


def overwrite(path: Path) -> None:
    """Scribble over the middle of a file."""
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 3 :] = b"\xaa" * (len(raw) - len(raw) // 3)
    path.write_bytes(raw)


def no_segment(path: Path) -> None:
    path.write_bytes(b"nothing of the kind" * 100)


def newer(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()


@pytest.mark.parametrize("harm", [overwrite, no_segment, newer])
def test_a_harmed_segment_is_named(data: DataFolder, harm: Callable[[Path], None]) -> None:
    fill(data, recent(200))
    harm(data.tape / "000001.sqlite")
    code, found = doctor("--data", data.root)
    assert (code, found["log"][0]["level"]) == (1, "fail")
    assert "000001.sqlite" in found["log"][0]["what"]
    assert found["log"][0]["hint"]


def test_a_segment_that_is_gone_is_missed(data: DataFolder) -> None:
    from gaitway.log.segment import create

    fill(data, recent())
    create(data.tape / "000003.sqlite", 500)
    _, found = doctor("--data", data.root)
    assert found["log"][0]["level"] == "fail"
    assert "begins at position 500, the one before it ended at 20" in found["log"][0]["what"]


def test_a_damaged_registry_is_named(data: DataFolder) -> None:
    fill(data, recent())
    no_segment(data.registry)
    code, found = doctor("--data", data.root)
    assert code == 1
    assert "registry.sqlite" in found["databases"][0]["what"]


def test_a_warehouse_ahead_of_its_log_fails_and_a_hole_in_it_is_told(data: DataFolder) -> None:
    fill(data, recent())
    ParquetWarehouse(data.warehouse).write_raw([], 31, 40)
    _, found = doctor("--data", data.root)
    assert "positions 21 to 30" in found["warehouse"][0]["what"]
    shutil.rmtree(data.tape)
    data.tape.mkdir()
    code, found = doctor("--data", data.root)
    assert code == 1
    assert any("the tape ends at 0" in row["what"] for row in found["warehouse"])


def test_a_parquet_file_that_cannot_be_read_is_named(data: DataFolder) -> None:
    fill(data, recent())
    file = next(path for path in (data.warehouse / "raw").glob("date=*/*.parquet") if "1970" not in str(path))
    file.write_bytes(b"no parquet")
    code, found = doctor("--data", data.root)
    assert code == 1
    assert file.name in found["files"][0]["what"]


def test_views_are_written_again_when_the_folder_has_moved(data: DataFolder, tmp_path: Path) -> None:
    fill(data, recent())
    moved = tmp_path / "moved"
    data.root.rename(moved)
    assert not views_are_current(moved)
    code, found = doctor("--data", moved)
    assert (code, found["views"][0]["level"]) == (0, "warn")
    assert views_are_current(moved)
    assert doctor("--data", moved)[1]["views"][0]["level"] == "ok"


def test_a_damaged_views_file_is_written_again(data: DataFolder) -> None:
    fill(data, recent())
    (data.warehouse / "activity_db.duckdb").write_bytes(b"no database")
    doctor("--data", data.root)
    assert views_are_current(data.root)


# --- tokens ---------------------------------------------------------------------------------------------------------


def test_a_token_is_told_by_its_kind_and_its_phone(data: DataFolder) -> None:
    fill(data, recent())
    registry = Registry(data.registry)
    book = TokenBook(registry)
    push, device, old = book.add("push", "replay"), book.add("device"), book.add("read", seconds=-5)
    book.bind(device.token.id, "phone-1")
    gone = book.add("read")
    book.revoke(gone.token.id)
    registry.close()

    def said(token: str, *more: str) -> tuple[int, str]:
        code, found = doctor("--data", data.root, "--token", token, *more)
        return code, " / ".join(row["what"] for row in found["token"])

    assert said(push.text) == (0, "token 1 (replay) is of kind push: it pushes for any phone; never used")
    assert "bound to phone-1" in said(device.text)[1]
    assert said(device.text, "--device", "phone-2")[0] == 1
    assert "ran out" in said(old.text)[1]
    assert "revoked" in said(gone.text)[1]
    assert "does not know" in said("0000-0000-0000-0000-0000-0000-0000")[1]
    assert said("hunter2") == (1, "this is no token")


# --- phones ---------------------------------------------------------------------------------------------------------


def phone(data: DataFolder, device: str = "phone-1") -> tuple[int, list[str]]:
    code, found = doctor("--data", data.root, "--device", device)
    return code, [f"{row['level']}: {row['what']} {row['why']}" for row in found["phone"]]


def test_a_phone_that_records_is_well(data: DataFolder) -> None:
    fill(data, recent())
    code, said = phone(data)
    assert code == 0
    assert all(line.startswith("ok") for line in said), said
    assert len(said) == 3


def test_a_phone_nobody_heard_of_fails(data: DataFolder) -> None:
    fill(data, recent())
    code, said = phone(data, "phone-9")
    assert code == 1
    assert "no message of phone-9" in said[0]


def test_a_wrong_clock_is_found(data: DataFolder) -> None:
    fill(data, recent(age=-300 * S))
    code, said = phone(data)
    assert code == 1
    assert any("the phone's clock is 5.0 min ahead" in line for line in said)


def test_an_empty_battery_is_the_likely_cause_of_silence(data: DataFolder) -> None:
    now = time.time_ns()
    fill(data, [message(n, now - (900 - n) * S, battery=0.2 - 0.01 * n) for n in range(20)])
    _, said = phone(data)
    assert "battery was at 1%" in said[0]


# --- servers --------------------------------------------------------------------------------------------------------

STREAM = {
    "device_id": "phone-1",
    "session_id": "walk",
    "first_time": 1,
    "last_time": 2,
    "live": False,
    "counts": {"messages": 90, "readings": 9000, "missing": 10, "dead_letters": 3, "duplicates": 0, "conflicting": 0},
}


class Fake(ThreadingHTTPServer):
    """Answers like a Gaitway, or like something else."""

    def __init__(self) -> None:
        self.open_to_all = False
        self.other = False
        self.ready = True
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def port(self) -> int:
        return int(self.server_address[1])


class _Handler(BaseHTTPRequestHandler):
    server: Fake

    def do_GET(self) -> None:
        if self.server.other:
            self._send(200, "<html>hello</html>", "text/html")
        elif self.path == "/readyz":
            self._send(200 if self.server.ready else 503, '{"engine": "is not running"}')
        elif "X-Forwarded-For" in self.headers and not self.server.open_to_all:
            self._refuse(401, "no token")
        elif "example" in self.headers["Host"] and not self.server.open_to_all:
            self._refuse(403, "this server is not called that")
        elif "Authorization" in self.headers and self.headers["Authorization"] != "Bearer " + GOOD:
            self._refuse(401, "no token, or one that is unknown")
        elif self.path.startswith("/api/streams"):
            self._send(200, json.dumps({"streams": [STREAM], "next": None}))
        else:
            self._send(200, '{"recognizers": [], "next": null}')

    def _refuse(self, status: int, error: str) -> None:
        self._send(status, json.dumps({"error": error, "where": "token", "hint": "make one"}))

    def _send(self, status: int, body: str, kind: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, format: str, *args: object) -> None:
        pass


GOOD = "0123-4567-89ab-cdef-ghjk-mnpq-rstv"


@pytest.fixture
def server() -> Iterator[Fake]:
    with Fake() as fake:
        thread = threading.Thread(target=fake.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield fake
        fake.shutdown()
        thread.join()


def test_a_good_server_is_recognised_by_port_and_by_address(server: Fake) -> None:
    for place in (("--port", server.port), ("--url", f"http://127.0.0.1:{server.port}")):
        code, found = doctor(*place)
        assert (code, levels(found)) == (0, {"ok"})
        assert len(found["exposure"]) == 2


def test_a_free_port_is_free_and_another_program_is_told_from_a_gaitway(server: Fake) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        free = probe.getsockname()[1]
    assert doctor("--port", free) == (0, {"port": [{"check": "port", "level": "ok", "what": f"port {free} is free",
                                                    "why": "", "hint": ""}]})  # fmt: skip
    server.other = True
    code, found = doctor("--port", server.port)
    assert code == 1
    assert "another program" in found["port"][0]["what"]
    assert doctor("--url", f"http://127.0.0.1:{server.port}")[0] == 1


def test_nobody_at_an_address_fails_with_how_to_start(server: Fake) -> None:
    code, found = doctor("--url", "http://127.0.0.1:9")
    assert code == 1
    assert "gaitway serve" in found["address"][0]["hint"]


def test_a_server_that_serves_strangers_without_a_token_fails(server: Fake) -> None:
    server.open_to_all = True
    code, found = doctor("--port", server.port)
    assert code == 1
    assert [row["level"] for row in found["exposure"]] == ["fail", "fail"]
    assert "proxy = true" in found["exposure"][0]["hint"]


def test_a_server_that_is_not_ready_says_why(server: Fake) -> None:
    server.ready = False
    code, found = doctor("--port", server.port)
    assert code == 1
    assert "engine" in found["ready"][0]["why"]


def test_a_server_is_asked_about_a_token_and_a_phone(server: Fake) -> None:
    code, found = doctor("--port", server.port, "--token", GOOD, "--device", "phone-1")
    assert code == 0
    assert found["token"][-1]["what"] == "the server lets it read"
    assert [row["level"] for row in found["phone"]] == ["warn", "warn", "warn"]
    assert "10 messages of its newest session are missing (10.0%)" in found["phone"][1]["what"]
    assert doctor("--port", server.port, "--token", GOOD, "--device", "phone-9")[0] == 1
    assert doctor("--port", server.port, "--token", GOOD[::-1])[0] == 1


def test_people_read_lines_with_level_check_and_hint(tmp_path: Path) -> None:
    result = CliRunner().invoke(command, ["--data", str(tmp_path / "nowhere")])
    assert result.exit_code == 1
    assert result.output.startswith("fail folder")
    assert "`gaitway serve --data DIR` makes it" in result.output


def test_the_page_on_the_doctor_names_every_check() -> None:
    from gaitway.cli.doctor_checks import CHECKS

    page = (Path(__file__).parents[3] / "docs" / "how-to" / "doctor.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1] for line in page.splitlines() if line.startswith("| ")]
    named = {name.strip() for row in rows for name in row.split(",")}
    assert {check.name for check in CHECKS} <= named
