"""Streams, incidents with their evidence, measurements, and what can be asked for: each good and bad."""

import uuid
from datetime import timedelta

import jsonschema_rs
import pytest

from actors.detectors import describe
from tests.serve.calling import MORNING, SPEC, call, open_api, pointers, problem, seeded, submitted
from tests.serve.contract import Incident as Contracted
from tests.serve.fake_values import JPEG, MKV

BAD_QUERIES = [
    "limit=0", "limit=1001", "limit=-1", "limit=1e3", "limit=9999999999999999999999", "limit=", "cursor=",
    "cursor=a%00b", "cursor=%25", "nothing=1", "key=slk_000000000000.x", "stream=Channel-A", "stream=..%2Fa",
    "stream=a%00",
]  # fmt: skip


@pytest.mark.parametrize("path", ["/v1/incidents", "/v1/measurements"])
@pytest.mark.parametrize("query", BAD_QUERIES)
def test_bad_queries_are_refused_by_name(path, query):
    also = "&table=video&stream=a" if path == "/v1/measurements" and not query.startswith("stream") else "&table=video"
    response = call(open_api()[0], "GET", f"{path}?{query}{also if path == '/v1/measurements' else ''}")
    assert pointers(response) == [("query", f"/{query.partition('=')[0]}")]


def test_streams():
    app, backend = open_api()
    job = submitted(app, {"streams": [{"source": f"/{n}.mp4", "name": n, "tags": {"n": n}} for n in "bca"]})["id"]
    backend.set_stream(job, "b", status="stalled", newest_frame_age_seconds=12.5)
    listed = call(app, "GET", "/v1/streams").json()["items"]
    assert [stream["stream"] for stream in listed] == ["a", "b", "c"]
    assert listed[1] == call(app, "GET", "/v1/streams/b").json()
    shown = {name: listed[1][name] for name in ("status", "newest_frame_age_seconds", "tags")}
    assert shown == {"status": "stalled", "newest_frame_age_seconds": 12.5, "tags": {"n": "b"}}
    assert [s["stream"] for s in call(app, "GET", "/v1/streams?status=stalled").json()["items"]] == ["b"]
    assert call(app, "GET", "/v1/streams?job=none").json() == {"items": [], "next": None}
    problem(call(app, "GET", "/v1/streams/d"), 404)
    assert pointers(call(app, "GET", "/v1/streams/D")) == [("path", "/name")]
    assert pointers(call(app, "GET", "/v1/streams?status=well")) == [("query", "/status")]


def test_a_name_used_twice_is_the_newest_job_s():
    app, _ = open_api()
    first = submitted(app)["id"]
    call(app, "PATCH", f"/v1/jobs/{first}", json={"desired": "stopped"})
    second = submitted(app)["id"]
    assert call(app, "GET", "/v1/streams/channel-a").json()["job"] == second
    assert {stream["job"] for stream in call(app, "GET", "/v1/streams").json()["items"]} == {first, second}


def test_incidents_have_the_contract_s_keys_and_are_filtered():
    app, backend = open_api()
    for one in (*seeded(10), *seeded(10, "scene"), *seeded(10, "clipping", "channel-b", "job-2")):
        backend.commit([("closed", one)])

    def found(query):
        return call(app, "GET", f"/v1/incidents?limit=1000{query}").json()["items"]

    everything = found("")
    assert len(everything) == 30
    assert [one["opened_at"] for one in everything] == sorted((one["opened_at"] for one in everything), reverse=True)
    for one in everything:
        extra = {name: one.pop(name) for name in ("job", "stream", "status", "opened_at", "closed_at", "evidence")}
        assert extra["status"] == "closed"
        Contracted.model_validate(one)
    assert {one["detector"] for one in found("&severity=critical")} == {"freeze"}
    assert {one["detector"] for one in found("&severity=warning&severity=critical")} == {"freeze", "clipping"}
    assert {one["stream"] for one in found("&job=job-2")} == {one["stream"] for one in found("&stream=channel-b")}
    assert len(found("&detector=scene")) == 10
    assert found("&status=open") == []
    middle = (MORNING + timedelta(minutes=4)).isoformat().replace("+", "%2B")
    assert len(found(f"&since={middle}")) == 18
    assert len(found(f"&until={middle}")) == 12
    assert len(found(f"&since={middle}&until={middle}")) == 0
    for wrong in ("since=yesterday", "since=2026-11-24T06:00:00", "severity=bad", "status=shut", "detector=A"):
        ((part, pointer),) = pointers(call(app, "GET", f"/v1/incidents?{wrong}"))
        assert (part, pointer.split("/")[1]) == ("query", wrong.partition("=")[0])


