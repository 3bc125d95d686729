"""The newest segment, open for writing: one transaction per group of rows, fsynced."""

import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from gaitway.log import segment as tables
from gaitway.log.arrivals import Plan
from gaitway.log.connections import PAGE_BYTES, open_writer
from gaitway.log.ledger import Account, Ledger, saved_streams

#: Accounts saved in a segment, as `Ledger.load` takes them.
SAVED = "SELECT no, device_id, session_id, upto, stats FROM streams"
_ADD_STREAM = "INSERT INTO streams(no, device_id, session_id) VALUES (?, ?, ?)"
_SAVE_STREAM = (
    "INSERT INTO streams VALUES (?, ?, ?, ?, ?)"
    " ON CONFLICT(no) DO UPDATE SET upto = excluded.upto, stats = excluded.stats"
)


class SegmentWriter:
    """Writes one segment. Its errors are SQLite's; after one, close it and open another: nothing half-written stays."""

    def __init__(self, path: Path) -> None:
        self.connection = open_writer(path)
        try:
            meta = dict(self.connection.execute("SELECT name, value FROM meta"))
            newest = tables.last_position(self.connection)
            self._streams = {no for (no,) in self.connection.execute("SELECT no FROM streams")}
            oldest = self.connection.execute("SELECT received_at FROM tape ORDER BY pos LIMIT 1").fetchone()
        except BaseException:
            self.connection.close()
            raise
        self.end: int = meta["first"] - 1 if newest is None else newest
        """The position of the newest durable record of the tape."""
        self.is_sealed = "last" in meta
        self.saved_upto: int = meta["snapshot"]
        """All accounts were saved when the tape ended here."""
        self.opened_at: int | None = oldest[0] if oldest else None
        """`received_at` of its first record; None while it is empty."""
        self.commit_seconds = 0.0

    def load_into(self, ledger: Ledger) -> None:
        """Bring a ledger, which knows all older segments, up to the end of this one."""
        ledger.load(self.connection.execute(SAVED))
        ledger.count_again(tables.facts_after(self.connection, self.saved_upto))

    def write(self, plan: Plan, accounts: Sequence[Account], *, all_saved: bool) -> None:
        """One transaction: new streams, rows, seals, and the accounts to be saved. Durable on return."""
        new = [account for no, account in plan.stored.items() if no not in self._streams]
        self.connection.execute("BEGIN IMMEDIATE")
        self.connection.executemany(_ADD_STREAM, [(account.no, *account.stream) for account in new])
        tables.insert(self.connection, plan.rows)
        self.connection.executemany("INSERT INTO seals VALUES (?, ?, ?)", plan.seals)
        if accounts:
            self.connection.executemany(_SAVE_STREAM, saved_streams(accounts, plan.end))
        if all_saved:
            self.connection.execute("UPDATE meta SET value = ? WHERE name = 'snapshot'", (plan.end,))
        self._commit()
        self._written(plan, (*new, *accounts))
        if all_saved:
            self.saved_upto = plan.end

    def seal_off(self) -> None:
        """No record will follow: note it, and move the WAL into the file."""
        self.connection.execute("BEGIN IMMEDIATE")
        tables.seal_off(self.connection, self.end)
        self._commit()
        self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self.is_sealed = True

    def size(self) -> int:
        """Bytes of the file, rows still in the WAL included."""
        return int(self.connection.execute("PRAGMA page_count").fetchone()[0]) * PAGE_BYTES

    def close(self) -> None:
        """Let go of the file; an open transaction is undone. Idempotent."""
        self.connection.close()

    def _commit(self) -> None:
        started = time.perf_counter()
        self.connection.execute("COMMIT")
        self.commit_seconds = time.perf_counter() - started

    def _written(self, plan: Plan, accounts: Iterable[Account]) -> None:
        self.end = plan.end
        self._streams.update(account.no for account in accounts)
        if self.opened_at is None and plan.rows:
            self.opened_at = plan.rows[0][3]
