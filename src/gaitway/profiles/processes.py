"""How the processes of a server stand by each other."""

import ctypes
import signal
import sys

STOP_ENGINE = signal.SIGUSR1
"""How the supervisor stops the engine, after the front. SIGTERM and SIGINT reach whole groups, so it ignores those."""
BAD_SETTINGS = 78
"""Exit code of a child that its settings keep from starting: starting it again would not help."""
_PR_SET_PDEATHSIG = 1


def die_with_parent(signal_number: signal.Signals = signal.SIGTERM) -> None:
    """Ask the kernel to end this process when its supervisor dies without saying so. Linux only; elsewhere nothing.

    Everything acknowledged is on the tapes by then; what this keeps from happening is two servers on one folder.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal_number), 0, 0, 0)
