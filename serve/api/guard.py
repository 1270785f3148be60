"""What every request passes before it is looked at: an id, safe headers, a key, and a limit to its body."""

from __future__ import annotations

import ipaddress
import logging
import re
import time
import traceback
import uuid

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from actors.url import shown
from serve.api.auth import ALIVE, KeyStoreError, KnownKeys, allows, recognise, scope_needed
from serve.api.problems import REQUEST_ID, path_of, problem
from serve.api.rate import Callers, Rate

log = logging.getLogger("sightline.api")

MOST_BODY_BYTES = 1024 * 1024
SAFE_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; object-src 'none'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_HOST = re.compile(rb"(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9.-]+))(?::[0-9]{1,5})?")
_CHANGING = frozenset({"POST", "PUT", "PATCH", "DELETE"})


class Envelope:
    """Gives each request an id, each response safe headers, and to what went wrong inside a problem without details."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope[REQUEST_ID] = str(uuid.uuid4())
        started = False

        async def send_safely(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = MutableHeaders(scope=message)
                headers.update({**SAFE_HEADERS, "X-Request-ID": scope[REQUEST_ID]})
                if path_of(scope).startswith("/v1"):
                    headers["Cache-Control"] = "no-store"
            await send(message)

        try:
            await self._app(scope, receive, send_safely)
        except Exception:
            log.error("request %s failed: %s", scope[REQUEST_ID], shown(traceback.format_exc()))
            if started:
                raise
            await problem(scope, 500)(scope, receive, send_safely)


class Guard:
    """Lets nothing through without a key that allows it, and of each caller no more than so many requests a second.

    A caller is a key; without a good one it is an address, whose failures are counted apart from what anybody may ask.
    So nobody can use up what those with a key have, not even behind the same proxy.

    With ``open_on_loopback`` no key is asked for. Then a page from elsewhere must not reach the API through the
    browser of the person at the machine: the host must be named as a loopback, and another origin may change nothing.
    """

    def __init__(self, app: ASGIApp, keys: KnownKeys, open_on_loopback: bool, rate: Rate) -> None:
        self._app = app
        self._keys = keys
        self._open = open_on_loopback
        self._known, self._unknown, self._public = (Callers(rate, time.monotonic_ns) for _ in range(3))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
        elif refusal := self._from_elsewhere(scope) if self._open else self._without_key(scope):
            await refusal(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _without_key(self, scope: Scope) -> Response | None:
        path = path_of(scope)
        needed = scope_needed(scope["method"], path)
        if needed is None:
            return None if path == ALIVE else _too_many(scope, self._public, _network(scope))
        sent = _headers(scope, b"authorization")
        try:
            key = recognise(self._keys, sent[0]) if len(sent) == 1 else None
        except KeyStoreError as error:
            log.error("keys: %s", error)
            return problem(scope, 503, "the keys cannot be read", headers={"Retry-After": "5"})
        if key is None:
            if refusal := _too_many(scope, self._unknown, _network(scope)):
                return refusal
            told = 'Bearer realm="sightline"' + (', error="invalid_token"' if sent else "")
            detail = "this key is not known" if sent else "send the header Authorization: Bearer slk_PREFIX.SECRET"
            return problem(scope, 401, detail, headers={"WWW-Authenticate": told})
        if refusal := _too_many(scope, self._known, key.prefix):
            return refusal
        if not allows(key, needed):
            told = f'Bearer realm="sightline", error="insufficient_scope", scope="{needed}"'
            detail = f"this needs a key with the scope {needed}; yours has {key.scope}"
            return problem(scope, 403, detail, headers={"WWW-Authenticate": told})
        return None

    def _from_elsewhere(self, scope: Scope) -> Response | None:
        hosts = _headers(scope, b"host")
        if len(hosts) != 1 or not _is_loopback(hosts[0]):
            return problem(scope, 403, "without keys this is served to localhost only, by that name or its address")
        here = scope["scheme"].encode() + b"://" + hosts[0].lower()
        if scope["method"] in _CHANGING and any(origin != here for origin in _headers(scope, b"origin")):
            return problem(scope, 403, "a page of another origin may change nothing here")
        return None


class BodyLimit:
    """Counts the bytes of a body as they come, and refuses more than :data:`MOST_BODY_BYTES` of them."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refused = problem(scope, 413, f"a body may have {MOST_BODY_BYTES} bytes", headers={"Connection": "close"})
        if any(_too_long(length) for length in _headers(scope, b"content-length")):
            await refused(scope, receive, send)
            return
        taken, started = 0, False

        async def receive_counting() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken <= MOST_BODY_BYTES:
                return message
            if started:
                return {"type": "http.disconnect"}
            raise HTTPException(413, f"a body may have {MOST_BODY_BYTES} bytes", {"Connection": "close"})

        async def send_noting(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        await self._app(scope, receive_counting, send_noting)


def _too_many(scope: Scope, callers: Callers, caller: str) -> Response | None:
    """Count a request; the refusal, where there are too many."""
    wait = callers.wait_seconds(caller)
    if not wait:
        return None
    return problem(scope, 429, f"too much is asked at once; wait {wait} s", headers={"Retry-After": str(wait)})


def _network(scope: Scope) -> str:
    """Where a request comes from: an address, or of IPv6 the /64 that one caller has to itself."""
    host: str = (scope.get("client") or ("",))[0]
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv4Address) or address.ipv4_mapped:
        return host
    return str(ipaddress.IPv6Network((int(address), 64), strict=False))


def _headers(scope: Scope, name: bytes) -> list[bytes]:
    return [value for key, value in scope["headers"] if key == name]


def _too_long(length: bytes) -> bool:
    return not length.isdigit() or int(length[:20]) > MOST_BODY_BYTES


def _is_loopback(host: bytes) -> bool:
    parts = _HOST.fullmatch(host)
    if parts is None:
        return False
    name = (parts[1] or parts[2]).decode().lower()
    try:
        return name.rstrip(".") == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
