"""One message of a simulated phone."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Push:
    """A message on its way."""

    due_ns: int
    """When it reaches the server, ns since the recording began."""
    body: bytes
    readings: int
    message_id: int
    test: bool = False
    """Whether it is the app's test push, which no server stores."""
