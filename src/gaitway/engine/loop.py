"""The engine's loop: tape 1 from its checkpoint, through the core, onto tape 2.

read a batch -> fold -> dead letters of what the core failed on -> tape 2 + states + position, one transaction
                                                                -> live verdicts, requests for ticks
"""

import threading
import time
from collections.abc import Sequence

from gaitway.core.activity import ActivityRecord
from gaitway.core.fold import Fold
from gaitway.core.message import Record, Stream
from gaitway.engine.broadcast import Broadcast
from gaitway.engine.link import EngineLink
from gaitway.engine.shared_tape import SharedTape
from gaitway.log.activity import ActivityTape, Checkpoint
from gaitway.ports import DeadLetter, DeadLetters, TapeReader

_BATCH = 512
_POLL = 0.25  # seconds; wake-ups come over the link, this is for the time without a front
_GATHER = 0.02  # seconds to let messages gather: a commit of its own for each would cost several times as much


class Engine:
    """Folds tape 1. One per data folder; `step` and `run` belong to one thread."""

    def __init__(
        self,
        tape: TapeReader,
        activity: ActivityTape,
        fold: Fold,
        letters: DeadLetters,
        broadcast: Broadcast | None = None,
    ) -> None:
        self.tape = SharedTape(tape)
        """Tape 1 for others in this process: what was just folded need not be read and decoded again."""
        self._activity = activity
        self._fold = fold
        self._letters = letters
        self._broadcast = broadcast
        self._moved = threading.Condition()
        self.position = activity.folded()
        """Everything on tape 1 up to here is on tape 2."""
        self.watermark_delay: float = 0.0
        """Seconds between the arrival of the newest message folded and now."""
        self.revising: set[Stream] = set()
        """Streams with revisions that wait for a tick."""

    def step(self) -> bool:
        """Fold one batch; False when there was nothing."""
        return self._fold_some() > 0

    def _fold_some(self) -> int:
        records = self.tape.follow(self.position, _BATCH)
        if not records:
            return 0
        found = self._fold.feed(records)
        self._set_aside()
        self._commit(records, found)
        if self._broadcast is not None:
            self._broadcast.send(self._fold, found)
        self._settle(records)
        return len(records)

    def run(self, link: EngineLink, stop: threading.Event, revise_every: float) -> None:
        """Step until `stop` is set; ask for revision ticks every `revise_every` seconds."""
        asked = time.monotonic()
        while not stop.is_set():
            folded = self._fold_some()
            if not folded:
                link.wake.wait(_POLL)
                link.wake.clear()
            if folded < _BATCH:
                stop.wait(_GATHER)
            now = time.monotonic()
            if self.revising and now - asked >= revise_every:
                link.ask_ticks(sorted(self.revising))
                asked = now

    def wait_for(self, position: int, timeout: float) -> bool:
        """Wait, from another thread, until tape 1 is folded up to a position."""
        with self._moved:
            return self._moved.wait_for(lambda: self.position >= position, timeout)

    def _commit(self, records: Sequence[Record], found: Sequence[ActivityRecord]) -> None:
        states: dict[Stream, Checkpoint] = {}
        for stream, blob in self._fold.touched().items():
            state = self._fold.state(stream)
            states[stream] = Checkpoint(state.tick, state.sealed_to, state.late, blob)
        self._activity.commit(records[-1].position, found, states)
        with self._moved:
            self.position = records[-1].position
            self._moved.notify_all()

    def _set_aside(self) -> None:
        """Dead letters of the records the core failed on; durable before the position moves past them."""
        failed, self._fold.quarantined[:] = list(self._fold.quarantined), []
        if failed:
            self._letters.add([_letter(record, error) for record, error in failed])

    def _settle(self, records: Sequence[Record]) -> None:
        """Note who waits for a tick, and forget streams that fell quiet."""
        newest = {record.stream: record for record in records}
        waiting = set(self._fold.unpublished(newest))
        self.revising |= waiting
        for stream, record in newest.items():
            if stream not in waiting:
                self.revising.discard(stream)
                if record.kind == "tick" and self._fold.is_quiet(stream, record.received_at):
                    self._fold.forget(stream)
        self.watermark_delay = max(0.0, (time.time_ns() - records[-1].received_at) / 1e9)


def _letter(record: Record, error: Exception) -> DeadLetter:
    message = record.message
    return DeadLetter(
        received_at=record.received_at,
        reason="core_error",
        where=f"position {record.position}",
        body=f"{type(error).__name__}: {error}".encode(),
        stream=record.stream,
        readings=0 if message is None else message.readings,
        position=record.position,
    )
