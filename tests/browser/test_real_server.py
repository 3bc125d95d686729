"""The page on a running server: `GAITWAY_PAGE_URL=http://localhost:8788/ pytest tests/browser/test_real_server.py`.

The address may be a one-time link. It starts a simulated phone there, so give it a server that may have one.
"""

import os

import pytest
from playwright.sync_api import Browser, expect

from browser.conftest import DESK

URL = os.environ.get("GAITWAY_PAGE_URL", "")
pytestmark = [pytest.mark.browser, pytest.mark.skipif(not URL, reason="needs GAITWAY_PAGE_URL")]


def test_a_simulated_phone_is_live_within_seconds(chromium: Browser) -> None:
    faults: list[str] = []
    context = chromium.new_context(**DESK)  # type: ignore[arg-type]
    page = context.new_page()
    page.on("console", lambda message: faults.extend([message.text] * (message.type == "error")))
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto(URL)
    expect(page.locator("#link-word")).to_have_text("Connected")
    page.evaluate("() => { location.hash = '#first'; }")
    expect(page.get_by_role("img", name="QR code")).to_be_visible()
    page.get_by_role("button", name="Start a simulated phone").click()
    expect(page.locator(".wait-s")).to_contain_text("% sure.", timeout=10_000)
    page.get_by_role("link", name="Go to live").click()
    expect(page.locator("h1")).to_contain_text("live")
    simulated = page.locator("[data-s=live]", has_text="simulated").first
    expect(simulated).to_contain_text("% sure")
    expect(simulated).to_contain_text("s ago")
    context.close()
    assert faults == []
