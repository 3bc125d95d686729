"""What goes into a decoder and what comes out of it."""

from dataclasses import dataclass
from typing import NamedTuple

from gaitway.core.message import Message, Transport
from gaitway.ports import DeadLetter

#: A reading later than this after its arrival is refused (ns).
MAX_AHEAD = 600 * 1_000_000_000
#: No phone accelerates more than this and survives (m/s2).
ABSURD = 1000.0
#: The name in a test push of the app.
TEST = "test"
#: The sensor whose values are images.
CAMERA = "camera"
#: Accuracy of a reading that has none.
NO_ACCURACY = -1


@dataclass(frozen=True, slots=True)
class DecodeSettings:
    """What the operator may choose."""

    keep_images: bool = False
    """Keep the base64 images of camera readings; by default the reading stays and its image goes."""


class Arrival(NamedTuple):
    """How a body came: the facts a decoder may judge a reading by, besides the reading itself."""

    received_at: int
    transport: Transport
    settings: DecodeSettings

    @property
    def latest(self) -> int:
        """The latest time a reading may have, ns."""
        return self.received_at + MAX_AHEAD


@dataclass(frozen=True, slots=True)
class Decoded:
    """What a body held. Readings sent = message.readings + len(letters), unless it is a test push."""

    message: Message
    """What was accepted; `message.refused` counts the letters. Of a test push: no readings, and ids that are ""
    where the push has no usable ones; it is not to be stored."""
    letters: tuple[DeadLetter, ...] = ()
    """One per reading set aside, in their order, each with the whole reading as JSON in its `body`."""
    test: bool = False
    """The app's "Tap to Test Pushing": answer it, store nothing."""
    clock_ahead_ns: int = 0
    """By how much the latest time, also of a reading refused for it, is ahead of `received_at`; 0 if none is."""
    dialect: str = "push"
    """Name of the dialect it was read in."""


class Unfit(Exception):
    """Inside this package only: a quick way cannot read this body, the next one has to."""
