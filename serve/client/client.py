"""A client of the HTTP API for the commands: synchronous, with a limit on everything, and errors in one line."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import Self
from urllib.parse import quote

import httpx
import stamina

from actors.document import Document
from cluster.sources import UsageError
from serve.client.address import Address, is_loopback, known
from serve.client.answers import Coverage, Incident, Job, Measurement, StreamState, parsed
from serve.terminal.exits import CommandFailedError, say

Params = Mapping[str, str | int | float | list[str] | None]

PAGE = 500
"""Items asked for at a time."""
MOST_BYTES = 64 * 1024 * 1024
"""Of one answer."""
MOST_SENT = 1024 * 1024
"""Of one body, which is what the API takes."""
MOST_WAIT_SECONDS = 30.0
"""For which a request is put off, all in all, where the server says 429 and when to come again."""
_ANSWER_SECONDS, _WHOLE_SECONDS = 60.0, 300.0
_TIMEOUT = httpx.Timeout(_ANSWER_SECONDS, connect=5.0)
_CURSOR = re.compile(r"[A-Za-z0-9_-]{1,1024}")
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_MOST_TOLD = 600
"""Characters of a server's text that are shown."""


class RefusedError(CommandFailedError):
    """The server answered that it will not, or cannot now. ``retry_after_seconds``: when it may be asked again."""

    def __init__(self, message: str, status: int, retry_after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.retry_after_seconds = retry_after_seconds

    @property
    def passing(self) -> bool:
        """Whether the same may be answered otherwise a little later."""
        return self.status in {408, 425, 429} or self.status >= 500


class UnreachableError(CommandFailedError):
    """No answer came, or none that is whole."""


class Client:
    """The API at one address. Texts that it gives are the server's: print them with :func:`serve.terminal.exits.plain`.

    What the server puts off (429) is asked for again when it says, and that is said once on standard error.
    Every method may raise :class:`RefusedError` and :class:`UnreachableError`.
    """

    def __init__(self, address: Address) -> None:
        self.url = address.url
        self._has_key = address.key is not None
        self._said_that_it_waits = False
        headers = {"user-agent": "sightline", "accept-encoding": "identity"}
        if address.key is not None:
            headers["authorization"] = f"Bearer {address.key.get_secret_value()}"
        proxied = not is_loopback(self.url)
        self._http = httpx.Client(headers=headers, follow_redirects=False, trust_env=proxied)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._http.close()

    @property
    def closed(self) -> bool:
        """Whether nothing more can be asked."""
        return self._http.is_closed

    def submit(self, document: Document, idempotency_key: str | None = None) -> tuple[Job, bool]:
        """Submit a job. Returns it, and whether it is new."""
        headers = {"idempotency-key": idempotency_key} if idempotency_key is not None else {}
        status, answer = self._ask("POST", "/v1/jobs", body=document, headers=headers)
        return Job.of(answer), status != 200

    def stop(self, id: str) -> Job:
        """Ask that a job be stopped."""
        return Job.of(self._ask("PATCH", f"/v1/jobs/{named(id)}", body={"desired": "stopped"})[1])

    def job(self, id: str) -> Job:
        """One job."""
        return Job.of(self._read(f"/v1/jobs/{named(id)}"))

    def jobs(self, status: str | None = None) -> Iterator[Job]:
        """Jobs, newest first."""
        return map(Job.of, self._pages("/v1/jobs", {"status": status}))

    def stream(self, name: str) -> StreamState:
        """One stream as it is now."""
        return StreamState.of(self._read(f"/v1/streams/{named(name)}"))

    def streams(self, status: str | None = None) -> Iterator[StreamState]:
        """Streams by name."""
        return map(StreamState.of, self._pages("/v1/streams", {"status": status}))

    def incidents(self, stream: str, status: str) -> Iterator[Incident]:
        """Incidents of a stream, newest first."""
        return map(Incident.of, self._pages("/v1/incidents", {"stream": stream, "status": status}))

    def measurements(self, params: Params) -> Iterator[Measurement]:
        """Measurements of a stream, by track and row."""
        return map(Measurement.of, self._pages("/v1/measurements", params))

    def coverage(self, stream: str) -> Iterator[Coverage]:
        """Coverage of a stream, by track and start."""
        return map(Coverage.of, self._pages("/v1/coverage", {"stream": stream}))

    @contextmanager
    def following(self, params: Params, after: str | None, silence_seconds: float) -> Iterator[Iterator[bytes]]:
        """The body of ``/v1/events``, piece by piece, from after an event or from now.

        It raises :class:`UnreachableError` where nothing comes for so long.
        """
        headers = {"accept": "text/event-stream"} | ({"last-event-id": after} if after is not None else {})
        timeout = httpx.Timeout(_ANSWER_SECONDS, connect=5.0, read=silence_seconds)
        with self._translated(), self._open("GET", "/v1/events", params, headers, timeout=timeout) as response:
            if not response.headers.get("content-type", "").startswith("text/event-stream"):
                raise CommandFailedError(f"{self.url}/v1/events gives no events; is this the API of Sightline?")
            yield response.iter_bytes()

    def _pages(self, path: str, params: Params) -> Iterator[Document]:
        seen: set[str] = set()
        cursor = None
        while True:
            page = self._read(path, {**params, "limit": PAGE, "cursor": cursor})
            items, cursor = page.get("items"), page.get("next")
            if not isinstance(items, list) or not (cursor is None or _CURSOR.fullmatch(str(cursor))):
                raise CommandFailedError(f"the server's answer is not understood ({path} gives no list)")
            yield from items
            if cursor is None:
                return
            if cursor in seen:
                raise CommandFailedError(f"{path} gives the same page again and again; tell whoever runs the server")
            seen.add(cursor)

    def _read(self, path: str, params: Params | None = None) -> Document:
        return self._ask("GET", path, params=params)[1]

    def _ask(
        self, method: str, path: str, params: Params | None = None, body: Document | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, Document]:  # fmt: skip
        content = None if body is None else json.dumps(body, allow_nan=False).encode()
        if content is not None and len(content) > MOST_SENT:
            raise UsageError(f"this job is {len(content)} bytes, and the API takes {MOST_SENT}; submit it in parts")
        sent = {**(headers or {}), **({"content-type": "application/json"} if content is not None else {})}
        done = "; try again" if method == "GET" else "; whether it was done is not known, see `sightline ls`"
        with self._translated(done), self._open(method, path, params or {}, sent, content) as response:
            status, data = response.status_code, _whole(response)
        answer = parsed(data)
        if answer is None:
            raise CommandFailedError(f"{self.url}{path} answers with no JSON object; is this the API of Sightline?")
        return status, answer

    @contextmanager
    def _open(
        self, method: str, path: str, params: Params, headers: Mapping[str, str], content: bytes | None = None,
        timeout: httpx.Timeout | None = None,
    ) -> Iterator[httpx.Response]:  # fmt: skip
        """Send, until it is served; the headers of a success have come.

        Reads are tried again for a moment where nobody answers the door; whatever is put off (429), when it may.
        """
        given = {name: value for name, value in params.items() if value is not None}
        request = self._http.build_request(
            method, self.url + path, params=given or None, headers=headers, content=content, timeout=timeout or _TIMEOUT
        )
        response, waited = self._send(request), 0.0
        while (seconds := _put_off(response)) is not None and waited + seconds <= MOST_WAIT_SECONDS:
            response.close()
            self._wait(seconds)
            response, waited = self._send(request), waited + seconds
        try:
            if not response.is_success:
                raise self._refused(response, _whole(response), waited)
            yield response
        finally:
            response.close()

    def _send(self, request: httpx.Request) -> httpx.Response:
        tries = 4 if request.method == "GET" else 1
        for attempt in stamina.retry_context(
            httpx.ConnectError, attempts=tries, timeout=3.0, wait_initial=0.1, wait_max=1.0, wait_jitter=0.1
        ):
            with attempt:
                response = self._http.send(request, stream=True)
        return response

    def _wait(self, seconds: float) -> None:
        if not self._said_that_it_waits:
            self._said_that_it_waits = True
            say(f"{self.url} can take no more just now; waiting as it says, {MOST_WAIT_SECONDS:g} s at most")
        time.sleep(seconds)

    @contextmanager
    def _translated(self, done: str = "") -> Iterator[None]:
        """``done``: said of a connection that was made, and came to nothing."""
        try:
            yield
        except httpx.ConnectError as error:
            told = f"{self.url} cannot be reached ({_reason(error)})"
            raise UnreachableError(f"{told}; start it with `sightline up`, or name another with --url") from error
        except httpx.TimeoutException as error:
            raise UnreachableError(f"{self.url} does not answer in time{done}") from error
        except (httpx.HTTPError, httpx.StreamError) as error:
            raise UnreachableError(f"the connection to {self.url} broke ({_reason(error)}){done}") from error

    def _refused(self, response: httpx.Response, data: bytes, waited: float) -> RefusedError:
        status, told, seconds = response.status_code, _told(data), _retry_after(response)
        if status == 401:
            if self._has_key:
                return RefusedError(f"{self.url} does not know this key; see SIGHTLINE_API_KEY", status)
            return RefusedError(f"{self.url} asks for a key; set SIGHTLINE_API_KEY", status)
        if response.is_redirect:
            return RefusedError(f"{self.url} answers with a redirect, which is not followed; give its target", status)
        if told is None:
            told = f"{self.url} answers {status} without saying why; is this the API of Sightline?"
        vain = f"; waited {waited:g} s in vain" if waited else ""
        wait = f"; try again in {seconds:g} s" if seconds is not None else ""
        return RefusedError(f"{told[:_MOST_TOLD]}{vain}{wait} ({status})", status, seconds)


def connect(url: str | None) -> Client:
    """A client of the API that is named with ``--url``, or else of what ``sightline up`` started.

    Raises:
        UsageError: It is no address, or no key.
        CommandFailedError: None is named, and none is up.
    """
    stamina.instrumentation.set_on_retry_hooks(())  # they would write to standard error
    return Client(known(url))


def named(name: str) -> str:
    """An id of a job or a name of a stream, as a part of a path.

    Raises:
        UsageError: It can be neither.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(f"{name!r} is no name of a job or stream; see `sightline ls` and `sightline ls --streams`")
    return quote(name, safe="")


def _whole(response: httpx.Response) -> bytes:
    """A body; a limit on its size and time, since a server could go on for ever."""
    data, until = bytearray(), time.monotonic() + _WHOLE_SECONDS
    for piece in response.iter_bytes():
        data += piece
        if len(data) > MOST_BYTES or time.monotonic() > until:
            raise UnreachableError("the server's answer does not end; tell whoever runs the server")
    return bytes(data)


def _retry_after(response: httpx.Response) -> float | None:
    """The seconds after which a server wants to be asked again."""
    after = response.headers.get("retry-after", "")
    return float(after) if re.fullmatch(r"[0-9]{1,6}", after) else None


def _put_off(response: httpx.Response) -> float | None:
    """How long to wait before the same is asked again, 1 s at least; None where that would not help."""
    seconds = _retry_after(response)
    return None if seconds is None or response.status_code != 429 else max(seconds, 1.0)


def _told(data: bytes) -> str | None:
    """What a problem (RFC 9457) says; None where it is none."""
    told = parsed(data) or {}
    said = told.get("detail") or told.get("title")
    return said if isinstance(said, str) else None


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__
