"""The one socket between the processes: wake-ups and page state one way, live verdicts and tick requests the other.

    front (listens, see socket_path)           engine, and commands such as `gaitway sql` (connect)
      W position        there is more on tape 1   ->
      P 0|1             whether a page listens    ->
      F id              write the tail out        ->
                                                  <-  V json    a live verdict
                                                  <-  E json    a named event for the page
                                                  <-  T json    streams that want a tick
                                                  <-  S json    streams to seal, and before when
                                                  <-  F id      the tail is written (also asked by commands)
                                                <-  X id why  it is not
                                                  <-  H json    health: positions, lag

Lines of text; nothing on it is needed for the law: whoever missed a line finds all on the tapes.
"""

import asyncio
import contextlib
import hashlib
import os
import socket
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import structlog

from gaitway.core.message import Stream
from gaitway.errors import BusyError

_LIMIT = 1 << 22
_LONGEST = 100  # bytes of a socket's path; systems stop between 104 and 108
_FLUSH = 60.0  # seconds
_RETRY = 0.1  # seconds
_log = structlog.get_logger(__name__)


def socket_path(data: Path) -> Path:
    """Where the front listens: in the data folder, or, where that path is too long for a socket, among the temporary
    files. It is the same however the folder is written.
    """
    root = data.resolve()
    path = root / "run" / "front.sock"
    if len(os.fsencode(path)) <= _LONGEST:
        return path
    digest = hashlib.sha256(os.fsencode(root)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"gaitway-{os.getuid()}-{digest}.sock"


class FrontLink:
    """The front's end. Everything is called on its event loop."""

    def __init__(self, data: Path) -> None:
        self._path = socket_path(data)
        self._server: asyncio.Server | None = None
        self._engine: asyncio.StreamWriter | None = None
        self._peers: set[asyncio.StreamWriter] = set()
        self._watched = False
        self._flushes: dict[int, asyncio.Future[None]] = {}
        self._asked = 0
        self.health: dict[str, Any] = {}
        """The engine's last word: positions, lag; empty while there is no engine."""
        self.on_verdict: Callable[[bytes], None] = _nothing
        self.on_event: Callable[[bytes], None] = _nothing
        self.on_tick: Callable[[list[Stream]], None] = _nothing
        self.on_seal: Callable[[tuple[list[Stream], int]], None] = _nothing

    async def start(self) -> None:
        """Listen. A socket left over by a killed server is replaced."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._serve, sock=_bound(self._path), limit=_LIMIT)

    async def stop(self) -> None:
        """Close all."""
        if self._server is not None:
            self._server.close()
        for peer in list(self._peers):
            peer.close()
        self._path.unlink(missing_ok=True)

    @property
    def connected(self) -> bool:
        """Whether the engine is there."""
        return self._engine is not None

    def wake(self, position: int) -> None:
        """Tell the engine that tape 1 has grown."""
        self._tell(b"W %d\n" % position)

    def watch(self, watched: bool) -> None:
        """Tell the engine whether anybody wants events for the page."""
        self._watched = watched
        self._tell(b"P %d\n" % watched)

    async def flush(self, timeout: float = _FLUSH) -> None:
        """Have everything acknowledged so far folded and written to the warehouse.

        Raises BusyError without engine, when it could not write, and when it did not answer in time (seconds).
        """
        if self._engine is None:
            raise BusyError("the engine is not running", where="engine", hint="It is being restarted; try again.")
        self._asked += 1
        number = self._asked
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._flushes[number] = done
        self._tell(b"F %d\n" % number)
        try:
            async with asyncio.timeout(timeout):
                await done
        except TimeoutError:
            message = f"the engine did not write its tail within {timeout:g} s"
            raise BusyError(message, where="engine", hint="`gaitway doctor` tells whether it is behind.") from None
        finally:
            self._flushes.pop(number, None)

    def _tell(self, line: bytes) -> None:
        if self._engine is not None and not self._engine.is_closing():
            self._engine.write(line)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._peers.add(writer)
        try:
            while line := await reader.readline():
                await self._hear(line, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the peer is gone, which is what the clean-up below is for
        finally:
            self._peers.discard(writer)
            if self._engine is writer:
                self._engine_gone()
            writer.close()

    def _engine_gone(self) -> None:
        self._engine = None
        self.health = {}
        for done in self._flushes.values():
            if not done.done():
                done.set_exception(BusyError("the engine stopped", where="engine", hint="It is restarted; try again."))

    async def _hear(self, line: bytes, writer: asyncio.StreamWriter) -> None:
        kind, body = line[:1], line[2:-1]
        if kind == b"V":
            self.on_verdict(body)
        elif kind == b"E":
            self.on_event(body)
        elif kind == b"T":
            self.on_tick([Stream(*pair) for pair in msgspec.json.decode(body)])
        elif kind == b"S":
            pairs, before = msgspec.json.decode(body)
            self.on_seal(([Stream(*pair) for pair in pairs], before))
        elif kind == b"H":
            if self._engine is not writer:
                self._engine = writer
                self.watch(self._watched)
            self.health = msgspec.json.decode(body)
        elif kind in (b"F", b"X") and writer is self._engine:
            self._flush_answered(body)
        elif kind == b"F":
            await self._flush_for(writer, body)

    def _flush_answered(self, body: bytes) -> None:
        """`id` when all is written, `id why` when it is not."""
        number, _, why = body.partition(b" ")
        done = self._flushes.get(int(number))
        if done is None or done.done():
            return
        if why:
            done.set_exception(BusyError(why.decode(errors="replace"), where="engine", hint="Try again in a moment."))
        else:
            done.set_result(None)

    async def _flush_for(self, writer: asyncio.StreamWriter, number: bytes) -> None:
        try:
            await self.flush()
        except BusyError as error:
            writer.write(b"X %s %s\n" % (number, _one_line(str(error))))
        else:
            writer.write(b"F %s\n" % number)
        with contextlib.suppress(ConnectionError):
            await writer.drain()


class EngineLink:
    """The engine's end: a thread reads, any thread may write; without a front it does nothing and tries again."""

    def __init__(self, data: Path) -> None:
        self._path = socket_path(data)
        self._socket: socket.socket | None = None
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self.wake = threading.Event()
        """Set when tape 1 has grown."""
        self.watched = False
        """Whether a page listens."""
        self.on_flush: Callable[[int], None] = _nothing
        self.greeting: Callable[[], dict[str, Any]] = dict

    def start(self) -> None:
        """Connect, in a thread of its own, and again whenever the front comes back."""
        threading.Thread(target=self._run, name="link", daemon=True).start()

    def stop(self) -> None:
        """Close."""
        self._stop.set()
        with self._lock:
            if self._socket is not None:
                with contextlib.suppress(OSError):
                    self._socket.shutdown(socket.SHUT_RDWR)

    def verdict(self, body: bytes) -> None:
        """Send a live verdict."""
        self._send(b"V " + body + b"\n")

    def event(self, body: bytes) -> None:
        """Send a named event for the page."""
        self._send(b"E " + body + b"\n")

    def ask_ticks(self, streams: list[Stream]) -> None:
        """Ask the front, which alone writes tape 1, for ticks."""
        self._send(b"T " + msgspec.json.encode(streams) + b"\n")

    def ask_seals(self, streams: list[Stream], before: int) -> None:
        """Ask the front to seal streams before a time (ns)."""
        self._send(b"S " + msgspec.json.encode([streams, before]) + b"\n")

    def flushed(self, number: int, error: str = "") -> None:
        """Answer a flush: all is written, or why it is not."""
        self._send(b"X %d %s\n" % (number, _one_line(error)) if error else b"F %d\n" % number)

    def health(self, body: dict[str, Any]) -> None:
        """Send positions and lag; also says `here I am`."""
        self._send(b"H " + msgspec.json.encode(body) + b"\n")

    def _send(self, data: bytes) -> None:
        with self._lock:
            if self._socket is not None:
                try:
                    self._socket.sendall(data)
                except OSError:
                    self._socket = None  # the reading thread notices too, and connects again

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._converse()
            except OSError:
                pass  # no front at the moment
            except Exception as error:  # without this thread the front would take the engine for dead for ever
                _log.error("link_broken", error=f"{type(error).__name__}: {error}")
            with self._lock:
                self._socket = None
            self._stop.wait(_RETRY)

    def _converse(self) -> None:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(self._path))
            with self._lock:
                self._socket = connection
            self.health(self.greeting())
            self.wake.set()
            self._listen(connection)

    def _listen(self, connection: socket.socket) -> None:
        with connection.makefile("rb") as lines:
            for line in lines:
                kind, body = line[:1], line[2:-1]
                if kind == b"W":
                    self.wake.set()
                elif kind == b"P":
                    self.watched = body == b"1"
                elif kind == b"F":
                    self.on_flush(int(body))


