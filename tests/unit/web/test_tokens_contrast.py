"""The page's colours, computed from its token file: readable, and apart for every kind of eye."""

import itertools
import re
from importlib.resources import files

import numpy as np
import pytest

from unit.web.colour import BLINDNESS, ciede2000, contrast, lab

ACTIVITIES = ("stationary", "walking", "running", "sprinting", "vehicle", "unknown")
#: `unknown` has no fill: a hatch on the page's colour tells it apart, not its grey.
FILLED = ACTIVITIES[:-1]
GROUNDS = ("bg", "surface", "sunken")
TEXTS = ("ink", "ink-2", "ink-3", "alarm", *(f"t-{activity}" for activity in ACTIVITIES))
FILLS = ("line-2", *ACTIVITIES)

CSS = files("gaitway.web").joinpath("static/css/tokens.css").read_text()


def block(after: str) -> dict[str, str]:
    """The colours of the first rule after a selector."""
    rule = CSS[CSS.index(after) :]
    return dict(re.findall(r"--([\w-]+): (#[0-9A-F]{6});", rule[rule.index("{") : rule.index("}")]))


SCHEMES = {"light": block(":root {"), "dark": block(":root[data-scheme=dark]")}
scheme = pytest.mark.parametrize("scheme", SCHEMES)


def test_dark_is_the_same_whether_chosen_or_automatic() -> None:
    assert block(":root:not([data-scheme=light])") == SCHEMES["dark"]


def test_both_schemes_have_the_same_tokens() -> None:
    assert SCHEMES["light"].keys() == SCHEMES["dark"].keys() >= {*GROUNDS, *TEXTS, *FILLS}


@scheme
def test_all_text_is_readable_on_every_ground(scheme: str) -> None:
    tokens = SCHEMES[scheme]
    pairs = [
        *itertools.product(TEXTS, GROUNDS),
        ("on-ink", "ink"),
        ("on-ink", "ink-2"),
        ("ink", "alarm-bg"),
        ("alarm", "alarm-bg"),
    ]
    faint = {pair: round(ratio, 2) for pair in pairs if (ratio := contrast(*(tokens[name] for name in pair))) < 4.5}
    assert faint == {}


@scheme
def test_fills_and_control_borders_stand_out(scheme: str) -> None:
    tokens = SCHEMES[scheme]
    pairs = itertools.product((*FILLS, "focus"), ("bg", "surface"))
    faint = {pair: round(ratio, 2) for pair in pairs if (ratio := contrast(*(tokens[name] for name in pair))) < 3}
    assert faint == {}


@scheme
@pytest.mark.parametrize("eye", BLINDNESS)
def test_no_two_activities_look_alike(scheme: str, eye: str) -> None:
    least = {"light": 15, "dark": 14}[scheme]
    seen = {activity: lab(SCHEMES[scheme][activity], eye) for activity in FILLED}
    close = {
        pair: round(distance, 1)
        for pair in itertools.combinations(FILLED, 2)
        if (distance := ciede2000(seen[pair[0]], seen[pair[1]])) < least
    }
    assert close == {}


@pytest.mark.parametrize(
    ("one", "two", "difference"),
    [
        # of the published test data
        ((50.0, 2.6772, -79.7751), (50.0, 0.0, -82.7485), 2.0425),
        ((50.0, 2.5, 0.0), (50.0, 0.0, -2.5), 4.3065),
        ((50.0, 2.5, 0.0), (73.0, 25.0, -18.0), 27.1492),
        ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
        ((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514), 0.9082),
    ],
)
def test_the_difference_is_the_published_one(
    one: tuple[float, float, float], two: tuple[float, float, float], difference: float
) -> None:
    assert ciede2000(np.array(one), np.array(two)) == pytest.approx(difference, abs=1e-4)
