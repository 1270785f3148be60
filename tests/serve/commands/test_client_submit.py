"""`sightline submit`: what is sent, what is refused before, and waiting."""

import json
import threading

import pytest

from serve.client import client
from serve.commands import waiting
from tests.serve.served import Served, printed, refused, run

SECRET = "whsec_" + "c2VjcmV0LXNlY3JldA=="


@pytest.fixture(scope="module")
def served():
    with Served() as served:
        yield served


@pytest.fixture
def specs(served, monkeypatch):
    """What was submitted, as the backend got it."""
    got = []
    submit = served.backend.submit

    def noting(spec, key):
        got.append(spec)
        return submit(spec, key)

    monkeypatch.setattr(served.backend, "submit", noting)
    return got


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(waiting, "LEAST_SECONDS", 0.05)


def document(served, *arguments, **environment):
    return json.loads(printed(served, "submit", *arguments, "--json", **environment))


def ended(served, job, *statuses):
    """Let the streams of a job end so."""
    held = served.backend.held[job]
    streams = [
        stream.model_copy(update={"status": status}) for stream, status in zip(held.streams, statuses, strict=True)
    ]
    served.backend.held[job] = held.model_copy(update={"status": "completed", "streams": tuple(streams)})


def test_everything_from_the_command_line(served, specs, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    job = document(
        served, "sub/clip.mp4", "--name", "clip", "--detectors", "freeze, black,freeze", "--set",
        "freeze.minimum_seconds=3", "--set", "freeze.drift=2.5", "--set", "loudness.target=r128", "--shape", "fused",
        "--tag", "team=sport", "--tag", "note=a=b", "--webhook", "https://hooks.example.org/x",
        SIGHTLINE_WEBHOOK_SECRET=SECRET,
    )  # fmt: skip
    (spec,) = specs
    assert spec.streams[0].source == str(tmp_path / "sub" / "clip.mp4")
    assert spec.streams[0].name == "clip"
    assert spec.shape == "fused"
    assert spec.defaults.detectors == ("freeze", "black")
    settings = {"freeze": {"minimum_seconds": 3, "drift": 2.5}, "loudness": {"target": "r128"}}
    assert spec.defaults.settings == settings
    assert spec.defaults.tags == {"team": "sport", "note": "a=b"}
    assert spec.webhook.secret.get_secret_value() == SECRET
    assert job == served.backend.held[job["id"]].model_dump(mode="json")
    assert SECRET not in json.dumps(job)


def test_several_sources_a_folder_and_urls(served, specs, tmp_path):
    for name in ("one.mp4", "two.ts", "notes.txt"):
        (tmp_path / name).touch()
    text = printed(served, "submit", tmp_path, "udp://127.0.0.1:5000", "https://live.example.org/several.m3u8")
    (spec,) = specs
    assert [stream.source for stream in spec.streams] == [
        str(tmp_path / "one.mp4"), str(tmp_path / "two.ts"), "udp://127.0.0.1:5000",
        "https://live.example.org/several.m3u8",
    ]  # fmt: skip
    assert "4 streams; see `sightline show " in text


def test_a_file(served, specs, tmp_path):
    (tmp_path / "jobs.yaml").write_text("streams:\n  - {source: rel.mp4, name: of-a-file}\n")
    job = document(served, "--file", tmp_path / "jobs.yaml")
    assert specs[0].streams[0].source == str(tmp_path / "rel.mp4")
    assert [stream["stream"] for stream in job["streams"]] == ["of-a-file"]


def test_what_is_wrong_with_a_file_is_told_with_its_place(served, specs, tmp_path):
    path = tmp_path / "jobs.yaml"
    path.write_text("streams:\n  - source: a\n    nam: x\nshap: auto\n")
    done = run(served, "submit", "--file", path)
    assert done.exit_code == 2
    assert done.stderr.splitlines() == [
        f"sightline: {path}:3:5: streams[0].nam: there is no key 'nam' here; did you mean 'name'? "
        "allowed: detectors, settings, tags, models, max_lag_seconds, source, name",
        f"sightline: {path}:4:1: shap: there is no key 'shap' here; did you mean 'shape'? "
        "allowed: version, shape, defaults, streams, webhook",
    ]
    assert not specs


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "no source is named"),
        (("a.mp4", "b.mp4", "--name", "x"), "there are 2 sources"),
        (("a.mp4", "--name", "X"), "--name: must be lower-case letters"),
        (("a.mp4", "--name", ""), "--name: must be lower-case letters"),
        (("a.mp4", "--shape", "fuse"), "--shape: must be 'auto', 'fused', 'colocated', 'spread' or 'staged', not"),
        (("a.mp4", "--detectors", "frezze"), "--detectors: there is no detector 'frezze'; did you mean 'freeze'?"),
        (("a.mp4", "--detectors", ","), "--detectors: name at least one"),
        (("a.mp4", "--set", "freeze"), "--set freeze: write it as DETECTOR.FIELD=VALUE"),
        (("a.mp4", "--set", "freze.drift=1"), "--set freze: there is no detector 'freze'; did you mean 'freeze'?"),
        (("a.mp4", "--set", "freeze.drft=1"), "--set freeze.drft: freeze has no setting 'drft'; did you mean 'drift'?"),
        (("a.mp4", "--set", "freeze.drift=0"), "--set freeze.drift: must be greater than 0, not 0"),
        (("a.mp4", "--set", "freeze.drift=x"), "--set freeze.drift: must be a valid number"),
        (("a.mp4", "--set", "freeze.drift=1e99"), "a number that is too large"),
        (("a.mp4", "--tag", "sport"), "--tag sport: write it as NAME=VALUE"),
        (("a.mp4", "--tag", f"a={'x' * 300}"), "--tag a: must have 256 characters at most"),
        (("a.mp4", "--webhook", "https://h/x"), "set SIGHTLINE_WEBHOOK_SECRET"),
        (("https://[x/y",), "is not a valid URL"),
        (("a\udcff.mp4",), "no UTF-8"),
        (("a.mp4", "--idempotency-key", "a b"), "--idempotency-key"),
        (("--file", "nothing.yaml"), "--file nothing.yaml: cannot be read (No such file or directory)"),
        (("--file", "."), "cannot be read (Is a directory)"),
        (("--file", "jobs.yaml", "a.mp4"), "--file and SOURCE exclude each other"),
        (("--file", "jobs.yaml", "--tag", "a=b"), "--file and --tag exclude each other"),
        ([f"s{number}" for number in range(1001)], "SOURCE: must have 1000 items at most"),
    ],
)
def test_wrong_usage(served, specs, tmp_path, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    assert words in refused(served, "submit", *arguments, status=2)
    assert not specs


def test_a_secret_that_is_too_short_is_not_shown(served):
    said = refused(
        served, "submit", "a.mp4", "--webhook", "https://h/x", status=2, SIGHTLINE_WEBHOOK_SECRET="hush"
    )  # fmt: skip
    assert said == "SIGHTLINE_WEBHOOK_SECRET: must have 8 characters or more"


def test_a_job_larger_than_the_api_takes(served, tmp_path, monkeypatch):
    monkeypatch.setattr(client, "MOST_SENT", 100)
    assert "submit it in parts" in refused(served, "submit", "a.mp4", "b.mp4", "c.mp4", status=2)


def test_what_the_server_refuses(served):
    assert refused(served, "submit", "file:///etc/passwd") == (
        "body /streams/0/source: this file is outside the allowed folders (422)"
    )
    printed(served, "submit", "https://h/twice", "--name", "twice")
    assert "the stream 'twice' is watched by the job" in refused(served, "submit", "https://h/x", "--name", "twice")


def test_an_idempotency_key(served):
    same = ("https://h/once", "--name", "once", "--idempotency-key", "2026-11-24/once")
    first = document(served, *same)
    assert document(served, *same)["id"] == first["id"]
    assert "which this idempotency key led to before" in printed(served, "submit", *same)
    assert "409" in refused(served, "submit", "https://h/other", "--idempotency-key", "2026-11-24/once")


def test_the_schema(served):
    schema = json.loads(printed("http://127.0.0.1:1", "submit", "--schema"))  # no server is asked
    assert {"streams", "defaults", "webhook"} <= set(schema["properties"])


@pytest.mark.parametrize(
    ("statuses", "exit_status"),
    [
        (("completed", "completed"), 0), (("completed", "failed"), 1), (("partial", "completed"), 1),
        (("stopped", "stopped"), 1), (("completed", "quarantined"), 1),
    ],
)  # fmt: skip
def test_waiting(served, monkeypatch, statuses, exit_status):
    name = "-".join(statuses)
    asked = []

    def told(bar, job):
        asked.append(job.id)
        if len(asked) == 3:
            served.do(ended, served, job.id, *statuses)

    monkeypatch.setattr(waiting, "_tell", told)
    done = run(served, "submit", f"https://h/1-{name}", f"https://h/2-{name}", "--wait", "--json")
    assert len(asked) == 3
    assert done.exit_code == exit_status, done.output
    job = json.loads(done.stdout)
    assert [stream["status"] for stream in job["streams"]] == list(statuses)
    assert done.stderr == f"sightline: job {job['id']}: 2 streams; see `sightline show {job['id']}`\n"


def test_waiting_outlives_a_restart_of_the_server(monkeypatch):
    with Served() as served:
        came = threading.Event()

        def restart():
            assert came.wait(60)
            served.stop()
            ended(served, next(iter(served.backend.held)), "completed")
            served.start()

        monkeypatch.setattr(waiting, "_tell", lambda bar, job: came.set())
        away = threading.Thread(target=restart)
        away.start()
        done = run(served, "submit", "https://h/x", "--wait")
        away.join()
        assert done.exit_code == 0, done.output
        assert done.stdout.endswith(": completed\n")


def test_waiting_has_an_end_where_the_server_stays_away(monkeypatch):
    monkeypatch.setattr(waiting, "PATIENCE_SECONDS", 0.1)
    with Served() as served:
        monkeypatch.setattr(waiting, "_tell", lambda bar, job: served.do(served.backend.problems.update, ray="gone"))
        done = run(served, "submit", "https://h/x", "--wait")
        assert done.exit_code == 1
        job = next(iter(served.backend.held))
        assert done.stderr.splitlines()[-1] == (
            f"sightline: ray does not answer; try again in 5 s (503); the job {job} may run on"
        )
