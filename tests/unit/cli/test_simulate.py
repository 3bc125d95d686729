"""`gaitway simulate` as a person or a script runs it."""

import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner

from gaitway.cli.simulate import command
from gaitway.ops.simulator import FAULTS, RULE_SAYS


class Door(ThreadingHTTPServer):
    """Takes every push, unless it is told to refuse."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.status = 200
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Door

    def do_POST(self) -> None:
        self.server.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
        text = b"" if self.server.status == 200 else b"Gaitway does not know this token."
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def door() -> Iterator[Door]:
    with Door() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(command, list(arguments))
    return result.exit_code, result.output


def test_phones_push_and_the_summary_counts_what_the_server_took(door: Door) -> None:
    code, output = run("--url", door.url, "--phones", "2", "--seconds", "5", "--speed", "max", "--json")
    assert code == 0
    found = json.loads(output)
    assert (found["phones"], found["messages"], found["acknowledged"]) == (2, 10, 10)
    assert found["bytes"] == sum(map(len, door.bodies))
    assert found["readings"] == sum(len(json.loads(body)["payload"]) for body in door.bodies)


def test_every_option_reaches_the_phone(door: Door) -> None:
    options = "--form android --rate 50 --script walking:9 --sensor gyroscope --fault ms --batch-ms 500 --test-push"
    run("--url", door.url, "--seconds", "2", "--speed", "max", *options.split())
    test, *bodies = [json.loads(body) for body in door.bodies]
    assert test["payload"] == [{"name": "test"}]
    assert [len(body["payload"]) for body in bodies] == [25, 25, 25, 25]
    first = bodies[0]["payload"][0]
    assert (first["name"], first["accuracy"], len(str(first["time"]))) == ("gyroscope", 3, 13)


def test_a_server_that_refuses_is_quoted_and_the_exit_code_says_so(door: Door) -> None:
    door.status = 499
    code, output = run("--url", door.url, "--seconds", "2", "--speed", "max")
    assert code == 1
    assert "2 times: Gaitway does not know this token." in output


def test_nobody_there_is_said_in_plain_words(door: Door) -> None:
    code, output = run("--url", "http://127.0.0.1:9", "--seconds", "1", "--speed", "max")
    assert code == 1
    assert "Nobody answers at http://127.0.0.1:9" in output


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--speed", "fast"], "neither a number above 0 nor max"),
        (["--script", "swimming:5"], "'swimming' is not one of"),
        (["--rate", "1000", "--seconds", "1"], "17 to 400"),
        (["--fault", "flood"], "flood"),
    ],
)
def test_a_wrong_option_is_explained(arguments: list[str], says: str) -> None:
    code, output = run(*arguments)
    assert code == 2
    assert says in " ".join(output.split())


def test_help_names_every_fault_and_gives_examples() -> None:
    _, output = run("--help")
    assert all(fault.summary in output for fault in FAULTS)
    assert "gaitway simulate --phones 100" in output


def test_the_page_on_simulating_names_every_fault_and_activity() -> None:
    page = (Path(__file__).parents[3] / "docs" / "how-to" / "simulate.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| `([a-z-]+)` \|", page, re.MULTILINE) == [fault.name for fault in FAULTS]
    assert all(f"`{activity}`" in page for activity in RULE_SAYS)
