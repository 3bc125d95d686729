"""An export becomes the messages that the phone would have pushed: exact, in order, cut alike each time."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gaitway.errors import ExportError, NotFoundError
from gaitway.ingest.dialect import decode
from gaitway.ingest.exports import Recording, recordings
from gaitway.ingest.exports.cells import Layout, sensor_name
from gaitway.ingest.exports.recording import CELL
from unit.ingest.exported import DEVICE, METADATA, START, STEP, motion, pack, write

NOW = 2 * 10**18


def only(*paths: Path, **ids: str) -> Recording:
    (recording,) = recordings(paths, **ids)
    return recording


def bodies(recording: Recording) -> list[dict[str, Any]]:
    return [json.loads(body) for _, body in recording.messages()]


def readings(recording: Recording) -> list[dict[str, Any]]:
    return [reading for body in bodies(recording) for reading in body["payload"]]


def test_a_zip_of_an_iphone(tmp_path: Path) -> None:
    files = {"Accelerometer.csv": motion(), "Gyroscope.csv": motion(start=START + 5), "Metadata.csv": METADATA}
    recording = only(pack(tmp_path / "walk.zip", files | {"Annotation.csv": "time,seconds_elapsed,text\n"}))
    assert (recording.device_id, recording.platform) == (DEVICE, "ios")
    assert (recording.readings, recording.skipped) == (500, ())
    assert (recording.first_time, recording.last_time) == (START, START + 249 * STEP + 5)
    first = bodies(recording)[0]
    assert list(first) == ["messageId", "sessionId", "deviceId", "payload"]
    assert list(first["payload"][0]) == ["name", "values", "time"]
    assert list(first["payload"][0]["values"]) == ["z", "y", "x"]
    assert [reading["name"] for reading in first["payload"][:4]] == ["accelerometer", "gyroscope"] * 2


def test_messages_are_cells_of_a_second_aligned_to_the_epoch(tmp_path: Path) -> None:
    recording = only(write(tmp_path / "walk", {"Accelerometer.csv": motion()}))
    cells = []
    for number, body in enumerate(bodies(recording), start=1):
        times = [reading["time"] for reading in body["payload"]]
        assert body["messageId"] == number
        assert len({time // CELL for time in times}) == 1
        assert times == sorted(times)
        cells.append(times[0] // CELL)
    assert cells == sorted(set(cells))
    assert list(recording.messages()) == list(recording.messages())


def test_message_ids_leave_no_gap_over_a_hole(tmp_path: Path) -> None:
    late = motion(10, start=START + 163 * CELL).split("\n", 1)[1]
    recording = only(write(tmp_path / "walk", {"Accelerometer.csv": motion(10) + late}))
    assert [number for number, _ in recording.messages()] == [1, 2]


def test_float64_gets_the_bits_of_the_file(tmp_path: Path) -> None:
    values = ["0.4366857823908329", "-0.09549480242282152", "5e-324", "-0.0", "0.1", "9.80665", "1e2", "-2.5E-7", "7"]
    lines = "".join(f"{START + row},0.1,{value},{value},{value}\n" for row, value in enumerate(values))
    recording = only(write(tmp_path / "a", {"Accelerometer.csv": "time,seconds_elapsed,z,y,x\n" + lines}))
    body = next(recording.messages())[1]
    (block,) = decode(body, NOW).message.blocks
    assert block.xyz is not None
    assert block.xyz.tobytes() == np.array([[float(value) for value in values]] * 3).tobytes()
    assert block.times.tolist() == [START + row for row in range(len(values))]
    for value in values:
        assert f'"x":{value}'.encode() in body


@given(st.lists(st.tuples(st.integers(10**17, 10**18), st.floats(-500, 500)), min_size=1, max_size=20))
def test_every_row_arrives_exactly(rows: list[tuple[int, float]]) -> None:
    layout = Layout("accelerometer", ["time", "x", "y", "z"])
    found = [layout.row([str(time), repr(value), repr(value), repr(value)]) for time, value in rows]
    payload = ",".join(row.json for row in found if row is not None)
    body = f'{{"deviceId":"d","sessionId":"s","payload":[{payload}]}}'
    (block,) = decode(body.encode(), NOW).message.blocks
    assert block.times.tolist() == [time for time, _ in rows]
    assert block.xyz is not None
    assert block.xyz[0].tolist() == [value for _, value in rows]


def test_columns_are_read_by_name(tmp_path: Path) -> None:
    recording = only(write(tmp_path / "a", {"Gravity.csv": f"x,time,y,seconds_elapsed,z\n1,{START},2,0.1,3\n"}))
    assert readings(recording) == [{"name": "gravity", "values": {"x": 1, "y": 2, "z": 3}, "time": START}]


@pytest.mark.parametrize(
    ("exported", "pushed"),
    [
        ("Accelerometer", "accelerometer"),
        ("AccelerometerUncalibrated", "accelerometeruncalibrated"),
        ("TotalAcceleration", "totalacceleration"),
        ("GyroscopeUncalibrated", "gyroscopeuncalibrated"),
        ("HeartRate", "heartrate"),
        ("WristMotion", "wrist motion"),
        ("BluetoothMopeka✔", "bluetoothmopeka✔"),
    ],
)
def test_sensors_get_the_names_of_the_push(exported: str, pushed: str) -> None:
    assert sensor_name(exported) == pushed


def test_texts_booleans_and_nothing(tmp_path: Path) -> None:
    network = f"time,seconds_elapsed,type,isConnected,ssid,strength\n{START},0.1,wifi,true,12,\n"
    note = f'time,seconds_elapsed,text,millisecond_press_duration\n{START},0.1,"up, ""stairs""\n2",120\n'
    recording = only(write(tmp_path / "a", {"Network.csv": network, "Annotation.csv": note}))
    annotation, connection = readings(recording)
    assert annotation["name"] == "annotation"
    assert annotation["values"] == {"text": 'up, "stairs"\n2', "millisecond_press_duration": 120}
    assert connection["values"] == {"type": "wifi", "isConnected": True, "ssid": "12", "strength": None}


def test_accuracy_stands_beside_the_values(tmp_path: Path) -> None:
    recording = only(write(tmp_path / "a", {"Light.csv": f"time,lux,accuracy\n{START},7,3\n{START + 1},8,\n"}))
    assert readings(recording) == [
        {"name": "light", "values": {"lux": 7}, "accuracy": 3, "time": START},
        {"name": "light", "values": {"lux": 8}, "time": START + 1},
    ]


# Which recordings there are, and whose.


def test_each_folder_with_csv_files_is_a_recording(tmp_path: Path) -> None:
    files = {
        "Metadata.csv": METADATA,
        "walk/Accelerometer.csv": motion(),
        "walk/again/Accelerometer.csv": motion(start=START + CELL),
        "run/Accelerometer.csv": motion(start=START + 2 * CELL),
        "run/Metadata.csv": "platform,device id\nandroid,other\n",
        "__MACOSX/run/Accelerometer.csv": "junk",
        ".hidden/Accelerometer.csv": "junk",
    }
    folder = write(tmp_path / "export", files)
    for path in (folder, pack(tmp_path / "export.zip", files)):
        found = {Path(each.source).parent.name: each for each in recordings([path])}
        assert {name: each.device_id for name, each in found.items()} == {
            "walk": DEVICE,
            "again": DEVICE,
            "run": "other",
        }
        assert len({each.session_id for each in found.values()}) == 3


def test_metadata_is_searched_above_what_was_named(tmp_path: Path) -> None:
    folder = write(tmp_path / "export", {"Metadata.csv": METADATA, "walk/Accelerometer.csv": motion()})
    assert only(folder / "walk").device_id == DEVICE
    assert only(folder / "walk" / "Accelerometer.csv").device_id == DEVICE


def test_without_metadata_the_folder_names_the_device(tmp_path: Path) -> None:
    files = {"Accelerometer.csv": motion()}
    assert only(write(tmp_path / "My walk (2)", files)).device_id == "My-walk-2"
    assert only(pack(tmp_path / "morning.zip", files)).device_id == "morning"
    assert only(pack(tmp_path / "b.zip", {"inner/Accelerometer.csv": motion()})).device_id == "inner"


def test_a_folder_of_zips(tmp_path: Path) -> None:
    pack(tmp_path / "a.zip", {"Accelerometer.csv": motion()})
    pack(tmp_path / "b.zip", {"Accelerometer.csv": motion()})
    assert [each.device_id for each in recordings([tmp_path])] == ["a", "b"]


def test_the_same_recording_is_the_same_session(tmp_path: Path) -> None:
    files = {"Accelerometer.csv": motion(), "Metadata.csv": METADATA}
    folder, packed = only(write(tmp_path / "x", files)), only(pack(tmp_path / "y.zip", files))
    assert folder.session_id == packed.session_id
    assert list(folder.messages()) == list(packed.messages())
    later = only(write(tmp_path / "z", files | {"Accelerometer.csv": motion(start=START + 1)}))
    assert later.session_id != folder.session_id


def test_ids_may_be_given(tmp_path: Path) -> None:
    folder = write(tmp_path / "x", {"Accelerometer.csv": motion(), "Metadata.csv": METADATA})
    recording = only(folder, device_id="me", session_id="walk")
    assert bodies(recording)[0]["sessionId"] == "walk"
    assert bodies(recording)[0]["deviceId"] == "me"
    assert only(folder, device_id="me").session_id != only(folder).session_id
    with pytest.raises(ExportError, match="not usable"):
        only(folder, device_id="my phone")


# JSON exports.


def json_export(*objects: dict[str, str]) -> str:
    return json.dumps([*objects, {"sensor": "Metadata", "platform": "ios", "device id": DEVICE}])


def test_a_json_export_where_every_value_is_a_text(tmp_path: Path) -> None:
    walk = {"sensor": "Accelerometer", "time": str(START), "seconds_elapsed": "0.1", "z": "0.5", "y": "-1e-3", "x": "2"}
    tag = {
        "sensor": "BluetoothMopeka✔",
        "time": str(START + 1),
        "rssi": "-61",
        "manufacturerData": "570112",
        "id": "4e2",
    }
    more = tag | {"time": str(START + 2), "serviceUUIDs": ""}
    path = write(tmp_path, {"test.json": json_export(walk, tag, more)}) / "test.json"
    recording = only(path)
    assert (recording.device_id, recording.platform, recording.skipped) == (DEVICE, "ios", ())
    first, second, third = readings(recording)
    assert first == {"name": "accelerometer", "values": {"z": 0.5, "y": -0.001, "x": 2}, "time": START}
    assert second["values"] == {"rssi": -61, "manufacturerData": "570112", "id": "4e2"}
    assert third["values"]["serviceUUIDs"] is None


def test_elements_of_a_json_export_that_are_no_readings_are_counted(tmp_path: Path) -> None:
    found = [5, {"time": "1"}, {"sensor": "Light", "time": "soon"}, {"sensor": "Light", "time": START, "lux": 0.50}]
    path = write(tmp_path, {"a.json": json.dumps(found)}) / "a.json"
    recording = only(path)
    assert [skipped.where for skipped in recording.skipped] == [f"{path} element {place}" for place in (0, 1, 2)]
    assert readings(recording) == [{"name": "light", "values": {"lux": 0.5}, "time": START}]
    assert recording.device_id == "a"


@pytest.mark.parametrize("text", ["{", "{}", "3", "[" * 100_000])
def test_other_json_is_named(tmp_path: Path, text: str) -> None:
    path = write(tmp_path, {"a.json": text}) / "a.json"
    with pytest.raises(ExportError) as error:
        only(path)
    assert error.value.where == str(path)
    assert error.value.hint


# What is damaged is reported, never silently lost.


def test_rows_that_cannot_be_read_are_counted_with_their_line(tmp_path: Path) -> None:
    rows = f"time,seconds_elapsed,z,y,x\n{START},0.1,1,2,3\n\n,0.1,1,2,3\n-5,0.1,1,2,3\n{START + 9},0.1,1,2"
    folder = write(tmp_path / "a", {"Accelerometer.csv": rows, "Light.csv": "", "Notes.csv": "a,b\n1,2\n"})
    recording = only(folder)
    assert recording.readings == 1
    assert {str(Path(skipped.where).name): skipped.why for skipped in recording.skipped} == {
        "Accelerometer.csv line 4": "has no usable time",
        "Accelerometer.csv line 5": "has no usable time",
        "Accelerometer.csv line 6": "has 4 columns instead of 5",
        "Light.csv": "is empty",
        "Notes.csv": "has no column `time`: not a table of readings",
    }


def test_a_recording_without_readings_is_told(tmp_path: Path) -> None:
    recording = only(write(tmp_path / "a", {"Accelerometer.csv": "time,seconds_elapsed,z,y,x\n"}))
    assert recording.readings == 0
    assert list(recording.messages()) == []


def test_rows_out_of_order_are_sorted_by_time(tmp_path: Path) -> None:
    header, *rows = motion(300).splitlines()
    folder = write(tmp_path / "a", {"Accelerometer.csv": "\n".join([header, *reversed(rows)])})
    times = [reading["time"] for reading in readings(only(folder))]
    assert times == [START + row * STEP for row in range(300)]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_byte_order_marks(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "Accelerometer.csv").write_bytes(motion(5).replace("\n", "\r\n").encode(encoding))
    recording = only(tmp_path / "Accelerometer.csv")
    assert (recording.readings, recording.skipped) == (5, ())


@pytest.mark.parametrize("damage", [b"\xff\xff", b'"never closed'])
def test_a_damaged_file_is_named_with_its_line(tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "Accelerometer.csv"
    path.write_bytes(motion(3).encode() + damage)
    with pytest.raises(ExportError) as error:
        only(path)
    assert error.value.where.startswith(f"{path} line ")
    assert error.value.hint


def test_a_zip_with_a_damaged_member_is_named(tmp_path: Path) -> None:
    path = pack(tmp_path / "a.zip", {"Accelerometer.csv": motion(2000)})
    data = bytearray(path.read_bytes())
    data[2000:2010] = b"0123456789"
    path.write_bytes(data)
    with pytest.raises(ExportError) as error:
        only(path)
    assert "Accelerometer.csv" in error.value.where


def test_what_is_not_there_or_no_export_is_told(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / "cut.zip").write_bytes(b"PK\x03\x04")
    for name in ("notes.txt", "cut.zip"):
        with pytest.raises(ExportError):
            only(tmp_path / name)
    for path in (tmp_path / "gone.zip", write(tmp_path / "empty", {"Metadata.csv": METADATA})):
        with pytest.raises(NotFoundError) as error:
            only(path)
        assert error.value.where == str(path)


def test_a_second_with_very_much_in_it_becomes_several_messages(tmp_path: Path) -> None:
    rows = "".join(f"{START},0.1,{'x' * 100_000}{row}\n" for row in range(50))
    recording = only(write(tmp_path / "a", {"Annotation.csv": "time,seconds_elapsed,text\n" + rows}))
    sent = list(recording.messages())
    assert [number for number, _ in sent] == [1, 2]
    assert max(len(body) for _, body in sent) < 5 << 20
    assert len(readings(recording)) == 50
