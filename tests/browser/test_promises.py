"""What the page promises everybody: reachable, readable, calm, light, and closed to strangers."""

import gzip
import re

import pytest
from playwright.sync_api import Page, expect

from browser.conftest import PHONE, OpenPage
from browser.scene import EVERY_STATE, play, quiet_rows
from browser.stub import STATIC, Stub, now_ns

pytestmark = pytest.mark.browser
VIEWS = ["#live", "#first"]
NAMELESS = """() => [...document.querySelectorAll("a, button, input, img, [role=img]")]
  .filter((node) => node.checkVisibility())
  .filter((node) => !node.getAttribute("aria-label") && !node.textContent.trim() && !node.alt && !node.labels?.length)
  .map((node) => node.outerHTML)"""
DOUBLE_TEXT = """() => {
  const nodes = [...document.querySelectorAll("body *")].map((node) => [node, getComputedStyle(node)]);
  const sizes = nodes.map(([node, style]) => [node, 2 * parseFloat(style.fontSize), 2 * parseFloat(style.lineHeight)]);
  for (const [node, size, line] of sizes) { node.style.fontSize = `${size}px`; node.style.lineHeight = `${line}px`; }
}"""
LISTEN = """() => {
  const region = document.getElementById("say");
  window.said = [];
  new MutationObserver(() => said.push(region.textContent)).observe(region, {childList: true});
}"""


@pytest.fixture(autouse=True)
def phones(stub: Stub) -> None:
    now = now_ns()
    stub.phones = [walker.row(now) for walker in EVERY_STATE] + quiet_rows(now)
    stub.knocks = [{"address": "192.168.1.77", "reason": "token", "count": 14, "last": now}]


def test_markup_holds_no_inline_script_or_style() -> None:
    for name in ("index.html", "locked.html"):
        markup = (STATIC / name).read_text()
        assert not re.search(
            r"\sstyle=|\son\w+=|<style|<script(?![^>]*\ssrc=)|javascript:|https?://(?!www\.w3\.org)", markup
        )


def test_every_module_is_preloaded() -> None:
    markup = (STATIC / "index.html").read_text()
    preloaded = set(re.findall(r'modulepreload" href="/static/js/(\w+)\.js', markup))
    assert preloaded == {path.stem for path in (STATIC / "js").glob("*.js")} - {"early", "locked", "main"}


def test_the_page_is_light(open_page: OpenPage) -> None:
    own = sum(len(gzip.compress(path.read_bytes())) for path in (STATIC / "js").glob("*.js"))
    assert own <= 60_000
    page = open_page("#first")
    names = page.evaluate("() => performance.getEntriesByType('resource').map((entry) => new URL(entry.name).pathname)")
    files = [STATIC / name.removeprefix("/static/") for name in {*names, "/static/index.html"} if "/api/" not in name]
    weight = sum(
        path.stat().st_size if path.suffix == ".woff2" else len(gzip.compress(path.read_bytes())) for path in files
    )
    assert weight <= 150_000


def test_nothing_comes_from_elsewhere(stub: Stub, open_page: OpenPage) -> None:
    page = open_page("#first")
    hosts = page.evaluate("() => performance.getEntriesByType('resource').map((entry) => new URL(entry.name).origin)")
    assert set(hosts) == {stub.url.rstrip("/")}


@pytest.mark.parametrize("view", VIEWS)
def test_one_headline_landmarks_and_a_name_for_every_control(open_page: OpenPage, view: str) -> None:
    page = open_page(view)
    expect(page.locator("h1")).to_have_count(1)
    for landmark in ("banner", "navigation", "main"):
        expect(page.get_by_role(landmark)).to_have_count(1)
    nameless = page.evaluate(NAMELESS)
    assert nameless == []
    ids = page.evaluate("() => [...document.querySelectorAll('[id]')].map((node) => node.id)")
    assert len(ids) == len(set(ids))


def test_the_keyboard_reaches_everything_and_focus_shows(open_page: OpenPage) -> None:
    page = open_page("#live")
    reached = []
    for _ in range(8):
        page.keyboard.press("Tab")
        reached.append(
            page.evaluate(
                "() => document.activeElement.textContent.trim() || document.activeElement.getAttribute('aria-label')"
            )
        )
        assert page.evaluate("() => getComputedStyle(document.activeElement).outlineStyle") == "solid"
    assert reached[:3] == ["Skip to content", "Gaitway, live view", "Live"]
    assert reached[4:8] == ["Add a phone", "silent", "turned away", "Set it up again"]


