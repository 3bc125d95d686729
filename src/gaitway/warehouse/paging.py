"""A page out of very many rows, by looking at few of them: small streams together, a long one in slices of time.

streams   |a|b|c|---------- d ----------|e|
slices     [a b c][ d ][ d  ][   d    ]   ...      until the page is full
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from gaitway.core.message import Stream
from gaitway.warehouse.catalog import Span
from gaitway.warehouse.sources import quoted

Row = Sequence[Any]
#: So many rows are looked through at once.
AT_ONCE = 50_000


class Slice(NamedTuple):
    """All streams from `first` to `last`, both inclusive, between start and end (ns; None: no bound)."""

    first: Stream
    last: Stream
    start: int | None = None
    end: int | None = None

    def holds(self, stream: Stream) -> bool:
        """Whether a stream lies in it."""
        return self.first <= stream <= self.last

    @property
    def condition(self) -> str:
        """Its streams in SQL, so that the Parquet reader can leave out what does not match.

        >>> Slice(Stream("a", "1"), Stream("a", "1")).condition
        "device_id = 'a' AND session_id = '1'"
        """
        (d0, s0), (d1, s1) = (map(quoted, self.first), map(quoted, self.last))
        if self.first == self.last:
            return f"device_id = {d0} AND session_id = {s0}"
        inside = f"(device_id > {d0} OR session_id >= {s0}) AND (device_id < {d1} OR session_id <= {s1})"
        return f"device_id BETWEEN {d0} AND {d1} AND {inside}"


def collect(
    spans: Mapping[Stream, Span],
    bounds: tuple[int | None, int | None],
    want: int,
    fetch: Callable[[Slice, int], list[Any]],
) -> list[Any]:
    """Up to `want` rows of the streams in `spans`, which is in order; `fetch` gives up to so many rows of a slice."""
    rows: list[Any] = []

    def missing() -> int:
        return want - len(rows)

    for batch in together(spans, AT_ONCE):
        for part in _slices(batch, bounds, missing):
            rows += fetch(part, missing())
            if missing() <= 0:
                return rows
    return rows


def together(spans: Mapping[Stream, Span], most: int) -> Iterator[dict[Stream, Span]]:
    """Runs of streams with at most so many rows, or one stream with more.

    >>> found = {Stream("a", str(k)): Span(rows, 0, 9) for k, rows in enumerate((1, 2, 9, 1))}
    >>> [[stream.session_id for stream in batch] for batch in together(found, 4)]
    [['0', '1'], ['2'], ['3']]
    """
    batch: dict[Stream, Span] = {}
    for stream, span in spans.items():
        if batch and sum(known.rows for known in batch.values()) + span.rows > most:
            yield batch
            batch = {}
        batch[stream] = span
    if batch:
        yield batch


def _slices(
    batch: Mapping[Stream, Span], bounds: tuple[int | None, int | None], wanted: Callable[[], int]
) -> Iterator[Slice]:
    streams = list(batch)
    rows, first, last = batch[streams[0]]
    if len(streams) > 1 or rows <= AT_ONCE:
        yield Slice(streams[0], streams[-1], *bounds)
        return
    low = max(first, first if bounds[0] is None else bounds[0])
    end = min(last + 1, last + 1 if bounds[1] is None else bounds[1])
    step = (last - first + 1) * 2 * wanted() // rows + 1
    while low < end:
        before = wanted()
        yield Slice(streams[0], streams[0], low, min(low + step, end))
        low += step
        if wanted() > before // 2:  # thin here: look further
            step *= 2
