"""`analyze --shape staged`, and jobs of it: results as in one process, whatever becomes of bucket and processes."""

import json
import os
import signal
import subprocess
import time
from types import SimpleNamespace

import pytest

from actors.verify import verify
from cluster import bucketurl
from cluster.analysis import analyse
from cluster.bucket import Bucket
from cluster.bucketserver import bucket_server
from cluster.job import Analysis
from cluster.jobs import Unfit
from cluster.settings import Chunks
from tests.cluster.outages import Between
from tests.equal import assert_equal, unexplained
from tests.serve.defective import defective
from tests.serve.running import COMMAND, DEADLINE, ENVIRONMENT

pytestmark = [pytest.mark.ray, pytest.mark.timeout(600)]

CLIPS = ("plain.mp4", "flipped.ts", "lost.ts", "jump.ts", "gaps.mp4", "wrap.ts")
LEAST = {"video": 1000, "audio": 400, "packets": 1500, "freeze": 3, "black": 3, "silence": 3, "incidents": 20}
ONE = {"video": 190, "audio": 75, "packets": 500, "freeze": 1, "black": 1, "silence": 1, "incidents": 6}
DETECTORS = (
    "black", "freeze", "scene", "format_change", "silence", "channel_loss", "clipping", "loudness", "timestamps",
    "decode_errors",
)  # fmt: skip
METERS = 3
"""Those of luma, differences and signatures, which these need: a task each, for every chunk."""


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    """What `analyze` gives in its own process: of all clips, and of the first alone."""
    made = []
    for names in (CLIPS, CLIPS[:1]):
        results = tmp_path_factory.mktemp("expected") / "results"
        wanted = Analysis(results=str(results), jobs=1, detectors=DETECTORS)
        documents = list(analyse([str(defective(name)) for name in names], wanted))
        assert {document["status"] for document in documents} == {"completed"}
        made.append(results)
    return SimpleNamespace(all=made[0], one=made[1])


@pytest.fixture
def log(tmp_path):
    return tmp_path / "requests"


@pytest.fixture
def server(log):
    with bucket_server(log) as running:
        yield running


def left(url):
    """Folders that are left in a bucket."""
    return Bucket(bucketurl.parse(url)).folders()


def begun(url, results, names=CLIPS[:1], *more, patience=60):
    """The command, started."""
    clips = [defective(name) for name in names]
    asked = ["--detectors", ",".join(DETECTORS), *more]
    command = [*COMMAND, "analyze", *clips, "--shape", "staged", "--results", results, "--json", *asked]
    environment = {**ENVIRONMENT, "SIGHTLINE_BUCKET": url, "SIGHTLINE_BUCKET_PATIENCE_SECONDS": str(patience)}
    pipe = subprocess.PIPE
    return subprocess.Popen(
        list(map(os.fspath, command)), env=environment, stdout=pipe, stderr=pipe, text=True, start_new_session=True
    )


def ended(process):
    """Its status, its document, and what it said."""
    try:
        out, said = process.communicate(timeout=DEADLINE)
    finally:
        if process.poll() is None:
            process.kill()
    assert "Traceback" not in said, said
    return process.returncode, json.loads(out) if out else None, said


def under_way(log, requests, process):
    """Wait until the server was asked so often."""
    until = time.monotonic() + DEADLINE
    while not log.exists() or log.read_text().count("\n") < requests:
        assert process.poll() is None
        assert time.monotonic() < until
        time.sleep(0.02)


@pytest.mark.slow
def test_tables_are_equal_to_those_of_one_process(expected, server, tmp_path):
    status, document, said = ended(begun(server.url, tmp_path / "results", CLIPS, "--jobs", "2"))
    assert status == 0, said
    assert verify(str(tmp_path / "results")) == []
    assert unexplained(tmp_path / "results") == {}
    assert assert_equal(tmp_path / "results", expected.all, **LEAST).streams == len(CLIPS)
    for usage in (stream["usage"] for stream in document["streams"]):
        assert usage["shape"] == "staged"
        assert usage["requests_put"] > usage["batches"] * (1 + METERS)
        assert usage["transitions"] >= usage["batches"] * (2 + METERS) + 4
        assert usage["functions"] > usage["batches"] * (1 + METERS)
        assert usage["bytes_bucket"] > usage["batches"] * 160 * 90
        assert usage["copies"] == usage["batches"] * (1 + METERS) >= 2 * (1 + METERS)
        assert usage["bytes_network"] == usage["bytes_object_store"] == 0
    assert left(server.url) == []


