"""Receivers of webhooks for tests: servers on the loopback that answer as they are told, clocks, events to tell."""

import asyncio
import contextlib
import json
import random
import socket
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import standardwebhooks

from actors.clock import TimeBase
from actors.incident import Event
from actors.networks import Networks
from cluster.job import Webhook
from serve.webhook.delivery import Clock
from serve.webhook.notifier import Notifier
from serve.webhook.receiver import Receiver

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
LOOPBACK = Networks.parse(["127.0.0.0/8", "::1"])
NOON = datetime(2026, 1, 2, 12, 0, 0, tzinfo=UTC)
WANTED = ("critical", "warning")
HANG, RESET, LOST = "hang", "reset", "lost"
"""Answer nothing; hang up at once; take the event, and hang up."""


@dataclass
class Taken:
    """A request that came."""

    headers: dict[str, str]
    body: str
    target: str

    @property
    def id(self):
        return self.headers["webhook-id"]

    @property
    def event(self):
        return json.loads(self.body)

    def verify(self):
        return standardwebhooks.Webhook(SECRET).verify(self.body, self.headers)


@dataclass
class Listener:
    """A server. ``answer``: a status, whole bytes, HANG, RESET or LOST; or a function of the request to one of them."""

    answer: object = 200
    address: str = "127.0.0.1"
    port: int = 0
    tls: object = None
    came: list = field(default_factory=list)
    accepted: list = field(default_factory=list)
    connections: int = 0
    _server: object = None
    _open: set = field(default_factory=set)

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, self.address, self.port, ssl=self.tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *error):
        self._server.close()
        for task in list(self._open):
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)
        await self._server.wait_closed()

    @property
    def url(self):
        return f"http://{self.address}:{self.port}/hook"

    def once(self):
        """What was accepted, each id once, in the order in which it first came."""
        return list({taken.id: taken for taken in self.accepted}.values())

    async def _serve(self, reader, writer):
        self._open.add(asyncio.current_task())
        self.connections += 1
        try:
            while (taken := await _request(reader)) is not None:
                self.came.append(taken)
                if not await self._reply(taken, writer):
                    break
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self._open.discard(asyncio.current_task())
            writer.close()
            with contextlib.suppress(ConnectionError, asyncio.CancelledError):
                await writer.wait_closed()

    async def _reply(self, taken, writer):
        answer = self.answer(taken) if callable(self.answer) else self.answer
        if answer == HANG:
            await asyncio.sleep(3600)
        if answer in (RESET, LOST):
            if answer == LOST:
                self.accepted.append(taken)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            return False
        data = answer if isinstance(answer, bytes) else f"HTTP/1.1 {answer} X\r\ncontent-length: 2\r\n\r\nok".encode()
        if data.startswith(b"HTTP/1.1 2"):
            self.accepted.append(taken)
        writer.write(data)
        await writer.drain()
        return True


async def _request(reader):
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.rstrip().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return Taken(headers, (await reader.readexactly(int(headers["content-length"]))).decode(), first.split()[1])


class Fast(Clock):
    """A clock on which time passes ``speed`` times as fast."""

    def __init__(self, speed):
        self.speed = speed
        self._began = datetime.now(UTC)

    def now(self):
        return self._began + (datetime.now(UTC) - self._began) * self.speed

    async def sleep(self, seconds):
        await asyncio.sleep(seconds / self.speed)


class Jumping(Clock):
    """A clock on which nobody waits: whoever would sleep moves it on."""

    def __init__(self):
        self.time = NOON
        self.slept = []

    def now(self):
        return self.time

    async def sleep(self, seconds):
        if seconds:
            self.slept.append(round(seconds, 3))
            self.time += timedelta(seconds=seconds)
        await asyncio.sleep(0)


class Stopped(Clock):
    """A clock that stands still but for :meth:`advance`."""

    def __init__(self):
        self.time = NOON
        self._sleepers = []

    def now(self):
        return self.time

    async def sleep(self, seconds):
        if seconds > 0:
            self._sleepers.append((self.time + timedelta(seconds=seconds), asyncio.Event()))
            await self._sleepers[-1][1].wait()

    def advance(self, seconds):
        self.time += timedelta(seconds=seconds)
        for due, event in self._sleepers:
            if due <= self.time:
                event.set()


def receiver(url, **options):
    """A receiver at a URL on the loopback, which is allowed."""
    return Receiver(Webhook(url=url, secret=SECRET), options.pop("networks", LOOPBACK), **options)


def anything(row):
    """Every event is news."""
    return True


def notifier_to(url, outbox, *, is_news=anything, clock=None, hold_seconds=0.0, **options):
    """A notifier that tells a receiver at a URL on the loopback."""
    given = {"clock": clock, "hold_seconds": hold_seconds, "rng": random.Random(7)}
    return Notifier(receiver(url, **options), outbox, WANTED, is_news, **given)


@dataclass
class Log:
    """A log of committed events, one per commit."""

    stream: str = "cam"
    rows: list = field(default_factory=list)

    def add(self, kind, incident=0, seconds=0.0, **changes):
        """Commit an event of an incident (a number), so long after noon."""
        end = 25 * (incident + 1) if kind in ("closed", "updated") else None
        event = Event(
            kind, "black", 1, "v:0", "", TimeBase(1, 25), 25, 0, 0, incident, 25 * incident, end, "critical", 0.98,
            "ratio", "", "the picture is black",
        )  # fmt: skip
        event = replace(event, **changes)
        names = (name for name in Event.__dataclass_fields__ if name != "base")
        self.rows.append({
            **{name: getattr(event, name) for name in names}, "base_num": 1, "base_den": 25, "stream": self.stream,
            "id": event.id(self.stream), "run": 0, "judgement": 0, "sequence": len(self.rows), "state": None,
            "commit": len(self.rows), "place": 0, "recorded_at": NOON + timedelta(seconds=seconds),
        })  # fmt: skip
        return self

    def incidents(self, count):
        """Commit that many incidents, opened and closed in turns; every third explained afterwards."""
        for first in range(0, count, 5):
            some = range(first, min(first + 5, count))
            for incident in some:
                self.add("opened", incident, seconds=first * 10)
            for incident in some:
                self.add("closed", incident, seconds=first * 10 + 5)
            for incident in some:
                if incident % 3 == 0:
                    self.add("updated", incident, seconds=first * 10 + 6, explained_by="cause")
        return self

    def after(self, position):
        """Committed events after a position."""
        return [row for row in self.rows if (row["commit"], row["place"]) > position]

    def ids(self):
        """Ids of the events, in order."""
        return [f"{row['id']}-{row['commit']}-{row['place']}" for row in self.rows]


def in_order(taken):
    """Whether events came in the order of the log, incident by incident."""
    commits = {}
    for item in taken:
        commits.setdefault(item.event["data"]["id"], []).append(int(item.id.split("-")[-2]))
    return all(seen == sorted(seen) for seen in commits.values())
