"""One frozen `Settings`: defaults, below a TOML file, below GAITWAY_* variables, below what a command was given.

Unknown names are refused, and every fault is listed at once, each with its place and a hint. Rooms never read settings:
they are given plain values.
"""

import difflib
import math
import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final, Literal, TypeVar
from zoneinfo import available_timezones

from gaitway.errors import SettingsError

PREFIX: Final = "GAITWAY_"
#: Variables that commands read themselves: a token and an address to send to, and the file of settings.
NOT_SETTINGS: Final = frozenset({"GAITWAY_CONFIG", "GAITWAY_TOKEN", "GAITWAY_URL"})

_SECOND: Final = 1_000_000_000
_BYTES: Final = {"": 1, "b": 1, "kb": 1000, "mb": 1000**2, "gb": 1000**3, "kib": 1024, "mib": 1024**2, "gib": 1024**3}
_SPANS: Final = {"ms": 1_000_000, "s": _SECOND, "": _SECOND, "min": 60 * _SECOND}
_T = TypeVar("_T")


class _Fault(ValueError):
    """What is wrong with one value, and a hint."""

    def __init__(self, value: object, what: str, hint: str) -> None:
        super().__init__(f"{value!r} {what}")
        self.hint = hint


def _measure(value: Any, units: Mapping[str, int], hint: str) -> int:
    """A number with a unit behind it, as a whole number of the smallest unit."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise _Fault(value, "is not a number with a unit", hint)
    text = str(value).strip().lower().replace("_", "")
    digits = text.rstrip("abcdefghijklmnopqrstuvwxyz ")
    unit = text[len(digits) :].strip()
    try:
        number = float(digits)
    except ValueError:
        raise _Fault(value, "is not a number with a unit", hint) from None
    if unit not in units or not math.isfinite(number) or number < 0:
        raise _Fault(value, "is not a number with a unit", hint)
    return round(number * units[unit])


def size_in_bytes(value: Any) -> int:
    """A size as bytes.

    >>> size_in_bytes("8 MiB"), size_in_bytes(1024)
    (8388608, 1024)
    """
    return _measure(value, _BYTES, "Write bytes, or a text such as '8 MiB'.")


def span_in_ns(value: Any) -> int:
    """A span of time as nanoseconds; a bare number is seconds.

    >>> span_in_ns("500 ms"), span_in_ns(10)
    (500000000, 10000000000)
    """
    return _measure(value, _SPANS, "Write seconds, or a text such as '10 s' or '500 ms'.")


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise _Fault(value, "is not a text", "Write it in quotes.")
    return value.strip()


def _path(value: Any) -> Path:
    return value if isinstance(value, Path) else Path(_text(value)).expanduser()


def _flag(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    known = {"true": True, "yes": True, "1": True, "on": True, "false": False, "no": False, "0": False, "off": False}
    if not isinstance(value, str) or value.lower() not in known:
        raise _Fault(value, "is neither true nor false", "Write true or false.")
    return known[value.lower()]


def _whole(low: int, high: int) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        try:
            number = int(value) if not isinstance(value, bool | float) else None
        except (TypeError, ValueError):
            number = None
        if number is None or not low <= number <= high:
            raise _Fault(value, f"is not a whole number from {low} to {high}", "Choose a number in that range.")
        return number

    return read


def _number(low: float, high: float) -> Callable[[Any], float]:
    def read(value: Any) -> float:
        try:
            number = float(value) if not isinstance(value, bool) else math.nan
        except (TypeError, ValueError):
            number = math.nan
        if not low <= number <= high:
            raise _Fault(value, f"is not a number from {low:g} to {high:g}", "Choose a number in that range.")
        return number

    return read


def _choice(*known: str) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if value not in known:
            raise _Fault(value, f"is not one of {', '.join(known)}", f"Choose one of {', '.join(known)}.")
        return str(value)

    return read


def _list(value: Any) -> list[Any]:
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    if not isinstance(value, list | tuple):
        raise _Fault(value, "is not a list", "Write a list, or in a variable values with commas between.")
    return list(value)


def _names(value: Any) -> tuple[str, ...]:
    names = tuple(_text(item).lower().rstrip(".") for item in _list(value))
    for name in names:
        if "/" in name or " " in name or "*" in name:
            raise _Fault(name, "is not a host name", "Write names without a scheme or a path: 'gait.example.org'.")
    return names


def _thresholds(value: Any) -> tuple[float, float, float]:
    hint = "Give three rising numbers above 0, in m/s2, such as [2, 8, 20]."
    try:
        numbers = [float(item) for item in _list(value)]
    except (TypeError, ValueError):
        numbers = []
    if len(numbers) != 3 or not 0 < numbers[0] < numbers[1] < numbers[2] < math.inf:
        raise _Fault(value, "are not three rising thresholds", hint)
    return numbers[0], numbers[1], numbers[2]


def _days(value: Any) -> float | None:
    if value is None or value in ("", "off"):
        return None
    return _number(0.01, 36_500)(value)


def _zone(value: Any) -> str:
    name = _text(value)
    if name not in available_timezones():
        close = difflib.get_close_matches(name, available_timezones(), 1)
        raise _Fault(name, "is not a time zone", f"Did you mean {close[0]}?" if close else "Use 'Europe/Vienna'.")
    return name


def local_timezone() -> str:
    """The IANA name of this machine's zone; UTC where it cannot be told."""
    for name in (os.environ.get("TZ", "").lstrip(":"), _zone_of_link("/etc/localtime")):
        if name in available_timezones():
            return name
    return "UTC"


