"""A cluster's API from here: whether it answers, takes the key, is of this version, and has the same time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

from actors.url import shown
from serve.client.address import Address, is_loopback
from serve.client.answers import parsed
from serve.doctor.finding import Finding
from serve.terminal.exits import plain

SERVER, KEY, VERSION, CLOCK = "server", "key", "version of the server", "clock"
MOST_BYTES, MOST_SECONDS = 8 << 20, 20.0
"""Read of one answer."""
_TIMEOUT = httpx.Timeout(10.0, connect=5.0)

OFF_SECONDS = 2.0
"""By which clocks may differ: a Date has whole seconds, and a request takes a while."""
FAR_OFF_SECONDS = 300.0
"""From which on receivers refuse webhooks: the tolerance of Standard Webhooks' libraries. S3 refuses from 900 on."""


@dataclass(frozen=True, slots=True)
class Server:
    """What an API answered. ``failure``: why it did not; then nothing else is known.

    ``ready``: the status of ``/readyz``; ``listed``: that of a list, which may need a key; ``version``: its own.
    ``ahead_seconds``: its clock before ours.
    """

    url: str
    has_key: bool
    failure: str | None = None
    ready: int = 0
    listed: int = 0
    version: str | None = None
    ahead_seconds: float | None = None


def look(address: Address) -> Server:
    """Ask it. Nothing is changed there, and no redirect is followed, so that nobody else gets the key."""
    has_key = address.key is not None
    try:
        with _client(address) as client:
            ready, ahead, _ = _asked(client, "/readyz")
            listed, _, _ = _asked(client, "/v1/jobs?limit=1")
            _, _, described = _asked(client, "/openapi.json")
    except (httpx.HTTPError, httpx.StreamError) as error:
        return Server(address.url, has_key, str(error) or type(error).__name__)
    info = (parsed(described) or {}).get("info")
    told = info.get("version") if isinstance(info, dict) and info.get("title") == "Sightline" else None
    return Server(address.url, has_key, None, ready, listed, told if isinstance(told, str) else None, ahead)


@contextmanager
def _client(address: Address) -> Iterator[httpx.Client]:
    headers = {"user-agent": "sightline", "accept-encoding": "identity"}
    if address.key is not None:
        headers["authorization"] = f"Bearer {address.key.get_secret_value()}"
    proxied = not is_loopback(address.url)
    with httpx.Client(base_url=address.url, headers=headers, timeout=_TIMEOUT, trust_env=proxied) as client:
        yield client


def _asked(client: httpx.Client, path: str) -> tuple[int, float | None, bytes]:
    """Status, by how many seconds its clock is ahead, and body, cut off where it does not end."""
    begun, until, data = datetime.now(UTC), time.monotonic() + MOST_SECONDS, bytearray()
    with client.stream("GET", path) as response:
        middle = begun + (datetime.now(UTC) - begun) / 2
        for piece in response.iter_bytes():
            data += piece
            if len(data) > MOST_BYTES or time.monotonic() > until:
                break
    return response.status_code, _ahead(response.headers.get("date"), middle), bytes(data)


def _ahead(date: str | None, now: datetime) -> float | None:
    """Seconds by which a Date header is ahead; it was cut to a whole one, so half of one is added."""
    try:
        told = parsedate_to_datetime(date or "")
    except ValueError:
        return None
    return (told if told.tzinfo else told.replace(tzinfo=UTC)).timestamp() + 0.5 - now.timestamp()


def judge(server: Server | None, own_version: str | None) -> list[Finding]:
    """Findings on it; of a server that there is not, that nothing was compared."""
    if server is None:
        why = "no cluster is up, and none is named"
        remedy = "To check one: `sightline doctor --url http://HOST:PORT`."
        return [Finding(SERVER, "skipped", why, remedy), Finding(CLOCK, "skipped", f"compared with no other: {why}")]
    if server.failure is not None:
        remedy = "Start it with `sightline up`, see that its port is open to you, or name another with --url."
        return [
            Finding(SERVER, "problem", f"{server.url} does not answer: {plain(shown(server.failure))}", remedy),
            Finding(CLOCK, "skipped", "compared with no other: the server does not answer"),
        ]
    return [_answers(server), _key(server), _version(server, own_version), _clock(server.ahead_seconds)]


def _answers(server: Server) -> Finding:
    if server.ready == 200:
        return Finding(SERVER, "ok", f"{server.url} answers, and takes work")
    if server.ready == 503:
        remedy = "See its supervisor's and recorder's logs; `sightline ls` says what it still does."
        return Finding(SERVER, "problem", f"{server.url} answers that it is not ready", remedy)
    remedy = "Name by --url where /v1 stands, without /v1."
    return Finding(SERVER, "problem", f"{server.url} answers {server.ready}, as the API of Sightline does not", remedy)


def _key(server: Server) -> Finding:
    if server.listed == 200:
        return Finding(KEY, "ok", "it is accepted" if server.has_key else "none is asked for")
    if server.listed == 401:
        remedy = "Set SIGHTLINE_API_KEY to one that `sightline keys add NAME` gave on that machine."
        return Finding(KEY, "problem", "it is refused" if server.has_key else "one is asked for, none is set", remedy)
    return Finding(KEY, "skipped", f"not known: asked for jobs, the server answers {server.listed}")


def _version(server: Server, own: str | None) -> Finding:
    if server.version is None or own is None:
        return Finding(VERSION, "skipped", "not known: it does not say" if own else "this one is not installed")
    told = plain(server.version[:40])
    if told == own:
        return Finding(VERSION, "ok", f"{told}, as here")
    remedy = "Install the same on both sides; commands ignore what they do not know, but may miss what they need."
    return Finding(VERSION, "warning", f"{told}, and {own} here", remedy)


def _clock(ahead: float | None) -> Finding:
    if ahead is None:
        return Finding(CLOCK, "skipped", "compared with no other: the server tells no time")
    off = abs(ahead)
    if off <= OFF_SECONDS:
        return Finding(CLOCK, "ok", f"within {OFF_SECONDS:g} s of the server's")
    found = f"the server's is {off:.0f} s {'ahead' if ahead > 0 else 'behind'}"
    remedy = "Let NTP set both, for example `timedatectl set-ntp true`."
    return Finding(CLOCK, "problem" if off >= FAR_OFF_SECONDS else "warning", found, remedy)
