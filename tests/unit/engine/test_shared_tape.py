"""What one follower has read, another gets from memory; whatever is not there comes from the tape."""

from gaitway.core.message import Message, Record
from gaitway.engine.shared_tape import SharedTape
from laws.streams import PHONE, Tapes


class CountedTape(Tapes):
    """A tape in memory that counts reads."""

    def __init__(self) -> None:
        super().__init__()
        self.reads = 0
        for number in range(30):
            self.put(Message(PHONE, number, (), 0))

    def read(self, after: int, limit: int, sensors: object = None) -> list[Record]:
        self.reads += 1
        return self.records[after : after + limit]


def positions(records: object) -> list[int]:
    return [record.position for record in records]  # type: ignore[attr-defined]


def test_what_was_followed_is_not_read_again() -> None:
    tape = CountedTape()
    shared = SharedTape(tape)  # type: ignore[arg-type]
    shared.follow(0, 10)
    shared.follow(10, 10)

    assert positions(shared.read(0, 5)) == [1, 2, 3, 4, 5]
    assert positions(shared.read(15, 100)) == [16, 17, 18, 19, 20]
    assert tape.reads == 2


def test_what_is_older_newer_or_forgotten_comes_from_the_tape() -> None:
    tape = CountedTape()
    shared = SharedTape(tape, most=4)  # type: ignore[arg-type]
    shared.follow(0, 10)

    assert positions(shared.read(0, 2)) == [1, 2]
    assert positions(shared.read(10, 2)) == [11, 12]
    assert positions(shared.read(7, 9)) == [8, 9, 10]
    assert tape.reads == 3


def test_a_jump_forgets_what_came_before() -> None:
    tape = CountedTape()
    shared = SharedTape(tape)  # type: ignore[arg-type]
    shared.follow(0, 5)
    shared.follow(20, 5)

    assert positions(shared.read(3, 3)) == [4, 5, 6]
    assert positions(shared.read(20, 9)) == [21, 22, 23, 24, 25]
