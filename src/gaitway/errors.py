"""The error tree. Each error says what is wrong, where, and what to do about it.

GaitwayError
|- SettingsError      a setting is wrong (every fault is listed at once)
|- RefusedError       a request is not served; carries the HTTP status to answer with
|  |- BodyError       400  not JSON, no usable ids, no array of readings
|  |- TooLargeError   413  the body, or what it inflates to
|  |- TokenError      499 on push routes (the app shows the text), 401/403 elsewhere
|  |- ClockError      499  the phone's clock is ahead; what was acceptable is stored
|  |- QuotaError      429  a token's rate, bytes or new streams
|  `- BusyError       503  disk reserve reached, or shutting down: send again later
|- LogError           a tape cannot be read or written
|- WarehouseError     the folder of Parquet files is damaged or from another version
|- StateError         the engine's state is from a version this one cannot upgrade
|- ExportError        a file that the app exported cannot be read
`- NotFoundError      no such stream, recogniser, token, file
"""


class GaitwayError(Exception):
    """What is wrong (`str(error)`), where, and a hint at what to do about it."""

    status = 500

    def __init__(self, message: str, *, where: str = "", hint: str = "") -> None:
        super().__init__(message)
        self.where = where
        self.hint = hint


class SettingsError(GaitwayError):
    """One or more settings are wrong; `faults` holds (where, what, hint) of each."""

    def __init__(self, faults: list[tuple[str, str, str]]) -> None:
        self.faults = faults
        lines = [f"{where}: {what}. {hint}".rstrip() for where, what, hint in faults]
        super().__init__("\n".join(lines), where=faults[0][0] if faults else "", hint=faults[0][2] if faults else "")


class RefusedError(GaitwayError):
    """A request is not served. `status` is the HTTP status, `reason` a short word for counters and dead letters."""

    status = 400
    reason = "refused"

    def __init__(self, message: str, *, where: str = "", hint: str = "", reason: str = "") -> None:
        super().__init__(message, where=where, hint=hint)
        if reason:
            self.reason = reason


class BodyError(RefusedError):
    """The body as a whole cannot be read; it goes to the dead letters."""

    reason = "body"


class TooLargeError(RefusedError):
    """The body, or what it inflates to, is over the limit."""

    status = 413
    reason = "too_large"


class TokenError(RefusedError):
    """No token, an unknown one, or one of the wrong kind. Nothing was stored."""

    status = 401
    reason = "token"


class ClockError(RefusedError):
    """The phone's clock is ahead. Status 499 makes the app show the text to its user."""

    status = 499
    reason = "clock"


class QuotaError(RefusedError):
    """A token sent more than its quota."""

    status = 429
    reason = "quota"


class BusyError(RefusedError):
    """Nothing can be stored now; the sender should try again."""

    status = 503
    reason = "busy"


class LogError(GaitwayError):
    """A tape cannot be read or written."""


class WarehouseError(GaitwayError):
    """The warehouse is damaged or was written by another version."""


class StateError(GaitwayError):
    """Saved engine state that this version cannot use."""


class ExportError(GaitwayError):
    """A file is not a readable export of the app; `where` names it, and the line where there is one."""


class NotFoundError(GaitwayError):
    """There is no such thing."""

    status = 404
