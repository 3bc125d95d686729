"""The gate as a table: what a request says of itself, on which route, and what is decided."""

from dataclasses import dataclass, replace

import pytest

from gaitway.errors import RefusedError
from gaitway.ingest.gate import WRONG_TOKEN, Asked, Route, Rules, decide
from gaitway.ingest.names import LOCAL_HOSTS, OwnNames, host_of

NAMES = frozenset({*LOCAL_HOSTS, "192.168.1.42", "laptop.local", "gait.example.org"})
OPEN = Rules(NAMES)
BEHIND_PROXY = Rules(NAMES, token_free=False)

LOCAL = Asked(peer="127.0.0.1", host="localhost:8788")
LOCAL6 = Asked(peer="::1", host="[::1]:8788")
LAN = Asked(peer="192.168.1.77", host="192.168.1.42:8788")
TUNNEL = replace(LOCAL, forwarded=True)
REBOUND = Asked(peer="127.0.0.1", host="evil.test")
GUESS = replace(LAN, credential="a guess")


@dataclass(frozen=True)
class Token:
    kind: str
    id: int = 7
    device_id: str | None = None


def token(kind: str | None) -> Token | None:
    return None if kind is None else Token(kind)


@pytest.mark.parametrize(
    ("asked", "kind", "route", "rules", "status"),
    [
        # this machine speaks to itself: no token needed, except behind a proxy or with public names
        (LOCAL, None, "push", OPEN, 200),
        (LOCAL, None, "read", OPEN, 200),
        (LOCAL, None, "act", OPEN, 200),
        (LOCAL, None, "page", OPEN, 200),
        (LOCAL6, None, "read", OPEN, 200),
        (replace(LOCAL, host="127.0.0.1"), None, "read", OPEN, 200),
        (replace(LOCAL, peer="::ffff:127.0.0.1"), None, "read", OPEN, 200),
        (LOCAL, None, "push", BEHIND_PROXY, 499),
        (LOCAL, None, "read", BEHIND_PROXY, 401),
        (LOCAL, None, "act", BEHIND_PROXY, 401),
        (LOCAL, None, "page", BEHIND_PROXY, 401),
        # an old cookie is no credential worth refusing; a wrong token is
        (replace(LOCAL, cookie="old"), None, "read", OPEN, 200),
        (replace(LOCAL, credential="wrong"), None, "read", OPEN, 401),
        (replace(LOCAL, credential="wrong"), None, "push", OPEN, 499),
        # a tunnel also arrives from loopback
        (TUNNEL, None, "read", OPEN, 401),
        (TUNNEL, None, "push", OPEN, 499),
        (TUNNEL, "read", "read", OPEN, 200),
        # loopback under another of this server's names is not token-free: a name can be made to point here
        (replace(LOCAL, host="laptop.local"), None, "read", OPEN, 401),
        (replace(LOCAL, host="192.168.1.42"), None, "read", OPEN, 401),
        (Asked(peer="192.168.1.77", host="localhost"), None, "read", OPEN, 401),
        (Asked(peer=None, host="localhost"), None, "read", OPEN, 401),
        # DNS rebinding: the Host is always checked, whatever else is right
        (REBOUND, None, "read", OPEN, 403),
        (REBOUND, "read", "read", OPEN, 403),
        (REBOUND, "device", "push", OPEN, 403),
        (REBOUND, None, "open", OPEN, 403),
        (replace(LOCAL, host=""), None, "read", OPEN, 403),
        (replace(LOCAL, host="localhost:8788@evil.test"), None, "read", OPEN, 403),
        (replace(LOCAL, host="[::1"), None, "read", OPEN, 403),
        (replace(LOCAL, host="LOCALHOST.:80"), None, "read", OPEN, 200),
        # from the network, each kind opens its routes and no other
        (LAN, None, "push", OPEN, 499),
        (LAN, None, "read", OPEN, 401),
        (LAN, None, "act", OPEN, 401),
        (LAN, None, "page", OPEN, 401),
        (LAN, None, "open", OPEN, 200),
        (GUESS, None, "push", OPEN, 499),
        (GUESS, None, "read", OPEN, 401),
        (GUESS, "device", "push", OPEN, 200),
        (GUESS, "push", "push", OPEN, 200),
        (GUESS, "read", "push", OPEN, 499),
        (GUESS, "cookie", "push", OPEN, 499),
        (GUESS, "device", "read", OPEN, 403),
        (GUESS, "push", "read", OPEN, 403),
        (GUESS, "read", "read", OPEN, 200),
        (GUESS, "cookie", "read", OPEN, 200),
        (GUESS, "read", "act", OPEN, 403),
        (GUESS, "device", "act", OPEN, 403),
        (GUESS, "cookie", "act", OPEN, 200),
        (GUESS, "cookie", "page", OPEN, 200),
        (GUESS, "read", "page", OPEN, 403),
        (GUESS, "page-link", "page", OPEN, 403),
        (GUESS, "device", "push", BEHIND_PROXY, 200),
        # browsers: what changes something must come from this server's own page
        (replace(LOCAL, fetch_site="cross-site"), None, "act", OPEN, 403),
        (replace(LOCAL, fetch_site="same-site"), None, "act", OPEN, 403),
        (replace(LOCAL, fetch_site="same-origin"), None, "act", OPEN, 200),
        (replace(LOCAL, fetch_site="none"), None, "act", OPEN, 200),
        (replace(LOCAL, origin="http://localhost:8788"), None, "act", OPEN, 200),
        (replace(LOCAL, origin="http://localhost:3000"), None, "act", OPEN, 403),
        (replace(LOCAL, origin="https://evil.test"), None, "act", OPEN, 403),
        (replace(LOCAL, origin="null"), None, "act", OPEN, 403),
        (replace(LOCAL, origin="https://evil.test"), None, "push", OPEN, 403),
        (replace(LOCAL, fetch_site="cross-site"), None, "push", OPEN, 403),
        (replace(LOCAL, origin="https://evil.test"), None, "read", OPEN, 200),
        (replace(GUESS, origin="https://evil.test"), "cookie", "act", OPEN, 403),
        (
            Asked("10.0.0.9", "gait.example.org", "https://gait.example.org", forwarded=True, cookie="c"),
            "cookie",
            "act",
            BEHIND_PROXY,
            200,
        ),
    ],
)
def test_decision(asked: Asked, kind: str | None, route: Route, rules: Rules, status: int) -> None:
    if status == 200:
        assert decide(asked, token(kind), route, rules).token == (None if route == "open" else token(kind))
        return
    with pytest.raises(RefusedError) as caught:
        decide(asked, token(kind), route, rules)
    assert caught.value.status == status


