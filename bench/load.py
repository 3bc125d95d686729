"""The load generator: one process, one epoll, keep-alive connections; closed loop, or open loop at a rate.

closed   every connection posts its next message when the last one was answered
open     message i is due at start + i / rate, whatever became of those before; its delay counts from then on

A stream stays on one connection, so its messages arrive in order, as from a phone.
"""

import contextlib
import select
import socket
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.bodies import Bodies

_LINGER = 30.0  # seconds to wait for answers after the last message


class Post(NamedTuple):
    """One message: its stream, its number in it, when it was due, and when it was answered, with what status."""

    stream: int
    number: int
    due: float
    answered: float
    status: int


@dataclass(slots=True)
class Outcome:
    """What came of a run."""

    begun: float
    posts: list[Post] = field(default_factory=list)

    @property
    def accepted(self) -> int:
        """Messages answered with 200."""
        return sum(post.status == 200 for post in self.posts)

    @property
    def refused(self) -> int:
        """Messages answered otherwise."""
        return len(self.posts) - self.accepted

    def delays(self) -> NDArray[np.float64]:
        """From due to answered, ms."""
        return np.array([(post.answered - post.due) * 1e3 for post in self.posts])


def percentile(values: NDArray[np.float64] | Sequence[float], share: float) -> float:
    """The smallest value that `share` percent of all do not exceed; nan when there are none.

    >>> percentile([3.0, 1.0, 2.0, 4.0], 50), percentile([3.0, 1.0, 2.0, 4.0], 99)
    (2.0, 4.0)
    """
    ordered = np.sort(np.asarray(values, np.float64))
    return float(ordered[max(0, int(np.ceil(share / 100 * len(ordered))) - 1)]) if len(ordered) else float("nan")


