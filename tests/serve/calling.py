"""Calling the API in-process: whole responses with httpx, and responses that go on by hand."""

import asyncio
import contextlib
import json
from datetime import UTC, datetime, timedelta

import httpx

from serve.api.application import create_app
from serve.api.settings import ApiSettings
from serve.api.values import FeedEvent
from tests.serve.fake_backend import FakeBackend
from tests.serve.fake_server import incident

SPEC = {"streams": [{"source": "https://live.example.org/a.m3u8", "name": "channel-a"}]}
MORNING = datetime(2026, 11, 24, 6, tzinfo=UTC)


class Keys:
    """A store in memory."""

    def __init__(self):
        self.held = {}

    def find(self, prefix):
        return self.held.get(prefix)

    def all(self):
        return list(self.held.values())

    def add(self, key):
        self.held[key.prefix] = key

    def revoke(self, prefix):
        return self.held.pop(prefix, None) is not None


def open_api(backend=None, **settings):
    """The application without keys, and its backend."""
    backend = backend or FakeBackend()
    return create_app(backend, ApiSettings(open_on_loopback=True, **settings), Keys()), backend


async def calling(app, method, path, **arguments):
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        return await client.request(method, path, **arguments)


def call(app, method, path, **arguments):
    """One request, answered whole."""
    return asyncio.run(calling(app, method, path, **arguments))


def problem(response, status):
    """What a problem says; fails where the response is none."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    told = response.json()
    assert {"type", "title", "status", "detail", "instance"} <= set(told)
    assert told["status"] == status
    assert told["instance"] == f"urn:uuid:{response.headers['x-request-id']}"
    assert told["type"].startswith("urn:sightline:problem:")
    return told


def pointers(response):
    """Where a request was not valid."""
    return [(flaw["part"], flaw["pointer"]) for flaw in problem(response, 422)["errors"]]


def submitted(app, spec=SPEC, **arguments):
    """The job that was made of a spec."""
    response = call(app, "POST", "/v1/jobs", json=spec, **arguments)
    assert response.status_code in {200, 201}, response.text
    return response.json()


def seeded(count, detector="freeze", stream="channel-a", job="job-1"):
    """Incidents, a minute apart."""
    return [
        incident(job, stream, detector, float(number), 1.0, MORNING + timedelta(minutes=number))
        for number in range(count)
    ]


class Stream:
    """A response that goes on."""

    def __init__(self):
        self.status = None
        self.headers = {}
        self.began = asyncio.Event()
        self.left = asyncio.Event()
        self._parts = asyncio.Queue()
        self._text = b""

    async def send(self, message):
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {name.decode(): value.decode() for name, value in message["headers"]}
            self.began.set()
        else:
            await self._parts.put(message.get("body", b""))

    async def block(self, seconds=5.0):
        """The next lines up to an empty one, as pairs of name and value; a comment has no name."""
        while b"\n\n" not in self._text:
            self._text += await asyncio.wait_for(self._parts.get(), seconds)
        block, _, self._text = self._text.partition(b"\n\n")
        return dict(line.split(": ", 1) if line[0] != ":" else ("", line[2:]) for line in block.decode().splitlines())

    async def event(self, seconds=5.0):
        """The next event."""
        while "data" not in (block := await self.block(seconds)):
            pass
        event = FeedEvent.model_validate(json.loads(block["data"]))
        assert (block["id"], block["event"]) == (event.id, event.kind)
        return event

    async def events(self, count):
        return [await self.event() for _ in range(count)]


@contextlib.asynccontextmanager
async def following(app, path="/v1/events", method="GET", last=None, headers=()):
    """A response under way; the client leaves at the end, and the application must then end by itself."""
    stream = Stream()
    path, _, query = path.partition("?")
    sent = [(b"host", b"localhost"), *headers, *([(b"last-event-id", str(last).encode())] if last else [])]
    scope = {
        "type": "http", "asgi": {"version": "3.0", "spec_version": "2.4"}, "http_version": "1.1", "method": method,
        "scheme": "http", "path": path, "raw_path": path.encode(), "query_string": query.encode(), "root_path": "",
        "headers": sent, "server": ("localhost", 80), "client": ("127.0.0.1", 1),
    }  # fmt: skip
    asked = False

    async def receive():
        nonlocal asked
        if not asked:
            asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await stream.left.wait()
        return {"type": "http.disconnect"}

    serving = asyncio.ensure_future(app(scope, receive, stream.send))
    await asyncio.wait_for(stream.began.wait(), 60)
    try:
        yield stream
    finally:
        stream.left.set()
        await asyncio.wait_for(serving, 60)