@pytest.mark.parametrize("kind", [None, "read", "cookie"])
def test_a_push_without_its_token_gets_the_text_the_app_shows(kind: str | None) -> None:
    with pytest.raises(RefusedError) as caught:
        decide(GUESS, token(kind), "push", OPEN)
    assert str(caught.value) == WRONG_TOKEN
    assert WRONG_TOKEN == "Gaitway does not know this token. Scan the code on its page again. Nothing was stored."


def test_refusals_say_what_to_do() -> None:
    for asked, kind, route in ((LAN, None, "read"), (GUESS, "device", "read"), (REBOUND, None, "read")):
        with pytest.raises(RefusedError) as caught:
            decide(asked, token(kind), route, OPEN)  # type: ignore[arg-type]
        assert caught.value.hint and caught.value.where


def test_quotas_are_counted_per_token_and_for_this_machine_together() -> None:
    assert decide(LOCAL, None, "push", OPEN).key == 0
    assert decide(GUESS, Token("push", id=9), "push", OPEN).key == 9


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1", "laptop", "laptop.local", "gait.example.org"])
def test_a_machine_knows_its_names_and_addresses(host: str) -> None:
    assert host in OwnNames(["Gait.example.org"], hostname="Laptop.fritz.box")


@pytest.mark.parametrize(
    "host", ["evil.test", "192.0.2.1", "0.0.0.0", "::", "224.0.0.1", "2130706433", "127.0.0.1.nip.io", ""]
)
def test_a_machine_does_not_answer_to_other_names(host: str) -> None:
    assert host not in OwnNames(hostname="laptop")


@pytest.mark.parametrize(("header", "host"), [("a:b", None), (":80", None), ("[::1]x", None), (" Ab.C:1 ", "ab.c")])
def test_host_headers_are_read_strictly(header: str, host: str | None) -> None:
    assert host_of(header) == host
