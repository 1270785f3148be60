"""Ports: whether the API can have the one it wants, and who listens on which."""

from __future__ import annotations

import errno
import ipaddress
import socket
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from serve.doctor.finding import Finding

CHECK = "port of the API"
TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
"""Linux's lists of TCP sockets."""
_LISTENS = "0A"


@dataclass(frozen=True, slots=True)
class Wanted:
    """An address that the API is to listen on. ``failure``: the number of what the system says to that, if it does.

    ``ours``: what `sightline up` started is there.
    """

    host: str
    port: int
    failure: int | None
    ours: bool = False


def attempt(host: str, port: int, *, ours: bool) -> Wanted:
    """Try to listen there, for a moment."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen(1)
    except socket.gaierror:
        return Wanted(host, port, errno.EADDRNOTAVAIL, ours)
    except OSError as error:
        return Wanted(host, port, error.errno or errno.EIO, ours)
    return Wanted(host, port, None, ours)


def judge(wanted: Wanted) -> Finding:
    """A port that is taken keeps nothing but `sightline up` from working, which can have another."""
    where = f"{wanted.host}:{wanted.port}"
    if wanted.failure is None:
        return Finding(CHECK, "ok", f"{where} is free")
    if wanted.failure == errno.EADDRINUSE:
        if wanted.ours:
            return Finding(CHECK, "ok", f"{where}: what `sightline up` started is there")
        remedy = "Give `sightline up` another --port, or end what listens there."
        return Finding(CHECK, "warning", f"{where} is taken by something else", remedy)
    if wanted.failure == errno.EACCES:
        return Finding(CHECK, "problem", f"{where} is not for this user", "Name a port above 1023 by --port.")
    if wanted.failure == errno.EADDRNOTAVAIL:
        remedy = "Name by --host an address of this machine, or 0.0.0.0 for all of them."
        return Finding(CHECK, "problem", f"{where} is no address of this machine", remedy)
    return Finding(CHECK, "problem", f"{where}: error {errno.errorcode.get(wanted.failure, wanted.failure)}",
                   "Name another by --host and --port.")  # fmt: skip


def listening() -> Mapping[int, frozenset[str]] | None:
    """Addresses on which this machine listens, by port; None where the system does not say."""
    texts = []
    for table in TABLES:
        with suppress(OSError):
            texts.append(table.read_text())
    return read_sockets(texts, sys.byteorder) if texts else None


def read_sockets(texts: Iterable[str], byte_order: str = "little") -> dict[int, frozenset[str]]:
    """Addresses by port of the sockets that listen, of texts as in ``/proc/net/tcp``.

    Addresses are 32-bit words in the machine's order there, in hex (proc_pid_net(5)).
    """
    found: dict[int, set[str]] = {}
    for line in (line for text in texts for line in text.splitlines()[1:]):
        fields = line.split()
        if len(fields) > 3 and fields[3] == _LISTENS:
            address, _, port = fields[1].partition(":")
            found.setdefault(int(port, 16), set()).add(_address(address, byte_order))
    return {port: frozenset(addresses) for port, addresses in found.items()}


def _address(text: str, byte_order: str) -> str:
    words = [bytes.fromhex(text[at : at + 8]) for at in range(0, len(text), 8)]
    packed = b"".join(word[::-1] if byte_order == "little" else word for word in words)
    address = ipaddress.ip_address(packed)
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
