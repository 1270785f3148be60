"""Users' models in actors: equal to those of one process, read in place, guarded alike, and allowed by name."""

import hashlib

import pytest

from actors.models.spec import ModelSpec
from actors.trust import Trust
from actors.verify import verify
from cluster.allowed import Forbidden, Sources, check_model
from cluster.job import Analysis
from tests.actors.modelled import example, model
from tests.cluster import harness
from tests.equal import assert_equal, rows_of
from tests.serve.defective import defective

pytestmark = pytest.mark.ray

LEAST = {"video": 200, "audio": 80, "packets": 570, "freeze": 2, "silence": 1}


def analysed(results, shape, *models):
    """The document of a clip, in a process of its own: it starts a Ray."""
    import json
    import subprocess
    import sys

    from tests.serve.running import ENVIRONMENT

    wanted = Analysis(results=str(results), jobs=1, shape=shape, models=models)
    text = (
        "import sys, json; from cluster.analysis import analyse; from cluster.job import Analysis; "
        "(one,) = analyse([sys.argv[1]], Analysis.model_validate_json(sys.argv[2])); print(json.dumps(one))"
    )
    done = subprocess.run(
        [sys.executable, "-c", text, str(defective("plain.mp4")), wanted.model_dump_json()],
        env=ENVIRONMENT, capture_output=True, text=True, timeout=280, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def fused(tmp_path_factory):
    results = tmp_path_factory.mktemp("models") / "fused"
    return results, analysed(results, "fused", example(), model(judge={"above": 0.3, "minimum_seconds": 0.5}))


@pytest.mark.slow
def test_colocated_gives_the_rows_of_fused(tmp_path, fused):
    results = tmp_path / "colocated"
    document = analysed(
        results, "colocated", example(), model(judge={"above": 0.3, "minimum_seconds": 0.5})
    )  # fmt: skip
    assert document["usage"]["shape"] == "colocated"
    compared = assert_equal(results, fused[0], **LEAST, bright=1)
    assert compared.rows["metrics"] == 3 * 200
    assert verify(str(results)) == []
    assert document["incidents"] == fused[1]["incidents"]
    sent = document["usage"]
    assert sent["bytes_direct"] == 0
    assert sent["copies"] == sent["batches"], "frames were put into the object store once more for the models"


@pytest.mark.slow
def test_spread_gives_the_rows_of_fused(tmp_path, fused):
    """The model sits on the decoder's node: its pictures cross no network, whereas each batch does for the detector."""
    results = tmp_path / "spread"
    document = analysed(results, "spread", example(), model(judge={"above": 0.3, "minimum_seconds": 0.5}))
    compared = assert_equal(results, fused[0], **LEAST, bright=1)
    assert compared.rows["metrics"] == 3 * 200
    assert verify(str(results)) == []
    assert document["incidents"] == fused[1]["incidents"]
    sent = document["usage"]
    assert sent["shape"] == "spread"
    assert sent["copies"] == 2 * sent["batches"], "into one store, and once over the network"
    assert sent["bytes_network"] == sent["bytes_object_store"] > 200 * 1000


@pytest.mark.slow
def test_poisoned_ones_are_cut_off_there_too(tmp_path):
    bad = [model(one, timeout_seconds=3, memory_bytes=500 << 20) for one in ("Raises", "HangsHard", "Leaks", "Dies")]
    document = analysed(tmp_path / "results", "colocated", *bad, model())
    failed = {one["cause"] for one in document["incidents"] if one["detector"] == "detector_failed"}
    assert failed == {"raised", "timed_out", "memory", "crashed"}
    assert document["status"] == "completed"
    verdicts = {one["detector"]: one["state"] for one in document["verdicts"]}
    assert verdicts["bright"] == "ok"
    assert {verdicts[one.name] for one in bad} == {"unknown"}


def test_only_classes_that_the_operator_names_and_weights_in_allowed_folders(tmp_path, monkeypatch):
    weights = tmp_path / "in" / "one.safetensors"
    weights.parent.mkdir()
    weights.write_bytes(b"weights")
    monkeypatch.setenv("SIGHTLINE_ALLOWED_ROOTS", str(tmp_path / "in"))
    given = {
        "name": "m", "class": "poisoned_models:Bright", "weights": str(weights),
        "sha256": hashlib.sha256(b"weights").hexdigest(), "judge": {"metric": "mean", "above": 1},
    }  # fmt: skip
    spec = ModelSpec.model_validate(given)
    with pytest.raises(Forbidden, match="poisoned_models:Bright may not be loaded here; the operator sets SIGHTLINE_M"):
        check_model(spec, Sources())
    monkeypatch.setenv("SIGHTLINE_MODELS", "other:Model, poisoned_models:Bright")
    check_model(spec, Sources())
    (tmp_path / "out.safetensors").write_bytes(b"weights")
    outside = ModelSpec.model_validate({**given, "weights": str(tmp_path / "out.safetensors")})
    with pytest.raises(Forbidden, match="outside the allowed folders; the operator sets SIGHTLINE_ALLOWED_ROOTS"):
        check_model(outside, Sources())
    with pytest.raises(Forbidden, match="absolute path"):
        check_model(ModelSpec.model_validate({**given, "weights": "one.safetensors"}), Sources())


def test_a_model_judges_again_what_it_opens_in_its_own_process(tmp_path):
    from actors.models.guarded import START_SECONDS
    from actors.models.process import Processes

    networks, class_, said = Sources().trust().networks, "poisoned_models:Bright", []
    for trust in (Trust((), networks, (class_,)), Trust(("/",), networks), Trust(("/",), networks, (class_,))):
        host = Processes(trust)
        process = host.start(model())
        said.append(process.heard(START_SECONDS))
        process.kill()
        host.close()
    assert "outside the allowed folders" in said[0].fault.text
    assert "poisoned_models:Bright may not be loaded here" in said[1].fault.text
    assert said[2].fault is None
    assert said[2].metrics == ("mean", "spread")


@pytest.mark.parametrize("shape", [pytest.param("fused", marks=pytest.mark.slow), "colocated"])
def test_a_job_has_its_models_where_the_operator_allows_them(own_ray, tmp_path, fused, shape):
    spec = model("Bright", judge={"above": 0.3, "minimum_seconds": 0.5}).model_dump(exclude={"folder"})
    spec["class"] = "tests.actors.poisoned_models:Bright"
    networks = Sources().trust().networks
    trusts = {"allowed": Trust(("/",), networks, (spec["class"],)), "refused": Trust(("/",), networks)}
    found = {}
    for name, trust in trusts.items():
        cluster = harness.Cluster(own_ray, tmp_path / name, trust)
        try:
            job = cluster.ended(
                cluster.submit(defective("plain.mp4"), shape=shape, defaults={"models": [spec]}), seconds=150
            )
            (outcome,) = job.outcomes.values()
            assert outcome.status == "completed"
            found[name] = cluster.report(next(iter(job.streams))).document
        finally:
            cluster.close()
    mine = [one for one in fused[1]["incidents"] if one["detector"] == "bright"]
    assert len(mine) >= 1
    assert [one for one in found["allowed"]["incidents"] if one["detector"] in ("bright", "detector_failed")] == mine
    assert rows_of(str(tmp_path / "allowed"), "metrics").num_rows == 2 * 200
    (failed,) = [one for one in found["refused"]["incidents"] if one["detector"] == "detector_failed"]
    assert failed["cause"] == "not_started"
    assert failed["message"].endswith("may not be loaded here; the operator sets SIGHTLINE_MODELS")
