"""`/v1/coverage`: what was analysed of a stream and what not, as `analyze --json` says it."""

import asyncio

import pytest

from cluster.analysis import analyse
from cluster.job import Analysis
from serve.api.covered import Coverage, CoverageQuery
from serve.replica.results import Results
from tests.serve.api.test_api_paging import pages
from tests.serve.calling import call, open_api, pointers, problem, submitted
from tests.serve.defective import defective


def stretches(*spans, track="v:0", job="job-1"):
    return [
        Coverage(
            stream="channel-a", job=job, track=track, start_seconds=start, end_seconds=end,
            state="unreachable" if reason else "analysed", reason=reason,
        )
        for start, end, reason in spans
    ]  # fmt: skip


def test_coverage_of_a_stream_page_by_page():
    app, backend = open_api()
    submitted(app)
    assert call(app, "GET", "/v1/coverage?stream=channel-a").json() == {"items": [], "next": None}
    sound = stretches((0.0, 12.0, ""), track="a:0")
    picture = stretches((0.0, 4.5, ""), (4.5, 9.0, "nothing arrived for 4.5 s"), (9.0, 12.0, ""))
    backend.covered["channel-a"] = [*picture, *sound]
    wanted = [one.model_dump(mode="json") for one in (*sound, *picture)]
    for limit in (1, 2, 3, 4):
        assert pages(app, "/v1/coverage?stream=channel-a&", limit) == wanted


def test_a_stretch_that_grows_while_a_reader_pages_comes_once():
    app, backend = open_api()
    backend.covered["channel-a"] = stretches((0.0, 1.0, ""), (1.0, 2.0, "lost"), (2.0, 3.0, ""))

    def grow():
        last = backend.covered["channel-a"][-1]
        backend.covered["channel-a"][-1] = last.model_copy(update={"end_seconds": last.end_seconds + 1})

    found = pages(app, "/v1/coverage?stream=channel-a&", 1, grow)
    assert [one["start_seconds"] for one in found] == [0.0, 1.0, 2.0]
    assert found[-1]["end_seconds"] > 3.0


def test_what_is_kept_of_a_stream_without_a_job_is_told_and_nothing_is_404():
    app, backend = open_api()
    backend.covered["channel-a"] = stretches((0.0, 1.0, ""), job=None)
    assert [one["job"] for one in call(app, "GET", "/v1/coverage?stream=channel-a").json()["items"]] == [None]
    problem(call(app, "GET", "/v1/coverage?stream=nobody"), 404)
    for wrong in ("stream=A", "stream=..%2Fa", "stream=a&limit=0", "stream=a&limit=1001", "stream=a&state=ok"):
        ((part, pointer),) = pointers(call(app, "GET", f"/v1/coverage?{wrong}"))
        assert (part, pointer.lstrip("/")) == ("query", wrong.split("&")[-1].partition("=")[0])
    assert pointers(call(app, "GET", "/v1/coverage")) == [("query", "/stream")]
    assert pointers(call(app, "GET", "/v1/coverage?stream=channel-a&cursor=AAAA")) == [("query", "/cursor")]


@pytest.fixture(scope="module")
def analysed(tmp_path_factory):
    """A clip with gaps in picture and sound, as `analyze` tells of it, and its results."""
    uri = str(tmp_path_factory.mktemp("covered"))
    (document,) = analyse([str(defective("gaps.mp4"))], Analysis(results=uri, jobs=1))
    return uri, document


@pytest.mark.parametrize("limit", [1, 2, 1000])
def test_it_is_what_analyze_says(analysed, limit):
    uri, document = analysed
    results, found, cursor = Results(uri), [], None
    while not found or cursor is not None:
        page = results.coverage(CoverageQuery(stream=document["stream"], limit=limit, cursor=cursor), "job-1")
        assert len(page.items) <= limit
        found += [one.model_dump(exclude={"stream", "job"}) for one in page.items]
        cursor = page.next
    assert found == document["coverage"]
    assert {one["state"] for one in found} == {"analysed", "unreachable"}
    assert {one["track"] for one in found} == {"v:0", "a:0"}


def test_the_backend_on_ray_tells_of_results_that_no_job_has(analysed, monkeypatch):
    from serve.replica.raybackend import RayBackend

    uri, document = analysed

    async def asked(actor, method, *arguments, **named):
        assert method == "jobs"
        return {}

    monkeypatch.setattr("serve.replica.raybackend.call", asked)
    backend = RayBackend(uri, None)
    page = asyncio.run(backend.coverage(CoverageQuery(stream=document["stream"])))
    assert [one.job for one in page.items] == [None] * len(document["coverage"])
    assert asyncio.run(backend.coverage(CoverageQuery(stream="nobody"))) is None
