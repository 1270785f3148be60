"""Addresses: what class of network they are in, and which may be connected to on behalf of others."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Class = Literal["link-local", "loopback", "private", "public"]
Resolve = Callable[[str, int], Sequence[str]]
"""The addresses of a host and port. It may block, and raises OSError or UnicodeError where there are none."""


def _networks(*texts: str) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(text) for text in texts)


NEVER = _networks(
    "169.254.0.0/16", "fe80::/10",  # link-local, where clouds keep their metadata
    "100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254", "fd20:ce::254",  # metadata elsewhere
    "0.0.0.0/8", "::", "224.0.0.0/4", "ff00::/8", "255.255.255.255",  # this host, multicast, broadcast
    "64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32",  # IPv4 behind NAT64, 6to4, Teredo
)  # fmt: skip
"""What no allow-list opens."""

_NOT_PUBLIC = _networks("192.0.0.0/24", "192.88.99.0/24", "::/96", "3fff::/20", "fec0::/10")
"""What :mod:`ipaddress` of Python 3.11 takes for public."""

_CLASSES = {
    "private": _networks(
        "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "198.18.0.0/15", "fc00::/7", "fec0::/10"
    ),
    "loopback": _networks("127.0.0.0/8", "::1"),
}


def addresses(host: str, port: int | None = None) -> Sequence[str]:
    """What the system's resolver says.

    Raises:
        OSError: The host is not known.
        UnicodeError: It cannot be the name of one.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def class_of(found: Collection[str]) -> Class:
    """The class of network that a host is in; of several addresses, that of the least public one."""
    classes = set(map(_class_of, found))
    order: tuple[Class, ...] = ("link-local", "loopback", "private", "public")
    return next(name for name in order if name in classes)


def _class_of(address: str) -> Class:
    ip = _numeric(address)
    if ip.is_loopback or ip.is_unspecified:
        return "loopback"
    if ip.is_link_local:
        return "link-local"
    return "public" if ip.is_global and not ip.is_multicast else "private"


def _numeric(address: str) -> Address:
    ip = ipaddress.ip_address(address.partition("%")[0])
    return getattr(ip, "ipv4_mapped", None) or ip


@dataclass(frozen=True, slots=True)
class Networks:
    """A policy. ``allowed``: networks that may be reached; ``public``: whether public addresses may be, too."""

    allowed: tuple[Network, ...] = ()
    public: bool = True

    @classmethod
    def parse(cls, texts: Iterable[str]) -> Networks:
        """From networks as ``10.0.0.0/8``, ``::1``.

        Raises:
            ValueError: One of them is no network.
        """
        return cls(_networks(*texts))

    @classmethod
    def of(cls, classes: Collection[str]) -> Networks:
        """From classes of networks: ``public``, ``private``, ``loopback``."""
        allowed = (network for name, networks in _CLASSES.items() if name in classes for network in networks)
        return cls(tuple(allowed), "public" in classes)

    def permits(self, address: str) -> bool:
        """Whether a numeric address may be connected to. An IPv4 address inside an IPv6 one counts as itself.

        Raises:
            ValueError: It is no numeric address.
        """
        ip = _numeric(address)
        if any(ip in network for network in NEVER):
            return False
        if any(ip in network for network in self.allowed):
            return True
        return self.public and ip.is_global and not ip.is_reserved and not any(ip in network for network in _NOT_PUBLIC)