def test_an_incident_and_its_evidence():
    app, backend = open_api()
    (one,) = seeded(1)
    backend.commit([("closed", one)])
    path = f"/v1/incidents/{one.id}"
    told = call(app, "GET", path).json()
    assert (told["id"], told["evidence"]) == (one.id, {"clip": None, "still": None})
    problem(call(app, "GET", f"{path}/evidence.jpg"), 404)
    problem(call(app, "GET", f"{path}/evidence.mkv"), 404)
    backend.evidence_of = {(one.id, "jpg"): JPEG, (one.id, "mkv"): MKV}
    told = call(app, "GET", path).json()["evidence"]
    assert [item["evidence"] for item in call(app, "GET", "/v1/incidents").json()["items"]] == [told]
    picture, recording = call(app, "GET", told["still"]), call(app, "GET", told["clip"])
    assert (picture.content, picture.headers["content-type"]) == (JPEG, "image/jpeg")
    assert (recording.content, recording.headers["content-type"]) == (MKV, "video/x-matroska")
    assert recording.headers["content-disposition"] == f'inline; filename="{one.id}.mkv"'
    problem(call(app, "GET", f"{path}/evidence.png"), 404)
    problem(call(app, "GET", f"/v1/incidents/{uuid.uuid4()}"), 404)
    problem(call(app, "GET", "/v1/incidents/..%2f..%2fetc%2fpasswd"), 404)
    assert pointers(call(app, "GET", "/v1/incidents/etc/evidence.jpg")) == [("path", "/id")]


def test_measurements():
    app, _ = open_api()
    submitted(app)

    def found(query):
        return call(app, "GET", f"/v1/measurements?stream=channel-a&limit=1000&{query}")

    rows = found("table=video").json()["items"]
    assert [row["row"] for row in rows] == list(range(1000))
    assert set(rows[0]["metrics"]) == {"luma_mean", "luma_spread", "difference"}
    assert rows[0]["metrics"]["difference"] is None
    part = found("table=video&from_seconds=1&to_seconds=2&metric=luma_mean").json()["items"]
    assert [row["row"] for row in part] == list(range(25, 50))
    assert part[0]["metrics"] == {"luma_mean": rows[25]["metrics"]["luma_mean"]}
    assert {row["track"] for row in found("table=audio").json()["items"]} == {"a:0"}
    assert found("table=audio&track=v:0").json() == {"items": [], "next": None}
    assert pointers(found("table=video&metric=loudness")) == [("query", "/metric")]
    assert pointers(found("table=events")) == [("query", "/table")]
    assert pointers(found("")) == [("query", "/table")]
    for wrong in ("track=x:0", "from_seconds=nan", "from_seconds=inf", "to_seconds=-1", "to_seconds=1e300"):
        assert pointers(found(f"table=video&{wrong}")) == [("query", f"/{wrong.partition('=')[0]}")]
    problem(call(app, "GET", "/v1/measurements?stream=nobody&table=video"), 404)


def test_detectors_are_those_there_are():
    shown = call(open_api()[0], "GET", "/v1/detectors").json()
    assert shown["next"] is None
    assert [(d["name"], len(d["settings"])) for d in shown["items"]] == [(d.name, len(d.settings)) for d in describe()]


def test_the_schema_of_a_job_knows_detectors_and_settings():
    schema = call(open_api()[0], "GET", "/v1/schemas/job").json()
    validator = jsonschema_rs.Draft202012Validator(schema)
    assert validator.is_valid(SPEC)
    good = {"detectors": ["freeze"], "settings": {"freeze": {"noise": 0.01}}}
    assert validator.is_valid({**SPEC, "defaults": good})
    for wrong in ({"detectors": ["freze"]}, {"settings": {"freze": {}}}, {"settings": {"freeze": {"noise": 2}}}):
        assert not validator.is_valid({**SPEC, "defaults": wrong})


def test_health():
    app, backend = open_api()
    assert call(app, "GET", "/healthz").json() == call(app, "GET", "/readyz").json() == {"status": "ok"}
    with backend.failing({"recorder": "the tables cannot be written", "supervisor": "does not answer"}):
        assert call(app, "GET", "/healthz").status_code == 200
        response = call(app, "GET", "/readyz")
        told = problem(response, 503)
        assert told["problems"] == {"recorder": "the tables cannot be written", "supervisor": "does not answer"}
        assert response.headers["retry-after"] == "5"
