"""Pointing a phone here: the link carries what the app's own links carry."""

import base64
import json
import re

import zstandard

from gaitway.web.setup import phone_code, phone_link, qr_svg, qr_text

URL, TOKEN = "http://192.168.1.42:8788", "0123-4567-89ab-cdef-ghjk-mnpq-rstv"


def decoded(code: str) -> dict[str, object]:
    frame = base64.b64decode(code, validate=True)
    parameters = zstandard.get_frame_parameters(frame)
    assert parameters.content_size > 0 and not parameters.has_checksum and parameters.dict_id == 0
    return dict(json.loads(zstandard.ZstdDecompressor().decompress(frame)))


def test_the_code_is_a_zstd_frame_of_the_app_s_settings() -> None:
    settings = decoded(phone_code(URL, TOKEN))
    assert settings["http"] == {
        "enabled": True,
        "url": f"{URL}/data/{TOKEN}",
        "batchPeriod": 1000,
        "authToken": TOKEN,
        "skip": False,
    }
    sensors = settings["sensorState"]
    assert isinstance(sensors, dict) and sensors["Accelerometer"] == {"enabled": True, "speed": 10}
    assert "Location" not in sensors


def test_the_link_is_short_enough_for_a_code_that_phones_read() -> None:
    link = phone_link(URL, TOKEN)
    assert link == f"sensorlogger://config/{phone_code(URL, TOKEN)}"
    assert len(link) <= 400


def test_the_code_is_black_on_white_in_whole_pixels() -> None:
    svg = qr_svg(phone_link(URL, TOKEN))
    size = re.search(r'width="(\d+)" height="(\d+)"', svg)
    assert size is not None and int(size[1]) % 4 == 0 and size[1] == size[2]
    assert 'fill="#fff"' in svg and 'stroke="#000"' in svg and "style=" not in svg
    assert "█" in qr_text("x") or "▄" in qr_text("x")
