"""`gaitway token`, as a person and as a script uses it."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from gaitway.cli.token import command
from gaitway.errors import NotFoundError, SettingsError
from gaitway.registry import Registry, TokenBook


def ask(*arguments: str) -> str:
    result = CliRunner().invoke(command, arguments, catch_exceptions=False, env={"COLUMNS": "120"})
    assert result.exit_code == 0, result.output
    return result.stdout


def ask_json(*arguments: str) -> Any:
    return json.loads(ask(*arguments, "--json"))


@pytest.fixture
def folder(tmp_path: Path) -> tuple[str, str]:
    return "--data", str(tmp_path)


@pytest.mark.parametrize("kind", ["device", "push", "read"])
def test_an_added_token_works_and_is_printed_alone(folder: tuple[str, str], tmp_path: Path, kind: str) -> None:
    text = ask("add", "--kind", kind, "--name", "Anna", *folder).strip()
    registry = Registry(tmp_path / "registry.sqlite")
    found = TokenBook(registry).find(text)
    registry.close()
    assert found is not None and (found.kind, found.name) == (kind, "Anna")


def test_the_list_never_shows_a_token(folder: tuple[str, str]) -> None:
    assert "gaitway token add" in ask("list", *folder)
    added = ask_json("add", "--kind", "read", "--name", "grafana", *folder)
    assert added["token"] not in ask("list", *folder)
    assert "grafana" in ask("list", *folder)
    (row,) = ask_json("list", *folder)["tokens"]
    assert set(row) == {"id", "kind", "name", "created", "last_used", "device_id"}


def test_a_revoked_token_is_gone_and_an_unknown_one_is_said(folder: tuple[str, str]) -> None:
    added = ask_json("add", *folder)
    assert ask_json("revoke", str(added["id"]), *folder) == {"revoked": added["id"]}
    assert ask_json("list", *folder) == {"tokens": []}
    with pytest.raises(NotFoundError):
        ask("revoke", str(added["id"]), *folder)


def test_a_page_link_is_for_the_server_that_runs_here(folder: tuple[str, str], tmp_path: Path) -> None:
    assert ":8788/link/" in ask("page", *folder)
    registry = Registry(tmp_path / "registry.sqlite")
    registry.note("url", "http://192.168.1.42:9000")
    url = ask_json("page", *folder)["url"]
    assert url.startswith("http://192.168.1.42:9000/link/")
    assert TokenBook(registry).open_page(url.rpartition("/")[2]).token.kind == "cookie"
    registry.close()


def test_wrong_settings_are_said_before_anything_is_made(folder: tuple[str, str], tmp_path: Path) -> None:
    config = tmp_path / "gaitway.toml"
    config.write_text("prot = 1")
    with pytest.raises(SettingsError):
        ask("add", "--config", str(config), *folder)
    assert not (tmp_path / "registry.sqlite").exists()