def _zone_of_link(path: str) -> str:
    try:
        return os.path.realpath(path).partition("zoneinfo/")[2]
    except OSError:
        return ""


def _setting(default: Any, read: Callable[[Any], Any], text: str) -> Any:
    metadata = {"read": read, "text": text}
    if callable(default):
        return field(default_factory=default, metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Every setting, read once. Times are ns unless the name gives the unit; sizes are bytes."""

    host: str = _setting(
        "0.0.0.0", _text, "Address to listen on. `127.0.0.1` serves this machine only, without tokens."
    )
    port: int = _setting(8788, _whole(1, 65_535), "Port to listen on.")
    data: Path = field(
        default_factory=lambda: Path("data"), metadata={"read": _path, "text": "Folder that holds everything."}
    )
    public_names: tuple[str, ...] = _setting(
        (), _names, "Further host names under which this server is reached. Any name switches token-free serving off."
    )
    proxy: bool = _setting(False, _flag, "True behind a reverse proxy: then nobody is served without a token.")
    body_limit: int = _setting(8 << 20, size_in_bytes, "Largest body of a push.")
    inflated_limit: int = _setting(64 << 20, size_in_bytes, "Largest size a compressed body may inflate to.")
    keep_images: bool = _setting(False, _flag, "True keeps camera frames; otherwise only that one came.")
    size: int = _setting(10 * _SECOND, span_in_ns, "Length of a window; a multiple of 100 ms.")
    slide: int = _setting(2 * _SECOND, span_in_ns, "Distance between windows; a multiple of 100 ms, at most `size`.")
    lateness: int = _setting(2 * _SECOND, span_in_ns, "How far the watermark stays behind; a multiple of 100 ms.")
    thresholds: tuple[float, float, float] = _setting(
        (2.0, 8.0, 20.0), _thresholds, "Mean magnitude in m/s2 from which it is walking, running, sprinting."
    )
    lead: str = _setting("thresholds", _text, "Recogniser (a name or a family) that the page and the views show.")
    timezone: str = _setting(local_timezone, _zone, "Time zone that cuts days. Default: this machine's.")
    retention_days: float | None = _setting(None, _days, "Raw readings older than this are dropped; `off` keeps all.")
    log_keep_days: float = _setting(7.0, _number(0, 36_500), "How long the log is kept behind the warehouse.")
    disk_reserve: int = _setting(1 << 30, size_in_bytes, "Free disk below which phones are told to try again (503).")
    gather_ms: float = _setting(2.0, _number(0, 1000), "How long the log gathers messages for one fsync.")
    quiet_seconds: float = _setting(5.0, _number(0.1, 3600), "Silence after which the windows of a stream are closed.")
    revise_seconds: float = _setting(2.0, _number(0.1, 3600), "How often revisions of a stream are published.")
    segment_bytes: int = _setting(256 << 20, size_in_bytes, "Size at which the log starts another file.")
    segment_hours: float = _setting(24.0, _number(0.001, 10_000), "Age at which the log starts another file.")
    raw_roll_rows: int = _setting(1_000_000, _whole(1, 1 << 40), "Rows at which a file of readings is written.")
    raw_roll_seconds: float = _setting(300.0, _number(0.05, 86_400), "Age at which a file of readings is written.")
    activity_roll_rows: int = _setting(250_000, _whole(1, 1 << 40), "Rows at which a file of activities is written.")
    activity_roll_seconds: float = _setting(
        60.0, _number(0.05, 86_400), "Age at which a file of activities is written."
    )
    quota_messages: float = _setting(10_000.0, _number(0.01, 1e9), "Messages a second that one token may push.")
    quota_bytes: int = _setting(512 << 20, size_in_bytes, "Bytes a second that one token may push, as sent.")
    quota_streams: float = _setting(10_000.0, _number(1, 1e9), "New streams an hour that one token may begin.")
    quota_dead_letters: float = _setting(
        50_000.0, _number(1, 1e9), "Unreadable bodies an hour that are kept per token."
    )
    log_format: Literal["json", "console"] = _setting("json", _choice("json", "console"), "How log lines look.")
    log_level: Literal["debug", "info", "warning", "error"] = _setting(
        "info", _choice("debug", "info", "warning", "error"), "The least important line that is logged."
    )

    def pick(self, room: type[_T]) -> _T:
        """A room's own settings, a dataclass, filled with the fields that carry the same names here."""
        names = {item.name for item in fields(room)}  # type: ignore[arg-type]
        return room(**{name: getattr(self, name) for name in names if hasattr(self, name)})


#: Name -> what it means, of every setting; docs/reference/settings.md is tested against it.
FIELDS: Final[Mapping[str, str]] = {item.name: item.metadata["text"] for item in fields(Settings)}


def load(
    file: Path | None = None,
    environment: Mapping[str, str] | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> Settings:
    """Settings from a TOML file, GAITWAY_* variables and explicit values (None: not given), the last one winning.

    Without `file` the variable GAITWAY_CONFIG may name one. Raises SettingsError with every fault.

    >>> load(environment={"GAITWAY_PORT": "9000"}).port
    9000
    """
    environment = os.environ if environment is None else environment
    faults: list[tuple[str, str, str]] = []
    if file is None and environment.get("GAITWAY_CONFIG"):
        file = Path(environment["GAITWAY_CONFIG"])
    given: dict[str, tuple[str, Any]] = {}
    if file is not None:
        given |= {name: (f"{file}: {name}", value) for name, value in _read_file(file, faults).items()}
    for variable, value in environment.items():
        if variable.startswith(PREFIX) and variable not in NOT_SETTINGS:
            given[variable.removeprefix(PREFIX).lower()] = (variable, value)
    given |= {name: (name, value) for name, value in (overrides or {}).items() if value is not None}
    values = _read_values(given, faults)
    settings = Settings(**values)
    faults += _check_together(settings, {name: place for name, (place, _) in given.items()})
    if faults:
        raise SettingsError(faults)
    return settings


def _read_file(file: Path, faults: list[tuple[str, str, str]]) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        faults.append((str(file), f"cannot be read ({error.strerror})", "Give the path of a TOML file."))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        faults.append((str(file), f"is not TOML: {error}", "Write lines such as: port = 8788"))
    return {}


def _read_values(given: Mapping[str, tuple[str, Any]], faults: list[tuple[str, str, str]]) -> dict[str, Any]:
    readers = {item.name: item.metadata["read"] for item in fields(Settings)}
    values: dict[str, Any] = {}
    for name, (place, value) in given.items():
        if name not in readers:
            close = difflib.get_close_matches(name, readers, 1)
            hint = f"Did you mean {close[0]}?" if close else "See docs/reference/settings.md for all of them."
            faults.append((place, "no such setting", hint))
            continue
        try:
            values[name] = readers[name](value)
        except _Fault as fault:
            faults.append((place, str(fault), fault.hint))
    return values


def _check_together(settings: Settings, places: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """Faults that only show when values are seen side by side, or that many fields share."""
    faults: list[tuple[str, str, str]] = []
    cell = _SECOND // 10
    for name in ("size", "slide", "lateness"):
        value = getattr(settings, name)
        if value % cell or (value == 0 and name != "lateness"):
            faults.append((places.get(name, name), "is not a multiple of 100 ms", "Write, say, '10 s' or '500 ms'."))
    if settings.slide > settings.size and not faults:
        faults.append((places.get("slide", "slide"), "is longer than size", "Windows must touch: slide <= size."))
    if settings.inflated_limit < settings.body_limit:
        place = places.get("inflated_limit", "inflated_limit")
        faults.append((place, "is smaller than body_limit", "A body inflates to more, not to less."))
    return faults
