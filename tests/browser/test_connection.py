"""A connection that goes, and comes back."""

import pytest
from playwright.sync_api import expect

from browser.conftest import OpenPage
from browser.scene import EVERY_STATE, play
from browser.stub import Stub, now_ns

pytestmark = pytest.mark.browser
ADA = EVERY_STATE[0]


@pytest.fixture
def ada(stub: Stub) -> Stub:
    stub.phones = [ADA.row(now_ns())]
    return stub


def test_twelve_quiet_seconds_are_a_lost_connection(ada: Stub, open_page: OpenPage) -> None:
    page = open_page(clock=True)
    expect(page.locator("#link-word")).to_have_text("Connected")
    page.clock.run_for(11_000)
    expect(page.locator("#banner")).to_be_hidden()
    ada.refusing = False
    page.clock.run_for(1_500)
    expect(page.locator("#banner")).to_contain_text("Connection to Gaitway lost. This is how things stood at ")
    expect(page.locator("#link-word")).to_have_text("Reconnecting")


def test_a_lost_connection_freezes_what_was_known(ada: Stub, open_page: OpenPage) -> None:
    page = open_page(clock=True)
    play(ada, (ADA,))
    expect(page.locator(".card .chip")).to_have_attribute("data-s", "live")
    ada.refusing = True
    ada.drop()
    expect(page.locator("body")).to_have_class("frozen")
    page.clock.run_for(40_000)
    expect(page.locator(".card .act-name")).to_have_text("Walking")
    page.wait_for_function("() => document.getAnimations().length === 0")


def test_it_comes_back_by_itself_and_says_what_was_missed(ada: Stub, open_page: OpenPage) -> None:
    page = open_page(clock=True)
    ada.refusing = True
    ada.drop()
    expect(page.locator("#banner")).to_be_visible()
    page.clock.run_for(30_000)
    ada.refusing = False
    page.clock.run_for(20_000)
    ada.wait_opened(2)
    expect(page.locator("#banner")).to_be_hidden()
    expect(page.locator("#toast")).to_contain_text("Caught up")
    expect(page.locator("#toast")).to_contain_text("s were missing.")


def test_try_now_does_not_wait(ada: Stub, open_page: OpenPage) -> None:
    page = open_page(clock=True)
    page.clock.pause_at(page.evaluate("() => Date.now()") / 1000 + 1)
    ada.drop()
    expect(page.locator("#banner")).to_contain_text("Trying again in")
    page.get_by_role("button", name="Try now").click()
    ada.wait_opened(2)
    expect(page.locator("#link-word")).to_have_text("Connected")


def test_a_cookie_that_ran_out_locks_the_page(ada: Stub, open_page: OpenPage) -> None:
    page = open_page()
    ada.locked = True
    ada.drop()
    expect(page.locator("h1")).to_have_text("This page needs a fresh link")
    expect(page.get_by_text("What a link opened closes after 12 hours.")).to_be_visible()


def test_a_page_without_a_cookie_says_how_to_get_a_link(stub: Stub, open_page: OpenPage) -> None:
    stub.locked = True
    page = open_page(heard=False, permissions=["clipboard-read", "clipboard-write"])
    expect(page.locator("h1")).to_have_text("This page needs a fresh link")
    expect(page.get_by_text("this one has been used or is older than 10 minutes")).to_be_visible()
    page.get_by_role("button", name="Copy command").click()
    assert page.evaluate("() => navigator.clipboard.readText()") == "gaitway token page"


def test_the_whole_page_served_without_a_cookie_locks_itself(stub: Stub, open_page: OpenPage) -> None:
    stub.locked, stub.locked_file = True, "index.html"
    page = open_page(heard=False)
    expect(page.locator("h1")).to_have_text("This page needs a fresh link")
    expect(page.get_by_role("link", name="Add a phone")).to_be_hidden()


def test_a_hidden_tab_lets_go_and_resumes(ada: Stub, open_page: OpenPage) -> None:
    page = open_page(clock=True)
    turn = "(hidden) => { Object.defineProperty(document, 'hidden', {value: hidden, configurable: true}); " + (
        "document.dispatchEvent(new Event('visibilitychange')); }"
    )
    page.evaluate(turn, True)
    for _ in range(4):
        ada.send("beat", {})
        page.clock.run_for(8_000)
    expect(page.locator("#link")).to_have_attribute("data-s", "asleep")
    page.evaluate(turn, False)
    ada.wait_opened(2)
    expect(page.locator("#link")).to_have_attribute("data-s", "open")


def test_loading_says_nothing_for_300_ms_then_what_it_waits_for(ada: Stub, open_page: OpenPage) -> None:
    ada.silent = True
    page = open_page(clock=True, heard=False)
    expect(page.locator("h1")).to_have_text("Live")
    expect(page.get_by_text("Reading the last minute from the log.")).to_be_hidden()
    page.clock.run_for(400)
    expect(page.get_by_text("Reading the last minute from the log.")).to_be_visible()
    assert page.locator(".skel-r").count() == 4
    ada.silent = False
    ada.send("snapshot", ada.snapshot())
    expect(page.locator("h1")).to_have_text("One phone live")
