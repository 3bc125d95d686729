"""Whether this process can do its work."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

Check = Callable[[], str | None]
"""None when all is well, else what is wrong."""


class Readiness(NamedTuple):
    """`ready` is whether every check passed; `faults` says which did not, and why."""

    ready: bool
    faults: Mapping[str, str]


def readiness(checks: Mapping[str, Check]) -> Readiness:
    """Run every check; one that raises is a fault, not an error.

    >>> readiness({"engine": lambda: None, "disk": lambda: "full"})
    Readiness(ready=False, faults={'disk': 'full'})
    """
    faults = {}
    for name, check in checks.items():
        try:
            fault = check()
        except Exception as error:  # whatever broke it, the answer is the same: not ready
            fault = f"{type(error).__name__}: {error}"
        if fault is not None:
            faults[name] = fault
    return Readiness(not faults, faults)
