"""The socket between the processes: a flush ends with the truth, and the socket fits whatever the folder is called."""

import asyncio
import stat
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gaitway.engine.link import EngineLink, FrontLink, request_flush, socket_path
from gaitway.errors import BusyError


@pytest.fixture
def data() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="gw") as folder:
        yield Path(folder)


async def linked(data: Path, on_flush: Callable[[EngineLink, int], None]) -> tuple[FrontLink, EngineLink]:
    front, engine = FrontLink(data), EngineLink(data)
    engine.on_flush = lambda number: on_flush(engine, number)
    await front.start()
    engine.start()
    async with asyncio.timeout(10):
        while not front.connected:
            await asyncio.sleep(0.01)
    return front, engine


async def flushed(data: Path, on_flush: Callable[[EngineLink, int], None], timeout: float = 10.0) -> bool:
    """As a command asks, through the front."""
    front, engine = await linked(data, on_flush)
    try:
        await front.flush(timeout)
        return await asyncio.to_thread(request_flush, data, 10.0)
    finally:
        engine.stop()
        await front.stop()


def test_a_flush_that_is_done_is_told(data: Path) -> None:
    assert asyncio.run(flushed(data, lambda engine, number: engine.flushed(number)))


def test_one_that_failed_raises_with_the_reason(data: Path) -> None:
    with pytest.raises(BusyError, match=r"^the disk says no; twice$"):
        asyncio.run(flushed(data, lambda engine, number: engine.flushed(number, "the disk\nsays no; twice")))


def test_the_reason_reaches_commands(data: Path) -> None:
    def fail_second(engine: EngineLink, number: int) -> None:
        engine.flushed(number, "" if number == 1 else "the disk says no")

    with pytest.raises(BusyError, match=r"^the disk says no$"):
        asyncio.run(flushed(data, fail_second))


def test_one_that_is_never_answered_ends(data: Path) -> None:
    with pytest.raises(BusyError, match=r"within 0\.05 s"):
        asyncio.run(flushed(data, lambda engine, number: None, timeout=0.05))


def test_a_folder_with_a_long_name_is_served_too(data: Path) -> None:
    deep = data / ("d" * 120)
    deep.mkdir()
    assert len(str(socket_path(deep))) <= 100
    assert asyncio.run(flushed(deep, lambda engine, number: engine.flushed(number)))


def test_the_socket_is_the_same_however_the_folder_is_written(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deep = data / ("d" * 120)
    deep.mkdir()
    monkeypatch.chdir(data)
    assert socket_path(Path("d" * 120)) == socket_path(deep)
    assert socket_path(Path()) == socket_path(data) == data.resolve() / "run" / "front.sock"


def test_only_this_user_reaches_it(data: Path) -> None:
    async def mode() -> int:
        front = FrontLink(data)
        await front.start()
        try:
            return stat.S_IMODE(socket_path(data).stat().st_mode)
        finally:
            await front.stop()

    assert asyncio.run(mode()) == 0o600
