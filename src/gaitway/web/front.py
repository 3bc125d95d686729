"""What the front is made of: the rooms below it, handed in by whoever assembles a profile."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, Protocol

from gaitway.core.message import Stream
from gaitway.ingest.names import lan_address
from gaitway.log.group_commit import GroupCommit
from gaitway.ports import DeadLetters, History, Tape
from gaitway.registry import Registry


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontSettings:
    """The settings the front looks at, under the names `config.Settings` has them: `settings.pick(FrontSettings)`."""

    host: str = "127.0.0.1"
    port: int = 8788
    public_names: tuple[str, ...] = ()
    proxy: bool = False
    body_limit: int = 8 << 20
    inflated_limit: int = 64 << 20
    keep_images: bool = False
    size: int = 10_000_000_000
    thresholds: tuple[float, float, float] = (2.0, 8.0, 20.0)
    lead: str = "thresholds"
    quiet_seconds: float = 5.0
    quota_messages: float = 10_000.0
    quota_bytes: int = 512 << 20
    quota_streams: float = 10_000.0
    quota_dead_letters: float = 50_000.0


class Marks(Protocol):
    """What the engine has noted of a stream."""

    @property
    def tick(self) -> int:
        """Tape position of its last tick; 0 before the first."""
        ...

    @property
    def sealed_to(self) -> int:
        """Readings before this time (ns) are sealed away; 0 when none are."""
        ...

    @property
    def since(self) -> Mapping[str, int]:
        """Per recogniser that came later than the stream, the first window_start (ns) it judges."""
        ...

    @property
    def late(self) -> int:
        """Readings that came behind the watermark."""
        ...


class EngineLink(Protocol):
    """The front's end of the link to the engine. Its callbacks are called on the front's event loop."""

    health: dict[str, Any]
    """The engine's last word; empty while there is none."""
    on_verdict: Callable[[bytes], None]
    """Gets each live verdict, as JSON."""
    on_event: Callable[[bytes], None]
    """Gets each named event for the page, as `name JSON`."""
    on_tick: Callable[[list[Stream]], None]
    """Gets the streams for which the engine wants a tick."""

    @property
    def connected(self) -> bool:
        """Whether the engine is there."""
        ...

    def watch(self, watched: bool) -> None:
        """Tell the engine whether anybody listens."""
        ...


@dataclass(slots=True, kw_only=True)
class Front:
    """Everything `create_app` needs. `start` and `stop` are awaited inside the server's loop, around serving."""

    settings: FrontSettings
    registry: Registry
    tape: Tape
    commit: GroupCommit
    history: History
    letters: Mapping[str, DeadLetters]
    """Name -> store, the front's own first, say {"front": ..., "engine": ...}."""
    link: EngineLink
    states: Callable[[], Mapping[Stream, Marks]] = dict
    """What the engine has noted of each stream. May block: it is called in a thread."""
    active: Callable[[], Collection[str]] = tuple
    """Names of the recognisers that judge now. May block."""
    simulate: Callable[[], Awaitable[str]] | None = None
    """Starts a simulated phone and gives its device id."""
    start: Sequence[Callable[[], Awaitable[None]]] = ()
    stop: Sequence[Callable[[], Awaitable[None]]] = ()
    static: Traversable = field(default_factory=lambda: files("gaitway.web").joinpath("static"))
    address: str = field(default_factory=lan_address)
    """Where phones on this network reach this machine."""

    @property
    def public_url(self) -> str:
        """What a phone is told: a public name where there is one, else this machine's address."""
        return url_for(self.settings, self.address)


def url_for(settings: FrontSettings, address: str | None = None) -> str:
    """Where others reach a server with such settings; `address` is this machine's, by default the likeliest one.

    >>> url_for(FrontSettings(host="0.0.0.0"), "192.168.1.42")
    'http://192.168.1.42:8788'
    >>> url_for(FrontSettings(public_names=("gait.example.org",), proxy=True))
    'https://gait.example.org'
    """
    if settings.public_names and settings.proxy:
        return f"https://{settings.public_names[0]}"
    everywhere = settings.host in ("0.0.0.0", "::", "")
    host = settings.public_names[0] if settings.public_names else settings.host
    if everywhere and not settings.public_names:
        host = address or lan_address()
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.port}"
