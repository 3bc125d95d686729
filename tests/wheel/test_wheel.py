"""A wheel built from a clean checkout holds the page with its fonts, installs without the rest, and runs."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ("index.html", "vendor/hanken.woff2", "vendor/mono.woff2", "vendor/uPlot.iife.min.js")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "uv", "build", "--quiet", "--wheel", "--no-build-isolation", "--out-dir", str(out)],
        cwd=ROOT,
        check=True,
    )
    return next(out.glob("*.whl"))


@pytest.mark.wheel
def test_the_wheel_holds_the_page_and_what_it_loads(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())

    assert {f"gaitway/web/static/{name}" for name in PAGE} <= names
    assert not [name for name in names if not name.startswith("gaitway")]


@pytest.mark.wheel
def test_it_installs_into_an_empty_environment_and_runs(wheel: Path, tmp_path: Path) -> None:
    python = tmp_path / "venv" / "bin" / "python"
    locked = ["--require-hashes", "-r", str(ROOT / "requirements" / "run.lock")]
    uv = [sys.executable, "-m", "uv"]
    subprocess.run([*uv, "venv", "--quiet", "--python", sys.executable, str(tmp_path / "venv")], check=True)
    subprocess.run([*uv, "pip", "install", "--quiet", "--python", str(python), *locked], check=True)
    subprocess.run([*uv, "pip", "install", "--quiet", "--python", str(python), "--no-deps", str(wheel)], check=True)

    done = subprocess.run(
        [str(python.with_name("gaitway")), "--help"], cwd=tmp_path, capture_output=True, text=True, check=True
    )

    assert "serve" in done.stdout
    assert "verify" in done.stdout
