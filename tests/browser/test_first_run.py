# ruff: noqa: RUF001  (the page's words are typeset)
"""The first run: from nothing to a live card."""

import pytest
from playwright.sync_api import Page, expect

from browser.conftest import PHONE, OpenPage
from browser.scene import EVERY_STATE, Walker, play
from browser.stub import LINK, Stub, now_ns

pytestmark = pytest.mark.browser
ADA = EVERY_STATE[0]
NAMELESS = Walker("ada", None, None, "walking", 0.94)


def ticked(page: Page) -> int:
    return page.locator(".steps li[data-s=done]").count()


def found(stub: Stub) -> None:
    stub.send("knock", {"kind": "found", "address": "192.168.1.7", "device_id": "ada", "reason": "found", "count": 1})


def test_no_phone_yet_shows_where_to_point_one(stub: Stub, open_page: OpenPage) -> None:
    page = open_page()
    expect(page.locator("h1")).to_have_text("Point your phone here")
    expect(page.get_by_text("Waiting for a phone")).to_be_visible()
    expect(page.get_by_text("Listening on 192.168.1.42, port 8788.")).to_be_visible()
    expect(page.get_by_text("http://192.168.1.42:8788/data", exact=True)).to_be_visible()
    assert ticked(page) == 0


def test_the_code_is_whole_pixels_black_on_white(stub: Stub, open_page: OpenPage) -> None:
    page = open_page(color_scheme="dark")
    picture = page.get_by_role("img", name="QR code")
    expect(picture).to_be_visible()
    width, natural = picture.evaluate("(img) => img.decode().then(() => [img.clientWidth, img.naturalWidth])")
    assert width == natural
    assert width % 4 == 0
    plate = page.locator(".plate").evaluate("(node) => getComputedStyle(node).backgroundColor")
    assert plate == "rgb(255, 255, 255)"


def test_the_token_is_hidden_until_asked_for_and_can_be_copied(stub: Stub, open_page: OpenPage) -> None:
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    token = page.get_by_text("mossy-heron-7Q4K")
    expect(page.get_by_text("•••••-•••••-••••")).to_be_visible()
    expect(token).to_have_count(0)
    page.get_by_role("button", name="Show token").click()
    expect(token).to_be_visible()
    page.get_by_role("button", name="Copy token").click()
    expect(page.locator("#toast")).to_have_text("Copied")
    assert page.evaluate("() => navigator.clipboard.readText()") == "mossy-heron-7Q4K"


