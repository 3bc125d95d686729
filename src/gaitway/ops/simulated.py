"""Friendly names: a simulated phone is `sim-brisk-heron-3fa2`, and so the page can tell it from a real one."""

import numpy as np

PREFIX = "sim-"
_HOW = ("amber", "brisk", "calm", "clever", "eager", "fleet", "gentle", "jolly", "keen", "lucky", "merry", "nimble")
_HOW2 = ("polite", "quick", "quiet", "sunny", "swift", "tidy", "upbeat", "vivid", "warm", "witty", "young", "zesty")
_WHO = (
    "badger",
    "crane",
    "dolphin",
    "finch",
    "gazelle",
    "hare",
    "heron",
    "ibex",
    "jackal",
    "kestrel",
    "lynx",
    "marten",
)
_WHO2 = ("marten", "newt", "otter", "panda", "quail", "raven", "seal", "swift", "tern", "vole", "wren", "yak", "zebra")


def device_name(seed: int) -> str:
    """The device id of a seed; four hex digits keep equal names apart.

    >>> device_name(1) == device_name(1), device_name(1).startswith("sim-")
    (True, True)
    """
    how, who, mark = np.random.SeedSequence([seed, 3]).generate_state(3).tolist()
    hows, whos = _HOW + _HOW2, _WHO + _WHO2
    return f"{PREFIX}{hows[how % len(hows)]}-{whos[who % len(whos)]}-{mark % 0x10000:04x}"
