"""Simulated phones in the exact dialect of the app, made from a seed.

script -> gait, body -> sensors -> phone: messages -> faults -> fleet: to a server
"""

from gaitway.ops.simulated import PREFIX
from gaitway.ops.simulator.faults import FAULTS, Fault, with_faults
from gaitway.ops.simulator.fleet import AS_FAST_AS_POSSIBLE, Answer, Pace, Tally, fleet, run_phones
from gaitway.ops.simulator.phone import Phone
from gaitway.ops.simulator.push import Push
from gaitway.ops.simulator.script import DEMO, RULE_SAYS, Script
from gaitway.ops.simulator.truth import Sent, labels_at, stream_arrays, window_truth

__all__ = [
    "AS_FAST_AS_POSSIBLE",
    "DEMO",
    "FAULTS",
    "PREFIX",
    "RULE_SAYS",
    "Answer",
    "Fault",
    "Pace",
    "Phone",
    "Push",
    "Script",
    "Sent",
    "Tally",
    "fleet",
    "labels_at",
    "run_phones",
    "stream_arrays",
    "window_truth",
    "with_faults",
]