def test_copying_works_without_a_clipboard_as_over_plain_http(stub: Stub, open_page: OpenPage) -> None:
    page = open_page()
    page.evaluate("() => Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    page.get_by_role("button", name="Copy address").click()
    expect(page.locator("#toast")).to_have_text("Copied")


def test_on_the_phone_itself_one_tap_sets_the_app_up(stub: Stub, open_page: OpenPage) -> None:
    page = open_page(**PHONE)
    expect(page.get_by_text("Reading this on the phone itself? One tap sets the app up.")).to_be_visible()
    expect(page.get_by_role("link", name="Open in Sensor Logger")).to_have_attribute("href", LINK)
    expect(page.get_by_role("img", name="QR code")).to_be_hidden()


def test_after_a_minute_it_asks_about_the_network(stub: Stub, open_page: OpenPage) -> None:
    page = open_page()
    said = page.evaluate(
        """async (setup) => {
        const [{initial}, {entry, standing, told}] = await Promise.all(
          [import("/static/js/store.js"), import("/static/js/firstrun.js")]);
        const began = entry(initial, 0);
        return [59_999, 60_000].map((at) => told(standing(initial, began, at), initial, at, setup));
        }""",
        stub.setup,
    )
    assert said == [
        ["Waiting for a phone", "Listening on 192.168.1.42, port 8788."],
        ["Still waiting", "A minute has passed. Is the phone on the same Wi-Fi as this laptop?"],
    ]


def test_steps_are_ticked_by_the_test_push_then_by_readings(stub: Stub, open_page: OpenPage) -> None:
    page = open_page("#first")
    found(stub)
    expect(page.get_by_text("Phone found")).to_be_visible()
    expect(page.get_by_text("Its test push arrived. Start recording in the app and pocket the phone.")).to_be_visible()
    assert ticked(page) == 3
    expect(page.locator(".steps li[aria-current=step]")).to_contain_text("Start recording")
    stub.send("phone", NAMELESS.row(now_ns()) | {"activity": None, "since": None})
    expect(page.get_by_text("Receiving 297 readings a second")).to_be_visible()
    expect(page.get_by_text("First verdict in a moment.")).to_be_visible()
    assert ticked(page) == 4


def test_a_name_given_before_the_first_reading_is_kept_for_it(stub: Stub, open_page: OpenPage) -> None:
    page = open_page("#first")
    found(stub)
    page.get_by_label("What shall it be called?").fill("Ada’s iPhone")
    page.keyboard.press("Enter")
    expect(page.locator("#toast")).to_contain_text("It will be called Ada’s iPhone")
    assert stub.names == {}
    stub.send("phone", NAMELESS.row(now_ns()) | {"activity": None})
    expect(page.locator("#toast")).to_have_text("Named")
    assert stub.names == {"ada": "Ada’s iPhone"}


def test_the_first_verdict_opens_the_live_view(stub: Stub, open_page: OpenPage) -> None:
    page = open_page()
    found(stub)
    expect(page.get_by_text("Phone found")).to_be_visible()
    play(stub, (NAMELESS,))
    expect(page.locator("h1")).to_have_text("One phone live")
    expect(page.locator(".card .act-name")).to_have_text("Walking")


def test_a_window_that_has_to_fill_first_is_no_verdict_yet(stub: Stub, open_page: OpenPage) -> None:
    page = open_page()
    stub.send("signal", NAMELESS.signal(now_ns(), 1))
    stub.send("verdict", NAMELESS.verdict(now_ns(), "unknown"))
    expect(page.get_by_text("First verdict in a moment.")).to_be_visible()
    stub.send("verdict", NAMELESS.verdict(now_ns(), "walking"))
    expect(page.locator(".card .act-name")).to_have_text("Walking")


def test_whoever_is_typing_a_name_is_not_interrupted(stub: Stub, open_page: OpenPage) -> None:
    page = open_page()
    found(stub)
    page.get_by_label("What shall it be called?").click()
    page.keyboard.type("Ada")
    play(stub, (NAMELESS,))
    expect(page.get_by_text("Walking, 94% sure.")).to_be_visible()
    expect(page.get_by_label("What shall it be called?")).to_be_focused()
    page.get_by_role("link", name="Go to live").click()
    expect(page.locator("h1")).to_have_text("One phone live")


def test_a_wrong_token_is_named_with_its_address(stub: Stub, open_page: OpenPage) -> None:
    page = open_page()
    stub.send("knock", {"kind": "refused", "address": "192.168.1.77", "reason": "token", "count": 14, "last": now_ns()})
    expect(page.get_by_text("Turned away: wrong token")).to_be_visible()
    expect(page.locator(".wait")).to_contain_text("192.168.1.77 tried 14 times in the last minute. Scan the code again")
    assert ticked(page) == 0


def test_the_button_starts_a_simulated_phone_which_proves_no_step(stub: Stub, open_page: OpenPage) -> None:
    page = open_page("#first")
    page.get_by_role("button", name="Start a simulated phone").click()
    expect(page.get_by_text("A simulated one. Its first readings are on the way.")).to_be_visible()
    simulated = Walker("simulated-1", "Simulated phone 1", None, "walking", extra={"simulated": True})
    stub.send("phone", simulated.row(now_ns()))
    play(stub, (simulated,))
    expect(page.get_by_text("Receiving 297 readings a second")).to_be_visible()
    assert ticked(page) == 0


def test_opened_by_its_address_it_takes_known_phones_for_no_news(stub: Stub, open_page: OpenPage) -> None:
    stub.phones = [ADA.row(now_ns())]
    page = open_page("#first")
    play(stub, (ADA,))
    expect(page.get_by_text("Waiting for a phone")).to_be_visible()


def test_adding_a_second_phone_waits_for_that_one(stub: Stub, open_page: OpenPage) -> None:
    stub.phones = [ADA.row(now_ns())]
    page = open_page()
    page.get_by_role("link", name="Add a phone").click()
    play(stub, (ADA,))
    expect(page.get_by_text("Waiting for a phone")).to_be_visible()
    ben = Walker("ben", None, None, "running")
    play(stub, (ben,))
    expect(page.get_by_text("Receiving readings")).to_be_visible()


def test_a_server_that_no_phone_can_reach_says_so(stub: Stub, open_page: OpenPage) -> None:
    stub.setup |= {"host": "127.0.0.1", "address": "http://127.0.0.1:8788/data"}
    page = open_page()
    expect(page.get_by_text("Gaitway listens on this computer only.")).to_be_visible()
