"""A server that cannot start says so once, in a line, and ends."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from gaitway.config import Settings
from gaitway.errors import GaitwayError
from gaitway.profiles.embedded import serve
from gaitway.profiles.processes import raise_refusal, refusal_path, refuse
from serving import Server, free_port


def test_a_port_that_somebody_listens_on_is_refused_at_once(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)  # as another server of ours would
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(GaitwayError, match=f"port {port} is taken") as refused:
            serve(Settings(data=tmp_path, host="127.0.0.1", port=port), lambda: None)
    assert "gaitway doctor --port" in refused.value.hint


@pytest.mark.parametrize("host", ["192.0.2.7", "no-such-host.invalid"])
def test_an_address_of_another_machine_is_refused_by_name(tmp_path: Path, host: str) -> None:
    with pytest.raises(GaitwayError, match=f"{host} is not an address of this machine"):
        serve(Settings(data=tmp_path, host=host, port=free_port()), lambda: None)


def test_the_word_a_child_leaves_is_raised_once(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    with pytest.raises(SystemExit):
        refuse(settings, GaitwayError("it is damaged", where="a file", hint="Mend it."))
    with pytest.raises(GaitwayError, match="it is damaged") as raised:
        raise_refusal(settings)
    assert (raised.value.where, raised.value.hint) == ("a file", "Mend it.")
    assert not refusal_path(settings).exists()
    raise_refusal(settings)


def test_a_damaged_log_ends_the_server_with_one_plain_line(tmp_path: Path) -> None:
    server = Server(tmp_path / "data")
    server.start()
    server.stop()
    segment = server.data / "log" / "raw" / "000001.sqlite"
    for path in segment.parent.glob(f"{segment.name}-*"):
        path.unlink()
    segment.write_bytes(b"not a database at all" * 1000)
    said = subprocess.run(
        [sys.executable, "-m", "gaitway", "serve", "--host", "127.0.0.1", "--port", str(free_port())],
        env={**os.environ, "GAITWAY_DATA": str(server.data), "GAITWAY_DISK_RESERVE": "1 MiB"},
        capture_output=True,
        text=True,
        timeout=40,
        check=False,
    )
    assert (said.returncode, said.stdout) == (1, ""), said.stderr
    assert said.stderr.count(f"({segment})") == 1, said.stderr
    assert "Traceback" not in said.stderr