class _Connection:
    """A keep-alive connection with at most one message under way."""

    def __init__(self, address: tuple[str, int], poll: "_Poll", streams: Sequence[int]) -> None:
        self._address, self._poll = address, poll
        self.streams = deque(streams)
        self.waiting: deque[tuple[int, float]] = deque()
        """(stream, due) of messages that wait for the connection."""
        self.busy: tuple[int, int, float] | None = None
        self._out = memoryview(b"")
        self._in = bytearray()
        self._connect()

    def _connect(self) -> None:
        self.socket = socket.create_connection(self._address, timeout=10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self._poll.add(self.socket, self)

    def begin(self, bodies: Bodies, stream: int, due: float) -> None:
        """Post the next message of a stream."""
        self.busy = (stream, bodies.sent[stream], due)
        self._out = memoryview(bodies.next(stream))
        self.write(first=True)

    def write(self, first: bool = False) -> None:
        """Send on as far as the socket takes it."""
        with contextlib.suppress(BlockingIOError):
            self._out = self._out[self.socket.send(self._out) :]
        if self._out and first:
            self._poll.epoll.modify(self.socket.fileno(), select.EPOLLIN | select.EPOLLOUT)
        elif not self._out and not first:
            self._poll.epoll.modify(self.socket.fileno(), select.EPOLLIN)

    def read(self) -> int | None:
        """Take in what came; the status once the answer is whole."""
        data = self.socket.recv(65536)
        self._in += data
        head, blank, body = self._in.partition(b"\r\n\r\n")
        if not blank:
            if not data:
                message = f"{self._address} closed a connection in the middle of an answer"
                raise ConnectionError(message)
            return None
        fields = head.lower()
        length = int(fields.partition(b"content-length:")[2].split(b"\r\n", 1)[0] or 0)
        if len(body) < length:
            return None
        status = int(head[9:12])
        self._in.clear()
        if b"connection: close" in fields:
            self.close()
            self._connect()
        return status

    def close(self) -> None:
        self._poll.remove(self.socket)
        self.socket.close()


class _Poll:
    """An epoll that knows whose each socket is."""

    def __init__(self) -> None:
        self.epoll = select.epoll()
        self._owners: dict[int, _Connection | None] = {}

    def add(self, one: socket.socket, owner: "_Connection | None") -> None:
        """Watch a socket for what comes in."""
        self.epoll.register(one.fileno(), select.EPOLLIN)
        self._owners[one.fileno()] = owner

    def remove(self, one: socket.socket) -> None:
        """Watch it no more."""
        self.epoll.unregister(one.fileno())
        del self._owners[one.fileno()]

    def wait(self, seconds: float) -> "list[tuple[_Connection | None, int]]":
        """(owner, events). Waits by select: epoll alone waits whole milliseconds, which is too coarse."""
        select.select([self.epoll.fileno()], [], [], seconds)
        return [(self._owners[number], event) for number, event in self.epoll.poll(0)]


class Load:
    """Connections to one server, for the messages of `bodies`. `listen`, if given, is read beside into `heard`."""

    def __init__(
        self, address: tuple[str, int], bodies: Bodies, connections: int, listen: socket.socket | None = None
    ) -> None:
        self._bodies = bodies
        self._poll = _Poll()
        self._under_way = 0
        count = min(connections, len(bodies))
        self._connections = [_Connection(address, self._poll, range(i, len(bodies), count)) for i in range(count)]
        self.heard: list[tuple[float, bytes]] = []
        """(when, bytes) of what came on `listen`."""
        self._listen = listen
        if listen is not None:
            listen.setblocking(False)
            self._poll.add(listen, None)

    def __enter__(self) -> "Load":
        return self

    def __exit__(self, *_: object) -> None:
        for connection in self._connections:
            connection.close()
        self._poll.epoll.close()

    def closed(self, seconds: float) -> Outcome:
        """Post as fast as answers come."""
        outcome = Outcome(time.monotonic())
        end = outcome.begun + seconds
        for connection in self._connections:
            self._begin_next(connection, outcome.begun)
        while self._under_way:
            for connection in self._turn(outcome, 0.1):
                now = time.monotonic()
                if now < end:
                    self._begin_next(connection, now)
            _check(end + _LINGER)
        return outcome

    def open(self, rate: float, seconds: float, begin: float | None = None) -> Outcome:
        """Post `rate` messages a second, evenly, from `begin` (monotonic) on, one stream after the other."""
        outcome = Outcome(time.monotonic() if begin is None else begin)
        total, i = round(rate * seconds), 0
        while i < total or self._under_way:
            now = time.monotonic()
            while i < total and (due := outcome.begun + i / rate) <= now:
                stream = i % len(self._bodies)
                connection = self._connections[stream % len(self._connections)]
                connection.waiting.append((stream, due))
                self._go_on(connection)
                i += 1
            wait = max(0.0, outcome.begun + i / rate - time.monotonic()) if i < total else 0.1
            for connection in self._turn(outcome, wait):
                self._go_on(connection)
            _check(outcome.begun + seconds + _LINGER)
        return outcome

    def hear(self, seconds: float) -> None:
        """Only listen."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self._turn(Outcome(0.0), left)

    def _begin_next(self, connection: _Connection, due: float) -> None:
        connection.streams.rotate(-1)
        self._under_way += 1
        connection.begin(self._bodies, connection.streams[-1], due)

    def _go_on(self, connection: _Connection) -> None:
        if connection.waiting and connection.busy is None:
            self._under_way += 1
            connection.begin(self._bodies, *connection.waiting.popleft())

    def _turn(self, outcome: Outcome, wait: float) -> list[_Connection]:
        """Wait for events and handle them; the connections that became free."""
        free = []
        for connection, event in self._poll.wait(wait):
            if connection is None:
                self._hear()
                continue
            if event & select.EPOLLOUT:
                connection.write()
            if event & ~select.EPOLLOUT and (status := connection.read()) is not None and connection.busy:
                outcome.posts.append(Post(*connection.busy, time.monotonic(), status))
                connection.busy = None
                self._under_way -= 1
                free.append(connection)
        return free

    def _hear(self) -> None:
        if self._listen is not None and (data := self._listen.recv(1 << 20)):
            self.heard.append((time.monotonic(), data))


def _check(deadline: float) -> None:
    if time.monotonic() > deadline:
        message = f"no answer within {_LINGER:g} s of the last message"
        raise TimeoutError(message)
