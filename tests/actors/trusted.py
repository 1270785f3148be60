"""A server that may be asked and one that may not, at one port of two addresses; and names that change theirs."""

import socket
from contextlib import contextmanager

import pytest

from actors.networks import Networks
from actors.source import Packet, SourceError, open_source
from actors.trust import Trust
from tests.senders import HttpServer

OUTSIDE, INSIDE = "127.0.0.2", "127.0.0.1"
METADATA = "169.254.169.254"
TRUST = Trust((), Networks.parse([OUTSIDE]))
"""Whom it trusts: the server outside."""


class Names:
    """A resolver: each name gives its answers in turn, the last one for ever; ``asked`` says in what order."""

    def __init__(self, patch):
        self._answers, self.asked, self._real = {}, [], socket.getaddrinfo
        patch.setattr(socket, "getaddrinfo", self._getaddrinfo)

    def set(self, name, *answers):
        """Each answer is an address, or several of them with blanks between."""
        self._answers[name] = [answer.split() for answer in answers]

    def _getaddrinfo(self, host, port, *args, **kwargs):
        answers = self._answers.get(host)
        if answers is None:
            return self._real(host, port, *args, **kwargs)
        self.asked.append(host)
        given = answers.pop(0) if len(answers) > 1 else answers[0]
        return [found for address in given for found in self._real(address, port, *args, **kwargs)]


@contextmanager
def servers(tls=None):
    """The server outside, which is trusted, and the one inside, which is not; that has more neighbours, and chooses."""
    with HttpServer(INSIDE) as inside, HttpServer(OUTSIDE, inside.port, tls) as outside:
        yield outside, inside


def denial(url, trust=TRUST, **options):
    """The error of a source that is denied at once."""
    with pytest.raises(SourceError) as caught, open_source(url, trust=trust, **options):
        pass
    assert caught.value.kind == "denied", caught.value
    return str(caught.value)


def read(url, trust=TRUST, **options):
    """All packets of a source, and the source."""
    with open_source(url, trust=trust, **options) as source:
        return [bytes(item.packet) for item in source if isinstance(item, Packet)], source
