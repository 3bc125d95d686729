"""A port and an address: who answers there, is it ready, and whom does it serve without a token."""

import socket
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

import httpx

from gaitway.ingest.names import LOCAL_HOSTS
from gaitway.ops.doctor import Finding, Subject

_TIMEOUT_S = 5.0
_PROBE = "/api/recognizers"
_START = "Start it: gaitway serve."
#: Names and addresses that are reserved for examples: nobody's.
_STRANGER = {"X-Forwarded-For": "203.0.113.7", "X-Forwarded-Host": "gaitway.example", "Via": "1.1 proxy.example"}
_FOREIGN_HOST = {"Host": "rebind.example"}


def port(subject: Subject) -> Iterator[Finding]:
    """Whether a port of this machine is free, and who has it."""
    if subject.port is None:
        return
    try:
        if port_is_free(subject.port):
            yield Finding("ok", f"port {subject.port} is free")
            return
    except PermissionError:
        hint = "Take a port from 1024 on, and put a reverse proxy in front."
        yield Finding("fail", f"port {subject.port} may not be used", "it is kept for the system", hint)
        return
    answer = ask(f"http://127.0.0.1:{subject.port}", _PROBE)
    if is_gaitway(answer):
        yield Finding("ok", f"a Gaitway answers on port {subject.port}")
    else:
        said = f"it answers HTTP {answer.status_code}" if isinstance(answer, httpx.Response) else answer
        hint = f"Stop it, or take another port: gaitway serve --port {subject.port + 1}."
        yield Finding("fail", f"another program has port {subject.port}", said, hint)


def answers(subject: Subject) -> Iterator[Finding]:
    """Whether a Gaitway answers at the address."""
    if subject.url is None:
        return
    answer = ask(subject.url, _PROBE)
    if is_gaitway(answer):
        yield Finding("ok", f"a Gaitway answers at {subject.url}")
    elif isinstance(answer, httpx.Response):
        why = f"it answers HTTP {answer.status_code}, not as Gaitway does"
        yield Finding("fail", f"something else answers at {subject.url}", why, "Look at the port and the path.")
    else:
        hint = f"{_START} From another machine: see that both are in one network and no firewall is between."
        yield Finding("fail", f"nobody answers at {subject.url}", answer, hint)


def ready(subject: Subject) -> Iterator[Finding]:
    """Whether the server can do its work."""
    url = server_url(subject)
    answer = None if url is None else ask(url, "/readyz")
    if isinstance(answer, httpx.Response) and answer.status_code == 200:
        yield Finding("ok", "it is ready")
    elif isinstance(answer, httpx.Response):
        yield Finding("fail", "it is not ready", answer.text[:300], "The server's log says more.")


def exposure(subject: Subject) -> Iterator[Finding]:
    """Whether it serves strangers without a token: tried as a proxy or tunnel, and as a rebound name would ask."""
    url = server_url(subject)
    if url is None:
        return
    yield from _exposed(
        ask(url, _PROBE, _STRANGER),
        "what comes through a proxy or a tunnel",
        "Set proxy = true, and let the proxy send X-Forwarded-For.",
    )
    yield from _exposed(
        ask(url, _PROBE, _FOREIGN_HOST), "a request under a foreign name", "Let the proxy pass on the Host header."
    )
    if urlsplit(url).hostname not in LOCAL_HOSTS:
        yield from _exposed(ask(url, _PROBE), "anybody who reaches it", "Set proxy = true, or public_names.")


def _exposed(answer: httpx.Response | str, who: str, hint: str) -> Iterator[Finding]:
    if isinstance(answer, str):
        return
    if answer.status_code in (401, 403, 421):
        yield Finding("ok", f"without a token it refuses {who}")
    elif answer.is_success:
        yield Finding("fail", f"without a token it serves {who}", "recordings of movement can be read by others", hint)
    else:
        yield Finding("warn", f"it cannot be told whether it serves {who}", f"HTTP {answer.status_code}")


def server_url(subject: Subject) -> str | None:
    """The address of the server to ask; None when there is none. A port counts where a Gaitway answers on it."""
    if subject.url is not None:
        return subject.url
    if subject.port is None:
        return None
    url = f"http://127.0.0.1:{subject.port}"
    return url if is_gaitway(ask(url, _PROBE)) else None


def port_is_free(number: int) -> bool:
    """Whether nobody listens on a port of this machine. Raises PermissionError where we may not."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # what has just stopped listening is no one
        try:
            probe.bind(("", number))
        except PermissionError:
            raise
        except OSError:
            return False
        return True


def ask(
    url: str, path: str, headers: Mapping[str, str] | None = None, token: str | None = None
) -> httpx.Response | str:
    """The answer to a GET, or why there is none."""
    sent = dict(headers or {}) | ({"Authorization": f"Bearer {token}"} if token else {})
    address = url.rstrip("/") + path
    try:
        with httpx.Client(trust_env=False, timeout=_TIMEOUT_S) as client:
            return client.get(address, headers=sent)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def is_gaitway(answer: httpx.Response | str) -> bool:
    """Whether an answer to the probe is one of ours: the list, or a refusal in our form."""
    if isinstance(answer, str) or "json" not in answer.headers.get("content-type", ""):
        return False
    try:
        body = answer.json()
    except ValueError:
        return False
    return isinstance(body, dict) and ("recognizers" in body or {"error", "where", "hint"} <= body.keys())
