"""The backend in memory behind uvicorn on loopback, in a thread; and the commands, run against it."""

import asyncio
import contextlib
import json
import socket
import threading
import time

import uvicorn
from typer.testing import CliRunner

from cluster.job import JobSpec
from serve.api.application import create_app
from serve.api.settings import ApiSettings
from serve.cli import app
from serve.client.address import Address
from serve.client.client import Client
from tests.senders import HttpServer, bytes_of
from tests.serve.calling import Keys
from tests.serve.fake_backend import FakeBackend


class Served:
    """A server that can go and come back at the same address; its backend outlives it. ``keys``: asked for if given."""

    def __init__(self, backend=None, keys=None):
        self.backend = backend or FakeBackend()
        settings = ApiSettings(open_on_loopback=keys is None, heartbeat_seconds=1)
        self._app = create_app(self.backend, settings, keys or Keys())
        self._port = 0

    @property
    def url(self):
        return f"http://127.0.0.1:{self._port}"

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *error):
        self.stop()

    def start(self):
        listening = socket.create_server(("127.0.0.1", self._port))
        self._port = listening.getsockname()[1]
        config = uvicorn.Config(self._app, log_level="critical", timeout_graceful_shutdown=0, lifespan="off")
        self._server, ready = uvicorn.Server(config), threading.Event()

        async def serve():
            self._loop = asyncio.get_running_loop()
            ready.set()
            with contextlib.closing(listening):
                await self._server.serve(sockets=[listening])

        self._thread = threading.Thread(target=asyncio.run, args=(serve(),), daemon=True)
        self._thread.start()
        assert ready.wait(60)

    def stop(self):
        self._server.should_exit = True
        self._thread.join(60)
        assert not self._thread.is_alive()

    def do(self, work, *arguments, **named):
        """Call something of the backend's in the server's thread; give what it gives."""

        async def call():
            done = work(*arguments, **named)
            return await done if asyncio.iscoroutine(done) else done

        return asyncio.run_coroutine_threadsafe(call(), self._loop).result(60)

    def followed(self, by, seconds=30):
        """Wait until so many follow events."""
        until = time.monotonic() + seconds
        while self.backend.followers != by:
            assert time.monotonic() < until
            time.sleep(0.01)

    def submitted(self, *names, **spec):
        """The id of a job with streams of these names."""
        streams = [{"source": f"https://live.example.org/{name}.m3u8", "name": name} for name in names]
        return self.do(self.backend.submit, JobSpec.model_validate({"streams": streams, **spec}), None).job.id

    def client(self, key=None):
        return Client(Address(self.url, key))


@contextlib.contextmanager
def answering(answers):
    """A server that gives bytes at paths."""
    with HttpServer() as server:
        for path, data in answers.items():
            kind = "text/event-stream" if path == "/v1/events" else "application/json"
            server.routes[path] = bytes_of(data, kind)
        yield server.url("")


def run(served, *arguments, **environment):
    """A command, in this process. ``served``: a server, a URL, or None for what the environment says."""
    url = served.url if isinstance(served, Served) else served
    known = {"SIGHTLINE_URL": url, "SIGHTLINE_API_KEY": None, "SIGHTLINE_WEBHOOK_SECRET": None, **environment}
    return CliRunner().invoke(app, [str(one) for one in arguments], prog_name="sightline", env=known)


def printed(served, *arguments, **environment):
    """What a command that must succeed prints."""
    done = run(served, *arguments, **environment)
    assert done.exit_code == 0, done.output
    return done.stdout


def documents(served, *arguments, **environment):
    """The items of a list that a command prints as JSON."""
    page = json.loads(printed(served, *arguments, "--json", **environment))
    assert page["next"] is None
    return page["items"]


def refused(served, *arguments, status=1, **environment):
    """The one line that a command says which must fail."""
    done = run(served, *arguments, **environment)
    assert done.exit_code == status, done.output
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("sightline: ")
    return line.removeprefix("sightline: ")
