"""Tokens: minted, found by their hash, bound, revoked. The page's one-time links and cookies are tokens too."""

import sqlite3
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple, cast

from gaitway.errors import NotFoundError, TokenError
from gaitway.registry.secret import hash_of, new_secret
from gaitway.registry.store import Registry

Kind = Literal["device", "push", "read", "page-link", "cookie"]
_SECOND: Final = 1_000_000_000
LINK_SECONDS: Final = 600
COOKIE_SECONDS: Final = 12 * 3600
#: Name of the tokens that the page puts into its QR code.
SETUP_NAME: Final = "page set-up"
_SETUP_SECONDS: Final = 24 * 3600


@dataclass(frozen=True, slots=True)
class Token:
    """What is known of a token; never its text. Times are ns."""

    id: int
    kind: Kind
    name: str
    created: int
    expires: int | None = None
    last_used: int | None = None
    device_id: str | None = None
    """The only device it serves: the first that a `device` token pushed for."""

    def valid(self, now: int) -> bool:
        """Whether it has not run out."""
        return self.expires is None or now < self.expires


class Minted(NamedTuple):
    """A new token and its text, which nobody can read again."""

    token: Token
    text: str


def _token(row: sqlite3.Row) -> Token:
    return Token(
        row["id"],
        cast(Kind, row["kind"]),
        row["name"],
        row["created"],
        row["expires"],
        row["last_used"],
        row["device_id"],
    )


class TokenBook:
    """All tokens of a registry. Every change is durable on return and seen by other processes."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def add(self, kind: Kind, name: str = "", *, now: int | None = None, seconds: float | None = None) -> Minted:
        """Mint a token that is good for ever, or for some seconds."""
        now = time.time_ns() if now is None else now
        expires = None if seconds is None else now + round(seconds * _SECOND)
        text = new_secret()
        with self._registry.transaction() as db:
            added = db.execute(
                "INSERT INTO tokens (hash, kind, name, created, expires) VALUES (?, ?, ?, ?, ?)",
                (hash_of(text), kind, name, now, expires),
            )
        return Minted(Token(added.lastrowid or 0, kind, name, now, expires), text)

    def find(self, text: str, *, now: int | None = None) -> Token | None:
        """The token of a text, unless it is unknown, revoked or has run out."""
        digest = hash_of(text)
        if digest is None:
            return None
        rows = self._registry.rows("SELECT * FROM tokens WHERE hash = ? AND revoked IS NULL", (digest,))
        token = _token(rows[0]) if rows else None
        return token if token and token.valid(time.time_ns() if now is None else now) else None

    def list(self, *, now: int | None = None) -> list[Token]:
        """Tokens that work and that people made: no links, no cookies. Oldest first."""
        now = time.time_ns() if now is None else now
        rows = self._registry.rows(
            "SELECT * FROM tokens WHERE revoked IS NULL AND kind IN ('device', 'push', 'read') ORDER BY id"
        )
        return [token for token in map(_token, rows) if token.valid(now)]

    def revoke(self, token_id: int, *, now: int | None = None) -> None:
        """Stop a token from working; running servers notice within a second. Raises NotFoundError."""
        with self._registry.transaction() as db:
            done = db.execute(
                "UPDATE tokens SET revoked = ? WHERE id = ? AND revoked IS NULL",
                (time.time_ns() if now is None else now, token_id),
            )
        if not done.rowcount:
            message = f"no working token has the id {token_id}"
            raise NotFoundError(message, where="id", hint="See `gaitway token list`.")

    def bind(self, token_id: int, device_id: str) -> None:
        """Bind a `device` token to the first device it pushes for, for good. Raises TokenError when it has another.

        Two first messages may arrive together: the first to be written wins, whichever process it came to.
        """
        with self._registry.transaction() as db:
            db.execute(
                "UPDATE tokens SET device_id = ?, expires = NULL WHERE id = ? AND device_id IS NULL",
                (device_id, token_id),
            )
            row = db.execute("SELECT device_id FROM tokens WHERE id = ?", (token_id,)).fetchone()
        if row is None or row[0] != device_id:
            raise TokenError("this token serves another phone", where="token", hint="Make a token for this phone.")

    def touch(self, used: Iterable[tuple[int, int]]) -> None:
        """Note when tokens were last used: (id, ns), in one transaction."""
        with self._registry.transaction() as db:
            db.executemany("UPDATE tokens SET last_used = ? WHERE id = ?", [(at, token_id) for token_id, at in used])

    def page_link(self, *, now: int | None = None) -> Minted:
        """A link that opens the page once, within ten minutes. Sweeps away links and cookies that have run out."""
        now = time.time_ns() if now is None else now
        with self._registry.transaction() as db:
            db.execute("DELETE FROM tokens WHERE kind IN ('page-link', 'cookie') AND expires <= ?", (now,))
        return self.add("page-link", now=now, seconds=LINK_SECONDS)

    def open_page(self, link: str, *, now: int | None = None) -> Minted:
        """Take a link and give a cookie for twelve hours. Raises TokenError when the link was used or is too old."""
        now = time.time_ns() if now is None else now
        with self._registry.transaction() as db:
            taken = db.execute(
                "DELETE FROM tokens WHERE hash = ? AND kind = 'page-link' AND expires > ?", (hash_of(link), now)
            )
        if not taken.rowcount:
            raise TokenError(
                "This page needs a fresh link",
                where="link",
                hint="Links work once and for 10 minutes. On the computer that runs Gaitway: gaitway token page",
            )
        return self.add("cookie", now=now, seconds=COOKIE_SECONDS)

    def setup_token(self, *, now: int | None = None) -> Minted:
        """A `device` token for the page's QR code: good for a day, or for ever once a phone used it."""
        now = time.time_ns() if now is None else now
        with self._registry.transaction() as db:
            db.execute("DELETE FROM tokens WHERE name = ? AND device_id IS NULL AND expires <= ?", (SETUP_NAME, now))
        return self.add("device", SETUP_NAME, now=now, seconds=_SETUP_SECONDS)
