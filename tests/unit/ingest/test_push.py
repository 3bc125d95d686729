"""The push route: what is answered, and that nothing is acknowledged before it is durable."""

import asyncio
import gzip
import json
import time
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gaitway.core.message import Stream
from gaitway.errors import BusyError, LogError, TokenError
from gaitway.ingest.body import BodyLimits
from gaitway.ingest.door import Door
from gaitway.ingest.gate import WRONG_TOKEN, Rules
from gaitway.ingest.intake import Intake, Stored
from gaitway.ingest.knocks import Knock, Knocks
from gaitway.ingest.names import LOCAL_HOSTS
from gaitway.ingest.push import PushRoute
from gaitway.ingest.quota import Limits, Quotas
from gaitway.ingest.request import is_push
from gaitway.ports import DeadLetter, Entry, Receipt
from gaitway.registry import Token

T = TypeVar("T")
SECOND = 1_000_000_000


class Commit:
    """Takes entries and answers when it is told to."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.letters: list[DeadLetter] = []
        self.error: Exception | None = None
        self.held: list[asyncio.Future[Receipt]] | None = None

    def submit(self, entry: Entry, letters: Sequence[DeadLetter] = ()) -> "asyncio.Future[Receipt]":
        self.entries.append(entry)
        return self.bury(letters)

    def bury(self, letters: Sequence[DeadLetter]) -> "asyncio.Future[Receipt]":
        self.letters.extend(letters)
        future: asyncio.Future[Receipt] = asyncio.get_running_loop().create_future()
        if self.error is not None:
            future.set_exception(self.error)
        elif self.held is not None:
            self.held.append(future)
        else:
            future.set_result(Receipt(len(self.entries), "stored"))
        return future


class Tokens:
    """Knows a few tokens."""

    def __init__(self) -> None:
        self.known = {
            "device": Token(1, "device", "", 0),
            "push": Token(2, "push", "", 0),
            "read": Token(3, "read", "", 0),
            "cookie": Token(4, "cookie", "", 0),
        }

    def find(self, text: str) -> Token | None:
        return self.known.get(text)

    def bind(self, token_id: int, device_id: str) -> None:
        bound = self.known["device"].device_id
        if bound not in (None, device_id):
            raise TokenError("another phone")
        self.known["device"] = Token(1, "device", "", 0, device_id=device_id)


class Bench:
    """A push route over fakes."""

    def __init__(self, limits: Limits | None = None, body: BodyLimits | None = None) -> None:
        self.commit = Commit()
        self.tokens = Tokens()
        self.told: list[Knock] = []
        self.stored: list[Stored] = []
        door = Door(Rules(LOCAL_HOSTS), self.tokens, Quotas(limits or Limits()), Knocks(self.told.append))
        self.intake = Intake(self.commit, door)
        self.intake.listeners.append(self.stored.append)
        self.route = PushRoute(door, self.intake, body or BodyLimits(body=100_000, inflated=200_000))

    async def post(
        self, body: bytes, *, path: str = "/data", query: str = "", peer: str = "127.0.0.1", **headers: str
    ) -> tuple[int, dict[bytes, bytes], bytes]:
        sent: list[dict[str, Any]] = []
        named = {"host": "localhost:8788", **{name.replace("_", "-"): value for name, value in headers.items()}}
        scope = {
            "type": "http",
            "method": "POST",
            "path": path,
            "query_string": query.encode(),
            "client": (peer, 50_000),
            "headers": [(name.encode(), value.encode()) for name, value in named.items()],
        }
        half = len(body) // 2
        parts = [{"type": "http.request", "body": body[:half], "more_body": True}]
        parts.append({"type": "http.request", "body": body[half:], "more_body": False})

        async def receive() -> dict[str, Any]:
            return parts.pop(0)

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        await self.route(scope, receive, send)
        return sent[0]["status"], dict(sent[0]["headers"]), sent[1]["body"]


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


def message(device: str = "phone", session: str = "walk", ahead: int = 0, **more: Any) -> bytes:
    reading = {"name": "accelerometer", "time": time.time_ns() + ahead, "values": {"x": 0.1, "y": 0.2, "z": 0.3}}
    return json.dumps({"messageId": 1, "sessionId": session, "deviceId": device, "payload": [reading], **more}).encode()


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.mark.parametrize("path", ["/", "", "/data", "/data/", "/sensor-data", "/sensor-data/", "/data/TOKEN"])
def test_push_paths(path: str) -> None:
    assert is_push("POST", path)
    assert not is_push("GET", path)


def test_a_message_is_stored_then_acknowledged(bench: Bench) -> None:
    status, _, body = run(bench.post(message()))
    assert (status, json.loads(body)) == (200, {"outcome": "stored", "position": 1, "readings": 1, "refused": 0})
    assert [entry.stream for entry in bench.commit.entries] == [Stream("phone", "walk")]
    assert [stored.receipt.position for stored in bench.stored] == [1]


def test_an_acknowledgement_means_fsynced(bench: Bench) -> None:
    async def main() -> None:
        bench.commit.held = []
        task = asyncio.create_task(bench.post(message()))
        while not bench.commit.held:
            await asyncio.sleep(0)
        for _ in range(20):
            await asyncio.sleep(0)
        assert not task.done()  # handed to the log, not yet durable: no answer, and nobody was told
        assert bench.stored == []
        bench.commit.held[0].set_result(Receipt(1, "stored"))
        assert (await task)[0] == 200

    run(main())


def test_a_repeat_is_acknowledged_and_told_to_nobody(bench: Bench) -> None:
    async def main() -> bytes:
        bench.commit.held = []
        task = asyncio.create_task(bench.post(message()))
        while not bench.commit.held:
            await asyncio.sleep(0)
        bench.commit.held[0].set_result(Receipt(7, "duplicate"))
        return (await task)[2]

    assert json.loads(run(main()))["outcome"] == "duplicate"
    assert bench.stored == []


def test_a_body_that_cannot_be_read_is_kept_before_it_is_refused(bench: Bench) -> None:
    status, _, body = run(bench.post(b'{"deviceId": '))
    assert status == 400
    assert set(json.loads(body)) == {"error", "where", "hint"}
    assert [(letter.body, letter.reason, letter.stream) for letter in bench.commit.letters] == [
        (b'{"deviceId": ', "not_json", None)
    ]


def test_set_aside_readings_go_with_their_message(bench: Bench) -> None:
    broken = {"name": "accelerometer", "time": time.time_ns(), "values": {"x": None, "y": 1, "z": 1}}
    good = {"name": "accelerometer", "time": time.time_ns(), "values": {"x": 1, "y": 1, "z": 1}}
    status, _, body = run(bench.post(message(payload=[broken, good])))
    assert (status, json.loads(body)["readings"], json.loads(body)["refused"]) == (200, 1, 1)
    assert len(bench.commit.letters) == 1


def test_a_test_push_is_answered_and_not_stored(bench: Bench) -> None:
    status, headers, body = run(bench.post(message(payload=[{"name": "test"}])))
    assert status == 200
    assert headers[b"content-type"].startswith(b"text/plain") and b"found" in body
    assert bench.commit.entries == [] and bench.commit.letters == []
    assert [(knock.found, knock.address, knock.text) for knock in bench.told] == [(True, "127.0.0.1", "phone")]


@pytest.mark.parametrize(
    "how",
    [
        {"authorization": "push"},
        {"authorization": "Bearer push"},
        {"authorization": "bearer  push"},
        {"query": "token=push"},
        {"path": "/data/push"},
        {"path": "/data/push/"},
        {"authorization": "", "query": "x=1&token=push"},
    ],
)
def test_a_token_may_come_in_every_way(bench: Bench, how: dict[str, str]) -> None:
    assert run(bench.post(message(), peer="10.0.0.7", **how))[0] == 200


@pytest.mark.parametrize("token", [None, "wrong", "read", "cookie"])
def test_a_wrong_token_gets_499_and_the_text_for_the_app(bench: Bench, token: str | None) -> None:
    headers = {} if token is None else {"authorization": token}
    status, given, body = run(bench.post(message(), peer="10.0.0.7", **headers))
    assert (status, body.decode()) == (499, WRONG_TOKEN)
    assert given[b"content-type"].startswith(b"text/plain")
    assert bench.commit.entries == []
    assert [(knock.address, knock.reason) for knock in bench.told] == [("10.0.0.7", "token")]


def test_a_device_token_serves_the_first_phone_only(bench: Bench) -> None:
    assert run(bench.post(message("phone-a"), authorization="device"))[0] == 200
    assert run(bench.post(message("phone-a", "other-walk"), authorization="device"))[0] == 200
    status, _, body = run(bench.post(message("phone-b"), authorization="device"))
    assert (status, body.decode()) == (499, WRONG_TOKEN)
    assert {entry.stream.device_id for entry in bench.commit.entries} == {"phone-a"}
    assert bench.told[-1].reason == "bound"


def test_a_push_token_serves_any_phone(bench: Bench) -> None:
    for device in ("a", "b"):
        assert run(bench.post(message(device), authorization="push"))[0] == 200


def test_a_test_push_does_not_bind_a_token(bench: Bench) -> None:
    run(bench.post(message("any", payload=[{"name": "test"}]), authorization="device"))
    assert run(bench.post(message("phone-a"), authorization="device"))[0] == 200


def test_a_clock_ahead_is_told_once_per_session_after_storing(bench: Bench) -> None:
    first = run(bench.post(message(ahead=192 * SECOND)))
    assert first[0] == 499
    assert first[2].decode() in {
        f"This phone's clock is 3 min {s} s ahead. Turn on automatic time; readings are kept as they are until then."
        for s in (11, 12)
    }
    assert len(bench.commit.entries) == 1 and len(bench.stored) == 1
    assert run(bench.post(message(ahead=192 * SECOND)))[0] == 200
    assert run(bench.post(message(session="next", ahead=192 * SECOND)))[0] == 499


@pytest.mark.parametrize("ahead", [110 * SECOND, -3 * 365 * 86_400 * SECOND])
def test_a_clock_a_little_ahead_and_old_recordings_are_no_fault(bench: Bench, ahead: int) -> None:
    assert run(bench.post(message(ahead=ahead)))[0] == 200


def test_a_large_body_is_refused_and_read_to_its_end(bench: Bench) -> None:
    for headers in ({}, {"content_length": "100001"}):
        status, _, body = run(bench.post(b"x" * 100_001, **headers))
        assert status == 413 and b"body_limit" in body
    assert bench.commit.letters == []


def test_a_compressed_body_is_inflated_within_its_limit(bench: Bench) -> None:
    assert run(bench.post(gzip.compress(message()), content_encoding="gzip"))[0] == 200
    assert run(bench.post(gzip.compress(b" " * 200_001), content_encoding="gzip"))[0] == 413


def test_a_broken_or_unknown_encoding_is_refused(bench: Bench) -> None:
    assert run(bench.post(b"not gzip", content_encoding="gzip"))[0] == 400
    assert 400 <= run(bench.post(message(), content_encoding="br"))[0] < 500


def test_a_used_up_quota_is_429_with_the_time_to_wait() -> None:
    bench = Bench(Limits(messages=0.1))
    assert run(bench.post(message(), authorization="push"))[0] == 200
    status, headers, body = run(bench.post(message(), authorization="push"))
    assert (status, headers[b"retry-after"]) == (429, b"10")
    assert "quota_messages" in json.loads(body)["hint"]
    assert run(bench.post(message()))[0] == 200  # another's quota


@pytest.mark.parametrize("what", ["bytes", "streams"])
def test_quotas_on_bytes_and_new_streams(what: str) -> None:
    bench = Bench(Limits(**{what: 1}))
    assert run(bench.post(message(session="a")))[0] == 200
    assert run(bench.post(message(session="b")))[0] == 429
    assert len(bench.commit.entries) == 1


def test_a_known_stream_goes_on_when_no_new_one_may_begin() -> None:
    bench = Bench(Limits(streams=1))
    for _ in range(3):
        assert run(bench.post(message()))[0] == 200


def test_unreadable_bodies_are_kept_up_to_a_quota_and_good_ones_still_stored() -> None:
    bench = Bench(Limits(dead_letters=1))
    assert [run(bench.post(b"x"))[0] for _ in range(2)] == [400, 429]
    assert len(bench.commit.letters) == 1
    assert run(bench.post(message()))[0] == 200


@pytest.mark.parametrize("error", [BusyError("the disk is full"), LogError("no such disk")])
def test_what_cannot_be_stored_now_is_503(bench: Bench, error: Exception) -> None:
    bench.commit.error = error
    status, headers, body = run(bench.post(message()))
    assert (status, headers[b"retry-after"]) == (503, b"5")
    assert set(json.loads(body)) == {"error", "where", "hint"}
    assert bench.route.busy() is not None


def test_a_stopping_server_says_so(bench: Bench) -> None:
    bench.intake.closing = True
    assert run(bench.post(message()))[0] == 503


def test_a_fault_of_ours_is_500_and_tells_nothing(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    bench.commit.error = ZeroDivisionError("secret detail")
    status, _, body = run(bench.post(message()))
    assert status == 500 and b"secret" not in body


def test_a_sender_that_goes_away_is_not_answered(bench: Bench) -> None:
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"path": "/data", "client": ("127.0.0.1", 1), "headers": [(b"host", b"localhost")]}
    run(bench.route(scope, receive, send))
    assert sent == [] and bench.commit.entries == []


@given(st.one_of(st.binary(max_size=300), st.text(max_size=200).map(str.encode)))
def test_no_body_makes_it_answer_500(body: bytes) -> None:
    assert run(Bench().post(body))[0] in (200, 400)


@given(
    st.dictionaries(
        st.sampled_from(["authorization", "host", "origin", "cookie", "content_encoding"]), st.text(max_size=30)
    )
)
def test_no_header_makes_it_answer_500(headers: dict[str, str]) -> None:
    plain = {name: value.encode("utf-8", "replace").decode("latin-1") for name, value in headers.items()}
    assert run(Bench().post(message(), **plain))[0] < 500
