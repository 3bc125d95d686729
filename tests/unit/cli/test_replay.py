"""`gaitway replay` as a person or a script runs it."""

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner

from gaitway.cli.replay import command
from gaitway.core.message import Stream
from gaitway.errors import GaitwayError, NotFoundError, TokenError
from gaitway.ingest.dialect import decode
from gaitway.log.dead_letters import SqliteDeadLetters
from gaitway.ports import DeadLetter
from unit.ingest.exported import DEVICE, METADATA, motion, pack


class Server(ThreadingHTTPServer):
    """Takes every body it has not seen, and says so."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.tokens: set[str | None] = set()
        self.paths: set[str] = set()
        self.status = 200
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        outcome = "duplicate" if body in self.server.bodies else "stored"
        self.server.bodies.append(body)
        self.server.tokens.add(self.headers["Authorization"])
        self.server.paths.add(self.path)
        answer = {"outcome": outcome, "position": len(self.server.bodies), "readings": 1, "refused": 0}
        text = json.dumps(answer).encode() if self.server.status == 200 else b"Gaitway does not know this token."
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def walk(tmp_path: Path) -> Path:
    return pack(tmp_path / "walk.zip", {"Accelerometer.csv": motion(450) + "cut", "Metadata.csv": METADATA})


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(command, [str(argument) for argument in arguments])
    if isinstance(result.exception, GaitwayError):
        raise result.exception
    return result.exit_code, result.stdout


def test_a_recording_is_sent_and_a_second_replay_is_all_duplicates(server: Server, walk: Path) -> None:
    code, output = run(walk, "--url", server.url, "--token", "secret", "--json")
    first = json.loads(output)
    assert code == 0
    assert first["ok"]
    assert (first["messages"], first["readings"], first["duplicates"]) == (len(server.bodies), 450, 0)
    assert first["skipped"] == 1
    assert first["recordings"][0]["device_id"] == DEVICE
    assert first["recordings"][0]["skipped"][0]["why"] == "has 1 columns instead of 5"
    assert server.tokens == {"Bearer secret"}
    assert server.paths == {"/data"}
    again = json.loads(run(walk, "--url", server.url, "--json")[1])
    assert again["duplicates"] == again["messages"] == first["messages"]


def test_for_people_it_says_what_was_sent_and_what_was_not(server: Server, walk: Path) -> None:
    code, output = run(walk, "--url", server.url, "--device", "me", "--session", "again")
    assert code == 0
    assert "450 readings" in output
    assert "skipped:" in output
    assert "line 452 has 1 columns" in output
    message = decode(server.bodies[0], 2 * 10**18).message
    assert message.stream == Stream("me", "again")


def test_it_ends_with_1_when_something_was_not_taken(server: Server, walk: Path) -> None:
    server.status = 500
    code, output = run(walk, "--url", server.url)
    assert code == 1
    assert "Gaitway does not know this token." in output


def test_a_wrong_token_ends_it_with_the_text_of_the_server(server: Server, walk: Path) -> None:
    server.status = 499
    with pytest.raises(TokenError, match="does not know this token"):
        run(walk, "--url", server.url)


def test_one_session_for_several_recordings_is_refused(server: Server, walk: Path) -> None:
    code, _ = run(walk, walk, "--url", server.url, "--session", "s")
    assert code == 2
    assert not server.bodies


@pytest.mark.parametrize(
    "arguments", [(), ("x.zip", "--dead-letters"), ("x.zip", "--speed", "0"), ("x.zip", "--speed", "x")]
)
def test_what_makes_no_sense_is_said(arguments: tuple[str, ...]) -> None:
    assert run(*arguments)[0] == 2


def test_dead_letters_are_sent_from_the_data_folder(server: Server, tmp_path: Path) -> None:
    now = time.time_ns()
    reading = b'{"name":"light","values":{"lux":7},"time":%d}'
    with pytest.raises(NotFoundError):
        run("--dead-letters", "--data", tmp_path, "--url", server.url)
    store = SqliteDeadLetters(tmp_path / "log" / "refused.sqlite")
    stream = Stream("phone", "walk")
    store.add([DeadLetter(now, "time", "payload[0].time", reading % when, stream, 1) for when in (now, now + 10**13)])
    store.close()
    code, output = run("--dead-letters", "--data", tmp_path, "--url", server.url, "--json")
    assert code == 0
    summary = json.loads(output)
    assert (summary["messages"], summary["skipped"]) == (1, 1)
    (body,) = server.bodies
    message = decode(body, now).message
    assert message.stream == stream
    assert message.message_id == "dead-letter-1"
    assert message.blocks[0].times.tolist() == [now]


def test_help_gives_examples() -> None:
    code, output = run("--help")
    assert code == 0
    assert "gaitway replay" in output
