"""The API over real sockets, as the page and the clients meet it: the server of the backend in memory."""

import contextlib
import json
import select
import socket
import subprocess
import sys
import time

import httpx
import pytest

from serve.api.guard import MOST_BODY_BYTES
from serve.api.values import FeedEvent
from tests.serve.calling import SPEC
from tests.serve.running import ENVIRONMENT


@contextlib.contextmanager
def served(*arguments):
    """A server of its own process, and what it says: its address, and its keys."""
    command = [sys.executable, "-m", "tests.serve.fake_backend", "--port", "0", "--seconds", "0.05", *arguments]
    process = subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        said = [process.stdout.readline().strip() for _ in range(4 if "--keys" in arguments else 1)]
        yield said[0], {scope: key for scope, _, key in (line.partition(": ") for line in said[1:])}
    finally:
        process.terminate()
        _, complaints = process.communicate(timeout=10)
    assert "Traceback" not in complaints
    assert "Task was destroyed" not in complaints


@pytest.fixture(scope="module")
def server():
    with served() as (address, _), httpx.Client(base_url=address, timeout=10) as client:
        yield client


def test_there_is_something_to_see(server):
    assert len(server.get("/v1/streams").json()["items"]) == 9
    assert {job["status"] for job in server.get("/v1/jobs").json()["items"]} >= {"running", "partial"}
    incidents = server.get("/v1/incidents?limit=1000&status=closed").json()["items"]
    assert len(incidents) >= 250
    assert server.get(f"/v1/incidents/{incidents[-1]['id']}/evidence.jpg").headers["content-type"] == "image/jpeg"
    assert "hidden" not in server.get("/v1/streams").text
    assert server.get("/readyz").status_code == 200


def test_events_come_as_they_happen_and_go_on_from_any_id(server):
    def follow(count, **headers):
        events = []
        with server.stream("GET", "/v1/events", headers=headers) as response:
            for line in response.iter_lines():
                if line.startswith("data: "):
                    events.append(FeedEvent.model_validate(json.loads(line.removeprefix("data: "))))
                if len(events) == count:
                    return [event.id for event in events]
        raise AssertionError("the feed ended")

    everything = follow(260, **{"last-event-id": "0.0.0"})
    assert len(set(everything)) == 260
    for place in (0, 100, 255):
        rest = everything[place + 1 :]
        assert follow(len(rest), **{"last-event-id": everything[place]}) == rest
    begun = time.monotonic()
    assert len(follow(3)) == 3
    assert time.monotonic() - begun < 10


def test_a_chunked_body_without_an_end_is_refused_while_it_is_sent(server):
    lines = (
        "POST /v1/jobs HTTP/1.1",
        "Host: localhost",
        "Content-Type: application/json",
        "Transfer-Encoding: chunked",
    )
    head = "".join(f"{line}\r\n" for line in (*lines, ""))
    sent = 0
    with socket.create_connection((server.base_url.host, server.base_url.port), timeout=10) as connection:
        connection.sendall(head.encode())
        while not select.select([connection], [], [], 0.01)[0]:
            connection.sendall(b"10000\r\n" + b" " * 65536 + b"\r\n")
            sent += 65536
        answer = connection.recv(4096)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"\r\nconnection: close\r\n" in answer.lower()
    assert MOST_BODY_BYTES < sent < 8 * MOST_BODY_BYTES
    assert server.get("/healthz").status_code == 200


def test_with_keys():
    with served("--keys") as (address, keys), httpx.Client(base_url=address, timeout=10) as client:
        assert set(keys) == {"read", "submit", "admin"}
        assert client.get("/v1/jobs").status_code == 401
        client.headers["authorization"] = f"Bearer {keys['read']}"
        assert client.get("/v1/jobs").status_code == 200
        assert client.post("/v1/jobs", json=SPEC).status_code == 403
        client.headers["authorization"] = f"Bearer {keys['submit']}"
        made = client.post("/v1/jobs", json=SPEC)
        assert made.status_code == 201
        assert client.delete(made.headers["location"]).status_code == 403
        client.headers["authorization"] = f"Bearer {keys['admin']}"
        assert client.delete(made.headers["location"]).status_code == 204


def test_the_application_imports_no_ray():
    never = "{'ray', 'torch', 'deltalake'}"
    code = f"import serve.api.application, sys; print({{n.partition('.')[0] for n in sys.modules}} & {never})"
    done = subprocess.run([sys.executable, "-c", code], env=ENVIRONMENT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
