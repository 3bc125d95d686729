"""What every store of dead letters promises, whichever backend. A new backend is one row in BACKENDS."""

import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gaitway.core.message import Stream
from gaitway.errors import RefusedError
from gaitway.log.dead_letters import SqliteDeadLetters
from gaitway.ports import DeadLetter, DeadLetters, Page

WALK = Stream("phone", "walk")
KEEP, TOTAL = 1000, 20_000


class Store(DeadLetters, Protocol):
    """A store that can be closed."""

    def close(self) -> None: ...


Open = Callable[[], Store]
BACKENDS: dict[str, Callable[[Path], Store]] = {
    "sqlite": lambda folder: SqliteDeadLetters(folder / "refused.sqlite", keep_bytes=KEEP, total_bytes=TOTAL),
}

any_text = st.text(st.characters(exclude_categories=()), max_size=20)
letters = st.builds(
    DeadLetter,
    received_at=st.integers(0, 1 << 62),
    reason=st.sampled_from(["null", "time", "not_json"]),
    where=st.just("payload[3].values.z") | any_text,
    body=st.binary(max_size=50) | st.integers(900, 1100).map(bytes),
    stream=st.sampled_from([None, WALK, Stream("phone", "run")]),
    readings=st.integers(0, 5),
    position=st.none() | st.integers(1, 1 << 40),
)


@pytest.fixture(params=BACKENDS)
def reopen(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Open]:
    """Opens the store, again and again: what was open before is closed."""
    opened: list[Store] = []

    def reopen() -> Store:
        if opened:
            opened[-1].close()
        opened.append(BACKENDS[request.param](tmp_path))
        return opened[-1]

    yield reopen
    opened[-1].close()


def letter(number: int = 0, body: bytes = b"{}", **changes: object) -> DeadLetter:
    given = {"stream": WALK, "readings": 1, **changes}
    return DeadLetter(number, "absurd", "payload[0]", body, **given)  # type: ignore[arg-type]


def pages(store: Store, limit: int) -> list[Page]:
    found = [store.page(limit, None)]
    while found[-1].next is not None:
        found.append(store.page(limit, found[-1].next))
    return found


@pytest.mark.parametrize("name", BACKENDS)
@given(groups=st.lists(st.lists(letters, max_size=8), max_size=6), limit=st.integers(1, 7))
@settings(max_examples=40, deadline=None)
def test_a_store_is_a_list_that_forgets_its_oldest(name: str, groups: list[list[DeadLetter]], limit: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for group in groups:
            store = BACKENDS[name](Path(folder))
            store.add(group)
            store.close()
        store = BACKENDS[name](Path(folder))
        sent = [one for group in groups for one in group]
        kept = [one for _, one in store.bodies()]
        assert [(one.received_at, one.reason, one.stream, one.readings, one.position) for one in kept] == [
            (one.received_at, one.reason, one.stream, one.readings, one.position)
            for one in sent[len(sent) - len(kept) :]
        ]
        assert [one.body for one in kept] == [one.body[:KEEP] for one in sent[len(sent) - len(kept) :]]
        shown = [row for page in pages(store, limit) for row in page.rows]
        assert [row["received_at"] for row in shown] == [one.received_at for one in reversed(kept)]
        counted = Counter[Stream | None]()
        for one in sent:
            counted[one.stream if one.readings else None] += one.readings if one.readings and one.stream else 1
        assert dict(store.counts()) == dict(counted)
        store.close()


def test_a_page_shows_what_a_person_needs(reopen: Open) -> None:
    store = reopen()
    store.add([letter(7, b'{"z": NaN}'), letter(8, b"\xff\xfe" + b"y" * 500, stream=None, readings=0)])
    newest, oldest = store.page(10, None).rows
    assert oldest == {
        "id": oldest["id"],
        "received_at": 7,
        "device_id": "phone",
        "session_id": "walk",
        "reason": "absurd",
        "where": "payload[0]",
        "excerpt": '{"z": NaN}',
    }
    assert (newest["device_id"], newest["session_id"]) == (None, None)
    assert newest["excerpt"] == "\ufffd\ufffd" + "y" * 198


def test_pages_go_on_where_the_last_one_ended_while_letters_come(reopen: Open) -> None:
    store = reopen()
    store.add([letter(number) for number in range(5)])
    first = store.page(2, None)
    store.add([letter(9)])
    second = store.page(3, first.next)
    assert [row["received_at"] for row in (*first.rows, *second.rows)] == [4, 3, 2, 1, 0]
    assert second.next is None


@pytest.mark.parametrize("cursor", ["", "x", "-1", "1.5", "9" * 40])
def test_a_cursor_that_it_did_not_give_is_refused(reopen: Open, cursor: str) -> None:
    with pytest.raises(RefusedError) as caught:
        reopen().page(2, cursor)
    assert (caught.value.status, caught.value.where) == (400, "cursor")


def test_the_oldest_go_first_and_stay_counted(reopen: Open) -> None:
    store = reopen()
    for number in range(40):
        store.add([letter(number, bytes(KEEP + 1), readings=2)])
    store = reopen()
    kept = [one.received_at for _, one in store.bodies()]
    assert kept == list(range(kept[0], 40))
    assert 0 < len(kept) <= TOTAL / KEEP
    assert dict(store.counts()) == {WALK: 80}


def test_one_group_larger_than_the_store_leaves_its_newest(reopen: Open) -> None:
    store = reopen()
    store.add([letter(number, bytes(KEEP)) for number in range(100)])
    kept = [one.received_at for _, one in store.bodies()]
    assert kept[-1] == 99
    assert 0 < len(kept) < 100


def test_bodies_of_one_reason_can_be_had_alone(reopen: Open) -> None:
    store = reopen()
    early = DeadLetter(1, "time", "payload[0].time", b"early", WALK, 1, position=4)
    store.add([letter(0), early, letter(2)])
    assert [one for _, one in store.bodies("time")] == [early]
    assert [number for number, _ in store.bodies()] == sorted(number for number, _ in store.bodies())
