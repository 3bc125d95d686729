"""The page's state: a pure reducer over events, tried in the browser that runs it."""

from typing import Any

import pytest
from playwright.sync_api import Page

from browser.conftest import OpenPage
from browser.scene import EVERY_STATE
from browser.stub import Stub

pytestmark = pytest.mark.browser
ADA = EVERY_STATE[0]
NOW = 1_790_000_000_000_000_000
MS = 1_000_000

RUN = """async (events) => {
  const {initial, reduce} = await import("/static/js/store.js");
  const frozen = (value) => {
    Object.values(value ?? {}).forEach((inner) => typeof inner === "object" && frozen(inner));
    return Object.freeze(value);
  };
  let state = initial;
  for (const event of events) state = reduce(frozen(state), [event]);
  return {...state, phones: [...state.phones.values()], refused: [...state.refused]};
}"""


@pytest.fixture
def page(stub: Stub, open_page: OpenPage) -> Page:
    return open_page()


def run(page: Page, *events: tuple[str, dict[str, Any], int]) -> Any:
    """The state after events (kind, data, ms of the browser's clock)."""
    return page.evaluate(RUN, [{"kind": kind, "data": data, "at": at} for kind, data, at in events])


def snapshot(*rows: dict[str, Any], now: int = NOW) -> dict[str, Any]:
    return {"phones": list(rows), "knocks": [], "now": now}


def test_the_servers_clock_is_taken_over(page: Page) -> None:
    state = run(page, ("snapshot", snapshot(), 5_000), ("beat", {"now": NOW + 2000 * MS}, 6_000))
    assert state["skew"] == (NOW // MS + 2000) - 6_000


def test_times_are_ns_or_iso(page: Page) -> None:
    ns, iso = ADA.verdict(NOW), {**ADA.verdict(NOW), "window_end": "2026-09-21T14:13:20.000Z"}
    both = [run(page, ("snapshot", snapshot(), 0), ("verdict", form, 10))["phones"][0]["since"] for form in (ns, iso)]
    assert both == [NOW // MS, NOW // MS]


def test_since_stays_while_the_verdict_does(page: Page) -> None:
    later = [
        ("verdict", ADA.verdict(NOW + i * 1000 * MS, what), i * 1000)
        for i, what in enumerate(("walking",) * 3 + ("running",) * 2)
    ]
    phone = run(page, ("snapshot", snapshot(), 0), *later)["phones"][0]
    assert (phone["activity"], phone["since"]) == ("running", NOW // MS + 3000)
    assert [turn["activity"] for turn in phone["turns"]] == ["walking", "running"]


def test_signals_join_on_one_grid_whatever_their_order(page: Page) -> None:
    parts = [{**ADA.ids, "t0": NOW + i * 1000 * MS, "step_ms": 40, "a": [i + 1] * 25} for i in range(3)]
    forms = [
        run(page, ("snapshot", snapshot(), 0), *(("signal", parts[i], 10) for i in order))["phones"][0]["trace"]
        for order in ((0, 1, 2), (2, 0, 1), (1, 2, 0))
    ]
    assert forms[0]["values"][-75:] == [1] * 25 + [2] * 25 + [3] * 25
    assert forms[0] == forms[1] == forms[2]


def test_a_hole_stays_a_hole(page: Page) -> None:
    parts = [{**ADA.ids, "t0": NOW + ms * MS, "step_ms": 40, "a": [1.0, None, 2.0]} for ms in (0, 400)]
    values = run(page, ("snapshot", snapshot(), 0), *(("signal", part, 10) for part in parts))["phones"][0]["trace"][
        "values"
    ]
    assert values[-13:] == [1.0, None, 2.0, *[None] * 7, 1.0, None, 2.0]


def test_a_new_recording_starts_anew_and_an_old_one_is_left_alone(page: Page) -> None:
    second = {**ADA.verdict(NOW), "session_id": "second"}
    early = run(page, ("snapshot", snapshot(ADA.row(NOW)), 0), ("verdict", second, 1_000))["phones"][0]
    assert early["session"] == "ada-walk", "the first still sends"
    late = run(page, ("snapshot", snapshot(ADA.row(NOW)), 0), ("verdict", second, 20_000))["phones"][0]
    assert (late["session"], late["lost"], late["name"]) == ("second", 0, ADA.name)


def test_facts_that_are_not_sent_stay(page: Page) -> None:
    phone = run(page, ("snapshot", snapshot(ADA.row(NOW)), 0), ("phone", {**ADA.ids, "late": 22}, 1))["phones"][0]
    assert (phone["late"], phone["lost"], phone["activity"]) == (22, 163, "walking")


def test_a_snapshot_keeps_the_signal_of_a_recording_that_goes_on(page: Page) -> None:
    events = [("snapshot", snapshot(), 0), ("signal", ADA.signal(NOW, 1), 1), ("snapshot", snapshot(ADA.row(NOW)), 2)]
    assert run(page, *events)["phones"][0]["trace"]["end"] == NOW // MS
    other = {**ADA.row(NOW), "session_id": "second"}
    assert run(page, *events[:2], ("snapshot", snapshot(other), 2))["phones"][0]["trace"] is None


def test_a_verdict_that_changed_while_away_is_a_turn(page: Page) -> None:
    events = [
        ("snapshot", snapshot(ADA.row(NOW)), 0),
        ("snapshot", snapshot({**ADA.row(NOW), "activity": "running"}), 9),
    ]
    turns = run(page, *events)["phones"][0]["turns"]
    assert [turn["activity"] for turn in turns] == ["walking", "running"]


def test_knocks_and_unknown_kinds(page: Page) -> None:
    state = run(
        page,
        ("snapshot", snapshot(), 0),
        ("knock", {"kind": "refused", "address": "10.0.0.9", "reason": "token", "count": 3, "last": NOW}, 50),
        ("knock", {"kind": "found", "address": "10.0.0.8", "device_id": None}, 60),
        ("weather", {"rain": True}, 70),
    )
    assert state["refused"] == [["10.0.0.9", {"reason": "token", "count": 3, "at": 0}]]
    assert state["found"] == {"device": None, "address": "10.0.0.8", "at": 60}