def test_skip_link_leads_into_the_view(open_page: OpenPage) -> None:
    page = open_page("#live")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("() => document.activeElement.id") == "main"
    expect(page.locator("h1")).to_have_text("Five phones live")


def test_changes_are_said_at_most_once_in_five_seconds_and_ages_never(stub: Stub, open_page: OpenPage) -> None:
    page = open_page("#live", clock=True)
    ada, ben = EVERY_STATE[:2]
    play(stub, (ada, ben))
    page.evaluate(LISTEN)
    stub.send("verdict", ada.verdict(now_ns(), "running"))
    page.wait_for_function("() => said.length === 1")
    stub.send("verdict", ada.verdict(now_ns(), "sprinting"))
    stub.send("verdict", ben.verdict(now_ns(), "walking"))
    expect(page.locator(".card .act-name").first).to_have_text("Sprinting")
    assert page.evaluate("() => said.length") == 1
    page.clock.run_for(5_000)
    page.wait_for_function("() => said.length === 2")
    first, second = page.evaluate("() => said")
    assert first.endswith(": Running")
    assert "Sprinting" in second
    assert "Walking" in second


def test_reduced_motion_runs_no_animation(stub: Stub, open_page: OpenPage) -> None:
    page = open_page("#live", reduced_motion="reduce")
    for activity, title in (("running", "Running"), ("sprinting", "Sprinting"), ("walking", "Walking")):
        play(stub, EVERY_STATE)
        stub.send("verdict", EVERY_STATE[0].verdict(now_ns(), activity))
        expect(page.locator(".card .act-name").first).to_have_text(title)
        assert page.evaluate("() => document.getAnimations().length") == 0


def test_motion_ends_when_messages_end(stub: Stub, open_page: OpenPage) -> None:
    page = open_page("#live")
    play(stub, EVERY_STATE, seconds=11)
    play(stub, EVERY_STATE, end=now_ns() + 1_000_000_000)
    page.wait_for_function("() => document.getAnimations().length > 0")
    page.wait_for_function("() => document.getAnimations().length === 0")


def scheme(page: Page) -> str:
    return str(page.evaluate("() => getComputedStyle(document.body).backgroundColor"))


def test_the_scheme_is_chosen_and_remembered(open_page: OpenPage) -> None:
    page = open_page("#live", color_scheme="light")
    light, button = scheme(page), page.locator("#scheme")
    expect(button).to_have_attribute("aria-label", "Colour scheme: automatic")
    button.click()
    button.click()
    expect(button).to_have_attribute("aria-label", "Colour scheme: dark")
    dark = scheme(page)
    assert dark != light
    page.reload()
    expect(button).to_have_attribute("aria-label", "Colour scheme: dark")
    assert scheme(page) == dark
    button.click()
    assert scheme(page) == light


def test_fingers_get_44_pixels(open_page: OpenPage) -> None:
    page = open_page("#first", **PHONE)
    expect(page.get_by_role("button", name="Start a simulated phone")).to_be_visible()
    small = page.evaluate(
        """() => [...document.querySelectorAll("button, a.btn")].filter((node) => node.checkVisibility())
        .filter((node) => node.getBoundingClientRect().height < 44).map((node) => node.outerHTML)"""
    )
    assert small == []


@pytest.mark.parametrize("view", VIEWS)
def test_320_pixels_and_double_text_reflow(open_page: OpenPage, view: str) -> None:
    page = open_page(view, viewport={"width": 320, "height": 700})
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    page.set_viewport_size({"width": 800, "height": 900})
    page.evaluate(DOUBLE_TEXT)
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")


def test_forced_colours_keep_rings_and_dots_visible(open_page: OpenPage) -> None:
    page = open_page("#live", forced_colors="active")
    assert page.locator(".ring .va").first.evaluate("(node) => getComputedStyle(node).stroke") != "none"
    dot = page.locator(".card .pulse").first.evaluate("(node) => getComputedStyle(node).backgroundColor")
    assert dot != page.locator(".card").first.evaluate("(node) => getComputedStyle(node).backgroundColor")
