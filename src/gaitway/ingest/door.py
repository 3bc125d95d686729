"""The door every request comes through: finds its token, asks the gate, counts, remembers who was turned away."""

import asyncio
import time
from dataclasses import dataclass
from typing import Protocol

from gaitway.core.message import Stream
from gaitway.errors import RefusedError, TokenError
from gaitway.ingest.gate import WRONG_TOKEN, Asked, Grant, KnownToken, Route, Rules, decide
from gaitway.ingest.knocks import Knocks
from gaitway.ingest.quota import Quotas, What


class Tokens(Protocol):
    """Where tokens are looked up and bound (`registry.TokenCache` is one)."""

    def find(self, text: str) -> KnownToken | None:
        """The token of a text, or None."""
        ...

    def bind(self, token_id: int, device_id: str) -> None:
        """Bind a device token to its phone; durable on return. Raises TokenError when it has another one."""
        ...


@dataclass(frozen=True, slots=True)
class Caller:
    """Who pushes."""

    grant: Grant
    address: str | None = None


class Door:
    """Lets requests in, or raises RefusedError."""

    def __init__(self, rules: Rules, tokens: Tokens, quotas: Quotas, knocks: Knocks) -> None:
        self.rules = rules
        self.knocks = knocks
        self._tokens = tokens
        self._quotas = quotas

    def admit(self, asked: Asked, route: Route) -> Grant:
        """Let a request in on a route. A page that merely has no cookie yet is no knock worth remembering."""
        try:
            return decide(asked, self._token(asked, route), route, self.rules)
        except RefusedError as error:
            if asked.credential is not None or route == "push":
                self.knocks.refused(asked.peer, error.reason, str(error), time.time_ns())
            raise

    def count(self, grant: Grant, what: What, amount: float) -> None:
        """Count against the quota of whoever was let in. Raises QuotaError."""
        self._quotas.take(grant.key, what, amount, time.monotonic_ns())

    @staticmethod
    def is_settled(caller: Caller, stream: Stream) -> bool:
        """Whether a caller may push for a device as things are; `claim` has to be asked where not."""
        token = caller.grant.token
        return token is None or token.kind != "device" or token.device_id == stream.device_id

    async def claim(self, caller: Caller, stream: Stream) -> None:
        """Check that a caller may push for a device; a fresh device token is bound to it. Raises TokenError, 499."""
        token = caller.grant.token
        if token is None or self.is_settled(caller, stream):
            return
        try:
            if token.device_id is not None:
                raise TokenError(WRONG_TOKEN)
            await asyncio.to_thread(self._tokens.bind, token.id, stream.device_id)
        except TokenError as error:
            self.knocks.refused(caller.address, "bound", WRONG_TOKEN, time.time_ns())
            refused = TokenError(WRONG_TOKEN, where="token", reason="bound")
            refused.status = 499
            raise refused from error

    def _token(self, asked: Asked, route: Route) -> KnownToken | None:
        """What the request shows. A cookie is one only in the cookie's place, and the other way round."""
        if asked.credential is not None:
            token = self._tokens.find(asked.credential)
            return token if token is not None and token.kind not in ("cookie", "page-link") else None
        if asked.cookie is not None and route != "push":
            token = self._tokens.find(asked.cookie)
            return token if token is not None and token.kind == "cookie" else None
        return None
