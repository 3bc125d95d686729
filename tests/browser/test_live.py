# ruff: noqa: RUF001  (the page's words are typeset)
"""The live view: one card per phone, by rule, in place."""

import pytest
from playwright.sync_api import Page, expect

from browser.conftest import PHONE, OpenPage
from browser.scene import EVERY_STATE, SECOND, Walker, crowd, play, quiet_rows
from browser.stub import Stub, now_ns

pytestmark = pytest.mark.browser
ADA, BEN, CHLOE, SAM, FARAH = EVERY_STATE


def everything(stub: Stub) -> None:
    now = now_ns()
    stub.phones = [walker.row(now) for walker in EVERY_STATE] + quiet_rows(now)
    stub.knocks = [{"kind": "refused", "address": "192.168.1.77", "reason": "token", "count": 14, "last": now}]


def card(page: Page, name: str) -> str:
    return " ".join(page.locator(".card", has_text=name).inner_text().split())


def test_headline_counts_and_trouble_is_named_and_linked(stub: Stub, open_page: OpenPage) -> None:
    everything(stub)
    page = open_page()
    expect(page.locator("h1")).to_have_text("Five phones live")
    expect(page.locator(".head p")).to_contain_text("One is silent and one is being turned away. One stopped recording")
    page.get_by_role("link", name="silent").click()
    expect(page.locator(".card:focus")).to_contain_text("Lab phone A")


def test_each_state_says_its_cause(stub: Stub, open_page: OpenPage) -> None:
    everything(stub)
    page = open_page()
    play(stub, EVERY_STATE)
    expect(page.locator(".card", has_text="Ada’s iPhone").locator("p").first).to_contain_text("94% sure, for 4 min 1")
    assert all(badge in card(page, "Ada’s iPhone") for badge in ("163 lost", "21 late", "1 set aside"))
    assert "41% of the last 10 seconds arrived. Gaitway needs half of them" in card(page, "Farah’s iPhone")
    assert "1 h 04 min recorded, 36 min of it moving." in card(page, "Dmitri’s Galaxy")
    assert "was walking Probably the battery: it was at 3%." in card(page, "Lab phone A")
    assert "simulated" in card(page, "Simulated phone 1")
    assert "Wrong token from 192.168.1.77, 14 times in the last minute." in card(page, "Unknown phone")


def test_cards_keep_the_order_of_names(stub: Stub, open_page: OpenPage) -> None:
    everything(stub)
    page = open_page()
    names = [text.split("\n")[0].split(" ")[0] for text in page.locator(".card h3").all_inner_texts()]
    assert names == ["Ada’s", "Ben’s", "Chloé’s", "Dmitri’s", "Farah’s", "Lab", "Simulated", "Unknown"]


def test_a_verdict_changes_the_card_in_place(stub: Stub, open_page: OpenPage) -> None:
    stub.phones = [ADA.row(now_ns())]
    page = open_page()
    expect(page.locator(".act-name")).to_have_text("Walking")
    page.evaluate("document.querySelector('.card').focus(); window.kept = document.querySelector('.card')")
    stub.send("verdict", ADA.verdict(now_ns(), "running"))
    expect(page.locator(".act-name")).to_have_text("Running")
    expect(page.locator(".ring")).to_have_attribute("data-act", "running")
    assert page.evaluate("window.kept.isConnected && document.activeElement === window.kept")
    expect(page).to_have_title("Running – Ada’s iPhone – Gaitway")


def test_a_new_phone_is_there_with_its_first_reading(stub: Stub, open_page: OpenPage) -> None:
    stub.phones = [ADA.row(now_ns())]
    page = open_page()
    play(stub, (BEN,))
    expect(page.locator(".card")).to_have_count(2)
    stub.send("phone", BEN.row(now_ns()))
    expect(page.locator(".card", has_text="Ben’s Pixel").locator(".act-name")).to_have_text("Running")


def test_age_makes_a_phone_late_then_silent(stub: Stub, open_page: OpenPage) -> None:
    stub.phones = [ADA.row(now_ns())]
    page = open_page(clock=True)
    chip = page.locator(".card .chip")
    expect(chip).to_have_attribute("data-s", "live")
    for seconds, state, title in ((7, "late", "Walking"), (10, "silent", "No data")):
        stub.send("beat", {})
        page.clock.fast_forward(seconds * 1000)
        stub.send("beat", {})
        expect(page.locator("#link")).to_have_attribute("data-s", "open")
        expect(chip).to_have_attribute("data-s", state)
        expect(page.locator(".act-name")).to_have_text(title)


def test_ten_minutes_of_silence_are_taken_for_a_stop(stub: Stub, open_page: OpenPage) -> None:
    stub.phones = [ADA.row(now_ns() - 601 * SECOND)]
    page = open_page()
    expect(page.locator(".act-name")).to_have_text("Stopped")
    expect(page.locator(".card-m p")).to_contain_text("assumed")


def test_the_signal_is_drawn_in_the_colour_of_its_verdict_with_gaps(stub: Stub, open_page: OpenPage) -> None:
    stub.phones = [ADA.row(now_ns())]
    page = open_page(reduced_motion="reduce")
    end = now_ns()
    signal = ADA.signal(end, 12)
    signal["a"][125:175] = [None] * 50  # two seconds in the middle
    stub.send("signal", signal)
    page.wait_for_function("() => { const c = document.querySelector('.spark'); return inked(c, .9) > 0; }" + INKED)
    share = page.evaluate("() => [.2, .45, .9].map((x) => inked(document.querySelector('.spark'), x))" + INKED)
    assert share[0] > 0
    assert share[1] == 0, "nothing is drawn where nothing came"
    assert share[2] > 0


