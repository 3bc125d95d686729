"""What the fold remembers of a stream, and how it is saved: a hundred bytes, no samples.

Saved state carries a version. A new version adds one function to `UPGRADES`, so that changing the aggregation never
needs a checkpoint deleted.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from gaitway.core.grid import Grid
from gaitway.core.panes import Pane
from gaitway.core.ranges import Ranges
from gaitway.errors import StateError

VERSION = 2
NEVER = -1
"""Newest time of a source that has sent nothing."""
ALL = -(2**62)
"""First window of a recogniser that was there from a stream's first sample on."""
EVERY = "*"
"""In `since`: every recogniser that is switched on at the next start."""


class SavedGrid(msgspec.Struct, array_like=True):
    """The windows of one grid."""

    closed: int
    """Every window below this number was closed by the watermark."""
    shown: int
    """Windows from `closed` up to here were closed by a tick too: published, and judged again when they end."""
    dirty: list[tuple[int, int]]
    """Ranges of closed windows that later samples reopened; published at the next tick."""
    since: dict[str, int]
    """Per recogniser the first window it judges."""


class SavedState(msgspec.Struct, array_like=True):
    """One stream's state as it is saved."""

    version: int
    newest: list[int]
    """Newest event time per source, in the order of ACCELERATION; NEVER where there is none."""
    tick: int
    """Tape position of the last tick."""
    sealed_to: int
    late: int
    """Acceleration readings that came behind the watermark."""
    grids: dict[str, SavedGrid]


class GridState:
    """The running state of one grid of one stream."""

    __slots__ = ("closed", "dirty", "panes", "shown", "since", "stale")

    def __init__(self, closed: int, shown: int, dirty: Ranges, since: dict[str, int]) -> None:
        self.closed = closed
        self.shown = shown
        self.dirty = dirty
        self.since = since
        self.panes: tuple[dict[int, Pane], ...] = ({}, {}, {})
        self.stale: set[int] = set()


class StreamState:
    """The running state of one stream."""

    __slots__ = ("grids", "late", "live", "newest", "sealed_to", "tick")

    def __init__(self) -> None:
        self.newest = [NEVER, NEVER, NEVER]
        self.tick = 0
        self.sealed_to = 0
        self.late = 0
        self.grids: dict[str, GridState] = {}
        self.live: Any = None

    @property
    def head(self) -> int:
        """Event time of the newest acceleration sample; NEVER before the first."""
        return max(self.newest)

    @property
    def unpublished(self) -> bool:
        """Whether revisions wait for a tick."""
        return any(grid.dirty for grid in self.grids.values())

    def since(self) -> dict[str, int]:
        """Per recogniser that came later than the stream, the first window_start (ns) it judges."""
        return {
            name: Grid.parse(text).start(window)
            for text, grid in self.grids.items()
            for name, window in grid.since.items()
            if window != ALL
        }

    def dump(self) -> bytes:
        """Save it."""
        grids = {
            text: SavedGrid(grid.closed, grid.shown, grid.dirty.spans(), grid.since)
            for text, grid in self.grids.items()
        }
        return _ENCODE(SavedState(VERSION, self.newest, self.tick, self.sealed_to, self.late, grids))

    @classmethod
    def load(cls, blob: bytes) -> "StreamState":
        """Restore it, from this version or an older one. Raises StateError for any other."""
        saved = _upgraded(blob)
        state = cls()
        state.newest = list(saved.newest)
        state.tick, state.sealed_to, state.late = saved.tick, saved.sealed_to, saved.late
        for text, grid in saved.grids.items():
            state.grids[text] = GridState(grid.closed, grid.shown, Ranges(grid.dirty), grid.since)
        return state


_ENCODE = msgspec.msgpack.Encoder().encode


def _from_1(state: list[Any]) -> list[Any]:
    """Version 1 knew no `shown` (a tick closed windows for good) and no `since` (every recogniser judged all)."""
    version, newest, tick, sealed_to, late, grids = state
    moved = {text: [closed, closed, dirty, {EVERY: ALL}] for text, (closed, dirty) in grids.items()}
    return [version + 1, newest, tick, sealed_to, late, moved]


#: version -> what makes the next version of it.
UPGRADES: dict[int, Callable[[list[Any]], list[Any]]] = {1: _from_1}


def _upgraded(blob: bytes) -> SavedState:
    try:
        state = msgspec.msgpack.decode(blob)
        while state[0] in UPGRADES:
            state = UPGRADES[state[0]](state)
        if state[0] == VERSION:
            return msgspec.convert(state, SavedState)
    except (msgspec.MsgspecError, LookupError, TypeError, ValueError) as error:
        message = f"engine state cannot be read: {error}"
        raise StateError(message, where="checkpoint", hint=_REBUILD) from error
    message = f"engine state has version {state[0]}, this program knows up to {VERSION}"
    raise StateError(message, where="checkpoint", hint="Run the newer version of Gaitway that wrote it.")


_REBUILD = "Move log/activity.sqlite aside and start again: activities are computed anew from the readings."
