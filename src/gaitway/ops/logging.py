"""Structured logs: one event a line, as JSON or for reading, and never a secret in them."""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any, Final, Literal, TextIO

import structlog

Format = Literal["json", "console"]
Level = Literal["debug", "info", "warning", "error"]

#: Libraries that tell of every request.
_CHATTY: Final = ("httpx", "httpcore")
_HIDDEN: Final = "[hidden]"
#: Keys whose values are never written.
_SECRET_KEYS: Final = frozenset({"token", "authorization", "cookie", "set-cookie", "password", "secret", "link"})
#: Tokens as this program makes them, and whatever stands where it takes one: in a query, a path or a header.
_SECRETS: Final = (
    re.compile(r"(?i)\b[0-9a-hjkmnp-tv-z]{4}(?:-[0-9a-hjkmnp-tv-z]{4}){6}\b"),
    re.compile(r"(?i)(?<=token=)[^&\s\"'#]+"),
    re.compile(r"(?<=/data/)[^/?\s\"'#]+"),
    re.compile(r"(?<=/link/)[^/?\s\"'#]+"),
    re.compile(r"(?i)(?<=bearer )\S+"),
    re.compile(r"(?<=sensorlogger://config/)\S+"),
)


def hide_secrets(value: Any) -> Any:
    """A value without the secrets in it, at any depth.

    >>> hide_secrets({"path": "/data/abc?x=1", "authorization": "Bearer abc", "tries": ["?token=abc&x=1", 3]})
    {'path': '/data/[hidden]?x=1', 'authorization': '[hidden]', 'tries': ['?token=[hidden]&x=1', 3]}
    """
    if isinstance(value, str):
        for secret in _SECRETS:
            value = secret.sub(_HIDDEN, value)
        return value
    if isinstance(value, bytes):
        return hide_secrets(value.decode("utf-8", "replace"))
    if isinstance(value, dict):
        return {key: _HIDDEN if str(key).lower() in _SECRET_KEYS else hide_secrets(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [hide_secrets(item) for item in value]
    return value


def redact(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The processor that keeps secrets out of every line; the last one before rendering."""
    plain: dict[str, Any] = hide_secrets(dict(event))
    return plain


def configure(
    format: Format = "json",
    level: Level = "info",
    stream: TextIO | None = None,
) -> None:
    """Set up logging for this process, the libraries' own included. Lines go to stderr."""
    out = sys.stderr if stream is None else stream
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                redact,
                structlog.processors.JSONRenderer(sort_keys=True)
                if format == "json"
                else structlog.dev.ConsoleRenderer(colors=out.isatty()),
            ],
        )
    )
    for chatty in _CHATTY:
        logging.getLogger(chatty).setLevel(logging.WARNING)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
