"""The API for readers and for the page. Blocking work runs in threads of its own: no phone waits for a reader."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple, TypeVar, cast

from litestar import get, post
from litestar.di import NamedDependency, Provide
from litestar.params import Body, FromPath, QueryParameter

from gaitway.errors import NotFoundError
from gaitway.ports import Selection
from gaitway.web.board import Board
from gaitway.web.events import Hub
from gaitway.web.front import Front
from gaitway.web.query import read_time
from gaitway.web.reading import Desk
from gaitway.web.setup import PhoneSetup
from gaitway.web.shapes import (
    Activities,
    DeadLetterList,
    DeviceRow,
    Name,
    Readings,
    RecognizerList,
    Segments,
    Started,
    Streams,
)

_T = TypeVar("_T")
Id = Annotated[str | None, QueryParameter(max_length=128, required=False)]
Limit = Annotated[int, QueryParameter(ge=1, le=10_000, description="How many at most.")]
Cursor = Annotated[
    str | None, QueryParameter(max_length=2000, required=False, description="`next` of an earlier answer.")
]
From = Annotated[str | None, QueryParameter(name="from", required=False, description="Inclusive; ns or ISO 8601.")]
To = Annotated[str | None, QueryParameter(name="to", required=False, description="Exclusive; ns or ISO 8601.")]
Until = Annotated[
    int | None, QueryParameter(ge=0, le=(1 << 63) - 1, required=False, description="A position on tape 1.")
]


@dataclass(frozen=True, slots=True)
class Office:
    """What the handlers work with."""

    front: Front
    desk: Desk
    board: Board
    hub: Hub
    setup: PhoneSetup
    executor: Executor

    async def run(self, call: Callable[..., _T], *args: Any) -> _T:
        """Make a blocking call in a thread."""
        return await asyncio.get_running_loop().run_in_executor(self.executor, call, *args)


Span = tuple[int | None, int | None]
Paging = tuple[int, str | None]


class Asked(NamedTuple):
    """What every list can be asked: of which phone and recording, from when to when, how much."""

    device_id: str | None
    session_id: str | None
    span: Span
    page: Paging

    def selection(self, **more: Any) -> Selection:
        """As history is asked."""
        (start, end), (limit, cursor) = self.span, self.page
        return Selection(
            self.device_id, self.session_id, start=start, end=end, limit=limit, cursor=cursor or None, **more
        )


def read_span(start: From = None, end: To = None) -> Span:
    """The range of times asked for."""
    return read_time(start, "from"), read_time(end, "to")


def read_page(limit: Limit = 1000, cursor: Cursor = None) -> Paging:
    """How much is asked for, and from where on."""
    return limit, cursor or None


def read_asked(
    span: NamedDependency[Span],
    page: NamedDependency[Paging],
    device_id: Id = None,
    session_id: Id = None,
) -> Asked:
    """What lists of a stream's history are asked."""
    return Asked(device_id, session_id, span, page)


DEPENDENCIES = {
    "span": Provide(read_span, sync_to_thread=False),
    "page": Provide(read_page, sync_to_thread=False),
    "asked": Provide(read_asked, sync_to_thread=False),
}


@get("/api/streams")
async def streams(
    office: NamedDependency[Office], page: NamedDependency[Paging], device_id: Id = None, session_id: Id = None
) -> Streams:
    """Every recording of every phone, with its counts."""
    return await office.run(office.desk.streams, Asked(device_id, session_id, (None, None), page).selection())


@get("/api/activities")
async def activities(
    office: NamedDependency[Office], asked: NamedDependency[Asked], recognizer: Id = None
) -> Activities:
    """Current verdicts on windows; `from` and `to` on window_start. Without a recognizer: the leading one's."""
    chosen = asked.selection(recognizer=recognizer or office.front.settings.lead)
    page = await office.run(office.front.history.activities, chosen)
    return cast(Activities, {"activities": page.rows, "next": page.next})


@get("/api/segments")
async def segments(office: NamedDependency[Office], asked: NamedDependency[Asked], recognizer: Id = None) -> Segments:
    """Runs of equal verdicts, as people read them."""
    chosen = asked.selection(recognizer=recognizer or office.front.settings.lead)
    page = await office.run(office.front.history.segments, chosen)
    return cast(Segments, {"segments": page.rows, "next": page.next})


@get("/api/readings")
async def readings(
    office: NamedDependency[Office], asked: NamedDependency[Asked], sensor: Id = None, until: Until = None
) -> Readings:
    """Raw readings; an equal one once. `from` and `to` on its time, `until` on its tape position."""
    page = await office.run(office.front.history.readings, asked.selection(sensor=sensor, until=until))
    return cast(Readings, {"readings": page.rows, "next": page.next})


@get("/api/recognizers")
async def recognizers(office: NamedDependency[Office]) -> RecognizerList:
    """Every recogniser that ever judged here, with its settings."""
    return await office.run(office.desk.recognizers)


@get("/api/dead-letters")
async def dead_letters(office: NamedDependency[Office], page: NamedDependency[Paging]) -> DeadLetterList:
    """What was refused, with a reason; newest first."""
    return await office.run(office.desk.dead_letters, *page)


@get("/api/phones")
async def phones(office: NamedDependency[Office]) -> dict[str, Any]:
    """Everything the live page shows: one entry per phone, its newest session of the last day."""
    return await office.board.snapshot()


@get("/api/page/setup")
async def page_setup(office: NamedDependency[Office]) -> dict[str, Any]:
    """What Sensor Logger needs: address, a fresh token, a link and a QR code of it."""
    return await office.setup.describe()


@post("/api/page/simulate")
async def page_simulate(office: NamedDependency[Office]) -> Started:
    """Start a simulated phone."""
    if office.front.simulate is None:
        raise NotFoundError("this server starts no simulated phones", hint="Run: gaitway simulate")
    return {"device_id": await office.front.simulate()}


@post("/api/devices/{device_id:str}", status_code=200)
async def rename(
    office: NamedDependency[Office],
    device_id: FromPath[str],
    data: Annotated[Name, Body(description="What to call it; empty: nothing.")],
) -> DeviceRow:
    """Call a phone something else."""
    device = await office.board.rename(device_id, data["name"])
    return {
        "device_id": device.device_id,
        "name": device.name,
        "platform": device.platform,
        "model": device.model,
        "first_seen": device.first_seen,
        "simulated": device.simulated,
    }


READING = (streams, activities, segments, readings, recognizers, dead_letters)
PAGE = (phones, page_setup, page_simulate, rename)