@pytest.mark.slow
def test_an_outage_in_mid_run_changes_nothing(expected, server, log, tmp_path):
    with Between(server.port) as between:
        process = begun(between.url(server.url), tmp_path / "results")
        under_way(log, 40, process)
        between.refuse("503 Slow Down")
        time.sleep(3)
        assert process.poll() is None
        between.mend()
        status, _, said = ended(process)
    assert status == 0, said
    assert_equal(tmp_path / "results", expected.one, **ONE)
    assert left(server.url) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("answer", "why"),
    [("503 Slow Down", "see that its server is up"), ("507 Insufficient Storage", "it is full")],
)
def test_a_bucket_that_fails_for_good_is_said_and_gone_on_without(expected, server, log, tmp_path, answer, why):
    with Between(server.port) as between:
        process = begun(between.url(server.url), tmp_path / "results", patience=1)
        under_way(log, 40, process)
        between.refuse(answer)
        status, document, said = ended(process)
    assert status == 1
    (stream,) = document["streams"]
    assert (stream["status"], stream["error"] in said) == ("failed", True)
    for text in ("plain.mp4: s3://***@sightline?", why, "run the same command again"):
        assert text in stream["error"]
    secret = server.url.removeprefix("s3://").partition("@")[0].partition(":")[2]
    assert secret not in said + json.dumps(document)
    assert gone_on_with(server.url, tmp_path / "results", expected)
    assert left(server.url) == []


def gone_on_with(url, results, expected):
    """Run the same command with a bucket that does its work: results are equal."""
    status, _, said = ended(begun(url, results))
    assert status == 0, said
    assert verify(str(results)) == []
    return assert_equal(results, expected.one, **ONE)


@pytest.mark.slow
def test_a_server_that_lost_everything(expected, server, log, tmp_path):
    """moto keeps objects in memory: killed, it has lost the chunks that were under way."""
    process = begun(server.url, tmp_path / "results", patience=2)
    under_way(log, 40, process)
    os.kill(server.pid, signal.SIGKILL)
    status, document, _ = ended(process)
    assert status == 1
    assert document["streams"][0]["status"] == "failed"
    with bucket_server(port=server.port) as again:
        assert gone_on_with(again.url, tmp_path / "results", expected)
        assert left(again.url) == []


@pytest.mark.slow
def test_a_killed_run_is_gone_on_with(expected, server, log, tmp_path):
    process = begun(server.url, tmp_path / "results")
    under_way(log, 40, process)
    process.kill()
    process.communicate(timeout=DEADLINE)
    assert left(server.url) != []
    assert gone_on_with(server.url, tmp_path / "results", expected)
    assert left(server.url) == []


def test_jobs_of_a_cluster_with_a_bucket(own_ray, expected, server, tmp_path):
    from tests.cluster.harness import Cluster

    cluster = Cluster(own_ray, tmp_path / "results", chunks=Chunks(bucket=server.url))
    try:
        job = cluster.ended(cluster.submit(
            *(defective(name) for name in CLIPS), shape="staged", defaults={"detectors": DETECTORS},
        ), 120)
        assert {outcome.status for outcome in job.outcomes.values()} == {"completed"}
        assert {usage.shape for usage in job.usage.values()} == {"staged"}
        assert min(usage.transitions for usage in job.usage.values()) > 15
        assert assert_equal(cluster.uri, expected.all, **LEAST).streams == len(CLIPS)
        assert left(server.url) == []
    finally:
        cluster.close()


def test_jobs_of_a_cluster_without_a_bucket_are_refused(cluster):
    with pytest.raises(Unfit, match="SIGHTLINE_BUCKET"):
        cluster.submit(defective("plain.mp4"), shape="staged")
    assert cluster.call("jobs") == {}
