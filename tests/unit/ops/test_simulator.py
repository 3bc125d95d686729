"""A simulated phone: the app's exact dialect, the same every time, and a gait that the published rule recognises."""

import json
from decimal import Decimal
from itertools import islice
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gaitway.errors import SettingsError
from gaitway.ops.simulator import RULE_SAYS, Phone, Script, fleet, labels_at, stream_arrays, window_truth
from gaitway.ops.simulator.clock import as_written
from gaitway.ops.simulator.gait import Form
from gaitway.ops.simulator.sensors import SENSORS

START = 1_772_741_672_505_000_000
FORMS: tuple[Form, ...] = ("iphone", "android")
forms = st.sampled_from(FORMS)
seeds = st.integers(0, 2**40)
rates = st.floats(17, 400)


def all_sensors(form: Form) -> tuple[str, ...]:
    return tuple(sensor.name for sensor in SENSORS if form in sensor.forms)


def decoded(phone: Phone, batch_ms: int = 1000) -> list[dict[str, Any]]:
    return [json.loads(push.body) for push in phone.messages(START, batch_ms)]


def readings(phone: Phone, batch_ms: int = 1000) -> list[dict[str, Any]]:
    return [reading for message in decoded(phone, batch_ms) for reading in message["payload"]]


@settings(max_examples=25, deadline=None)
@given(seeds, forms, rates)
def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(seed: int, form: Form, rate: float) -> None:
    def bodies(seed: int) -> list[bytes]:
        phone = Phone(seed, form, rate, seconds=3, sensors=all_sensors(form))
        return [push.body for push in phone.messages(START)]

    assert bodies(seed) == bodies(seed)
    assert bodies(seed) != bodies(seed + 1)


@settings(max_examples=25, deadline=None)
@given(seeds, forms, st.integers(50, 5000), st.integers(50, 5000))
def test_readings_do_not_depend_on_the_batch_period(seed: int, form: Form, one: int, other: int) -> None:
    phone = Phone(seed, form, script="walking:3,running:2.5", seconds=7, sensors=("accelerometer", "barometer"))
    assert readings(phone, one) == readings(phone, other)


@settings(max_examples=25, deadline=None)
@given(seeds, forms, rates)
def test_a_message_has_the_keys_of_a_real_one_in_their_order(seed: int, form: Form, rate: float) -> None:
    phone = Phone(seed, form, rate, seconds=12, sensors=all_sensors(form))
    for number, message in enumerate(decoded(phone)):
        assert list(message) == ["messageId", "sessionId", "deviceId", "payload"]
        assert message["messageId"] == number
        assert (message["deviceId"], message["sessionId"]) == phone.stream(START)
        for reading in message["payload"]:
            accuracy = [] if form == "iphone" else ["accuracy"]
            assert list(reading) == ["name", "values", *accuracy, "time"]
            assert type(reading["time"]) is int
            assert reading.get("accuracy", 3) == 3
            if "x" in reading["values"]:
                assert list(reading["values"]) == ["z", "y", "x"]


def test_every_sensor_of_its_form_speaks_within_ten_seconds() -> None:
    for form in FORMS:
        phone = Phone(5, form, seconds=10, sensors=all_sensors(form))
        assert {reading["name"] for reading in readings(phone)} == set(all_sensors(form))


def test_a_body_is_written_without_spaces_and_whole_numbers_without_a_point() -> None:
    body = next(Phone(1, "android", sensors=("location",)).messages(START)).body
    assert b" " not in body
    assert b'"speed":0,' in body


@settings(max_examples=25, deadline=None)
@given(seeds, forms, rates)
def test_times_rise_within_a_message_and_strictly_per_sensor(seed: int, form: Form, rate: float) -> None:
    phone = Phone(seed, form, rate, seconds=4, sensors=all_sensors(form))
    seen: dict[str, int] = {}
    for message in decoded(phone):
        times = [reading["time"] for reading in message["payload"]]
        assert times == sorted(times)
        for reading in message["payload"]:
            assert reading["time"] > seen.get(reading["name"], 0)
            seen[reading["name"]] = reading["time"]


@given(st.lists(st.integers(1, 2**62), min_size=1, max_size=50))
def test_times_are_written_as_javascript_writes_a_double(times: list[int]) -> None:
    expected = [int(Decimal(repr(float(time)))) for time in times if time < 2**53 or time >= 2**59]
    found = as_written(np.array([time for time in times if time < 2**53 or time >= 2**59], dtype=np.int64))
    assert found.tolist() == expected


