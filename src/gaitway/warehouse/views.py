"""The views under the names that DuckDB, PostgreSQL and Snowflake share, and the DuckDB file that holds only them.

The file has no rows and nobody keeps it open: `duckdb DATA/warehouse/activity_db.duckdb`, Grafana and notebooks read
through it while the server writes Parquet files beside it.
"""

import hashlib
import shutil
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple

from gaitway.core.activity import ACTIVITIES
from gaitway.errors import NotFoundError, WarehouseError
from gaitway.warehouse import segments_sql, tables
from gaitway.warehouse.columns import COLUMNS
from gaitway.warehouse.durable import publish
from gaitway.warehouse.layout import Layout
from gaitway.warehouse.sources import Rows, counting_files, globbed, quoted, write_shape

if TYPE_CHECKING:
    import duckdb

FILE = "activity_db.duckdb"
DATABASE = "ACTIVITY_DB"
SCHEMAS = ("RAW_DATA", "PROCESSED_DATA", "GAITWAY")


class ViewSettings(NamedTuple):
    """What the views depend on beside the files. `lead` as in the setting; None shows every recogniser."""

    timezone: str = "UTC"
    lead: str | None = None


def write_views_file(folder: Path, timezone: str, lead: str | None = None) -> Path:
    """Make DATA/warehouse/activity_db.duckdb anew, whole or not at all, and return its path.

    `folder` is the data folder, `lead` the recogniser (a name or a family) of SEGMENTS and DAYS; None: every one.
    The paths in it are absolute: write it again when the folder has moved (`views_are_current` tells).
    """
    warehouse = warehouse_of(folder)
    for table in ("raw", "activities"):
        Layout(warehouse, table).ensure_schema_files()
        write_shape(warehouse, table)
    path = warehouse / FILE
    settings = ViewSettings(timezone, lead)
    publish(path, lambda tmp: _write(tmp, warehouse, settings))
    return path


def views_are_current(folder: Path, timezone: str | None = None, lead: str | None = None) -> bool:
    """Whether the file of views is there and is what `write_views_file` would write here, with the given settings.

    A setting that is None may be anything.
    """
    found = _settings_row(folder)
    if found is None:
        return False
    settings, fingerprint = found
    wanted = ViewSettings(timezone or settings.timezone, settings.lead if lead is None else lead)
    return fingerprint == _fingerprint(warehouse_of(folder), wanted)


def settings_of(folder: Path) -> ViewSettings:
    """The settings with which the file of views was written; UTC and every recogniser where there is none."""
    found = _settings_row(folder)
    return ViewSettings() if found is None else found[0]


def warehouse_of(folder: Path) -> Path:
    """The warehouse inside a data folder."""
    return folder.absolute() / "warehouse"


def require(folder: Path) -> Path:
    """The warehouse inside a data folder; NotFoundError where there is none."""
    warehouse = warehouse_of(folder)
    for table in ("raw", "activities"):
        if not Layout(warehouse, table).live_files():
            hint = "Give the folder that `gaitway serve --data` was given, after it has run once."
            raise NotFoundError(f"no warehouse in {folder}", where=str(warehouse), hint=hint)
    return warehouse


def definitions(raw: Rows, activities: Rows, settings: ViewSettings) -> dict[str, str]:
    """View -> its SELECT, over given rows. Each stands alone: no view refers to another."""
    segments = (*raw.ctes, *activities.ctes, *segment_ctes(raw, activities, settings.lead))
    times = "make_timestamp(start_ns // 1000) AS segment_start, make_timestamp(end_ns // 1000) AS segment_end"
    covered = f"SELECT device_id, session_id, recognizer, activity, {times}, cells / 10.0::DOUBLE AS covered"
    return {
        "RAW_DATA.READINGS": tables.readings_view(raw),
        "RAW_DATA.ACTIVITY_RECORDS": tables.records_view(raw),
        "PROCESSED_DATA.USER_ACTIVITY_PROCESSED": tables.versions_view(activities),
        "PROCESSED_DATA.ACTIVITIES_CURRENT": tables.current_view(activities),
        "PROCESSED_DATA.SEGMENTS": tables.query(segments, f"{covered} FROM ({segments_sql.SEGMENTS})"),
        "PROCESSED_DATA.DAYS": tables.query(segments, segments_sql.days(settings.timezone, ACTIVITIES)),
    }


