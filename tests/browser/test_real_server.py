"""The page on a real `gaitway serve`: opened by its one-time link, alive within 3 s of the first readings."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from browser.conftest import DESK
from gaitway.profiles.folder import DataFolder
from gaitway.registry import Registry, TokenBook
from serving import Server

pytestmark = pytest.mark.browser


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A server that wants tokens, as if on the network: behind the name localhost everybody needs one."""
    made = Server(tmp_path / "data", public_names="localhost")
    made.start()
    yield made
    made.stop()


def link_of(server: Server) -> str:
    """A one-time link to the page."""
    registry = Registry(DataFolder(server.data).registry)
    text = TokenBook(registry).page_link().text
    registry.close()
    return f"http://localhost:{server.port}/link/{text}"


def test_a_simulated_phone_is_live_within_three_seconds(chromium: Browser, server: Server) -> None:
    faults: list[str] = []
    context = chromium.new_context(**DESK)  # type: ignore[arg-type]
    page = context.new_page()
    page.on("console", lambda message: faults.extend([message.text] * (message.type == "error")))
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto(link_of(server))
    expect(page.locator("#link-word")).to_have_text("Connected")
    page.evaluate("() => { location.hash = '#first'; }")
    expect(page.get_by_role("img", name="QR code")).to_be_visible()

    page.get_by_role("button", name="Start a simulated phone").click()
    expect(page.locator(".wait-s")).to_contain_text("Receiving", timeout=10_000)
    receiving = time.monotonic()
    expect(page.locator(".wait-s")).to_contain_text("% sure.", timeout=10_000)
    waited = time.monotonic() - receiving

    page.get_by_role("link", name="Go to live").click()
    expect(page.locator("h1")).to_contain_text("live")
    simulated = page.locator("[data-s=live]", has_text="simulated").first
    expect(simulated).to_contain_text("% sure")
    expect(simulated).to_contain_text("s ago")
    context.close()
    assert faults == []
    assert waited < 3


def test_a_link_works_once(chromium: Browser, server: Server) -> None:
    link = link_of(server)
    for words in ("Point your phone here", "This page needs a fresh link"):
        context = chromium.new_context(**DESK)  # type: ignore[arg-type]
        page = context.new_page()
        page.goto(link)
        expect(page.locator("h1")).to_have_text(words)
        context.close()