@settings(max_examples=20, deadline=None)
@given(seeds, rates)
def test_numbers_are_lossless_as_float32_in_the_way_of_each_form(seed: int, rate: float) -> None:
    names = ("accelerometer", "gravity", "gyroscope", "accelerometeruncalibrated")
    iphone = stream_arrays(Phone(seed, "iphone", rate, seconds=2, sensors=names).messages(START))
    android = stream_arrays(Phone(seed, "android", rate, seconds=2, sensors=names).messages(START))
    for name in ("accelerometer", "gravity"):
        single = (iphone[name].xyz / 9.80665).astype(np.float32)
        assert np.array_equal(single.astype(np.float64) * 9.80665, iphone[name].xyz)
    for sent in (iphone["gyroscope"], iphone["accelerometeruncalibrated"], *(android[name] for name in names)):
        assert np.array_equal(sent.xyz.astype(np.float32).astype(np.float64), sent.xyz)


@settings(max_examples=20, deadline=None)
@given(seeds, st.floats(17, 400))
def test_the_rate_is_that_of_the_form(seed: int, rate: float) -> None:
    (iphone,) = stream_arrays(Phone(seed, "iphone", seconds=5).messages(START)).values()
    assert 99 <= 1e9 / np.diff(iphone.times).mean() <= 101
    (android,) = stream_arrays(Phone(seed, "android", rate, seconds=20).messages(START)).values()
    assert 1e9 / np.diff(android.times).mean() == pytest.approx(rate, rel=0.01)


def test_the_two_forms_give_forces_with_opposite_signs_and_the_iphone_in_g_where_uncalibrated() -> None:
    """A resting phone: the norm of what includes gravity tells the unit, and a - g is the rest."""
    sensors = ("accelerometer", "gravity", "accelerometeruncalibrated")
    sent = {
        form: stream_arrays(Phone(4, form, 100, script="stationary:9", sensors=sensors, seconds=3).messages(START))
        for form in FORMS
    }
    norms = {form: np.linalg.norm(sent[form]["accelerometeruncalibrated"].xyz, axis=0).mean() for form in FORMS}
    assert norms["iphone"] == pytest.approx(1.0, abs=0.05)
    assert norms["android"] == pytest.approx(9.80665, abs=0.5)
    iphone, android = (sent[form]["gravity"].xyz.mean(axis=1) for form in FORMS)
    assert iphone == pytest.approx(-android, abs=0.05)


def test_total_acceleration_is_acceleration_plus_gravity_at_the_same_times() -> None:
    sensors = ("accelerometer", "gravity", "totalacceleration")
    sent = stream_arrays(Phone(9, "android", script="running:9", sensors=sensors, seconds=5).messages(START))
    assert np.array_equal(sent["totalacceleration"].times, sent["gravity"].times)
    total = sent["accelerometer"].xyz + sent["gravity"].xyz
    assert np.allclose(total, sent["totalacceleration"].xyz, atol=1e-4)


@settings(max_examples=15, deadline=None)
@given(seeds, forms, st.sampled_from([17.0, 50.0, 100.0, 400.0]), st.sampled_from(["pocket", "hand", "bag"]))
def test_the_published_rule_agrees_with_the_script_at_the_vigorous_gain(
    seed: int, form: Form, rate: float, placement: str
) -> None:
    script = "stationary:14,walking:14,running:14,sprinting:14,vehicle:14"
    phone = Phone(seed, form, rate, script, placement=placement, seconds=70)
    sent = stream_arrays(phone.messages(START))["accelerometer"]
    magnitude = np.linalg.norm(sent.xyz, axis=0)
    truth = window_truth(phone, START, 10 * 10**9, 2 * 10**9)
    assert set(truth.values()) == {"stationary", "walking", "running", "sprinting"}
    for start, activity in truth.items():
        mean = magnitude[(sent.times >= start) & (sent.times < start + 10 * 10**9)].mean()
        assert activity == ("stationary", "walking", "running", "sprinting")[sum(mean >= t for t in (2, 8, 20))]


