"""The tapes: what was accepted, in order and durable, and what was refused.

`SqliteTape` writes tape 1 and `SqliteTapeReader` reads it from any process; `GroupCommit` stands in front of the
writer; `SqliteDeadLetters` keeps what was refused. Tape 2 is in `activity`.
"""

from gaitway.log.dead_letters import SqliteDeadLetters
from gaitway.log.group_commit import GroupCommit
from gaitway.log.reader import SqliteTapeReader
from gaitway.log.tape import SqliteTape, TapeSettings

__all__ = ["GroupCommit", "SqliteDeadLetters", "SqliteTape", "SqliteTapeReader", "TapeSettings"]
