"""What `serve` prints: secrets only for a person at a terminal, and addresses that lead somewhere."""

from pathlib import Path

import pytest

from gaitway.config import Settings
from gaitway.profiles.processes import local_url
from gaitway.profiles.welcome import addresses, welcome
from gaitway.registry import Registry, TokenBook


def test_a_terminal_gets_link_and_token(tmp_path: Path) -> None:
    found = welcome(Settings(data=tmp_path, host="192.0.2.7"))
    assert found.token
    assert found.token in found.text("data")
    assert "/link/" in found.page


def test_a_journal_gets_addresses_and_nothing_is_minted(tmp_path: Path) -> None:
    text = addresses(Settings(data=tmp_path, host="192.0.2.7"))
    assert "http://192.0.2.7:8788/data" in text
    assert "/link/" not in text
    assert "gaitway token page" in text
    assert "gaitway token add" in text
    registry = Registry(tmp_path / "registry.sqlite")
    try:
        assert TokenBook(registry).list() == []
    finally:
        registry.close()


def test_a_server_for_this_machine_needs_no_tokens(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, host="127.0.0.1")
    assert welcome(settings).token == ""
    assert "token" not in addresses(settings)


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("0.0.0.0", "http://127.0.0.1:8788"),
        ("::", "http://[::1]:8788"),
        ("::1", "http://[::1]:8788"),
        ("192.0.2.7", "http://192.0.2.7:8788"),
    ],
)
def test_simulated_phones_reach_the_address_that_is_bound(host: str, url: str) -> None:
    assert local_url(Settings(host=host)) == url
