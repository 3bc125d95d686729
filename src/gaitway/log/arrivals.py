"""Decides of each arriving row whether it is stored, and as what: the idempotence of the tape."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gaitway.log.folder import SegmentFolder
from gaitway.log.ledger import Account, Ledger
from gaitway.log.rows import MESSAGE, SEAL, Row
from gaitway.log.segment import TapeRow, first_arrival
from gaitway.log.trimmed import Trimmed
from gaitway.ports import Outcome, Receipt


@dataclass(slots=True)
class Plan:
    """What one transaction writes, and what it answers."""

    end: int
    """The position of the tape's last record once it is written."""
    receipts: list[Receipt] = field(default_factory=list)
    rows: list[TapeRow] = field(default_factory=list)
    seals: list[tuple[int, int, int]] = field(default_factory=list)
    stored: dict[int, Account] = field(default_factory=dict)
    dropped: dict[int, Account] = field(default_factory=dict)
    """Accounts that counted a repeat. The tape does not show repeats, so these are saved at once."""
    first_arrivals: dict[tuple[int, bytes | None], tuple[int, int]] = field(default_factory=dict)
    """Position and refused count by stream and key, of this plan's own rows."""


class Arrivals:
    """Plans what to write, over the rows that are there. `newest` is the connection to the segment being written."""

    def __init__(self, ledger: Ledger, trimmed: Trimmed, sealed: SegmentFolder, newest: sqlite3.Connection) -> None:
        self._ledger = ledger
        self._trimmed = trimmed
        self._sealed = sealed
        self._newest = newest

    def plan(self, rows: Sequence[Row], end: int) -> Plan:
        """Judge rows in order, counting them in the ledger. `end` is the last position before them."""
        plan = Plan(end)
        for row in rows:
            account = self._ledger.account(row.stream)
            first = self._first_arrival(account.no, row, plan) if self._may_repeat(account, row) else None
            if first is not None and not first[1]:
                account.dropped(row)
                plan.dropped[account.no] = account
                plan.receipts.append(Receipt(first[0], "duplicate"))
                continue
            conflicting = row.kind == MESSAGE and first is None and account.conflicts(row)
            _store(plan, row, account, "conflicting" if conflicting else "stored")
        return plan

    @staticmethod
    def _may_repeat(account: Account, row: Row) -> bool:
        return row.kind == MESSAGE and account.may_repeat(row)

    def _first_arrival(self, no: int, row: Row, plan: Plan) -> tuple[int, int] | None:
        """(position, refused) of the first message with this key, oldest places first; position 0 where trimmed."""
        key = row.key or b""
        refused = self._trimmed.first_arrival(no, key)
        if refused:
            return 0, refused
        found = self._in_sealed(no, row.t_min, key)  # also of a segment that is about to be trimmed
        if found is None and refused is not None:
            return 0, refused
        return found or first_arrival(self._newest, no, row.t_min, key) or plan.first_arrivals.get((no, key))

    def _in_sealed(self, no: int, t_min: int | None, key: bytes) -> tuple[int, int] | None:
        def look(connection: sqlite3.Connection, _: Path) -> tuple[int, int] | None:
            return first_arrival(connection, no, t_min, key)

        for segment in self._sealed.segments:
            if segment.last is None or no not in segment.streams:
                continue
            if t_min is not None and not segment.may_hold(t_min, t_min + 1):
                continue
            found = self._sealed.ask(segment, look)
            if found is not None:
                return found
        return None


def _store(plan: Plan, row: Row, account: Account, outcome: Outcome) -> None:
    plan.end = position = plan.end + 1
    conflicting = outcome == "conflicting"
    account.stored(row, position, conflicting=conflicting)
    plan.stored[account.no] = account
    plan.receipts.append(Receipt(position, outcome))
    plan.rows.append(_tape_row(row, position, account.no, conflicting=conflicting))
    if row.kind == MESSAGE:
        plan.first_arrivals.setdefault((account.no, row.key), (position, row.refused))
    elif row.kind == SEAL and row.before is not None:
        plan.seals.append((position, account.no, row.before))


def _tape_row(row: Row, position: int, no: int, *, conflicting: bool) -> TapeRow:
    return (
        position,
        no,
        row.kind,
        row.received_at,
        row.t_min,
        row.t_max,
        row.readings,
        row.key,
        row.mid,
        row.transport,
        row.refused,
        conflicting,
        row.body,
    )
