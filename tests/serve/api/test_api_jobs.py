"""/v1/jobs: submitting, idempotency, changing, deleting; what is refused, and where it says the flaw is."""

import json

import pytest

from tests.serve.calling import SPEC, call, open_api, pointers, problem, submitted

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
FULL = {
    "defaults": {"detectors": ["black", "freeze"], "settings": {"freeze": {"minimum_seconds": 4}}, "tags": {"a": "1"}},
    "streams": [
        {"source": "rtmp://user:pa55w0rd@live.example.org/a?token=t0k3n", "name": "one", "tags": {"b": "2"}},
        {"source": "/archive/two.mxf", "settings": {"freeze": {"noise": 0.01}}},
    ],
    "webhook": {"url": "https://me:h00k@hooks.example.org/x?sig=s1g", "secret": SECRET},
}


def test_a_job_is_stored_and_shown_without_secrets():
    app, _ = open_api()
    response = call(app, "POST", "/v1/jobs", json=FULL)
    assert response.status_code == 201
    job = response.json()
    assert response.headers["location"] == f"/v1/jobs/{job['id']}"
    assert job["status"] == "running"
    assert job["shape"] == "fused"
    assert job["tags"] == {"a": "1"}
    assert job["streams"][0]["stream"] == "one"
    assert job["spec"]["streams"][1]["settings"] == {"freeze": {"noise": 0.01}}
    shown = [response.text, call(app, "GET", response.headers["location"]).text, call(app, "GET", "/v1/jobs").text]
    shown.append(call(app, "GET", "/v1/streams").text)
    for text in shown:
        assert "live.example.org" in text
        assert not [secret for secret in ("pa55w0rd", "t0k3n", "h00k", "s1g", SECRET) if secret in text]


def test_the_same_key_gives_the_same_job_and_another_job_is_a_conflict():
    app, backend = open_api()
    key = {"Idempotency-Key": "3f0c-1"}
    first = call(app, "POST", "/v1/jobs", json=SPEC, headers=key)
    again = call(app, "POST", "/v1/jobs", json=SPEC, headers=key)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert first.headers["location"] == again.headers["location"]
    other = {"streams": [{"source": "/b.mp4"}]}
    assert "another job" in problem(call(app, "POST", "/v1/jobs", json=other, headers=key), 409)["detail"]
    assert len(backend.held) == 1


@pytest.mark.parametrize("key", ["", "a b", "x" * 256, "\xfc"])
def test_a_strange_idempotency_key_is_refused(key):
    response = call(open_api()[0], "POST", "/v1/jobs", json=SPEC, headers={b"idempotency-key": key.encode("latin-1")})
    assert pointers(response) == [("header", "/idempotency-key")]


def test_a_stream_that_is_watched_is_a_conflict_until_its_job_has_stopped():
    app, _ = open_api()
    job = submitted(app)
    assert job["id"] in problem(call(app, "POST", "/v1/jobs", json=SPEC), 409)["detail"]
    stopped = call(app, "PATCH", f"/v1/jobs/{job['id']}", json={"desired": "stopped"})
    assert stopped.json()["status"] == "stopped"
    second = submitted(app)
    assert second["id"] != job["id"]
    problem(call(app, "PATCH", f"/v1/jobs/{job['id']}", json={"desired": "running"}), 409)


def test_too_many_streams_are_told_to_come_back():
    app, backend = open_api()
    backend.most_streams = 0
    response = call(app, "POST", "/v1/jobs", json=SPEC)
    problem(response, 429)
    assert response.headers["retry-after"] == "10"


def test_what_a_backend_refuses_names_its_place():
    response = call(open_api()[0], "POST", "/v1/jobs", json={"streams": [{"source": "file:///etc/passwd"}]})
    assert pointers(response) == [("body", "/streams/0/source")]


ONE = SPEC["streams"][0]
FLAWS = {
    "no streams": ({"streams": []}, "/streams"),
    "nothing": ({}, "/streams"),
    "a list": ([], ""),
    "an unknown field": ({**SPEC, "stream": 1}, "/stream"),
    "an unknown field of a stream": ({"streams": [{**ONE, "a/b~c": 1}]}, "/streams/0/a~1b~0c"),
    "a name in capitals": ({"streams": [{**ONE, "name": "A"}]}, "/streams/0/name"),
    "a name with a newline": ({"streams": [{**ONE, "name": "a\n"}]}, "/streams/0/name"),
    "two of one name": ({"streams": [ONE, ONE]}, "/streams/1/name"),
    "two of one source": ({"streams": [{"source": "a"}, {"source": "a"}]}, "/streams/1/source"),
    "no URL": ({"streams": [{"source": "http://[::1"}]}, "/streams/0/source"),
    "no detector": ({**SPEC, "defaults": {"detectors": ["blakc"]}}, "/defaults/detectors/0"),
    "no detectors": ({**SPEC, "defaults": {"detectors": []}}, "/defaults/detectors"),
    "settings of none": ({**SPEC, "defaults": {"settings": {"blakc": {}}}}, "/defaults/settings/blakc"),
    "no setting": ({"streams": [{**ONE, "settings": {"freeze": {"min": 1}}}]}, "/streams/0/settings/freeze"),
    "no such value": ({"streams": [{**ONE, "settings": {"freeze": {"noise": 7}}}]}, "/streams/0/settings/freeze"),
    "a NUL": ({"streams": [{"source": "a\0b"}]}, "/streams/0/source"),
    "a NUL in a name": ({**SPEC, "defaults": {"tags": {"a\0b": "c"}}}, "/defaults/tags"),
    "an absurd number": ({"streams": [{**ONE, "settings": {"freeze": {"noise": 10**300}}}]},
                         "/streams/0/settings/freeze/noise"),
    "another shape": ({**SPEC, "shape": "stages"}, "/shape"),
    "another version": ({**SPEC, "version": 2}, "/version"),
    "a webhook of files": ({**SPEC, "webhook": {"url": "file:///etc", "secret": SECRET}}, "/webhook/url"),
    "too many tags": ({**SPEC, "defaults": {"tags": {f"t{n}": "" for n in range(33)}}}, "/defaults/tags"),
}  # fmt: skip


