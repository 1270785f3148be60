"""Who may do what: every route of the application with every kind of key, and the loopback without keys."""

import asyncio
import base64
import json
import stat
from concurrent.futures import ThreadPoolExecutor

import pytest
from fastapi.routing import iter_route_contexts

from serve.api.application import create_app
from serve.api.auth import PUBLIC, PUBLIC_FOLDER, SCOPES, FileKeys, KeyStoreError, issue, recognise
from serve.api.settings import ApiSettings
from tests.serve.calling import SPEC, call, following, open_api, problem
from tests.serve.fake_backend import FakeBackend

IDS = {"{id}": "0f2b6f7e-3c38-5d0a-9f0e-5a5c1d7f6a11", "{name}": "channel-a"}


def routes(app):
    """Every method of every route that the application has, documented or not."""
    for route in iter_route_contexts(app.routes):
        for method in sorted(route.methods or ()):
            path = route.path
            for name, value in IDS.items():
                path = path.replace(name, value)
            yield method, path


ROUTES = list(routes(open_api()[0]))
GUARDED = [route for route in ROUTES if route[1] not in PUBLIC and not route[1].startswith(PUBLIC_FOLDER)]


@pytest.fixture
def guarded(tmp_path):
    """An application that asks for keys, its backend, its keys by scope, and their store."""
    store, backend = FileKeys(tmp_path / "keys.json"), FakeBackend()
    keys = {scope: issue(store, scope, f"a key to {scope}") for scope in SCOPES}
    return create_app(backend, ApiSettings(), store), backend, keys, store


def status(app, method, path, key=None, headers=()):
    """How a request is answered, also where the answer goes on."""

    async def asked():
        sent = [*headers, *([(b"authorization", b"Bearer " + key.encode())] if key else [])]
        async with following(app, path, method, headers=sent) as stream:
            return stream.status, stream.headers

    return asyncio.run(asked())


def test_the_matrix_has_every_route():
    documented = {
        (method.upper(), path) for path, operations in open_api()[0].openapi()["paths"].items() for method in operations
    }
    template = {(method, path) for route in iter_route_contexts(open_api()[0].routes) for method in route.methods or ()
                for path in [route.path] if path not in {"/openapi.json", "/", "/page/{name}"}}  # fmt: skip
    assert template == documented
    assert len(GUARDED) == 16
    public = set(ROUTES) - set(GUARDED)
    assert {path for _, path in public} == {"/", "/page/channel-a", "/healthz", "/readyz", "/openapi.json"}
    assert {method for method, _ in public} <= {"GET", "HEAD"}


@pytest.mark.parametrize(("method", "path"), GUARDED)
def test_every_route_with_every_kind_of_key(guarded, method, path):
    app, backend, keys, _ = guarded
    needed = {"GET": "read", "POST": "submit", "PATCH": "submit", "DELETE": "admin"}[method]
    changed_secret = keys["admin"][:-1] + ("A" if keys["admin"][-1] != "A" else "B")
    wrong = [
        changed_secret, "slk_" + "0" * 12 + keys["admin"][16:], keys["admin"] + "A", keys["admin"][4:], "slk_", "x",
        keys["admin"].replace(".", " "),
    ]  # fmt: skip
    with backend.failing(broken="a request without the right key got through"):
        told, headers = status(app, method, path)
        assert (told, headers["www-authenticate"]) == (401, 'Bearer realm="sightline"')
        for key in wrong:
            told, headers = status(app, method, path, key)
            assert (told, headers["www-authenticate"]) == (401, 'Bearer realm="sightline", error="invalid_token"')
        for scope in SCOPES[: SCOPES.index(needed)]:
            told, headers = status(app, method, path, keys[scope])
            assert told == 403
            assert f'error="insufficient_scope", scope="{needed}"' in headers["www-authenticate"]
    for scope in SCOPES[SCOPES.index(needed) :]:
        told, _ = status(app, method, path, keys[scope])
        assert told in {200, 404, 422}, (scope, told)


@pytest.mark.parametrize(
    "header",
    [
        b"Bearer \xff\xfe", "Bearer slk_é.ü".encode(), b"Bearer", b"Bearer ", b"", b"Basic YTpi", b"bearer\xa0x",
        b"Bearer slk_" + b"a" * 100_000,
    ],
    ids=lambda header: header[:16],
)  # fmt: skip
def test_no_header_makes_an_error_of_it(guarded, header):
    told, headers = status(guarded[0], "GET", "/v1/jobs", headers=[(b"authorization", header)])
    assert told == 401
    assert headers["content-type"] == "application/problem+json"


def test_only_one_header_counts_and_no_query(guarded):
    app, _, keys, _ = guarded
    right = b"Bearer " + keys["admin"].encode()
    assert status(app, "GET", "/v1/jobs", headers=[(b"authorization", right), (b"authorization", right)])[0] == 401
    for query in (f"key={keys['admin']}", f"access_token={keys['admin']}"):
        assert status(app, "GET", f"/v1/jobs?{query}")[0] == 401
    assert status(app, "GET", "/v1/jobs", headers=[(b"authorization", right.replace(b"Bearer", b"bEaReR"))])[0] == 200


