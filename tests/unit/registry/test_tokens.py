"""Tokens: minted once, stored hashed, bound, revoked; links and cookies."""

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gaitway.errors import NotFoundError, StateError, TokenError
from gaitway.registry import Registry, TokenBook, TokenCache

SECOND = 1_000_000_000


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    registry = Registry(tmp_path / "registry.sqlite")
    yield registry
    registry.close()


@pytest.fixture
def book(registry: Registry) -> TokenBook:
    return TokenBook(registry)


def test_a_token_is_found_by_its_text_however_it_is_typed(book: TokenBook) -> None:
    minted = book.add("read", "grafana")
    for text in (minted.text, minted.text.upper(), minted.text.replace("-", ""), f" {minted.text} "):
        assert book.find(text) == minted.token
    assert book.find(minted.text[:-1]) is None
    assert book.find("") is None


def test_only_a_hash_is_stored(book: TokenBook, tmp_path: Path) -> None:
    minted = book.add("push")
    plain = minted.text.replace("-", "")
    for file in tmp_path.iterdir():
        content = file.read_bytes()
        assert plain.encode() not in content
        assert minted.text.encode() not in content


def test_the_file_is_for_its_owner_only(registry: Registry) -> None:
    assert registry.path.stat().st_mode & 0o077 == 0


def test_tokens_do_not_repeat(book: TokenBook) -> None:
    assert len({book.add("device").text for _ in range(50)}) == 50


def test_a_revoked_token_is_unknown(book: TokenBook) -> None:
    minted = book.add("read")
    book.revoke(minted.token.id)
    assert book.find(minted.text) is None
    assert book.list() == []
    with pytest.raises(NotFoundError):
        book.revoke(minted.token.id)


def test_a_device_token_is_bound_to_the_first_phone_for_good(book: TokenBook) -> None:
    minted = book.add("device")
    book.bind(minted.token.id, "phone-a")
    book.bind(minted.token.id, "phone-a")
    with pytest.raises(TokenError):
        book.bind(minted.token.id, "phone-b")
    found = book.find(minted.text)
    assert found is not None and found.device_id == "phone-a"


def test_of_two_phones_at_once_one_gets_the_token(tmp_path: Path) -> None:
    registries = [Registry(tmp_path / "registry.sqlite") for _ in range(2)]
    token_id = TokenBook(registries[0]).add("device").token.id

    def bind(index: int) -> bool:
        try:
            TokenBook(registries[index % 2]).bind(token_id, f"phone-{index}")
        except TokenError:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(bind, range(8))) == 1
    for registry in registries:
        registry.close()


def test_a_token_runs_out(book: TokenBook) -> None:
    minted = book.add("read", now=0, seconds=10)
    assert book.find(minted.text, now=9 * SECOND) == minted.token
    assert book.find(minted.text, now=10 * SECOND) is None


def test_a_setup_token_lasts_a_day_or_once_used_for_ever(book: TokenBook) -> None:
    unused, used = book.setup_token(now=0), book.setup_token(now=0)
    book.bind(used.token.id, "phone")
    later = 100 * 24 * 3600 * SECOND
    assert book.find(unused.text, now=later) is None
    assert book.find(used.text, now=later) is not None


def test_a_link_opens_the_page_once(book: TokenBook) -> None:
    link = book.page_link(now=0)
    cookie = book.open_page(link.text, now=599 * SECOND)
    assert cookie.token.kind == "cookie"
    assert book.find(cookie.text, now=599 * SECOND) == cookie.token
    assert book.find(cookie.text, now=(599 + 12 * 3600) * SECOND) is None
    with pytest.raises(TokenError, match="fresh link"):
        book.open_page(link.text, now=599 * SECOND)


def test_a_link_is_good_for_ten_minutes(book: TokenBook) -> None:
    link = book.page_link(now=0)
    with pytest.raises(TokenError):
        book.open_page(link.text, now=600 * SECOND)


def test_no_other_token_opens_the_page(book: TokenBook) -> None:
    with pytest.raises(TokenError):
        book.open_page(book.add("read").text)


def test_links_and_cookies_are_not_listed(book: TokenBook) -> None:
    book.open_page(book.page_link().text)
    book.page_link()
    kept = book.add("push", "replay")
    assert book.list() == [kept.token]


class Clock:
    now = 0

    def __call__(self) -> int:
        return self.now


def test_another_process_s_changes_are_known_within_the_check(registry: Registry, tmp_path: Path) -> None:
    clock = Clock()
    cache = TokenCache(registry, clock=clock, check_ns=500)
    other = Registry(tmp_path / "registry.sqlite")
    minted = TokenBook(other).add("read")
    assert cache.find(minted.text) == minted.token  # a new text is asked for at once
    TokenBook(other).revoke(minted.token.id)
    assert cache.find(minted.text) is not None  # still remembered
    clock.now += 500
    assert cache.find(minted.text) is None
    other.close()


def test_a_text_that_was_unknown_is_found_after_the_check(registry: Registry) -> None:
    clock = Clock()
    cache = TokenCache(registry, clock=clock, check_ns=500)
    link = cache.book.page_link()
    cookie = cache.book.open_page(link.text)
    assert cache.find(link.text) is None
    assert cache.find(cookie.text) == cookie.token


def test_the_cache_binds_and_knows_it_at_once(registry: Registry) -> None:
    cache = TokenCache(registry)
    minted = cache.book.add("device")
    assert cache.find(minted.text) == minted.token
    cache.bind(minted.token.id, "phone")
    found = cache.find(minted.text)
    assert found is not None and found.device_id == "phone"


def test_when_a_token_was_last_used_is_written_when_told(registry: Registry) -> None:
    cache = TokenCache(registry)
    minted = cache.book.add("read")
    cache.find(minted.text)
    assert cache.book.list()[0].last_used is None
    cache.flush_used()
    assert (cache.book.list()[0].last_used or 0) >= minted.token.created


def test_wrong_texts_do_not_fill_the_memory(registry: Registry) -> None:
    cache = TokenCache(registry)
    for number in range(5000):
        assert cache.find(f"wrong {number}") is None
    assert len(cache._known) <= 4096


def test_a_registry_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "registry.sqlite"
    Registry(path).close()
    with sqlite3.connect(path) as db:
        db.execute("UPDATE registry SET value = '99' WHERE key = 'schema'")
    db.close()
    with pytest.raises(StateError, match="version 99"):
        Registry(path)


def test_a_file_that_is_no_registry_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "registry.sqlite"
    path.write_bytes(b"not a database" * 100)
    with pytest.raises(StateError) as caught:
        Registry(path)
    assert caught.value.where == str(path)


def test_another_room_s_tables_are_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "registry.sqlite"
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE log_streams (no INTEGER)")
        db.execute("INSERT INTO log_streams VALUES (7)")
    db.close()
    registry = Registry(path)
    assert registry.rows("SELECT no FROM log_streams")[0][0] == 7
    registry.close()