@pytest.mark.parametrize("flaw", FLAWS)
def test_a_flawed_job_is_refused_where_the_flaw_is(flaw):
    spec, pointer = FLAWS[flaw]
    app, backend = open_api()
    assert pointers(call(app, "POST", "/v1/jobs", json=spec)) == [("body", pointer)]
    assert not backend.held


@pytest.mark.parametrize(
    "text",
    [
        b"", b"{", b"\xff", b"[" * 100_000, b'{"streams": NaN}', b'{"streams": 1e400}', b'{"streams": -Infinity}',
        b'{"streams": [{"source": "\\ud800"}]}', b"1" * 5000, b"\xef\xbb\xbf{}",
    ],
    ids=lambda text: text[:12],
)  # fmt: skip
def test_what_is_no_json_is_refused(text):
    headers = {"content-type": "application/json"}
    response = call(open_api()[0], "POST", "/v1/jobs", content=text, headers=headers)
    assert {part for part, _ in pointers(response)} == {"body"}


def test_a_form_is_no_job():
    app, backend = open_api()
    response = call(app, "POST", "/v1/jobs", content=json.dumps(SPEC), headers={"content-type": "text/plain"})
    assert pointers(response) == [("body", "")]
    assert not backend.held


def test_a_refusal_repeats_no_secret():
    spec = {**FULL, "webhook": {**FULL["webhook"], "severities": "pa55w0rd"}, "shape": "t0k3n"}
    spec["streams"][1]["source"] = "http://user:pa55w0rd@[::1"
    text = call(open_api()[0], "POST", "/v1/jobs", json=spec).text
    assert not [secret for secret in ("pa55w0rd", "t0k3n", "h00k", "s1g", SECRET) if secret in text]


def test_changing():
    app, _ = open_api()
    path = f"/v1/jobs/{submitted(app, FULL | {'streams': [ONE]})['id']}"
    changed = call(app, "PATCH", path, json={"tags": {"a": None, "c": "3"}}).json()
    assert (changed["tags"], changed["status"]) == ({"c": "3"}, "running")
    assert call(app, "PATCH", path, json={"desired": "stopped"}).json()["status"] == "stopped"
    assert call(app, "GET", path).json()["status"] == "stopped"
    assert call(app, "PATCH", path, json={}).json() == call(app, "GET", path).json()
    assert pointers(call(app, "PATCH", path, json={"desired": "paused"})) == [("body", "/desired")]
    assert pointers(call(app, "PATCH", path, json={"status": "stopped"})) == [("body", "/status")]
    assert pointers(call(app, "PATCH", path, json={"tags": {"a": "x" * 257}})) == [("body", "/tags/a")]
    assert "'nothing'" in problem(call(app, "PATCH", "/v1/jobs/nothing", json={"desired": "stopped"}), 404)["detail"]


def test_deleting():
    app, backend = open_api()
    path = f"/v1/jobs/{submitted(app)['id']}"
    gone = call(app, "DELETE", path)
    assert (gone.status_code, gone.content) == (204, b"")
    assert not backend.states
    problem(call(app, "DELETE", path), 404)
    problem(call(app, "GET", path), 404)
    problem(call(app, "GET", "/v1/streams/channel-a"), 404)


def test_showing_and_listing():
    app, _ = open_api()
    ids = [submitted(app, {"streams": [{"source": f"/{n}.mp4"}]})["id"] for n in range(3)]
    listed = call(app, "GET", "/v1/jobs").json()
    assert [job["id"] for job in listed["items"]] == ids[::-1]
    assert listed["next"] is None
    assert call(app, "GET", f"/v1/jobs/{ids[0]}").json() == listed["items"][2]
    call(app, "PATCH", f"/v1/jobs/{ids[1]}", json={"desired": "stopped"})
    assert [job["id"] for job in call(app, "GET", "/v1/jobs?status=stopped").json()["items"]] == [ids[1]]
    assert pointers(call(app, "GET", "/v1/jobs?status=done")) == [("query", "/status")]
    assert pointers(call(app, "GET", "/v1/jobs/A%00")) == [("path", "/id")]
