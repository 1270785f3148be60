"""http(s) under :class:`~actors.limits.Limits`: the only code that connects to a server."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx

from actors.limits import Limits
from actors.live import Halt
from actors.pinned import Pinned
from actors.trust import Gate, NotTrusted
from actors.url import ErrorKind, SourceError, details, join

_ANSWERS: dict[int, tuple[ErrorKind, str]] = {
    401: ("permission", "give a user and password in the URL"),
    403: ("permission", "check the URL's credentials or signature"),
    404: ("missing", "check the URL"),
    410: ("missing", "check the URL"),
}


class Web:
    """One source's connections to servers, one at a time. :meth:`close`, from any thread, ends what is being read."""

    def __init__(self, limits: Limits, halt: Halt, gate: Gate) -> None:
        self._limits = limits
        self._gate = gate
        self._halt = halt
        self._socket: socket.socket | None = None
        timeout = httpx.Timeout(limits.read_seconds, connect=limits.connect_seconds)
        headers = {"accept-encoding": "identity", "user-agent": "sightline"}
        transport = None if gate.trust is None else Pinned(gate.addresses)
        self._client = httpx.Client(timeout=timeout, follow_redirects=False, headers=headers, transport=transport)

    def request(
        self, method: str, url: str, headers: dict[str, str], parent: str | None = None
    ) -> tuple[httpx.Response, str]:
        """Ask, and follow redirects. Returns the answer, its body not read yet, and the URL it came from.

        Raises:
            SourceError: No answer, or none that is good, or the server may not be asked.
        """
        for _ in range(self._limits.max_redirects + 1):
            response = self._send(method, url, headers, parent)
            location = response.headers.get("location")
            if not response.is_redirect or location is None:
                break
            response.close()
            parent, url = url, join(url, location)
            self._gate.follow(url, parent)
        else:
            raise SourceError(f"{url}: over {self._limits.max_redirects} redirects; give the final URL", "http")
        if response.status_code >= 300:
            response.close()
            code = response.status_code
            kind, remedy = _ANSWERS.get(code, ("http", "try again later, or ask whoever runs the server"))
            raise SourceError(f"{url}: the server answered {code} {response.reason_phrase}; {remedy}", kind)
        return response, url

    def close(self) -> None:
        """End what is being read, and the connections."""
        self._cut_off()
        self._client.close()

    def _send(self, method: str, url: str, headers: dict[str, str], parent: str | None) -> httpx.Response:
        """Send, and wait for the headers. httpx times each read only, so a timer ends headers that drip."""
        late = threading.Event()

        def give_up() -> None:
            late.set()
            self._cut_off()

        timer = threading.Timer(self._limits.connect_seconds, give_up)
        timer.daemon = True
        try:
            request = self._client.build_request(method, url, headers=headers, extensions={"trace": self._watch})
            timer.start()
            return self._client.send(request, stream=True)
        except NotTrusted as error:
            raise self._gate.refuse(url, str(error), parent) from error
        except (httpx.HTTPError, httpx.InvalidURL, RuntimeError) as error:
            raise _translated(error, url, self._limits, late=late.is_set()) from error
        finally:
            timer.cancel()

    def _watch(self, event: str, info: dict[str, Any]) -> None:
        if event.endswith(("connect_tcp.complete", "start_tls.complete")):
            self._socket = info["return_value"].get_extra_info("socket")

    def _cut_off(self) -> None:
        if self._socket is not None:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def chunks(self, response: httpx.Response, url: str) -> Iterator[bytes]:
        """The body, piece by piece. Only waiting is timed: a slow reader must not pass for a slow server."""
        raw, waited, got = response.iter_raw(), 0.0, 0
        while not self._halt.is_set():
            since = time.monotonic()
            try:
                chunk = next(raw, None)
            except (httpx.HTTPError, httpx.StreamError) as error:
                raise _translated(error, url, self._limits, late=False) from error
            if chunk is None:
                return
            waited, got = waited + time.monotonic() - since, got + len(chunk)
            if waited > self._limits.read_seconds:
                if got < self._limits.read_bytes:
                    raise SourceError(f"{url}: only {got} bytes came in {waited:.1f} s; gave up", "timeout")
                waited, got = 0.0, 0
            yield chunk


def _translated(error: Exception, url: str, limits: Limits, *, late: bool) -> SourceError:
    if isinstance(error, httpx.TimeoutException) or late:
        return SourceError(f"{url}: no answer within {limits.connect_seconds:g} s; is the server up?", "timeout")
    if isinstance(error, httpx.ConnectError):
        why = f"cannot connect{details(url, error)}; is the server up and the address right?"
        return SourceError(f"{url}: {why}", "refused")
    if isinstance(error, httpx.InvalidURL | httpx.UnsupportedProtocol):
        return SourceError(f"{url}: is not a valid URL{details(url, error)}", "unsupported")
    return SourceError(f"{url}: the connection broke{details(url, error)}; run the command again", "io")
