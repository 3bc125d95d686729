"""Phones and recognisers: what is known of them is kept."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gaitway.errors import NotFoundError, RefusedError, StateError
from gaitway.registry import Device, Devices, KnownRecognizer, Recognizers, Registry


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    registry = Registry(tmp_path / "registry.sqlite")
    yield registry
    registry.close()


def test_what_is_newly_known_of_a_phone_is_added_and_nothing_overwritten(registry: Registry) -> None:
    devices = Devices(registry)
    devices.seen(Device("phone", None, None, None, first_seen=5, simulated=False))
    devices.seen(Device("phone", None, "android", None, first_seen=9, simulated=True))
    devices.seen(Device("phone", None, "ios", "iPhone 13", first_seen=1, simulated=False))
    assert devices.all() == [Device("phone", None, "android", "iPhone 13", 5, True)]


def test_a_phone_is_renamed_and_its_name_taken_away(registry: Registry) -> None:
    devices = Devices(registry)
    devices.seen(Device("12345678-abcd", None, "ios", None, 0, False))
    assert devices.rename("12345678-abcd", "  Anna's\tphone ").label == "Anna's phone"
    assert devices.rename("12345678-abcd", "").label == "Phone 12345678"


@pytest.mark.parametrize("name", ["x" * 81, "bell\x07", "\u202eevil"])
def test_names_that_cannot_be_shown_are_refused(registry: Registry, name: str) -> None:
    devices = Devices(registry)
    devices.seen(Device("phone", None, None, None, 0, False))
    with pytest.raises(RefusedError):
        devices.rename("phone", name)


def test_an_unknown_phone_has_no_name(registry: Registry) -> None:
    with pytest.raises(NotFoundError):
        Devices(registry).rename("nobody", "x")


def test_a_recognizer_keeps_its_first_start(registry: Registry) -> None:
    recognizers = Recognizers(registry)
    recognizers.start("thresholds-1/10s-2s/5f3a", {"thresholds": [2, 8, 20]}, started=1)
    again = recognizers.start("thresholds-1/10s-2s/5f3a", {"thresholds": [2, 8, 20]}, started=99)
    assert again == KnownRecognizer("thresholds-1/10s-2s/5f3a", {"thresholds": [2, 8, 20]}, 1)
    assert recognizers.all() == [again]


def test_a_name_stands_for_one_set_of_settings(registry: Registry) -> None:
    recognizers = Recognizers(registry)
    recognizers.start("thresholds", {"a": 1}, started=1)
    with pytest.raises(StateError):
        recognizers.start("thresholds", {"a": 2}, started=2)
