"""What tape 1 knows of each stream: its number, its counts, the ids it has sent.

The ledger lives in memory. Streams that changed are saved from time to time, in the transaction of the rows they
count; after a crash the rows behind the last save are counted again.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from gaitway.core.message import Stream
from gaitway.errors import LogError
from gaitway.log.codec import event_times
from gaitway.log.ids import IdRanges
from gaitway.log.rows import KINDS, MESSAGE, TICK, TRANSPORTS, Row
from gaitway.ports import StreamCounts

#: (number, device_id, session_id, upto, saved counts) of a stream, as in the tables `streams` and `log_streams`.
SavedStream = tuple[int, str, str, int, bytes]


class _Saved(msgspec.Struct, omit_defaults=True):
    """The saved form of an account. Fields may be added with a default, never changed."""

    messages: int = 0
    duplicates: int = 0
    conflicting: int = 0
    first_time: int | None = None
    last_time: int | None = None
    last_received: int = 0
    last_kind: int = TICK
    newest: int | None = None
    ids: dict[str, list[int]] = {}


_encode_saved = msgspec.msgpack.Encoder().encode
_decode_saved = msgspec.msgpack.Decoder(_Saved).decode


class Account:
    """One stream's part of the ledger."""

    __slots__ = (
        "conflicting",
        "duplicates",
        "first_time",
        "ids",
        "last_kind",
        "last_received",
        "last_time",
        "messages",
        "newest",
        "no",
        "stream",
        "upto",
    )

    def __init__(self, no: int, stream: Stream) -> None:
        self.no = no
        self.stream = stream
        self.upto = 0
        """The position up to which it counts."""
        self.messages = self.duplicates = self.conflicting = self.last_received = 0
        self.first_time: int | None = None
        self.last_time: int | None = None
        self.last_kind = TICK
        self.newest: int | None = None
        """The greatest t_min of its messages: a message that starts later cannot be a repeat."""
        self.ids = (IdRanges(), IdRanges())
        """By transport."""

    def stored(self, row: Row, position: int, *, conflicting: bool) -> None:
        """Count a row that goes on the tape."""
        self.upto = position
        self.last_kind = row.kind
        if row.kind != MESSAGE:
            return
        self.messages += 1
        self.conflicting += conflicting
        self.last_received = row.received_at
        if row.first is not None and row.last is not None:
            self.first_time = row.first if self.first_time is None else min(self.first_time, row.first)
            self.last_time = row.last if self.last_time is None else max(self.last_time, row.last)
        if row.t_min is not None and (self.newest is None or row.t_min > self.newest):
            self.newest = row.t_min
        if row.mid is not None:
            self.ids[row.transport].add(row.mid)

    def dropped(self, row: Row) -> None:
        """Count a repeat. Its id has come over its transport, so it is not missing there."""
        self.duplicates += 1
        if row.mid is not None:
            self.ids[row.transport].add(row.mid)

    def may_repeat(self, row: Row) -> bool:
        """False when the row certainly is no repeat: its id is new, or it starts later than all before it."""
        if row.mid is not None and not any(row.mid in ids for ids in self.ids):
            return False
        return row.t_min is None or (self.newest is not None and row.t_min <= self.newest)

    def conflicts(self, row: Row) -> bool:
        """Whether its id came before over the same transport."""
        return row.mid is not None and row.mid in self.ids[row.transport]

    def counts(self) -> StreamCounts:
        """The counts as others see them."""
        return StreamCounts(
            self.stream,
            self.messages,
            self.duplicates,
            self.conflicting,
            sum(ids.missing for ids in self.ids),
            self.first_time,
            self.last_time,
            self.last_received,
            KINDS[self.last_kind],
        )

    def dump(self) -> bytes:
        """The saved form."""
        ids = {name: ids.dump() for name, ids in zip(TRANSPORTS, self.ids, strict=True)}
        return _encode_saved(
            _Saved(
                self.messages,
                self.duplicates,
                self.conflicting,
                self.first_time,
                self.last_time,
                self.last_received,
                self.last_kind,
                self.newest,
                ids,
            )
        )

    def load(self, data: bytes, upto: int) -> None:
        """Take over a saved form. Raises LogError when it is damaged."""
        try:
            saved = _decode_saved(data)
        except msgspec.MsgspecError as error:
            raise LogError(
                f"the saved counts of stream {self.stream.key!r} are damaged: {error}",
                where="streams",
                hint="restore the log from a backup",
            ) from error
        self.upto = upto
        self.messages, self.duplicates, self.conflicting = saved.messages, saved.duplicates, saved.conflicting
        self.first_time, self.last_time = saved.first_time, saved.last_time
        self.last_received, self.last_kind, self.newest = saved.last_received, saved.last_kind, saved.newest
        http, mqtt = (IdRanges.load(saved.ids.get(name, [0])) for name in TRANSPORTS)
        self.ids = (http, mqtt)


class Ledger:
    """The accounts of all streams, in order of first arrival, and which of them changed since the last save."""

    def __init__(self) -> None:
        self._by_stream: dict[Stream, Account] = {}
        self._by_number: dict[int, Account] = {}
        self._changed: set[int] = set()
        self._next = 1

    def __iter__(self) -> Iterator[Account]:
        return iter([self._by_number[no] for no in sorted(self._by_number)])

    def account(self, stream: Stream) -> Account:
        """The account of a stream; a new stream gets the next number."""
        return self._by_stream.get(stream) or self._open(self._next, stream)

    def changed(self, account: Account) -> None:
        """Note that an account has to be saved."""
        self._changed.add(account.no)

    def unsaved(self) -> list[Account]:
        """The accounts that changed since they were last saved."""
        return [self._by_number[no] for no in self._changed]

    def saved(self, accounts: Iterable[Account]) -> None:
        """Note that these were saved durably."""
        self._changed.difference_update(account.no for account in accounts)

    def load(self, streams: Iterable[tuple[int, str, str, int | None, bytes | None]]) -> None:
        """Take saved accounts over where they are newer than what is known. Registry first, then segments in order."""
        for no, device_id, session_id, upto, data in streams:
            account = self._by_number.get(no) or self._open(no, Stream(device_id, session_id))
            if data is not None and upto is not None and upto >= account.upto:
                account.load(data, upto)

    def count_again(self, facts: Iterable[tuple[Any, ...]]) -> None:
        """Count rows of the tape that no saved account has counted. `facts` as `segment.facts_after` gives them."""
        for position, no, kind, received_at, t_min, mid, transport, conflicting, head in facts:
            account = self._by_number[no]
            if position <= account.upto:
                continue
            times = event_times(head) if kind == MESSAGE else None
            first, last = times or (None, None)
            row = Row(
                kind,
                account.stream,
                received_at,
                t_min=t_min,
                first=first,
                last=last,
                mid=mid,
                transport=transport,
            )
            account.stored(row, position, conflicting=bool(conflicting))
            self._changed.add(no)

    def _open(self, no: int, stream: Stream) -> Account:
        account = self._by_stream[stream] = self._by_number[no] = Account(no, stream)
        self._next = max(self._next, no + 1)
        return account


def saved_streams(accounts: Sequence[Account], upto: int) -> list[SavedStream]:
    """Rows of table `streams` for accounts that count up to a position."""
    return [(account.no, *account.stream, upto, account.dump()) for account in accounts]
