"""What every test can ask for."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("gaitway", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("gaitway")


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--recordings PATH`: a folder with `samples/` and `data/` of real recordings, never part of the project."""
    parser.addoption("--recordings", type=Path, default=None, help="folder with real recordings")


@pytest.fixture
def recordings(request: pytest.FixtureRequest) -> Path:
    """The folder of real recordings."""
    path: Path | None = request.config.getoption("--recordings")
    if path is None:
        pytest.fail("give --recordings PATH, a folder with samples/ and data/")
    return path.resolve()
