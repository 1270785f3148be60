"""Bodies that are too long, methods and paths that are not there, headers that are safe, errors that show nothing."""

import asyncio
import uuid

import httpx
import pytest
from fastapi.routing import iter_route_contexts

from serve.api.guard import MOST_BODY_BYTES, SAFE_HEADERS
from tests.serve.calling import SPEC, call, following, open_api, problem, seeded

JSON = {"content-type": "application/json"}


async def chunks(size, count, taken):
    for _ in range(count):
        taken.append(size)
        yield b" " * size


def test_a_body_in_chunks_is_counted_and_not_read_to_its_end():
    app, _ = open_api()
    taken = []
    response = call(app, "POST", "/v1/jobs", content=chunks(65536, 10_000, taken), headers=JSON)
    assert response.request.headers["transfer-encoding"] == "chunked"
    assert str(MOST_BODY_BYTES) in problem(response, 413)["detail"]
    assert response.headers["connection"] == "close"
    assert sum(taken) <= MOST_BODY_BYTES + 65536


def test_the_last_byte_that_may_be():
    app, _ = open_api()
    padded = b'{"streams": [{"source": "/a.mp4"}]}'.ljust(MOST_BODY_BYTES)
    assert call(app, "POST", "/v1/jobs", content=padded, headers=JSON).status_code == 201
    assert call(app, "POST", "/v1/jobs", content=padded + b" ", headers=JSON).status_code == 413
    taken = []
    whole = call(app, "POST", "/v1/jobs", content=chunks(MOST_BODY_BYTES // 4, 4, taken), headers=JSON)
    assert whole.status_code == 422  # no JSON, but not too long


@pytest.mark.parametrize("length", ["1048577", "9" * 30, "-1", "x", "1e3", "\u0661"])
def test_a_length_that_is_too_large_is_refused_unread(length):
    headers = [(b"content-length", length.encode())]

    async def asked(path, method):
        async with following(open_api()[0], path, method, headers=headers) as stream:
            return stream.status

    for path, method in (("/v1/jobs", "POST"), ("/healthz", "GET"), ("/v1/events", "GET"), ("/v1/jobs/a", "DELETE")):
        assert asyncio.run(asked(path, method)) == 413


def test_a_long_body_does_not_keep_a_feed_alive():
    app, backend = open_api()

    async def follow():
        taken, sent = [], []
        body = chunks(65536, 1000, taken)

        async def receive():
            await asyncio.sleep(0.001)
            return {"type": "http.request", "body": await anext(body), "more_body": True}

        async def send(message):
            sent.append(message)

        scope = {
            "type": "http", "asgi": {}, "method": "GET", "scheme": "http", "path": "/v1/events", "query_string": b"",
            "headers": [(b"host", b"localhost")],
        }  # fmt: skip
        await asyncio.wait_for(app(scope, receive, send), 60)
        assert sent[0]["status"] == 200
        assert sum(taken) == MOST_BODY_BYTES + 65536
        assert backend.followers == 0

    asyncio.run(follow())


def test_paths_and_methods_that_are_not_there():
    app, _ = open_api()
    for path in ("/v1/nothing", "/v1", "/v1/jobs/", "/page/", "/docs", "/redoc", "/v2/jobs", "/v1/jobs/a/b", "/%00"):
        assert "nothing at this path" in problem(call(app, "GET", path), 404)["detail"]
    allowed = {}
    for route in iter_route_contexts(app.routes):
        allowed.setdefault(route.path, set()).update(route.methods or ())
    del allowed["/openapi.json"]
    assert len(allowed) == 17
    for template, methods in allowed.items():
        path = template.replace("{id}", str(uuid.uuid4())).replace("{name}", "a")
        for method in {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "STRANGE"} - methods:
            response = call(app, method, path)
            assert set(response.headers["allow"].split(", ")) == methods
            if method != "HEAD":
                problem(response, 405)


def test_every_response_has_safe_headers_and_an_id_of_its_own():
    app, backend = open_api()
    backend.commit([("closed", one) for one in seeded(1)])
    ids = set()
    with backend.failing(broken="x"):
        responses = [call(app, "GET", "/v1/jobs")]
    paths = ["/healthz", "/v1/jobs", "/v1/nothing", "/v1/jobs?limit=0", "/v1/detectors", "/openapi.json"]
    responses += [call(app, "GET", path) for path in paths]
    responses.append(call(app, "GET", "/v1/jobs", headers={"host": "evil.example"}))
    responses.append(call(app, "POST", "/v1/jobs", content=b" " * (MOST_BODY_BYTES + 1), headers=JSON))
    assert [response.status_code for response in responses] == [500, 200, 200, 404, 422, 200, 200, 403, 413]
    for response in responses:
        for name, value in SAFE_HEADERS.items():
            assert response.headers[name] == value
        ids.add(uuid.UUID(response.headers["x-request-id"]))
        assert response.headers.get("cache-control") == ("no-store" if response.url.path.startswith("/v1") else None)
    assert len(ids) == len(responses)
    policy = SAFE_HEADERS["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy


def requests():
    """One good request for each route."""
    values = {"{id}": "0f2b6f7e-3c38-5d0a-9f0e-5a5c1d7f6a11", "{name}": "a"}
    for route in iter_route_contexts(open_api()[0].routes):
        path = route.path
        for name, value in values.items():
            path = path.replace(name, value)
        query = "?stream=a&table=video" if path == "/v1/measurements" else "?stream=a" if path == "/v1/coverage" else ""
        for method in route.methods or ():
            yield method, path + query, {"POST": SPEC, "PATCH": {"desired": "stopped"}}.get(method)


OF_THE_BACKEND = [
    one for one in requests()
    if one[1] not in {"/", "/page/a", "/healthz", "/readyz", "/openapi.json", "/v1/detectors", "/v1/schemas/job"}
]  # fmt: skip


@pytest.mark.parametrize(("method", "path", "body"), OF_THE_BACKEND)
def test_a_backend_that_fails_is_told_without_what_it_says(method, path, body, caplog):
    app, backend = open_api()
    with backend.failing(broken="at /root/secret: rtsp://user:pa55w0rd@camera/ died"):
        response = call(app, method, path, json=body)
    told = problem(response, 500)
    assert "secret" not in response.text
    assert "Traceback" not in response.text
    assert told["instance"].removeprefix("urn:uuid:") in caplog.text
    assert "/root/secret" in caplog.text
    assert "pa55w0rd" not in caplog.text
    with backend.failing({"supervisor": "gone"}):
        response = call(app, method, path, json=body)
    assert "supervisor" in problem(response, 503)["detail"]
    assert response.headers["retry-after"] == "5"


def test_the_matrix_of_failures_has_every_route_of_the_backend():
    assert len(OF_THE_BACKEND) == 14


def test_evidence_that_breaks_midway_is_cut_and_not_ended():
    app, backend = open_api()
    (one,) = seeded(1)
    backend.commit([("closed", one)])

    async def breaking():
        yield b"a"
        raise OSError("the disk is gone")

    async def evidence(id, kind):
        return breaking()

    backend.evidence = evidence

    async def get():
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            await client.get(f"/v1/incidents/{one.id}/evidence.mkv")

    with pytest.raises(OSError, match="the disk is gone"):
        asyncio.run(get())
