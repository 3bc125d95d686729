"""Pointing a phone here: the app's settings as a link and as a QR code."""

import asyncio
import base64
import io
import json
from typing import Any, Final

import segno
import zstandard

from gaitway.registry import Minted, Registry, TokenBook

#: Milliseconds between two readings that the app is asked for.
_SPEED: Final = 10
#: What is recorded, in the app's names, and whether it has a speed. Location is left to the phone's owner to add.
SENSORS: Final = (
    ("Accelerometer", True),
    ("Gravity", True),
    ("Gyroscope", True),
    ("Orientation", True),
    ("Barometer", True),
    ("Pedometer", False),
    ("Battery", False),
)


def phone_settings(url: str, token: str) -> dict[str, Any]:
    """What Sensor Logger has to be set to.

    The token goes where the app has a place for it, and into the address: not every version sends the former.
    """
    sensors = {name: {"enabled": True, "speed": _SPEED} if fast else {"enabled": True} for name, fast in SENSORS}
    http = {"enabled": True, "url": f"{url}/data/{token}", "batchPeriod": 1000, "authToken": token, "skip": False}
    return {"sensorState": sensors, "http": http, "keepAwake": "On"}


def phone_code(url: str, token: str) -> str:
    """The settings as the app's links carry them: base64 of a zstd frame of JSON."""
    text = json.dumps(phone_settings(url, token), separators=(",", ":"))
    return base64.b64encode(zstandard.ZstdCompressor(level=19).compress(text.encode())).decode("ascii")


def phone_link(url: str, token: str) -> str:
    """A link that opens the app and sets it up."""
    return f"sensorlogger://config/{phone_code(url, token)}"


def qr_svg(text: str) -> str:
    """A QR code as SVG, black on white, 4 whole pixels a module, with its quiet zone."""
    out = io.BytesIO()
    segno.make(text, error="l", boost_error=False, micro=False).save(
        out, kind="svg", scale=4, border=4, dark="#000", light="#fff", xmldecl=False, nl=False
    )
    return out.getvalue().decode()


def qr_text(text: str) -> str:
    """A QR code for a terminal."""
    out = io.StringIO()
    segno.make(text, error="l", boost_error=False, micro=False).terminal(out, compact=True, border=2)
    return out.getvalue()


class PhoneSetup:
    """What the page tells a phone's owner. The token stays the same until a phone used it, however often one asks."""

    def __init__(self, registry: Registry, url: str) -> None:
        self._book = TokenBook(registry)
        self._url = url
        self._minted: Minted | None = None
        self._lock = asyncio.Lock()

    async def describe(self) -> dict[str, Any]:
        """Address, token, link and QR code."""
        async with self._lock:
            minted = await asyncio.to_thread(self._fresh)
        code = phone_code(self._url, minted.text)
        link = f"sensorlogger://config/{code}"
        host, _, port = self._url.partition("://")[2].rpartition(":")
        return {
            "address": f"{self._url}/data",
            "host": host,
            "port": int(port) if port.isdecimal() else None,
            "token": minted.text,
            "link": link,
            "web_link": f"https://sensorlogger.app/link/config/{code}",
            "qr": qr_svg(link),
        }

    def _fresh(self) -> Minted:
        known = self._minted and self._book.find(self._minted.text)
        if self._minted is None or known is None or known.device_id is not None:
            self._minted = self._book.setup_token()
        return self._minted
