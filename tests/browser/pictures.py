"""Takes the pictures of the docs from a running `gaitway demo --phones 6`, half a minute after its start.

cd tests && python -m browser.pictures http://127.0.0.1:8788
"""

import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

from browser.conftest import FLAGS

FOLDER = Path(__file__).parents[2] / "docs" / "pictures"


def main(url: str) -> None:
    """Write docs/pictures/*.png."""
    FOLDER.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        page = browser.new_page(viewport={"width": 1440, "height": 710}, color_scheme="light")
        page.goto(url)
        page.wait_for_timeout(12_000)  # until every line has glided to its place
        page.screenshot(path=FOLDER / "live.png")
        page.goto(f"{url}/#first")
        page.wait_for_selector(".plate img[src]")
        page.wait_for_timeout(1_000)
        page.screenshot(path=FOLDER / "first-run.png")
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1])
