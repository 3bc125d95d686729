"""What readers write into a query: times, ranges, cursors."""

import re
from datetime import UTC, datetime
from typing import Final

from gaitway.errors import RefusedError

_ISO: Final = re.compile(
    r"(?P<date>\d{4}-\d\d-\d\d)(?:[Tt ](?P<time>\d\d:\d\d(?::\d\d)?)(?:[.,](?P<part>\d{1,9})\d*)?)?"
    r"(?P<zone>[Zz]|[+ -]\d\d(?::?\d\d)?)?"
)
_MOST: Final = (1 << 63) - 1


def read_time(text: str | None, where: str) -> int | None:
    """A time as ns since the epoch, from ns or ISO 8601 (UTC where no zone is given). Raises RefusedError.

    >>> read_time("2026-03-05T18:14:32.000000001Z", "from"), read_time("17", "from"), read_time(None, "from")
    (1772734472000000001, 17, None)
    """
    if text is None or text == "":
        return None
    if re.fullmatch(r"-?[0-9]{1,19}", text):
        return _checked(int(text), text, where)
    found = _ISO.fullmatch(text)
    if found is None:
        raise _not_a_time(text, where)
    # a plus sign that was not encoded arrives as a space
    zone = (found["zone"] or "Z").replace(" ", "+").upper().replace("Z", "+00:00")
    try:
        moment = datetime.fromisoformat(f"{found['date']}T{found['time'] or '00:00'}{zone}")
    except ValueError:
        raise _not_a_time(text, where) from None
    passed = moment.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    seconds = passed.days * 86_400 + passed.seconds
    return _checked(seconds * 1_000_000_000 + int((found["part"] or "").ljust(9, "0")), text, where)


def _checked(time: int, text: str, where: str) -> int:
    if not -_MOST <= time <= _MOST:
        raise _not_a_time(text, where)
    return time


def _not_a_time(text: str, where: str) -> RefusedError:
    return RefusedError(
        f"{text[:60]!r} is not a time",
        where=where,
        hint="Write ns since the epoch, or ISO 8601: 2026-03-05T18:14:32Z.",
        reason="query",
    )


def bad_cursor(cursor: str) -> RefusedError:
    """The error for a cursor that no answer gave."""
    hint = "Use the `next` of an earlier answer, or leave it out."
    return RefusedError(f"{cursor[:60]!r} is not a cursor", where="cursor", hint=hint, reason="query")
