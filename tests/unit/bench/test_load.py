"""The load generator: what it counts, and that a stall counts for all that it delays."""

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from bench.bodies import FIRST_MESSAGE, ONE_SECOND, Bodies
from bench.load import Load, percentile


class Phonebook(ThreadingHTTPServer):
    """Notes what came; `stall` seconds pass before the first answer, `status` is given to all, `closing` hangs up."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.seen: list[tuple[str, int]] = []
        self.stall, self.status, self.closing = 0.0, 200, False

    @property
    def address(self) -> tuple[str, int]:
        return "127.0.0.1", self.server_port


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Phonebook

    def do_POST(self) -> None:
        push = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.seen.append((push["deviceId"], push["messageId"]))
        stall, self.server.stall = self.server.stall, 0.0
        time.sleep(stall)
        self.send_response(self.server.status)
        self.send_header("Content-Length", "2")
        if self.server.closing:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Phonebook]:
    with Phonebook() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def bodies(streams: int) -> Bodies:
    return Bodies(ONE_SECOND, streams, 1_760_000_000, templates=2)


def test_every_stream_arrives_in_order_and_whole(server: Phonebook) -> None:
    phones = bodies(5)
    with Load(server.address, phones, 2) as load:
        outcome = load.closed(0.2)
    assert outcome.accepted == len(outcome.posts) == len(server.seen) == sum(phones.sent)
    for stream, device in enumerate(phones.device_ids):
        ids = [message for seen, message in server.seen if seen == device]
        assert ids == list(range(FIRST_MESSAGE, FIRST_MESSAGE + phones.sent[stream]))


def test_an_open_loop_posts_as_many_as_are_due_one_stream_after_the_other(server: Phonebook) -> None:
    phones = bodies(4)
    with Load(server.address, phones, 4) as load:
        outcome = load.open(rate=100, seconds=0.2)
    assert phones.sent == [5, 5, 5, 5]
    due = [post.due - outcome.begun for post in sorted(outcome.posts, key=lambda post: post.due)]
    assert due == pytest.approx([i / 100 for i in range(20)])
    assert all(post.answered >= post.due for post in outcome.posts)


def test_a_stall_counts_for_every_message_that_was_due_meanwhile(server: Phonebook) -> None:
    server.stall = 0.3
    with Load(server.address, bodies(1), 1) as load:
        delays = load.open(rate=50, seconds=0.2).delays()
    assert len(delays) == 10
    assert delays[0] >= 300
    assert delays.min() >= 100  # the last was due at 180 ms and could not be posted before 300


def test_what_is_refused_is_not_counted_as_accepted(server: Phonebook) -> None:
    server.status = 503
    with Load(server.address, bodies(2), 2) as load:
        outcome = load.open(rate=100, seconds=0.1)
    assert (outcome.accepted, outcome.refused) == (0, 10)


def test_a_server_that_hangs_up_after_each_answer_is_called_again(server: Phonebook) -> None:
    server.closing = True
    with Load(server.address, bodies(2), 2) as load:
        assert load.open(rate=100, seconds=0.1).accepted == 10


def test_percentiles_are_values_that_were_measured() -> None:
    assert percentile(range(1, 101), 99) == 99
    assert percentile([5.0], 50) == 5.0
    assert percentile([], 50) != percentile([], 50)
