"""Reading rows of files by a condition, through the row groups that may hold some of them."""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow.dataset import ParquetFileFormat
from pyarrow.fs import LocalFileSystem

from gaitway.warehouse.schemas import SCHEMAS

_DISK = LocalFileSystem()
_TEXTS = {
    field.name
    for schema in SCHEMAS.values()
    for field in schema
    if pa.types.is_string(field.type.value_type if pa.types.is_dictionary(field.type) else field.type)
} - {"values", "rest"}

# Row groups are told apart by plain columns only, but dictionary columns read ten times faster: so both.
_PLAIN = ParquetFileFormat()
_CODED = ParquetFileFormat(dictionary_columns=_TEXTS)


def batches(path: Path, columns: Sequence[str], wanted: Any = None) -> Iterator[Any]:
    """The rows of a file that fulfil a condition (a pyarrow expression; None: all), in order, in batches.

    Texts that repeat come as dictionary columns. No batch is empty. Raises FileNotFoundError where the file is gone.
    """
    stat = path.stat()
    fragment = _opened(str(path), stat.st_mtime_ns, stat.st_size)
    groups = [each.row_groups[0].id for each in fragment.split_by_row_group(wanted)]
    if not groups:
        return
    coded: Any = _CODED.make_fragment(str(path), _DISK, row_groups=groups)
    # One row group after the other in this thread: memory and the other core are for the engine.
    found = coded.to_batches(columns=list(columns), filter=wanted, batch_size=131_072, use_threads=False)
    yield from (batch for batch in found if len(batch))


@lru_cache(maxsize=256)
def _opened(path: str, written: int, size: int) -> Any:
    """A file with its footer, kept: files never change, and a late reading asks for the same ones again."""
    fragment: Any = _PLAIN.make_fragment(path, _DISK)
    fragment.ensure_complete_metadata()
    return fragment
