"""Who is let in: pure decisions over what a request says of itself.

    request -> Asked -> decide(asked, token, rules) -> Grant, or RefusedError

Nothing here reads a clock, a file or a socket, but for `OwnNames`, which asks the system for this machine's addresses.
"""

from collections.abc import Container
from dataclasses import dataclass
from typing import Final, Literal, Protocol

from gaitway.errors import RefusedError, TokenError
from gaitway.ingest.names import LOCAL_HOSTS, host_of, is_loopback

Route = Literal["push", "read", "act", "page", "open"]
"""What is asked for.

`push`: sensor data. `read`: data, events, metrics. `act`: changes, and what mints a token. `page`: the page itself.
`open`: what holds no data (health, the page's code, taking a link); only the Host is checked.
"""

WRONG_TOKEN: Final = "Gaitway does not know this token. Scan the code on its page again. Nothing was stored."
COOKIE: Final = "gaitway_page"
#: Kinds of token that open a route.
_OPENS: Final[dict[str, frozenset[str]]] = {
    "push": frozenset({"device", "push"}),
    "read": frozenset({"read", "cookie"}),
    "act": frozenset({"cookie"}),
    "page": frozenset({"cookie"}),
}


class KnownToken(Protocol):
    """What the gate wants to know of a token (`registry.Token` is one)."""

    @property
    def id(self) -> int:
        """Its number."""
        ...

    @property
    def kind(self) -> str:
        """device, push, read or cookie."""
        ...

    @property
    def device_id(self) -> str | None:
        """The only device it may push for."""
        ...


@dataclass(frozen=True, slots=True)
class Rules:
    """What the settings say about who is let in."""

    names: Container[str]
    """Hosts that mean this server."""
    token_free: bool = True
    """False behind a proxy or with public names: then nobody is served without a token."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request says of itself. Of credentials only that there was one: `token` is looked up by the caller."""

    peer: str | None
    host: str = ""
    origin: str | None = None
    fetch_site: str | None = None
    forwarded: bool = False
    """Whether it carries Forwarded, X-Forwarded-* or Via: a tunnel or a proxy also arrives from loopback."""
    credential: str | None = None
    """From Authorization (raw or Bearer), or from the URL where the route allows it."""
    cookie: str | None = None


@dataclass(frozen=True, slots=True)
class Grant:
    """A request that is let in. `token` is None when it needs none."""

    token: KnownToken | None = None

    @property
    def key(self) -> int:
        """Whose quota it uses: the token's id, 0 for this machine itself."""
        return 0 if self.token is None else self.token.id


def decide(asked: Asked, token: KnownToken | None, route: Route, rules: Rules) -> Grant:
    """Let a request in, or raise RefusedError with the status to answer.

    `token` is what the credential or the cookie stands for; None when there is none, or when it is unknown.
    """
    host = host_of(asked.host)
    if host is None or host not in rules.names:
        message = f"this server is not called {asked.host[:100]!r}"
        raise _forbidden(message, "Host", "Use its address, or add the name to the setting public_names.")
    if route in ("push", "act"):
        _check_origin(asked)
    if route == "open":
        return Grant()
    if token is not None and token.kind in _OPENS[route]:
        return Grant(token)
    if asked.credential is None and rules.token_free and _is_local(asked, host):
        return Grant()
    raise _no_token(route, token)


def _is_local(asked: Asked, host: str) -> bool:
    """Whether this machine speaks to itself, with nothing in between."""
    return host in LOCAL_HOSTS and not asked.forwarded and is_loopback(asked.peer)


def _check_origin(asked: Asked) -> None:
    """A browser that changes something must have been told so by this server's own page."""
    if asked.fetch_site is not None and asked.fetch_site not in ("same-origin", "none"):
        raise _forbidden("the request came from another site", "Sec-Fetch-Site", "Use the page of this server.")
    if asked.origin is None:
        return
    scheme, _, authority = asked.origin.lower().partition("://")
    default = {"http": ":80", "https": ":443"}.get(scheme, "")
    if not default or authority.removesuffix(default) != asked.host.strip().lower().removesuffix(default):
        raise _forbidden("the request came from another site", "Origin", "Use the page of this server.")


def _forbidden(message: str, where: str, hint: str) -> RefusedError:
    error = RefusedError(message, where=where, hint=hint, reason=where.lower())
    error.status = 403
    return error


def _no_token(route: Route, token: KnownToken | None) -> TokenError:
    """On a push route the text is for the app's user, whatever was wrong; elsewhere for whoever wrote the request."""
    if route == "push":
        error = TokenError(WRONG_TOKEN, where="token")
        error.status = 499
    elif token is not None:
        error = TokenError(
            f"a {token.kind} token does not open this", where="token", hint=f"It needs one of {_needed(route)}."
        )
        error.status = 403
    else:
        error = TokenError(
            "no token, or one that is unknown, revoked or too old",
            where="token",
            hint="On the computer that runs Gaitway: gaitway token add --kind read, or gaitway token page",
        )
    return error


def _needed(route: Route) -> str:
    return ", ".join(sorted(_OPENS[route]))
