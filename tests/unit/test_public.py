"""What `import gaitway` offers: everything acknowledged is in the connection, also what is on the tapes only."""

import subprocess
import sys
from pathlib import Path

import gaitway
from gaitway.log import SqliteTape
from gaitway.log.activity import ActivityTape
from gaitway.ports import Entry
from gaitway.profiles.folder import DataFolder
from unit.warehouse.written import ANNA, NOON, judged, push, records, warehouse


def test_what_is_on_the_tapes_only_is_in_it_too(tmp_path: Path) -> None:
    data = DataFolder(tmp_path)
    messages = [push(ANNA, [NOON]), push(ANNA, [NOON + 1], number=2)]
    tape, verdicts = SqliteTape(data.tape, data.registry), ActivityTape(data.activity)
    try:
        tape.append([Entry("message", m.stream, m.received_at, m) for m in messages])
        verdicts.commit(2, [judged(NOON, revision=1), judged(NOON, "running", revision=2)], {})
        warehouse(tmp_path).write_raw(records(messages[0]), 1, 1)
        with gaitway.connect(str(tmp_path)) as connection:
            assert connection.sql("SELECT time FROM readings ORDER BY 1").fetchall() == [(NOON,), (NOON + 1,)]
            assert connection.sql("SELECT activity FROM activities_current").fetchall() == [("running",)]
    finally:
        verdicts.close()
        tape.close()


def test_a_warehouse_without_its_log_can_be_read(tmp_path: Path) -> None:
    warehouse(tmp_path).write_raw(records(push(ANNA, [NOON])), 1, 1)
    with gaitway.connect(tmp_path) as connection:
        assert connection.sql("SELECT count(*) FROM readings").fetchall() == [(1,)]


def test_importing_it_is_cheap() -> None:
    code = "import sys, gaitway; print(sorted({'duckdb', 'numpy', 'pyarrow', 'litestar'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