#: How many pixels of a column, above the ground, are the walking green.
INKED = """;
function inked(canvas, at) {
  const g = canvas.getContext("2d"), x = Math.round(canvas.width * at), h = canvas.height - 4;
  const p = g.getImageData(x - 2, 0, 5, h).data;
  let n = 0;
  for (let i = 0; i < p.length; i += 4) if (p[i + 3] > 120 && p[i + 1] > p[i] + 40) n++;
  return n;
}"""


def test_the_sparkline_is_drawn_once_per_message_and_then_glides(stub: Stub, open_page: OpenPage) -> None:
    stub.phones = [ADA.row(now_ns())]
    page = open_page()
    page.evaluate(
        """() => {
        window.drawn = 0;
        const pen = CanvasRenderingContext2D.prototype, clear = pen.clearRect;
        pen.clearRect = function (...a) { window.drawn++; return clear.apply(this, a); };
        }"""
    )
    end = now_ns()
    stub.send("signal", ADA.signal(end, 12))
    page.wait_for_function("() => window.drawn === 1")
    stub.send("signal", ADA.signal(end + SECOND, 1))
    page.wait_for_function("() => window.drawn === 2")
    glide = page.evaluate(
        "() => document.querySelector('.spark').getAnimations().map((a) => a.effect.getTiming().duration)"
    )
    assert len(glide) == 1
    assert 900 < glide[0] <= 1000
    page.wait_for_function("() => document.querySelector('.spark').getAnimations().length === 0")
    assert page.evaluate("() => window.drawn") == 2


def test_many_phones_are_compact_and_more_are_a_table(stub: Stub, open_page: OpenPage) -> None:
    now = now_ns()
    stub.phones = [walker.row(now) for walker in crowd(20)]
    page = open_page()
    expect(page.locator("h1")).to_have_text("Twenty phones live")
    expect(page.locator(".grid-c .card")).to_have_count(20)
    stub.phones = [walker.row(now_ns()) for walker in crowd(50)]
    stub.send("snapshot", stub.snapshot())
    expect(page.locator("h1")).to_have_text("50 phones live")
    expect(page.get_by_role("row")).to_have_count(51)
    expect(page.locator(".card")).to_have_count(0)


def test_a_phone_without_a_name_can_be_named(stub: Stub, open_page: OpenPage) -> None:
    nameless = Walker("9f2c77", None, None, "walking")
    stub.phones = [nameless.row(now_ns())]
    page = open_page()
    expect(page.locator(".card h3")).to_contain_text("iPhone")
    page.get_by_role("button", name="Name this phone").click()
    page.keyboard.type("Ada’s iPhone")
    play(stub, (nameless,))  # a redraw does not take the focus away
    expect(page.get_by_role("textbox")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".card h3")).to_contain_text("Ada’s iPhone")
    assert stub.names == {"9f2c77": "Ada’s iPhone"}


def test_silence_of_three_at_once_points_at_the_network(stub: Stub, open_page: OpenPage) -> None:
    at = now_ns() - 30 * SECOND
    stub.phones = [walker.row(at) for walker in (ADA, BEN, CHLOE)]
    page = open_page()
    expect(page.locator("h1")).to_have_text("No phone live")
    expect(page.locator(".head p")).to_have_text("Three are silent.")
    assert page.locator(".why").all_inner_texts() == ["Probably the network: 3 phones fell silent within 5 s."] * 3


def test_a_full_disk_is_an_alarm(stub: Stub, open_page: OpenPage) -> None:
    stub.phones = [ADA.row(now_ns())]
    page = open_page()
    expect(page.get_by_role("alert")).to_have_count(0)
    stub.send(
        "health", {"full": "only 812 MiB of disk are free, 1024 MiB are kept in reserve", "engine_connected": True}
    )
    expect(page.get_by_role("alert")).to_contain_text("Not recording: the disk is full")
    stub.send("health", {"full": None, "engine_connected": True})
    expect(page.get_by_role("alert")).to_have_count(0)


def test_a_card_opens_nothing_and_no_view_is_promised(stub: Stub, open_page: OpenPage) -> None:
    everything(stub)
    page = open_page()
    assert page.locator(".nav a").all_inner_texts() == ["Live"]
    targets = page.evaluate(
        "() => [...document.querySelectorAll('a')].map((a) => a.getAttribute('href').split('/')[0])"
    )
    assert set(targets) <= {"#main", "#live", "#first"}


def test_names_are_text_whatever_they_hold(stub: Stub, open_page: OpenPage) -> None:
    stub.phones = [Walker("evil", "<img src=x onerror=alert(1)>", "<b>", "walking").row(now_ns())]
    page = open_page()
    expect(page.locator(".card h3")).to_contain_text("<img src=x onerror=alert(1)>")
    expect(page.locator(".card img")).to_have_count(0)


@pytest.mark.parametrize(
    "options", [{}, PHONE, {"viewport": {"width": 320, "height": 700}}], ids=["desk", "phone", "320"]
)
@pytest.mark.parametrize("count", [8, 20, 50])
def test_nothing_scrolls_sideways(stub: Stub, open_page: OpenPage, options: dict[str, object], count: int) -> None:
    if count == 8:
        everything(stub)
    else:
        stub.phones = [walker.row(now_ns()) for walker in crowd(count)]
    page = open_page(**options)
    expect(page.locator("h1")).not_to_have_text("Live")
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
