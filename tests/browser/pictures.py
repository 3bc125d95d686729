"""Takes the pictures of the docs anew: `cd tests && python -m browser.pictures`. The phones in them are simulated."""

import base64
import shutil
import struct
import zlib
from contextlib import closing
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from playwright.sync_api import Browser, Page, sync_playwright

from browser.conftest import FLAGS
from browser.scene import EVERY_STATE, SECOND, play, quiet_rows
from browser.stub import Stub, now_ns

FOLDER = Path(__file__).parents[2] / "docs" / "pictures"
PIXELS = """async (url) => {
  const image = new Image();
  image.src = url;
  await image.decode();
  const pen = new OffscreenCanvas(image.width, image.height).getContext("2d");
  pen.drawImage(image, 0, 0);
  const {data, width, height} = pen.getImageData(0, 0, image.width, image.height);
  return [width, height, Array.from(new Uint32Array(data.buffer))];
}"""


def main() -> None:
    """Write docs/pictures/*.png."""
    FOLDER.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        _picture(browser, "live", 710)
        _picture(browser, "first-run", 710)
        browser.close()


def _picture(browser: Browser, name: str, height: int) -> None:
    with closing(Stub()) as stub:
        _take(browser, stub, name, height)


def _take(browser: Browser, stub: Stub, name: str, height: int) -> None:
    if name == "live":
        now = now_ns()
        stub.phones = [walker.row(now) for walker in EVERY_STATE] + quiet_rows(now)
        stub.knocks = [{"address": "192.168.1.77", "reason": "token", "count": 14, "last": now}]
    page = browser.new_page(viewport={"width": 1440, "height": height}, color_scheme="light")
    page.goto(stub.url)
    stub.wait_opened(1)
    page.wait_for_selector("#link[data-s=open]")
    (_live if name == "live" else _first_run)(page, stub)
    page.evaluate("() => document.fonts.ready")
    picture = base64.b64encode(page.screenshot()).decode()
    page.goto("about:blank")  # whose policy lets a picture through
    width, height, pixels = page.evaluate(PIXELS, f"data:image/png;base64,{picture}")
    (FOLDER / f"{name}.png").write_bytes(palette_png(np.array(pixels, np.uint32), width, height))
    page.close()


def palette_png(pixels: NDArray[np.uint32], width: int, height: int) -> bytes:
    """A picture in 256 colours: the 64 commonest as they are, the others as means of what is near."""
    colours, index, counts = np.unique(pixels, return_inverse=True, return_counts=True)
    rgb = colours.view(np.uint8).reshape(-1, 4)[:, :3].astype(np.float64)
    kept = rgb[np.argsort(counts)[::-1]][[*range(64), *np.linspace(64, len(rgb) - 1, 192).astype(int)]]
    for _ in range(8):
        nearest = np.array([((kept - colour) ** 2).sum(axis=1).argmin() for colour in rgb])
        for i in set(nearest[nearest >= 64].tolist()):
            kept[i] = np.average(rgb[nearest == i], axis=0, weights=counts[nearest == i])
    rows = np.zeros((height, width + 1), np.uint8)  # each row begins with its filter: none
    rows[:, 1:] = nearest[index].reshape(height, width).astype(np.uint8)
    head = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    parts = (
        (b"IHDR", head),
        (b"PLTE", kept.round().astype(np.uint8).tobytes()),
        (b"IDAT", zlib.compress(rows.tobytes(), 9)),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, body) for kind, body in (*parts, (b"IEND", b"")))


def _chunk(kind: bytes, body: bytes) -> bytes:
    return len(body).to_bytes(4) + kind + body + zlib.crc32(kind + body).to_bytes(4)


def _live(page: Page, stub: Stub) -> None:
    play(stub, EVERY_STATE, seconds=12, end=now_ns() - SECOND)
    play(stub, EVERY_STATE)
    page.wait_for_timeout(1_250)  # until every line has glided to its place


def _first_run(page: Page, stub: Stub) -> None:
    page.wait_for_selector(".plate img[src]")
    page.wait_for_function("() => document.querySelector('.wait-s p').textContent !== ''")


if __name__ == "__main__":
    main()
