"""A browser, a stub of the server, and pages that fail their test when anything goes wrong inside them."""

import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from browser.stub import Stub

DESK = {"viewport": {"width": 1440, "height": 900}}
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"]

OpenPage = Callable[..., Page]


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("needs the system's Chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def stub() -> Iterator[Stub]:
    stub = Stub()
    yield stub
    stub.close()


@pytest.fixture
def open_page(chromium: Browser, stub: Stub) -> Iterator[OpenPage]:
    """Opens the stub's page: `open_page("#first", clock=True, **context)`; `clock` lets the test move time."""
    contexts: list[BrowserContext] = []
    faults: list[str] = []

    def opened(hash: str = "", *, clock: bool = False, heard: bool = True, **options: Any) -> Page:
        context = chromium.new_context(**{**DESK, **options})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("console", lambda message: faults.extend([message.text] * (message.type == "error")))
        page.on("pageerror", lambda error: faults.append(str(error)))
        if clock:
            page.clock.install()
        before = stub.opened
        page.goto(stub.url + hash)
        if heard:
            stub.wait_opened(before + 1)
            page.wait_for_selector("#link[data-s=open]")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert [fault for fault in faults if not (stub.failed and fault.startswith("Failed to load resource"))] == []