def request_flush(data: Path, timeout: float = 60.0) -> bool:
    """Ask a running server to write its tail out; False when none runs on this folder. Raises BusyError on refusal."""
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(timeout)
            connection.connect(str(socket_path(data)))
            connection.sendall(b"F 1\n")
            with connection.makefile("rb") as lines:
                answer = lines.readline()
    except (FileNotFoundError, ConnectionError):
        return False
    except TimeoutError as error:
        message = f"the server did not write its tail within {timeout:g} s"
        raise BusyError(
            message, where=str(data), hint="`gaitway doctor` tells whether the engine is behind."
        ) from error
    if answer[:1] == b"X":
        why = answer[2:-1].partition(b" ")[2].decode(errors="replace")
        raise BusyError(why, where=str(data), hint="Try again in a moment.")
    return answer[:1] == b"F"


def _bound(path: Path) -> socket.socket:
    """A socket that only this user may reach, from the moment it is there."""
    listener = socket.socket(socket.AF_UNIX)
    before = os.umask(0o177)
    try:
        listener.bind(str(path))
    except OSError:
        listener.close()
        raise
    finally:
        os.umask(before)
    return listener


def _one_line(text: str) -> bytes:
    return " ".join(text.split()).encode()


def _nothing(_: object) -> None:
    """What listens before somebody does."""
