"""What a source may be and lead to, judged when it is opened: where a file lies, which address is connected to."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from actors.networks import Class, Networks, Resolve, addresses, class_of
from actors.url import SourceError, local_path, permitted

_CAN_BE_ALLOWED = Networks.of(("public", "private", "loopback"))


class NotTrusted(Exception):
    """Something that may not be read or asked. The text says why, and who can allow it."""


@dataclass(frozen=True, slots=True)
class Trust:
    """What may be read and asked for those who come over the network. It travels with a stream's order.

    ``roots``: folders whose files may be read. ``networks``: addresses that may be connected to. ``models``: classes
    that may be loaded, as ``module:Class``: to load one is to run it.
    """

    roots: tuple[str, ...]
    networks: Networks
    models: tuple[str, ...] = ()

    def judge_file(self, real: str) -> None:
        """See that a file may be read.

        Args:
            real: Where it is, links followed.

        Raises:
            NotTrusted: It may not.
        """
        if not any(Path(real).is_relative_to(os.path.realpath(root)) for root in self.roots):
            raise NotTrusted("this file is outside the allowed folders; the operator sets SIGHTLINE_ALLOWED_ROOTS")

    def judge_model(self, class_: str) -> None:
        """See that a class may be loaded.

        Args:
            class_: ``module:Class``.

        Raises:
            NotTrusted: It may not.
        """
        if class_ not in self.models:
            raise NotTrusted(f"the class {class_} may not be loaded here; the operator sets SIGHTLINE_MODELS")

    def judge_server(self, found: Sequence[str]) -> None:
        """See that a server may be asked.

        Args:
            found: Every address of it; one bad one is enough.

        Raises:
            NotTrusted: It may not.
        """
        denied = [address for address in found if not self.networks.permits(address)]
        if any(not _CAN_BE_ALLOWED.permits(address) for address in denied):
            raise NotTrusted("its server is at a link-local address, or one for special use, which nobody can allow")
        if denied:
            where = class_of(denied)
            raise NotTrusted(f"its server is on a {where} network; the operator sets SIGHTLINE_ALLOWED_NETWORKS")


class Gate:
    """One source's way to files and servers.

    ``trust`` None is that of a person at the keyboard: any file and host that is named, and what a playlist names in
    the class of network of the host that served it. ``refusal``: what ended the source, if its trust did.
    """

    def __init__(self, trust: Trust | None, resolve: Resolve = addresses) -> None:
        self.trust = trust
        self.refusal: SourceError | None = None
        self._resolve = resolve
        self._class: Class | None = None

    def follow(self, url: str, parent: str) -> None:
        """See that a playlist or an answer of ``parent`` may lead to ``url``, as far as names can say.

        Raises:
            SourceError: It may not.
        """
        if self.trust is None:
            permitted(url, parent)
        elif (local_path(url) is None) != (local_path(parent) is None):
            raise self.refuse(url, "files and servers may not lead to each other; submit it by itself", parent)

    def addresses(self, host: str, port: int) -> Sequence[str]:
        """The addresses of a server, each of which may be connected to.

        All servers of a source are in one class of network: that of the first.

        Raises:
            NotTrusted: It may not be asked.
            OSError: The host is not known.
            UnicodeError: It cannot be the name of one.
        """
        found = self._resolve(host, port)
        if self.trust is not None:
            self.trust.judge_server(found)
        here = class_of(found)
        self._class = self._class or here
        if here != self._class:
            raise NotTrusted(
                f"its server is on a {here} network, the source on a {self._class} one; submit it by itself"
            )
        return found

    def refuse(self, url: str, why: str, parent: str | None = None) -> SourceError:
        """The error that ends the source, for good: ``url``, which ``parent`` leads to, may not be had."""
        led = url if parent is None else f"{parent}: leads to {url}"
        error = SourceError(f"{led}: {why}", "denied")
        self.refusal = self.refusal or error
        return error
