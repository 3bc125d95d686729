"""Group commit: many requests, one fsync. One thread writes; the event loop waits for it without blocking."""

import asyncio
import queue
import threading
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from gaitway.errors import BusyError
from gaitway.log.rows import Row
from gaitway.ports import DeadLetter, DeadLetters, Entry, Receipt


class RowTape(Protocol):
    """What group commit needs of a tape: to encode an entry on the caller's side, and to write rows as one group."""

    @property
    def commit_seconds(self) -> float:
        """How long the last commit, with its fsync, took."""
        ...

    def prepare(self, entry: Entry) -> Row:
        """Encode an entry. Raises LogError if it cannot be stored, BusyError when nothing can be stored now."""
        ...

    def append_rows(self, rows: Sequence[Row]) -> Sequence[Receipt]:
        """Append in order, in one transaction; durable on return."""
        ...


class _Waiting(NamedTuple):
    row: Row | None
    letters: Sequence[DeadLetter]
    future: "asyncio.Future[Receipt]"
    size: int


class GroupCommit:
    """Gathers what is submitted within `gather` seconds, writes it as one group, then resolves all its futures.

    Dead letters of a group are durable before its entries are. When a group fails, each of its futures gets the error
    and the next group is tried. `on_commit` (on the loop) gets the last position of each group that stored something;
    `observe` (on the writer's thread) gets rows and seconds of fsync of each group.
    """

    def __init__(
        self,
        tape: RowTape,
        letters: DeadLetters,
        gather: float = 0.002,
        max_batch: int = 512,
        *,
        on_commit: Callable[[int], None] | None = None,
        observe: Callable[[int, float], None] | None = None,
    ) -> None:
        self._tape = tape
        self._letters = letters
        self._gather = gather
        self._max_batch = max_batch
        self.max_waiting = 8192
        """So many may wait; more are refused with BusyError."""
        self.max_waiting_bytes = 64 << 20
        self._on_commit, self._observe = on_commit, observe
        self._queue: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed = False
        self._submitted_bytes = 0  # written by the loop only
        self._done_bytes = 0  # written by the thread only
        self.commits = 0
        """Groups written."""
        self.rows = 0
        """Rows in them, repeats included."""
        self.failures = 0
        """Groups that failed."""
        self.fsync_seconds = 0.0
        """Time spent in commits, added up."""

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Start the writer. `submit` is then called on this loop only."""
        self._loop = loop
        self._thread = threading.Thread(target=self._run, name="tape writer", daemon=True)
        self._thread.start()

    def submit(self, entry: Entry, letters: Sequence[DeadLetter] = ()) -> "asyncio.Future[Receipt]":
        """Hand in an entry and the dead letters of its body; the future resolves once both are durable.

        Raises LogError when the entry cannot be encoded (others are not touched by it), BusyError when too much is
        waiting, the disk reserve is reached, or after `close`.
        """
        return self.submit_row(self._tape.prepare(entry), letters)

    def submit_row(self, row: Row, letters: Sequence[DeadLetter] = ()) -> "asyncio.Future[Receipt]":
        """`submit` for an entry that the tape has prepared already."""
        return self._enqueue(row, letters)

    def bury(self, letters: Sequence[DeadLetter]) -> "asyncio.Future[Receipt]":
        """Hand in dead letters alone (a body that could not be read). Resolves to position 0 once they are durable."""
        return self._enqueue(None, letters)

    @property
    def waiting_bytes(self) -> int:
        """How much waits to be written."""
        return self._submitted_bytes - self._done_bytes

    def close(self) -> None:
        """Write what was submitted, resolve its futures, stop the thread. Blocks meanwhile. Idempotent."""
        if not self._closed:
            self._closed = True
            self._queue.put(None)
        if self._thread is not None:
            self._thread.join()

    def _enqueue(self, row: Row | None, letters: Sequence[DeadLetter]) -> "asyncio.Future[Receipt]":
        if self._closed or self._loop is None:
            raise BusyError(
                "the server is not taking messages", where="tape", hint="it is stopping or starting: send again"
            )
        size = len(row.body or b"") if row is not None else 0
        if letters:
            size += sum(len(letter.body) for letter in letters)
        if self._queue.qsize() >= self.max_waiting or self.waiting_bytes > self.max_waiting_bytes:
            raise BusyError("too many messages wait for the disk", where="tape", hint="send again in a second")
        future: asyncio.Future[Receipt] = self._loop.create_future()
        self._submitted_bytes += size
        self._queue.put(_Waiting(row, letters, future, size))
        return future

    def _run(self) -> None:
        open_ = True
        while open_:
            group, open_ = self._next_group()
            if group:
                self._commit(group)

    def _next_group(self) -> tuple[list[_Waiting], bool]:
        """What to write next, and whether more may follow."""
        first = self._queue.get()
        if first is None:
            return [], False
        group = [first]
        if self._gather and self._queue.qsize() < self._max_batch:
            time.sleep(self._gather)
        while len(group) < self._max_batch:
            try:
                item = self._queue.get_nowait()
            except queue.Empty:
                break
            if item is None:
                return group, False
            group.append(item)
        return group, True

    def _commit(self, group: Sequence[_Waiting]) -> None:
        try:
            receipts = self._store(group)
        except Exception as error:
            self.failures += 1
            self._answer(group, error)
        else:
            self._answer(group, receipts)
        self._done_bytes += sum(item.size for item in group)

    def _store(self, group: Sequence[_Waiting]) -> list[Receipt]:
        letters = [letter for item in group for letter in item.letters]
        if letters:
            self._letters.add(letters)
        rows = [item.row for item in group if item.row is not None]
        receipts = iter(self._tape.append_rows(rows) if rows else ())
        if rows:
            self._note(len(rows), self._tape.commit_seconds)
        return [_BURIED if item.row is None else next(receipts) for item in group]

    def _note(self, rows: int, seconds: float) -> None:
        self.commits += 1
        self.rows += rows
        self.fsync_seconds += seconds
        if self._observe is not None:
            self._observe(rows, seconds)

    def _answer(self, group: Sequence[_Waiting], outcome: Sequence[Receipt] | Exception) -> None:
        loop = self._loop
        if loop is None or loop.is_closed():  # nobody is left to hear it
            return
        loop.call_soon_threadsafe(self._resolve, group, outcome)

    def _resolve(self, group: Sequence[_Waiting], outcome: Sequence[Receipt] | Exception) -> None:
        if isinstance(outcome, Exception):
            for item in group:
                if not item.future.done():
                    item.future.set_exception(outcome)
            return
        for item, receipt in zip(group, outcome, strict=True):
            if not item.future.done():
                item.future.set_result(receipt)
        last = max((receipt.position for receipt in outcome if receipt.outcome != "duplicate"), default=0)
        if last and self._on_commit is not None:
            self._on_commit(last)


_BURIED = Receipt(0, "stored")
