"""http(s) through connections that go to addresses found and judged for that very connection.

A name may lead elsewhere from one moment to the next, so it is resolved once for each connection, and the connection
made to what was judged. The URL stays as it is: so do the Host header, and the name that a certificate must be for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import httpcore
import httpx

from actors.networks import Resolve

_ADDRESSES = 4
"""Of a server, at most so many are tried."""
_KEEP_SECONDS = 5.0
"""A connection that waits for the next request is kept so long, as httpx does."""


class Pinned(httpx.BaseTransport):
    """A transport of httpx. With it, proxies of the environment are not used: they would resolve the name anew."""

    def __init__(self, find: Resolve) -> None:
        """Connect to nothing yet.

        Args:
            find: The addresses of a host that may be connected to; it may raise what is to reach the caller.
        """
        self._pool = httpcore.ConnectionPool(
            httpx.create_ssl_context(), keepalive_expiry=_KEEP_SECONDS, network_backend=_Judged(find)
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """See :class:`httpx.BaseTransport`."""
        url = httpcore.URL(
            scheme=request.url.raw_scheme, host=request.url.raw_host, port=request.url.port,
            target=request.url.raw_path,
        )  # fmt: skip
        assert isinstance(request.stream, httpx.SyncByteStream)
        asked = httpcore.Request(
            request.method, url, headers=request.headers.raw, content=request.stream, extensions=request.extensions
        )
        with _translated():
            answer = self._pool.handle_request(asked)
        assert isinstance(answer.stream, Iterable)
        return httpx.Response(
            answer.status, headers=answer.headers, stream=_Stream(answer.stream), extensions=answer.extensions
        )

    def close(self) -> None:
        """End the connections."""
        self._pool.close()


class _Judged(httpcore.SyncBackend):
    def __init__(self, find: Resolve) -> None:
        self._find = find

    def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, local_address: str | None = None,
        socket_options: Any = None,
    ) -> httpcore.NetworkStream:  # fmt: skip
        try:
            *others, last = found = self._find(host, port)[:_ADDRESSES]
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(str(error)) from error
        share = None if timeout is None else timeout / len(found)
        for address in others:
            with suppress(httpcore.ConnectError, httpcore.ConnectTimeout):
                return super().connect_tcp(address, port, share, local_address, socket_options)
        return super().connect_tcp(last, port, share, local_address, socket_options)


class _Stream(httpx.SyncByteStream):
    def __init__(self, stream: Iterable[bytes]) -> None:
        self._stream = stream

    def __iter__(self) -> Iterator[bytes]:
        with _translated():
            yield from self._stream

    def close(self) -> None:
        if hasattr(self._stream, "close"):
            self._stream.close()


@contextmanager
def _translated() -> Iterator[None]:
    """For each of httpcore's errors httpx has one of the same name."""
    try:
        yield
    except (
        httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError, httpcore.ProxyError,
        httpcore.UnsupportedProtocol,
    ) as error:  # fmt: skip
        named: type[httpx.TransportError] = getattr(httpx, type(error).__name__)
        raise named(str(error)) from error
