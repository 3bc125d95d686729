"""Which Host headers mean this server, and which address to tell a phone."""

import ipaddress
import socket
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

#: Hosts under which a request without a token may be served.
LOCAL_HOSTS: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_KEPT: Final = 1024
#: What is remembered of headers and addresses that strangers make up: little, since a header may be long.
_REMEMBERED: Final = 64


@lru_cache(_REMEMBERED)
def host_of(header: str) -> str | None:
    """The host of a Host header or an authority, without port and brackets; None when it cannot be read.

    >>> host_of("[::1]:8788"), host_of("Gait.local:80"), host_of("a:b:c"), host_of("")
    ('::1', 'gait.local', None, None)
    """
    text = header.strip().lower()
    if text.startswith("["):
        host, closed, port = text[1:].partition("]")
        port = port.removeprefix(":") if closed else "?"
    else:
        host, _, port = text.partition(":")
    if not host or (port and not port.isdecimal()):
        return None
    return host.removesuffix(".")


class OwnNames:
    """The names and addresses of this machine, asked of the system and not listed once: laptops change networks."""

    def __init__(self, extra: Iterable[str] = (), hostname: str | None = None) -> None:
        name = (socket.gethostname() if hostname is None else hostname).lower()
        short = name.partition(".")[0]
        self._names = {*LOCAL_HOSTS, name, short, f"{short}.local", *(host.lower() for host in extra)} - {""}
        self._addresses: dict[str, bool] = {}

    def __contains__(self, host: object) -> bool:
        """Whether a host, in small letters and without a port, is this machine."""
        if not isinstance(host, str):
            return False
        if host in self._names:
            return True
        if host not in self._addresses:
            if len(self._addresses) >= _KEPT:
                self._addresses.clear()
            if not is_own_address(host):
                return False  # not remembered: it may become ours
            self._addresses[host] = True
        return True


def is_own_address(host: str) -> bool:
    """Whether this machine has an address: whether the system lets a socket take it.

    An attacker's name cannot get past this: it is no address. 0.0.0.0 can be bound, but is nobody's.

    >>> is_own_address("127.0.0.1"), is_own_address("0.0.0.0"), is_own_address("192.0.2.7"), is_own_address("evil.test")
    (True, False, False, False)
    """
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    if address.is_unspecified or address.is_multicast:
        return False
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((host, 0))
    except OSError:
        return False
    return True


@lru_cache(_REMEMBERED)
def is_loopback(peer: str | None) -> bool:
    """Whether a peer's address is this machine speaking to itself.

    >>> is_loopback("127.0.0.1"), is_loopback("::ffff:127.0.0.1"), is_loopback("10.0.0.1"), is_loopback(None)
    (True, True, False, False)
    """
    try:
        address = ipaddress.ip_address(peer or "")
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped.is_loopback
    return address.is_loopback


def lan_address() -> str:
    """The address under which others most likely reach this machine; 127.0.0.1 without a network. Sends nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # a documentation address: connecting a datagram socket only picks a route
            return str(probe.getsockname()[0])
        except OSError:
            return "127.0.0.1"
