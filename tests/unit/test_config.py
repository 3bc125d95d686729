"""Settings: where they come from, what is refused, and that the docs name them all."""

import re
from dataclasses import dataclass, fields
from pathlib import Path

import pytest

from gaitway.config import FIELDS, Settings, load
from gaitway.errors import SettingsError
from gaitway.web.front import FrontSettings

ROOT = Path(__file__).parents[2]


def faults(**given: object) -> list[tuple[str, str, str]]:
    with pytest.raises(SettingsError) as caught:
        load(environment={}, overrides=given)
    return caught.value.faults


def test_defaults_are_those_promised() -> None:
    settings = load(environment={})
    assert (settings.host, settings.port, settings.data) == ("0.0.0.0", 8788, Path("data"))
    assert (settings.body_limit, settings.inflated_limit, settings.disk_reserve) == (8 << 20, 64 << 20, 1 << 30)
    assert (settings.size, settings.slide, settings.lateness) == (10_000_000_000, 2_000_000_000, 2_000_000_000)
    assert (settings.thresholds, settings.lead) == ((2.0, 8.0, 20.0), "thresholds")
    assert (settings.retention_days, settings.log_keep_days) == (None, 7.0)
    assert (settings.raw_roll_rows, settings.raw_roll_seconds) == (1_000_000, 300.0)
    assert (settings.activity_roll_rows, settings.activity_roll_seconds) == (250_000, 60.0)
    assert (settings.gather_ms, settings.quiet_seconds, settings.revise_seconds) == (2.0, 5.0, 2.0)


def test_a_command_wins_over_a_variable_which_wins_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "gaitway.toml"
    file.write_text('host = "10.0.0.1"\nport = 1\nlead = "learned"\n')
    settings = load(file, {"GAITWAY_PORT": "2", "GAITWAY_HOST": "10.0.0.2"}, {"host": "10.0.0.3", "port": None})
    assert (settings.host, settings.port, settings.lead) == ("10.0.0.3", 2, "learned")


def test_a_variable_may_name_the_file(tmp_path: Path) -> None:
    file = tmp_path / "gaitway.toml"
    file.write_text("port = 1234\n")
    assert load(environment={"GAITWAY_CONFIG": str(file)}).port == 1234


def test_variables_that_commands_read_are_no_settings() -> None:
    load(environment={"GAITWAY_TOKEN": "x", "GAITWAY_URL": "http://x", "PATH": "/bin"})


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("body_limit", "1 MiB", 1 << 20),
        ("body_limit", "2000000", 2_000_000),
        ("size", "500ms", 500_000_000),
        ("size", 2.5, 2_500_000_000),
        ("thresholds", "1, 2.5, 3", (1.0, 2.5, 3.0)),
        ("thresholds", [1, 2, 3], (1.0, 2.0, 3.0)),
        ("public_names", "Gait.Example.org,b.test", ("gait.example.org", "b.test")),
        ("proxy", "yes", True),
        ("proxy", False, False),
        ("retention_days", "off", None),
        ("retention_days", "30", 30.0),
        ("timezone", "Europe/Vienna", "Europe/Vienna"),
        ("log_format", "console", "console"),
    ],
)
def test_values_are_read_as_people_write_them(name: str, text: object, value: object) -> None:
    given = {name: text, "slide": "500ms"} if name == "size" else {name: text}
    assert getattr(load(environment={}, overrides=given), name) == value


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("port", "70000"),
        ("port", 1.5),
        ("port", True),
        ("body_limit", "eight"),
        ("body_limit", "8 parsecs"),
        ("body_limit", -1),
        ("size", "250ms"),
        ("size", 0),
        ("slide", "11 s"),
        ("lateness", "50ms"),
        ("thresholds", [2, 8]),
        ("thresholds", [8, 2, 20]),
        ("thresholds", "a,b,c"),
        ("timezone", "Europe/Wien"),
        ("proxy", "perhaps"),
        ("public_names", ["https://gait.example.org"]),
        ("log_level", "loud"),
        ("retention_days", 0),
        ("quota_messages", "nan"),
        ("inflated_limit", 1000),
        ("data", ""),
    ],
)
def test_wrong_values_are_refused_with_place_and_hint(name: str, value: object) -> None:
    found = faults(**{name: value})
    assert [(where, bool(what), bool(hint)) for where, what, hint in found] == [(name, True, True)]


def test_every_fault_is_listed_at_once(tmp_path: Path) -> None:
    file = tmp_path / "gaitway.toml"
    file.write_text('port = "x"\nprot = 1\n')
    with pytest.raises(SettingsError) as caught:
        load(file, {"GAITWAY_SIZE": "1 fortnight", "GAITWAY_SHOE": "1"}, {"slide": "30 s"})
    places = [where for where, _, _ in caught.value.faults]
    assert places == [f"{file}: port", f"{file}: prot", "GAITWAY_SIZE", "GAITWAY_SHOE", "slide"]
    assert "Did you mean port?" in str(caught.value)


def test_a_file_that_cannot_be_read_is_a_fault(tmp_path: Path) -> None:
    broken = tmp_path / "broken.toml"
    broken.write_text("port = = 1")
    for file in (tmp_path / "missing.toml", broken):
        with pytest.raises(SettingsError) as caught:
            load(file, {})
        assert caught.value.where == str(file)


def test_settings_are_frozen() -> None:
    with pytest.raises(AttributeError):
        load(environment={}).port = 1  # type: ignore[misc]


def test_a_room_picks_its_own_settings() -> None:
    @dataclass(frozen=True)
    class Room:
        port: int
        other: str = "its own"

    assert load(environment={}, overrides={"port": 9}).pick(Room) == Room(9)


def test_the_front_finds_all_its_settings_by_name() -> None:
    assert {item.name for item in fields(FrontSettings)} <= {item.name for item in fields(Settings)}


def test_the_docs_name_every_setting_its_variable_and_meaning() -> None:
    text = (ROOT / "docs" / "reference" / "settings.md").read_text()
    rows = {row[0]: row for row in re.findall(r"^\| `(\w+)` \| `(\w+)` \| (.*?) \| (.*) \|$", text, re.MULTILINE)}
    assert set(rows) == set(FIELDS)
    for name, meaning in FIELDS.items():
        assert rows[name][1] == f"GAITWAY_{name.upper()}"
        assert rows[name][3] == meaning