@settings(max_examples=15, deadline=None)
@given(seeds, forms)
def test_the_real_gain_is_as_gentle_as_recordings_are(seed: int, form: Form) -> None:
    script = "stationary:10,walking:10"
    phone = Phone(seed, form, 100, script, gain="real", seconds=20)
    sent = stream_arrays(phone.messages(START))["accelerometer"]
    done, magnitude = labels_at(phone, START, sent.times), np.linalg.norm(sent.xyz, axis=0)
    assert magnitude[done == "stationary"].mean() < 0.4
    low, high = (0.6, 2.6) if form == "iphone" else (0.5, 4.6)
    assert low < magnitude[done == "walking"].mean() < high


def test_a_walk_has_its_energy_at_the_step_and_its_harmonics() -> None:
    """What a recogniser that reads spectra looks for: stride and step, not noise."""
    for seed in range(5):
        phone = Phone(seed, "iphone", script="walking:60", seconds=40)
        xyz = stream_arrays(phone.messages(START))["accelerometer"].xyz
        power = (np.abs(np.fft.rfft(xyz * np.hanning(xyz.shape[1]))) ** 2).sum(axis=0)
        hertz = np.fft.rfftfreq(xyz.shape[1], 0.01)
        assert power[(hertz > 0.7) & (hertz < 2.2)].sum() > 0.4 * power.sum()
        assert power[hertz > 20].sum() < 0.05 * power.sum()


def test_the_pedometer_counts_steps_only_while_somebody_walks() -> None:
    phone = Phone(3, "iphone", script="stationary:20,walking:60,vehicle:20", seconds=100, sensors=("pedometer",))
    found = readings(phone)
    steps = np.array([reading["values"]["steps"] for reading in found])
    done = labels_at(phone, START, np.array([reading["time"] for reading in found]))
    assert set(steps[done == "stationary"]) == {0}
    assert 95 <= steps[-1] <= 125
    assert len(set(steps[done == "vehicle"])) == 1


def test_messages_arrive_in_order_after_their_readings() -> None:
    pushes = list(Phone(8, seconds=30).messages(START, 250))
    assert [push.due_ns for push in pushes] == sorted(push.due_ns for push in pushes)
    for push in pushes:
        message = json.loads(push.body)
        assert push.message_id == message["messageId"]
        assert push.readings == len(message["payload"])
        assert START + push.due_ns > message["payload"][-1]["time"]


def test_a_phone_without_an_end_goes_on_for_ever() -> None:
    assert sum(1 for _ in islice(Phone(1).messages(START), 700)) == 700


def test_the_test_push_is_that_of_the_app() -> None:
    push = Phone(1).test_push(START)
    assert push.test
    assert push.readings == 0
    assert json.loads(push.body)["payload"] == [{"name": "test"}]


def test_simulated_phones_can_be_told_apart_from_real_ones_and_each_start_is_a_session() -> None:
    phones = fleet(200, seed=1)
    assert len({phone.device_id for phone in phones}) == 200
    assert all(phone.device_id.startswith("sim-") for phone in phones)
    assert [phone.form for phone in phones[:3]] == ["iphone", "android", "iphone"]
    assert fleet(3, seed=1) == phones[:3]
    assert len({phones[0].session_id(START + n) for n in range(100)}) == 100


def test_every_wrong_setting_is_listed() -> None:
    with pytest.raises(SettingsError) as caught:
        Phone(-1, "iphone", 500, placement="hat", sensors=("totalacceleration", "nose"), seconds=0, faults=("flood",))
    places = [where for where, _, _ in caught.value.faults]
    assert places == ["seed", "rate", "seconds", "sensors", "sensors", "placement", "faults"]


@pytest.mark.parametrize("text", ["", "walking", "walking:x", "swimming:5", "walking:-1", "walking:5,,running:5"])
def test_a_script_that_cannot_be_read_is_refused_with_its_part(text: str) -> None:
    with pytest.raises(SettingsError, match="script part"):
        Script.parse(text)


def test_a_script_names_only_what_gaitway_can_say() -> None:
    assert set(RULE_SAYS.values()) <= {"stationary", "walking", "running", "sprinting"}


@given(st.integers(0, 10**6).map(lambda whole: whole + 0.5))
def test_a_script_repeats(seconds: float) -> None:
    script = Script.parse("stationary:10,walking:20,running:30")
    expected = "stationary" if seconds % 60 < 10 else "walking" if seconds % 60 < 30 else "running"
    assert script.activity_at(np.array([seconds])).tolist() == [expected]
