"""One pipeline in every shape on Ray: the tables are equal to those of `analyze`, whatever carries the frames."""

import json
import subprocess

import pytest

from actors.verify import verify
from cluster.analysis import analyse
from cluster.job import Analysis
from tests.equal import assert_equal, unexplained
from tests.serve.defective import defective, two_pictures
from tests.serve.running import COMMAND, DEADLINE, ENVIRONMENT

pytestmark = pytest.mark.ray

CLIPS = ("plain.mp4", "flipped.ts", "lost.ts", "jump.ts", "gaps.mp4", "wrap.ts")
ALL = len(CLIPS) + 1
LEAST = {"video": 1000, "audio": 400, "packets": 1500, "freeze": 3, "black": 3, "silence": 3, "incidents": 20}


def sources():
    return [*map(defective, CLIPS), two_pictures()]


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    """What `analyze` gives, in its own process."""
    results = tmp_path_factory.mktemp("expected") / "results"
    documents = list(analyse([*map(str, sources())], Analysis(results=str(results), jobs=1)))
    assert {document["status"] for document in documents} == {"completed"}
    return results


@pytest.mark.parametrize("shape", [pytest.param("fused", marks=pytest.mark.slow), "colocated", "spread"])
def test_tables_are_equal_to_those_of_analyze(cluster, two_more, expected, shape):
    job = cluster.ended(cluster.submit(*sources(), shape=shape))
    assert {outcome.status for outcome in job.outcomes.values()} == {"completed"}
    assert verify(cluster.uri) == []
    assert unexplained(cluster.uri) == {}
    compared = assert_equal(cluster.uri, expected, **LEAST)
    assert compared.streams == ALL
    for stream in job.streams:
        usage = cluster.report(stream).document["usage"]
        assert usage["shape"] == shape
        assert (usage["bytes_object_store"] > 0) == (shape != "fused")
        assert usage["bytes_network"] == (usage["bytes_object_store"] if shape == "spread" else 0)
        parts = [usage[f"cpu_{part}_seconds"] for part in ("decode", "picture", "other")]
        assert min(parts) > 0
        assert sum(parts) == pytest.approx(usage["cpu_seconds"], abs=2e-6)
        assert usage["peak_memory_bytes"] > 50 << 20
        assert usage["batches"] > 0
        assert 4 < usage["media_seconds"] < 8.1
    assert_served(job, cluster)


def assert_served(job, cluster):
    """The API gives the usage that the job keeps."""
    from serve.replica import states

    reported = [cluster.report(stream).document["usage"] for stream in job.streams]
    shown = states.job(job, {}).usage
    assert shown.batches == sum(usage["batches"] for usage in reported) > 0
    assert shown.cpu_seconds == pytest.approx(sum(usage["cpu_seconds"] for usage in reported), abs=1e-5)
    first = next(iter(job.streams))
    assert states.stream(job, first, None, 0.0).usage.model_dump() == reported[0]


@pytest.mark.slow
@pytest.mark.parametrize("shape", ["colocated", "spread"])
def test_analyze_starts_a_ray_of_its_own(expected, tmp_path, shape):
    clips = sources()
    given = ["--shape", shape, "--results", tmp_path / "results", "--jobs", "2", "--json"]
    command = [*COMMAND, "analyze", *clips, *given]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, timeout=DEADLINE, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    usages = [stream["usage"] for stream in json.loads(done.stdout)["streams"]]
    assert len(usages) == ALL
    for usage in usages:
        assert usage["shape"] == shape
        assert usage["bytes_network"] == (usage["bytes_object_store"] if shape == "spread" else 0)
    assert verify(str(tmp_path / "results")) == []
    assert assert_equal(tmp_path / "results", expected, **LEAST).streams == ALL
