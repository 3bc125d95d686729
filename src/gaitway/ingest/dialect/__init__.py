"""Reading what phones send: one decoder per dialect, three ways of reading each, one answer.

`decode` turns a body into columns (`gaitway.core.message.Message`) and dead letters. It takes the first way that fits:

1. `quick.pure`: only x, y, z everywhere, typed decode and a few vector checks: nearly every message of a phone.
2. `quick.mixed`: sensors of other shapes among them, decoded group by group.
3. `Dialect.read`: anything, reading by reading; what is not usable is set aside with a reason.

The three agree: the same good body gives an equal message by each.
"""

from gaitway.ingest.dialect.decode import DIALECTS, decode
from gaitway.ingest.dialect.decoded import Decoded, DecodeSettings

__all__ = ["DIALECTS", "DecodeSettings", "Decoded", "decode"]
