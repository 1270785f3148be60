"""An incident says which evidence there is: what lies on the shelf, listed once a second however much is asked."""

import asyncio
import uuid

import pytest

from actors.shelf import Shelf
from cluster.analysis import analyse
from cluster.job import Analysis
from serve.api.values import EventId, Evidence, FeedQuery, IncidentQuery
from serve.replica.kept import Kept, evidence
from serve.replica.results import Results
from tests.serve.fake_values import JPEG, MKV, NOTHING_KEPT
from tests.serve.running import broken


@pytest.fixture
def listings(monkeypatch):
    """How often shelves were listed so far."""
    counted, names = [], Shelf.names
    monkeypatch.setattr(Shelf, "names", lambda shelf: counted.append(shelf) or names(shelf))
    return counted


def test_paths_are_told_of_files_that_there_are():
    one, two = str(uuid.uuid4()), str(uuid.uuid4())
    names = {f"{one}.mkv", f"{one}.jpg", f"{two}.mkv", f".{uuid.uuid4()}"}
    paths = Evidence(clip=f"/v1/incidents/{one}/evidence.mkv", still=f"/v1/incidents/{one}/evidence.jpg")
    assert evidence(one, names) == paths
    assert evidence(two, names) == Evidence(clip=f"/v1/incidents/{two}/evidence.mkv", still=None)
    assert evidence(str(uuid.uuid4()), names) == NOTHING_KEPT


def test_a_listing_is_good_for_a_second(tmp_path, listings):
    time = [0.0]
    kept, shelf = Kept(str(tmp_path), lambda: time[0]), Shelf(str(tmp_path))
    assert kept.names() == frozenset()
    shelf.put("a.jpg", b"1")
    time[0] = 0.99
    assert kept.names() == frozenset()
    assert len(listings) == 1
    time[0] = 1.0
    assert kept.names() == {"a.jpg"}
    assert len(listings) == 2


def test_incidents_of_stored_results_tell_what_is_kept_of_them(tmp_path, listings):
    uri = str(tmp_path)
    (document,) = analyse([str(broken())], Analysis(results=uri, jobs=1))
    ids = {one["detector"]: one["id"] for one in document["incidents"]}
    shelf = Shelf(uri)
    shelf.put(f"{ids['black']}.mkv", MKV)
    shelf.put(f"{ids['black']}.jpg", JPEG)
    shelf.put(f"{ids['silence']}.mkv", MKV)
    found = Results(uri).incidents(IncidentQuery(), lambda stream: "job-1").items
    told = {one.detector: (one.evidence.clip is not None, one.evidence.still is not None) for one in found}
    assert (told["black"], told["silence"], told["freeze"]) == ((True, True), (True, False), (False, False))
    assert len(found) >= 3
    assert len(listings) == 1


def test_pushed_events_tell_it_too(tmp_path, listings, monkeypatch):
    from serve.replica.raybackend import RayBackend

    uri = str(tmp_path)
    (document,) = analyse([str(broken())], Analysis(results=uri, jobs=1))
    results = Results(uri)
    rows = results._table("events").read()
    told = [row for row in rows.to_pylist() if row["kind"] == "closed"]
    Shelf(uri).put(f"{told[0]['id']}.jpg", JPEG)

    async def asked(actor, method, *arguments, **named):
        return {"newest": (99, 0), "jobs": {}, "events": told}[method]

    monkeypatch.setattr("serve.replica.raybackend.call", asked)
    monkeypatch.setattr("serve.replica.raybackend._job_of", lambda jobs, stream: "job-1")
    backend = RayBackend(uri, None)

    async def follow():
        events = backend.events(EventId(shard=0, version=0, row=0), FeedQuery())
        found = [await anext(events) for _ in told]
        await events.aclose()
        return found

    found = asyncio.run(follow())
    assert [one.incident.evidence.still is not None for one in found] == [True] + [False] * (len(told) - 1)
    assert len(told) >= 3
    assert len(listings) == 1
    assert document["status"] == "completed"
