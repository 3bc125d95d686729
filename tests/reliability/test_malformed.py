"""Malformed bodies: no 5xx, no good reading lost, and afterwards the server is as well as before.

5,000 made here with Hypothesis, 1,000 more by schemathesis from the server's own description.
"""

from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok

from reliability.malformed import ALLOWED, BODY_LIMIT, INFLATED_LIMIT, Body, Reading, bodies, messages, whole
from serving import Server, gaitway, serving

_SETTINGS = {"body_limit": BODY_LIMIT, "inflated_limit": INFLATED_LIMIT, "quiet_seconds": "0.5"}
_PATHS = ("/data", "/", "/sensor-data", "/data/")
#: Every third body is a good one.
_EVERY = 3


class Pusher:
    """Pushes bodies, judges the answers, and remembers what must have been kept."""

    def __init__(self, server: Server, client: httpx.Client) -> None:
        self.answers: Counter[int] = Counter()
        self.expected: set[Reading] = set()
        self.unreadable = 0
        self._server = server
        self._client = client

    def push(self, body: Body) -> None:
        headers = {"content-encoding": body.encoding} if body.encoding else {}
        path = _PATHS[self.answers.total() % len(_PATHS)]
        answer = self._client.post(self._server.url + path, content=body.content, headers=headers)
        self.answers[answer.status_code] += 1
        assert answer.status_code in body.answers, f"{answer.status_code} {answer.text}: {body.content[:2000]!r}"
        if answer.status_code in (200, 499):
            self.expected |= body.good
        else:
            said = answer.json()
            assert set(said) == {"error", "where", "hint"}
            self.unreadable += answer.status_code == 400


def kept(server: Server) -> Counter[Reading]:
    """All of /api/readings."""
    found: Counter[Reading] = Counter()
    for stream in server.streams():
        whose = {name: stream[name] for name in ("device_id", "session_id")}
        asked: dict[str, Any] = {**whose, "limit": 10_000}
        while True:
            page = server.get("/api/readings", **asked)
            found.update(Reading.of(**whose, sent=each, name="sensor") for each in page["readings"])
            if page["next"] is None:
                break
            asked["cursor"] = page["next"]
    return found


def dead_letters(server: Server) -> list[dict[str, Any]]:
    """All of /api/dead-letters."""
    letters: list[dict[str, Any]] = []
    asked: dict[str, Any] = {"limit": 10_000}
    while True:
        page = server.get("/api/dead-letters", **asked)
        letters += page["dead_letters"]
        if page["next"] is None:
            return letters
        asked["cursor"] = page["next"]


def bombard(folder: Path, examples: int, *, same: bool) -> None:
    """Push so many bodies made by Hypothesis, good messages between them; then look at what is there."""
    made = [message for seed in (1, 2) for message in messages(seed, 60)]
    good = [message for seed in (3, 4) for message in messages(seed, examples // _EVERY)]
    with serving(folder / "data", **_SETTINGS) as server, httpx.Client(trust_env=False, timeout=30) as client:
        pusher = Pusher(server, client)

        @settings(
            max_examples=examples,
            derandomize=same,
            database=None,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        )
        @given(body=bodies(made, sessions=max(10, examples // 40)))
        def push(body: Body) -> None:
            pusher.push(body)
            if pusher.answers.total() % _EVERY == 0 and good:
                pusher.push(whole(good.pop()))

        push()
        assert pusher.answers.total() >= examples
        assert {200, 400, 413} <= set(pusher.answers)
        check(server, pusher)


def check(server: Server, pusher: Pusher) -> None:
    """Nothing good was lost or doubled, what was refused is kept too, and the server is well."""
    assert server.get("/readyz")["faults"] == {}
    server.wait_for_ticks(120)
    found = kept(server)
    assert len(pusher.expected) > pusher.answers.total()
    lost = pusher.expected - found.keys()
    assert not lost, f"{len(lost)} of {len(pusher.expected)} good readings are lost, such as {sorted(lost)[:3]}"
    assert max(found.values()) == 1
    letters = dead_letters(server)
    assert sum(letter["device_id"] is None for letter in letters) == pusher.unreadable
    assert not [letter for letter in letters if letter["reason"] == "core_error"]
    assert " 0 differences" in gaitway("verify", "--url", server.url).stdout
    assert server.stop() == 0


def test_three_hundred_malformed_bodies(tmp_path: Path) -> None:
    bombard(tmp_path, 300, same=True)


@pytest.mark.slow
def test_five_thousand_malformed_bodies(tmp_path: Path) -> None:
    bombard(tmp_path, 5000, same=False)


def attack(operation: Any, mode: GenerationMode, examples: int) -> Counter[int]:
    """Call one operation so often with what schemathesis makes of its description; the answers."""
    answers: Counter[int] = Counter()
    with requests.Session() as session:
        session.trust_env = False

        @settings(
            max_examples=examples,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def call(case: Any) -> None:
            answer = case.call(session=session, timeout=30)
            answers[answer.status_code] += 1
            case.validate_response(answer, checks=[not_a_server_error])

        call()
    return answers


@pytest.mark.slow
def test_a_thousand_bodies_and_many_requests_made_from_the_description(tmp_path: Path) -> None:
    with serving(tmp_path / "data", **_SETTINGS) as server:
        description = server.get("/schema/openapi.json")
        schema = schemathesis.openapi.from_dict(description)
        schema.config.update(base_url=server.url)
        pushed: Counter[int] = Counter()
        for found in schema.get_all_operations():
            assert isinstance(found, Ok), found
            operation = found.ok()
            if operation.path == "/api/live":  # its answer never ends
                continue
            takes_body = operation.path in ("/", "/data", "/sensor-data")
            # What has no parameters cannot be asked wrongly.
            varied = takes_body or "{" in operation.path or operation.query
            for mode in GenerationMode if varied else (GenerationMode.POSITIVE,):
                answers = attack(operation, mode, 170 if takes_body else 25)
                if takes_body:
                    pushed += answers
        assert pushed.total() >= 1000
        assert set(pushed) <= ALLOWED
        assert pushed[200] and pushed[400]
        assert server.get("/readyz")["faults"] == {}
        assert server.stop() == 0
