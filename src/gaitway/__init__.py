"""Gaitway: the phone in your pocket becomes live activity recognition and a warehouse of movement history.

>>> import gaitway
>>> callable(gaitway.connect)
True
"""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

__all__ = ["connect"]


def connect(folder: str | Path) -> "duckdb.DuckDBPyConnection":
    """A DuckDB connection with all tables of a data folder (the one of `gaitway serve --data`) in it.

        connection = gaitway.connect("./data")
        connection.sql("SELECT * FROM activities_current LIMIT 5")

    A server running on the folder is asked to write its tail first, so everything that it acknowledged before is in
    it; what comes later is seen too, soon after it was written. Nothing is locked and nothing of the folder is
    changed. docs/reference/warehouse.md lists the tables. Raises NotFoundError where the folder holds no warehouse.
    """
    # Only now, so that `import gaitway` stays cheap.
    from gaitway.engine.link import request_flush
    from gaitway.log.activity import ActivityTapeReader
    from gaitway.log.reader import SqliteTapeReader
    from gaitway.profiles.folder import DataFolder
    from gaitway.warehouse.connect import Tapes
    from gaitway.warehouse.connect import connect as connect_to

    data = DataFolder(Path(folder))
    if not data.activity.exists():  # a warehouse alone, copied from elsewhere
        return connect_to(data.root)
    raw, activities = SqliteTapeReader(data.tape, data.registry), ActivityTapeReader(data.activity)
    try:
        return connect_to(data.root, request_flush, Tapes(raw, activities))
    finally:
        raw.close()
        activities.close()
