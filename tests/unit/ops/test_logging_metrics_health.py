"""Logs without secrets, metrics read when asked for, readiness by checks."""

import io
import json
import logging
from collections.abc import Callable, Iterator
from threading import Thread

import pytest
import structlog

from gaitway.ops.health import readiness
from gaitway.ops.logging import configure, hide_secrets
from gaitway.ops.metrics import Metrics, Reading
from gaitway.registry.secret import new_secret


@pytest.fixture
def lines() -> Iterator[Callable[[], list[dict[str, object]]]]:
    """What was logged, as JSON."""
    before = logging.getLogger().handlers[:], logging.getLogger().level
    out = io.StringIO()
    configure("json", "info", out)
    yield lambda: [json.loads(line) for line in out.getvalue().splitlines()]
    logging.getLogger().handlers[:], level = before
    logging.getLogger().setLevel(level)
    structlog.reset_defaults()


Lines = Callable[[], list[dict[str, object]]]


def test_an_event_is_a_line_of_json(lines: Lines) -> None:
    structlog.get_logger("front").info("started", port=8788)
    structlog.get_logger("front").debug("not important")
    (line,) = lines()
    assert (line["event"], line["port"], line["level"], line["logger"]) == ("started", 8788, "info", "front")
    assert str(line["timestamp"]).endswith("Z")


def test_libraries_lines_look_the_same(lines: Lines) -> None:
    logging.getLogger("library").warning("disk %s", "full")
    (line,) = lines()
    assert (line["event"], line["level"], line["logger"]) == ("disk full", "warning", "library")


def test_no_secret_is_written_wherever_it_stands(lines: Lines) -> None:
    token = new_secret()
    log = structlog.get_logger("front")
    log.info(
        "asked", path=f"/data/{token}", headers={"authorization": f"Bearer {token}"}, token=token, raw=token.encode()
    )
    log.info(f"GET /?x=1&token={token} HTTP/1.1")
    logging.getLogger("library").warning("GET /link/%s", token)
    try:
        raise ValueError(token)
    except ValueError:
        log.exception("failed")
    text = json.dumps(lines())
    assert token not in text and token.replace("-", "") not in text
    assert len(lines()) == 4


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("/data/hunter2/", "/data/[hidden]/"),
        ("?token=hunter2&a=1", "?token=[hidden]&a=1"),
        ("Bearer abc.def", "Bearer [hidden]"),
        ("sensorlogger://config/KLUv/WDc==", "sensorlogger://config/[hidden]"),
        ("nothing to hide: 1234-5678", "nothing to hide: 1234-5678"),
    ],
)
def test_secrets_are_known_by_where_they_stand(text: str, shown: str) -> None:
    assert hide_secrets(text) == shown


def test_metrics_are_read_when_they_are_asked_for() -> None:
    state = {"stored": 1}
    metrics = Metrics([Reading("counter", "messages", "Messages.", lambda: state, "outcome")])
    metrics.add(Reading("gauge", "delay_seconds", "Delay.", lambda: 0.5))
    state["stored"] = 7
    text = metrics.render().decode()
    assert 'gaitway_messages_total{outcome="stored"} 7.0' in text
    assert "gaitway_delay_seconds 0.5" in text


def test_commits_are_observed_from_any_thread() -> None:
    metrics = Metrics()
    threads = [Thread(target=metrics.observe_commit, args=(10, 0.004)) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    text = metrics.render().decode()
    assert "gaitway_fsync_seconds_count 5.0" in text
    assert 'gaitway_fsync_seconds_bucket{le="0.005"} 5.0' in text


def test_readiness_is_all_checks_and_a_check_that_fails_is_a_fault() -> None:
    def broken() -> str | None:
        raise OSError("gone")

    assert readiness({"a": lambda: None}).ready
    state = readiness({"a": lambda: None, "disk": lambda: "full", "engine": broken})
    assert not state.ready
    assert state.faults == {"disk": "full", "engine": "OSError: gone"}
