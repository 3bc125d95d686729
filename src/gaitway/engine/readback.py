"""What the core reads back: samples from the log and the warehouse, verdicts from tape 2 and the warehouse."""

from collections.abc import Mapping

from gaitway.core.activity import Verdict
from gaitway.core.message import CORE_SENSORS, Stream
from gaitway.core.samples import Sources, gather
from gaitway.log.activity import ActivityTape
from gaitway.ports import TapeReader, Warehouse


class TapeReadBack:
    """`core.windows.ReadBack` over the log, tape 2 and the warehouse."""

    def __init__(self, tape: TapeReader, activity: ActivityTape, warehouse: Warehouse) -> None:
        self._tape = tape
        self._activity = activity
        self._warehouse = warehouse

    def samples(self, stream: Stream, start: int, end: int, upto: int) -> Sources:
        """Samples with start <= time < end of records at positions up to `upto`; what both hold counts once."""
        messages = list(self._tape.samples(stream, start, end, upto, CORE_SENSORS))
        if self._tape.start() > 1:
            messages.extend(self._warehouse.samples(stream, start, end, upto))
        return gather(messages, start, end)

    def published(self, stream: Stream, recognizer: str, start: int, end: int) -> Mapping[int, Verdict]:
        """The current verdicts of windows with start <= window_start < end, by window_start."""
        found = self._activity.published(stream, recognizer, start, end)
        if self._activity.start() > 1:
            return {**self._warehouse.published(stream, recognizer, start, end), **found}
        return found

    def state(self, stream: Stream) -> bytes | None:
        """The saved state of a stream."""
        return self._activity.state(stream)