def test_paths_that_look_public_are_not(guarded):
    app = guarded[0]
    for path in (
        "/v1/nothing",
        "/healthz/",
        "//healthz",
        "/page",
        "/v1/jobs/",
        "/v1",
        "/HEALTHZ",
        "/healthz/../v1/jobs",
    ):
        assert status(app, "GET", path)[0] == 401
    for method in ("POST", "DELETE", "PUT", "OPTIONS", "TRACE", "PURGE"):
        assert status(app, method, "/healthz")[0] == 405
        assert status(app, method, "/v1/nothing")[0] == 401
    for path in ("/healthz", "/readyz", "/openapi.json"):
        assert status(app, "GET", path)[0] == 200


def test_a_mounted_application_is_guarded_too(guarded):
    app, _, keys, _ = guarded

    async def through(path, **headers):
        async def mounted(scope, receive, send):
            await app({**scope, "root_path": "/sightline"}, receive, send)

        sent = [(name.encode(), value.encode()) for name, value in headers.items()]
        async with following(mounted, path, headers=sent) as stream:
            return stream.status

    right = {"authorization": f"Bearer {keys['read']}"}
    assert asyncio.run(through("/sightline/v1/jobs")) == 401
    assert asyncio.run(through("/sightline/v1/jobs", **right)) == 200
    assert asyncio.run(through("/sightline/healthz")) == 200


def test_a_revoked_key_is_gone_at_once_also_for_other_processes(guarded, tmp_path):
    app, _, keys, _ = guarded
    assert status(app, "GET", "/v1/jobs", keys["read"])[0] == 200
    other = FileKeys(tmp_path / "keys.json")
    prefix = keys["read"][4:16]
    assert other.revoke(prefix)
    assert not other.revoke(prefix)
    assert status(app, "GET", "/v1/jobs", keys["read"])[0] == 401
    assert status(app, "GET", "/v1/jobs", keys["submit"])[0] == 200


def test_keys_that_cannot_be_read_let_nobody_in(guarded, tmp_path):
    app, _, keys, store = guarded
    path = tmp_path / "keys.json"
    path.chmod(0o666)
    assert status(app, "GET", "/v1/jobs", keys["admin"])[0] == 503
    path.chmod(0o600)
    assert status(app, "GET", "/v1/jobs", keys["admin"])[0] == 200
    path.write_text("{")
    told, headers = status(app, "GET", "/v1/jobs", keys["admin"])
    assert (told, headers["retry-after"]) == (503, "5")
    with pytest.raises(KeyStoreError, match="no file of keys"):
        store.add(None)
    path.unlink()
    assert status(app, "GET", "/v1/jobs", keys["admin"])[0] == 401


def test_only_digests_are_stored_and_only_for_the_owner(guarded, tmp_path):
    _, _, keys, store = guarded
    path = tmp_path / "keys.json"
    text = path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert set(json.loads(text)["keys"]) == {key[4:16] for key in keys.values()}
    for key in keys.values():
        secret = key.partition(".")[2]
        assert secret not in text
        assert len(base64.urlsafe_b64decode(secret + "=")) == 32
    assert [key.scope for key in store.all()] == list(SCOPES)
    assert [path.name for path in tmp_path.glob("[!.]*")] == ["keys.json"]


def test_keys_made_at_once_are_all_kept(tmp_path):
    path = tmp_path / "keys.json"
    with ThreadPoolExecutor(8) as pool:
        keys = list(pool.map(lambda number: issue(FileKeys(path), "read", str(number)), range(40)))
    store = FileKeys(path)
    assert len(store.all()) == 40
    assert all(recognise(store, b"Bearer " + key.encode()) for key in keys)


LOOPBACK = [
    "localhost",
    "localhost:8000",
    "LocalHost",
    "localhost.",
    "127.0.0.1:80",
    "127.9.9.9",
    "[::1]:8000",
    "[::1]",
]
ELSEWHERE = [
    "evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "192.168.0.1", "0.0.0.0", "", "[::1", "::1:80",
    "[fe80::1]", "evil.example:127.0.0.1", "localhost@evil", "\xff",
]  # fmt: skip


@pytest.mark.parametrize("host", LOOPBACK + ELSEWHERE)
def test_without_keys_the_host_must_be_a_loopback(host):
    app, _ = open_api()
    for path in ("/v1/jobs", "/healthz"):
        response = call(app, "GET", path, headers={b"host": host.encode("latin-1")})
        if host in LOOPBACK:
            assert response.status_code == 200
        else:
            problem(response, 403)


def test_without_keys_another_origin_changes_nothing():
    app, backend = open_api()

    def sent(origin, method="POST", path="/v1/jobs"):
        headers = {"host": "localhost:8000"} | ({} if origin is None else {"origin": origin})
        return call(app, method, path, headers=headers, **({} if method == "DELETE" else {"json": SPEC})).status_code

    for origin in (
        "http://evil.example",
        "null",
        "https://localhost:8000",
        "http://localhost",
        "http://127.0.0.1:8000",
        "",
    ):
        assert sent(origin) == 403
        assert sent(origin, "PATCH", "/v1/jobs/a") == 403
        assert sent(origin, "DELETE", "/v1/jobs/a") == 403
    assert not backend.held
    assert sent("http://localhost:8000") == 201
    assert sent(None) == 409
    assert call(app, "GET", "/v1/jobs", headers={"origin": "http://evil.example"}).status_code == 200
    assert "access-control-allow-origin" not in call(app, "GET", "/v1/jobs").headers
