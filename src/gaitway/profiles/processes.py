"""How the processes of a server stand by each other."""

import ctypes
import errno
import signal
import socket
import sys
from pathlib import Path
from typing import NoReturn

import msgspec

from gaitway.config import Settings
from gaitway.errors import GaitwayError
from gaitway.profiles.folder import DataFolder

STOP_ENGINE = signal.SIGUSR1
"""How the supervisor stops the engine, after the front. SIGTERM and SIGINT reach whole groups, so it ignores those."""
CANNOT_START = 78
"""Exit code of a child that refused to start (see `refuse`): starting it again would not help."""
_PR_SET_PDEATHSIG = 1


def die_with_parent(signal_number: signal.Signals = signal.SIGTERM) -> None:
    """Ask the kernel to end this process when its supervisor dies without saying so. Linux only; elsewhere nothing.

    Everything acknowledged is on the tapes by then; what this keeps from happening is two servers on one folder.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal_number), 0, 0, 0)


def refuse(settings: Settings, error: GaitwayError) -> NoReturn:
    """In a child: leave word for the supervisor why this server cannot start, and end. It stops all, and says it."""
    path = refusal_path(settings)
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f"{path.name}.{CANNOT_START}")
    aside.write_bytes(msgspec.json.encode([str(error), error.where, error.hint]))
    aside.replace(path)
    sys.exit(CANNOT_START)


def refusal_path(settings: Settings) -> Path:
    """Where a child leaves word; there only while a server is being stopped for it."""
    return DataFolder(settings.data).run / "refused"


def raise_refusal(settings: Settings) -> None:
    """Raise what a child left word of, if one did."""
    path = refusal_path(settings)
    if path.exists():
        message, where, hint = msgspec.json.decode(path.read_bytes(), type=tuple[str, str, str])
        path.unlink()
        raise GaitwayError(message, where=where, hint=hint)


def check_address(host: str, port: int) -> None:
    """See that a server may listen there. Raises GaitwayError when the port is taken or the address is not ours.

    The server's own sockets share a port with whoever else shares it; this one does not, so it finds that out.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # what has just stopped listening is no one
            probe.bind(address)
    except OSError as error:
        raise _cannot_listen(error, host, port) from error


def _cannot_listen(error: OSError, host: str, port: int) -> GaitwayError:
    where = f"{host}:{port}"
    if error.errno == errno.EADDRINUSE:
        hint = "Choose another with --port, or find out who has it: `gaitway doctor --port`."
        return GaitwayError(f"port {port} is taken", where=where, hint=hint)
    if error.errno == errno.EACCES:
        hint = "Take a port from 1024 on, and put a reverse proxy in front."
        return GaitwayError(f"port {port} may not be used: it is kept for the system", where=where, hint=hint)
    hint = "Give --host an address that this machine has, or 0.0.0.0 for all of them."
    return GaitwayError(f"{host} is not an address of this machine", where=where, hint=hint)


def local_host(host: str) -> str:
    """Where a server that listens on a host is reached from this machine.

    >>> local_host("0.0.0.0"), local_host("::"), local_host("192.0.2.7")
    ('127.0.0.1', '::1', '192.0.2.7')
    """
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)


def local_url(settings: Settings) -> str:
    """The address of this server for programs on this machine.

    >>> local_url(Settings()), local_url(Settings(host="::", port=80))
    ('http://127.0.0.1:8788', 'http://[::1]:80')
    """
    host = local_host(settings.host)
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.port}"
