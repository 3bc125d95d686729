"""Every error of the API has one shape: {"error", "where", "hint"}."""

from typing import Any, Final

import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException

from gaitway.errors import GaitwayError

_log = structlog.get_logger(__name__)
_HINTS: Final = {
    404: "See /schema/openapi.json for what there is.",
    405: "See /schema/openapi.json for what there is.",
    413: "Send less.",
}


def _fault(status: int, error: str, where: str, hint: str, headers: dict[str, str] | None = None) -> Response[Any]:
    return Response(
        {"error": error, "where": where, "hint": hint},
        status_code=status,
        media_type="application/json",
        headers=headers,
    )


def ours(request: Request[Any, Any, Any], error: GaitwayError) -> Response[Any]:
    """An error of this program's own tree."""
    if error.status >= 500:
        _log.error("request_failed", path=request.url.path, error=str(error), where=error.where)
    return _fault(error.status, str(error), error.where, error.hint)


def framework(_: Request[Any, Any, Any], error: HTTPException) -> Response[Any]:
    """What the framework refuses: unknown paths, wrong methods, parameters out of range."""
    if isinstance(error, ValidationException) and isinstance(error.extra, list) and error.extra:
        first = error.extra[0]
        where = str(first.get("key") or first.get("source") or "body")
        where = {"start": "from", "end": "to", "data": "body"}.get(where, where)
        return _fault(400, str(first.get("message", error.detail)), where, "See /schema/openapi.json for its range.")
    headers = {str(name): str(value) for name, value in (error.headers or {}).items()}
    hint = _HINTS.get(error.status_code, "See /schema/openapi.json.")
    return _fault(error.status_code, error.detail, "", hint, headers)


def unexpected(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """A fault of this program."""
    _log.error("request_failed", path=request.url.path, exc_info=error)
    return _fault(500, "something went wrong here", "", "The server's log says what.")


HANDLERS: Final[Any] = {GaitwayError: ours, HTTPException: framework, Exception: unexpected}
