"""Which addresses may be connected to on behalf of others: public ones, and those that an operator allows."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


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


@dataclass(frozen=True, slots=True)
class Networks:
    """A policy. ``allowed``: networks that may be reached besides public addresses."""

    allowed: tuple[Network, ...] = ()

    @classmethod
    def parse(cls, texts: Iterable[str]) -> Networks:
        """From networks as ``10.0.0.0/8``, ``::1``.

        Raises:
            ValueError: One of them is no network.
        """
        return cls(_networks(*texts))

    def permits(self, address: str) -> bool:
        """Whether a numeric address may be connected to. An IPv4 address inside an IPv6 one counts as itself.

        Raises:
            ValueError: It is no numeric address.
        """
        ip = ipaddress.ip_address(address.partition("%")[0])
        ip = getattr(ip, "ipv4_mapped", None) or ip
        if any(ip in network for network in NEVER):
            return False
        if any(ip in network for network in self.allowed):
            return True
        return ip.is_global and not ip.is_reserved and not any(ip in network for network in _NOT_PUBLIC)
