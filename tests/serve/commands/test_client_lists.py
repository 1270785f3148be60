"""`sightline ls`, `show`, `stop` and `measurements`, against the API over the backend in memory."""

import json
from datetime import UTC, datetime

import pytest

from serve.api.covered import Coverage
from tests.serve.fake_server import incident
from tests.serve.served import Served, documents, printed, refused


@pytest.fixture(scope="module")
def served():
    with Served() as served:
        served.backend.most_streams = 5000
        served.sport = served.submitted("cup", "league", defaults={"tags": {"team": "sport"}})
        served.news = served.submitted("desk", "street_2", defaults={"tags": {"team": "news", "city": "bonn"}})
        served.do(served.backend.set_stream, served.news, "desk", status="stalled", newest_frame_age_seconds=4242.0)
        served.do(served.backend.set_stream, served.news, "street_2", status="failed", error="no such host")
        yield served


def test_jobs(served):
    assert [job["id"] for job in documents(served, "ls")] == [served.news, served.sport]
    head, newest, oldest = printed(served, "ls").splitlines()
    assert head.split() == ["job", "status", "submitted", "streams", "ended", "shape", "tags"]
    assert newest.startswith(served.news)
    assert "running" in newest
    assert "team=news" in newest
    assert oldest.startswith(served.sport)


def test_json_is_what_the_api_gives(served):
    (job,) = documents(served, "ls", "--tag", "team=sport")
    assert job == served.backend.held[served.sport].model_dump(mode="json")
    assert json.loads(printed(served, "show", served.sport, "--json")) == job


def test_streams(served):
    lines = printed(served, "ls", "--streams").splitlines()
    assert [line.split()[0] for line in lines] == ["stream", "cup", "desk", "league", "street_2"]
    assert "stalled" in lines[2]
    assert "71 min" in lines[2]
    assert "no such host" in lines[4]


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (("--tag", "team=sport"), ["cup", "league"]),
        (("--tag", "team=news", "--tag", "city=bonn"), ["desk", "street_2"]),
        (("--tag", "team=news", "--tag", "city=kiel"), []),
        (("--status", "stalled"), ["desk"]),
        (("--status", "failed", "--tag", "team=sport"), []),
    ],
)
def test_streams_by_tag_and_status(served, arguments, names):
    assert [stream["stream"] for stream in documents(served, "ls", "--streams", *arguments)] == names


def test_jobs_by_status(served):
    assert documents(served, "ls", "--status", "completed") == []
    assert len(documents(served, "ls", "--jobs", "--status", "running")) == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("ls", "--status", "stalled"), "--status stalled: allowed are pending, running"),  # of streams, not of jobs
        (("ls", "--streams", "--status", "up"), "quarantined"),
        (("ls", "--tag", "team"), "NAME=VALUE"),
        (("show", "../../healthz"), "no name"),
        (("show", "A"), "no name"),
        (("stop", "x y"), "no name"),
        (("measurements", "cup", "--table", "pictures"), "video, audio, packets"),
        (("measurements", "Cup"), "no name"),
    ],
)
def test_wrong_usage(served, arguments, words):
    assert words in refused(served, *arguments, status=2)


def test_show_a_job(served):
    text = printed(served, "show", served.news)
    assert f"job {served.news} running" in text
    assert "team=news" in text
    assert "https://live.example.org/desk.m3u8" in text


def test_show_a_stream_with_its_open_incidents(served):
    now = datetime.now(UTC)
    served.do(served.backend.commit, [("opened", incident(served.news, "desk", "freeze", 60.0, None, now))])
    served.do(served.backend.commit, [("closed", incident(served.news, "desk", "black", 5.0, 2.0, now))])
    text = printed(served, "show", "desk")
    assert "stalled" in text
    assert "71 min ago" in text
    assert "critical  desk  freeze v:0  01:00.000 - open  frozen" in text
    assert "black" not in text
    assert json.loads(printed(served, "show", "desk", "--json"))["job"] == served.news


def test_show_a_stream_whose_name_no_job_can_have(served):
    assert "no such host" in printed(served, "show", "street_2")


def test_show_nothing(served):
    assert "no job and no stream 'cop'" in refused(served, "show", "cop")


def test_stop(served):
    job = served.submitted("final")
    assert json.loads(printed(served, "stop", job, "--json"))["status"] == "stopped"
    assert printed(served, "stop", job) == f"job {job}: asked to stop; it is stopped now\n"
    assert served.backend.held[job].status == "stopped"
    assert "there is no job 'nothing'" in refused(served, "stop", "nothing")


def test_measurements(served):
    rows = documents(served, "measurements", "cup", "--from", 1, "--to", 2)
    assert [row["row"] for row in rows] == list(range(25, 50))
    assert set(rows[0]["metrics"]) == {"luma_mean", "luma_spread", "difference"}
    rows = documents(served, "measurements", "cup", "--table", "audio", "--metrics", "peak_db")
    assert len(rows) == 600  # of two pages
    assert set(rows[0]["metrics"]) == {"peak_db"}


def test_measurements_as_lines(served):
    head, first, *rest = printed(
        served, "measurements", "cup", "--metrics", "difference, luma_mean", "--to", 1
    ).splitlines()
    assert head.split() == ["track", "row", "seconds", "luma_mean", "difference"]
    assert first.split() == ["v:0", "0", "0.000", "0", "-"]
    assert len(rest) == 24
    assert {len(line) for line in (head, first, *rest)} == {len(head)}


def test_measurements_of_nothing(served):
    assert "no stream 'cop'" in refused(served, "measurements", "cop")
    assert "no metric 'hue'; it has luma_mean" in refused(served, "measurements", "cup", "--metrics", "hue")


def test_a_thousand_streams_of_several_pages():
    names = [f"s{number:04}" for number in range(1000)]
    with Served() as served:
        job = served.submitted(*names)
        assert [stream["stream"] for stream in documents(served, "ls", "--streams")] == names
        lines = printed(served, "ls", "--streams").splitlines()
        assert [line.split()[0] for line in lines[1:]] == names
        assert len(json.loads(printed(served, "show", job, "--json"))["streams"]) == 1000


def test_show_what_was_analysed_of_a_stream(served):
    covered = [
        Coverage(
            stream="league", job=served.sport, track="v:0", start_seconds=float(start), end_seconds=start + 1.0,
            state="unreachable" if start % 2 else "analysed", reason="nothing arrived for 1.0 s" if start % 2 else "",
        )
        for start in range(61)
    ]  # fmt: skip
    assert json.loads(printed(served, "show", "league", "--json"))["coverage"] == []
    assert "unreachable" not in printed(served, "show", "league")
    served.backend.covered["league"] = covered
    shown = json.loads(printed(served, "show", "league", "--json"))
    assert shown["stream"] == "league"
    assert shown["coverage"] == [one.model_dump(mode="json") for one in covered]
    lines = [line.split() for line in printed(served, "show", "league").splitlines()]
    assert ["v:0", "00:59.000", "01:00.000", "unreachable", "nothing", "arrived", "for", "1.0", "s"] in lines
    assert ["v:0", "01:00.000", "01:01.000", "analysed", "-"] in lines
    assert ["v:0", "00:00.000", "00:01.000", "analysed", "-"] not in lines
    assert lines[-1][:3] == ["and", "21", "stretches"]
