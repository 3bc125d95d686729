"""`gaitway token`: who may push and read."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gaitway.errors import NotFoundError
from gaitway.registry import Registry, Token, TokenBook

if TYPE_CHECKING:
    from gaitway.config import Settings

_KINDS = ("device", "push", "read")


def _folder_options(command: Callable[..., None]) -> Callable[..., None]:
    """Options that every one of these commands has."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Print one JSON object."),
        click.option("--config", type=click.Path(path_type=Path), help="TOML file with settings."),
        click.option("--data", type=click.Path(path_type=Path), help="Data folder [./data]."),
    ):
        command = option(command)
    return command


@click.group(name="token", epilog="Example: gaitway token add --kind read --name grafana")
def command() -> None:
    """Add, list and revoke tokens, or print a link to the page. Works while the server runs.

    A `device` token serves the first phone that pushes with it, `push` any phone (replay, simulate), `read` the API.
    """


@command.command(epilog="Example: gaitway token add --kind device --name 'Anna'")
@click.option("--kind", type=click.Choice(_KINDS), default="device", show_default=True, help="What it opens.")
@click.option("--name", default="", help="What to call it in the list.")
@_folder_options
def add(kind: str, name: str, data: Path | None, config: Path | None, as_json: bool) -> None:
    """Make a token. It is shown once; only its hash is kept."""
    with _open(data, config) as (_, registry):
        minted = TokenBook(registry).add(kind, name)  # type: ignore[arg-type]
    if as_json:
        _print({"token": minted.text, **_row(minted.token)})
        return
    click.echo(minted.text)
    click.echo(f"A {kind} token, number {minted.token.id}. It is not shown again.", err=True)


@command.command("list", epilog="Example: gaitway token list --json")
@_folder_options
def list_(data: Path | None, config: Path | None, as_json: bool) -> None:
    """List tokens that work; their texts are not known."""
    tokens = _tokens(data, config)
    if as_json:
        _print({"tokens": [_row(token) for token in tokens]})
        return
    if not tokens:
        click.echo("No tokens yet: gaitway token add")
        return
    _print_table(tokens)


@command.command(epilog="Example: gaitway token revoke 3")
@click.argument("token_id", metavar="ID", type=int)
@_folder_options
def revoke(token_id: int, data: Path | None, config: Path | None, as_json: bool) -> None:
    """Stop a token from working; a running server notices within a second."""
    with _open(data, config, make=False) as (_, registry):
        TokenBook(registry).revoke(token_id)
    if as_json:
        _print({"revoked": token_id})
    else:
        click.echo(f"Token {token_id} no longer works.")


@command.command(epilog="Example: gaitway token page")
@_folder_options
def page(data: Path | None, config: Path | None, as_json: bool) -> None:
    """Print a link that opens the page, once, within ten minutes; the browser then stays in for twelve hours."""
    with _open(data, config) as (settings, registry):
        minted = TokenBook(registry).page_link()
        url = f"{registry.noted('url') or _page_url(settings)}/link/{minted.text}"
    if as_json:
        _print({"url": url, "expires": minted.token.expires})
    else:
        click.echo(url)


@contextmanager
def _open(data: Path | None, config: Path | None, *, make: bool = True) -> "Iterator[tuple[Settings, Registry]]":
    """Settings and registry. A folder is never made, and without `make` no registry in it: NotFoundError instead."""
    from gaitway.config import load

    settings = load(config, overrides={"data": data})
    path = settings.data / "registry.sqlite"
    if not (settings.data.is_dir() if make else path.exists()):
        hint = "Name the folder that `gaitway serve --data` uses; run `gaitway serve` first to make a new one."
        message = f"{settings.data} is no data folder" if make else f"{settings.data} holds no tokens"
        raise NotFoundError(message, where=str(settings.data), hint=hint)
    registry = Registry(path)
    try:
        yield settings, registry
    finally:
        registry.close()


def _tokens(data: Path | None, config: Path | None) -> list[Token]:
    """The tokens that work. Looking makes nothing: a folder without a registry has none."""
    from gaitway.config import load

    folder = load(config, overrides={"data": data}).data
    if folder.is_dir() and not (folder / "registry.sqlite").exists():
        return []
    with _open(data, config, make=False) as (_, registry):
        return TokenBook(registry).list()


def _page_url(settings: "Settings") -> str:
    """Where a browser will find the page of a server that has not run yet on this folder."""
    from gaitway.web.front import FrontSettings, url_for

    return url_for(settings.pick(FrontSettings))


def _row(token: Token) -> dict[str, Any]:
    return {
        "id": token.id,
        "kind": token.kind,
        "name": token.name,
        "created": token.created,
        "last_used": token.last_used,
        "device_id": token.device_id,
    }


def _print(value: Mapping[str, Any]) -> None:
    click.echo(json.dumps(value))


def _print_table(tokens: list[Token]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("id", "kind", "name", "created", "last used", "phone", box=None)
    for token in tokens:
        table.add_row(
            str(token.id),
            token.kind,
            token.name,
            _moment(token.created),
            _moment(token.last_used),
            token.device_id or "",
        )
    Console().print(table)


def _moment(at: int | None) -> str:
    if at is None:
        return "never"
    seconds = max(0.0, (time.time_ns() - at) / 1e9)
    if seconds < 7200:
        return f"{seconds / 60:.0f} min ago"
    return f"{datetime.fromtimestamp(at / 1e9, UTC).astimezone():%Y-%m-%d %H:%M}"