def segment_ctes(raw: Rows, activities: Rows, recognizer: str | None, where: str = "true") -> tuple[str, ...]:
    """The CTEs behind segments, of one recogniser, of a family (per stream the name that judged last), or of all."""
    of = "true" if recognizer is None else tables.of_recognizer(recognizer)
    current = f"SELECT * FROM ({tables.current(activities)}) WHERE ({of}) AND {where}"
    samples = f"SELECT * FROM ({tables.sample_times(raw)}) WHERE {where}"
    return tuple(segments_sql.ctes(current, samples, newest_only=recognizer is not None))


def create(connection: "duckdb.DuckDBPyConnection", views: Mapping[str, str], database: str) -> None:
    """Create schemas and views, with a comment on each column, in an attached database."""
    connection.begin()  # in one go: each statement by itself would be written to the disk
    for schema in SCHEMAS:
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {database}.{schema}")
    for name, select in views.items():
        connection.execute(f"CREATE OR REPLACE VIEW {database}.{name} AS {select}")
        for column, text in COLUMNS[name].items():
            connection.execute(f'COMMENT ON COLUMN {database}.{name}."{column}" IS {quoted(text)}')
    connection.commit()


def file_views(warehouse: Path, settings: ViewSettings) -> dict[str, str]:
    """The views of the file: over whatever files count when a query runs."""
    views = definitions(globbed(warehouse, "raw"), globbed(warehouse, "activities"), settings)
    views["GAITWAY.RAW_FILES"] = counting_files(warehouse, "raw")
    views["GAITWAY.ACTIVITY_FILES"] = counting_files(warehouse, "activities")
    return views


def settings_view(warehouse: Path, settings: ViewSettings) -> str:
    """GAITWAY.SETTINGS."""
    lead = "NULL::VARCHAR" if settings.lead is None else quoted(settings.lead)
    return f"""SELECT {quoted(warehouse.parent)} AS folder, {quoted(settings.timezone)} AS timezone, {lead} AS lead,
        {quoted(_fingerprint(warehouse, settings))} AS fingerprint"""


def _write(tmp: Path, warehouse: Path, settings: ViewSettings) -> None:
    import duckdb

    views = file_views(warehouse, settings) | {"GAITWAY.SETTINGS": settings_view(warehouse, settings)}
    # Made elsewhere and copied: DuckDB puts a second file beside it while it writes, and takes a ? in a path amiss.
    with TemporaryDirectory(prefix="gaitway-") as folder, duckdb.connect() as connection:
        made = Path(folder) / FILE
        # The oldest form of the file, so that older readers (a plugin of Grafana, say) can open it.
        connection.execute(f"ATTACH {quoted(made)} AS views_file (STORAGE_VERSION 'v1.0.0')")
        create(connection, views, "views_file")
        connection.execute("DETACH views_file")
        shutil.copyfile(made, tmp)


def _fingerprint(warehouse: Path, settings: ViewSettings) -> str:
    text = repr((sorted(file_views(warehouse, settings).items()), sorted(COLUMNS.items()), settings))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _settings_row(folder: Path) -> tuple[ViewSettings, str] | None:
    import duckdb

    path = warehouse_of(folder) / FILE
    if not path.exists():
        return None
    try:
        with duckdb.connect() as connection:
            connection.execute(f"ATTACH {quoted(path)} AS views_file (READ_ONLY)")
            select = "SELECT timezone, lead, fingerprint FROM views_file.GAITWAY.SETTINGS"
            found = connection.execute(select).fetchone()
    except duckdb.CatalogException:
        return None
    except duckdb.Error as error:
        hint = "Nobody should keep it open for writing. `gaitway doctor` writes it again."
        raise WarehouseError(f"cannot read the file of views: {error}", where=str(path), hint=hint) from error
    return None if found is None else (ViewSettings(found[0], found[1]), found[2])
