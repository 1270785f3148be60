"""A file of models, and models in a job: what is read, and that whatever is wrong is told with its place."""

import hashlib
import json
from pathlib import Path

import jsonschema_rs
import pytest

from cluster.job import NO_MODELS, JobSpec
from cluster.jobs import named
from cluster.sources import UsageError, UsageErrors
from serve.api.checking import check
from serve.api.problems import Invalid
from serve.job.jobfile import parse, schema
from serve.job.modelfile import load
from serve.job.yamltext import read
from tests.serve.running import ROOT, command, good

HASH = "ab" * 32
GOOD = f"""\
- name: noise
  class: noise_model:Noise
  weights: noise.safetensors
  sha256: {HASH}
  judge: {{metric: noise, above: 0.5}}
"""


def wrong(tmp_path, text):
    path = tmp_path / "models.yaml"
    path.write_text(text)
    with pytest.raises(UsageErrors) as raised:
        load(path)
    return [line.removeprefix(f"{path}:") for line in raised.value.lines]


def test_what_is_declared(tmp_path):
    path = tmp_path / "models.yaml"
    path.write_text(GOOD)
    (model,) = load(path)
    assert (model.name, model.class_, model.sha256) == ("noise", "noise_model:Noise", HASH)
    assert model.weights == str(tmp_path / "noise.safetensors")
    assert model.folder == str(tmp_path)
    assert (model.device, model.pictures, model.timeout_seconds, model.memory_bytes) == ("cpu", 1, 10, 2 << 30)
    assert (model.judge.above, model.judge.below, model.judge.minimum_seconds) == (0.5, None, 2)


@pytest.mark.parametrize(("old", "new", "said"), [
    (GOOD, "", "1:1: is empty; it is a list of models"),
    (GOOD, "[]", "1:1: is empty; it is a list of models"),
    (GOOD, "name: x", "1:1: must be a list (a line with - for each), not a mapping"),
    ("name: noise", "name: noise\n  devise: cpu", "2:3: [0].devise: there is no key 'devise' here; did"),
    ("name: noise", "name: freeze", "1:9: [0].name: 'freeze' is a detector of Sightline's; give the model another"),
    ("name: noise", "name: detector_failed", "1:9: [0].name: 'detector_failed' is a detector"),
    ("name: noise", "name: a|b", "1:9: [0].name: must be lower-case letters, digits and _, a letter first, not 'a|b'"),
    ("noise_model:Noise", "noise_model.Noise", "2:10: [0].class: must be module:Class, not 'noise_model.Noise'"),
    ("  class: noise_model:Noise\n", "", "1:3: [0].class: is missing: module:Class, a torch.nn.Module"),
    (HASH, HASH.upper(), "4:11: [0].sha256: must be 64 hexadecimal digits in lower"),
    (", above: 0.5", "", "5:10: [0].judge: give one of 'above' and 'below', and not both"),
    ("above: 0.5", "above: true", "5:33: [0].judge.above: must be a valid number, not True"),
    ("above: 0.5", "above: 0.5, below: 0.1", "5:10: [0].judge: give one of 'above' and 'below', and not both"),
    ("above: 0.5", "over: 0.5", "5:26: [0].judge.over: there is no key 'over' here; did"),
    ("judge:", "memory_bytes: 1000\n  judge:", "5:17: [0].memory_bytes: must be greater than or equal to 67108864"),
    ("judge:", "folder: /tmp\n  judge:", "5:3: [0].folder: there is no key 'folder' here; allowed: name, class"),
    (GOOD, GOOD + GOOD, "1:1: the name 'noise' is given twice; give one of the models another name"),
])  # fmt: skip
def test_what_is_wrong_is_told_with_its_place(tmp_path, old, new, said):
    assert old in GOOD
    assert wrong(tmp_path, GOOD.replace(old, new))[0].startswith(said)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(UsageError, match=r"--model .*none.yaml: cannot be read"):
        load(tmp_path / "none.yaml")


def test_models_of_a_job(tmp_path):
    listed = "".join(f"    {line}\n" for line in GOOD.splitlines())
    text = f"defaults:\n  models:\n{listed}streams:\n- source: a\n- {{source: b, models: []}}\n"
    document = parse("jobs.yaml", text.encode(), tmp_path, {})
    spec = JobSpec.model_validate(document)
    first, second = named(spec).values()
    assert [model.name for model in first.models] == ["noise"]
    assert second.models == ()
    assert first.models[0].weights == str(tmp_path / "noise.safetensors")
    assert JobSpec.model_validate_json(spec.model_dump_json()) == spec
    assert jsonschema_rs.Draft202012Validator(json.loads(json.dumps(schema()))).is_valid(document)
    with pytest.raises(UsageErrors) as raised:
        parse("jobs.yaml", text.replace("above:", "abov:").encode(), tmp_path, {})
    said = "jobs.yaml:7:30: defaults.models[0].judge.abov: there is no key 'abov' here;"
    assert raised.value.lines[0].startswith(said)


def test_the_shape_staged_runs_no_models_and_says_what_to_do(tmp_path):
    listed = "".join(f"    {line}\n" for line in GOOD.splitlines())
    text = f"shape: staged\ndefaults:\n  models:\n{listed}streams:\n- source: a\n- source: b\n  models:\n{listed}"
    with pytest.raises(UsageErrors) as raised:
        parse("jobs.yaml", text.encode(), tmp_path, {})
    assert list(raised.value.lines) == [
        f"jobs.yaml:4:5: defaults.models: {NO_MODELS}", f"jobs.yaml:13:5: streams[1].models: {NO_MODELS}",
    ]  # fmt: skip
    with pytest.raises(Invalid) as refused:
        check(JobSpec.model_validate(read(text.encode()).value))
    found = [(flaw.pointer, flaw.detail) for flaw in refused.value.flaws]
    assert found == [("/defaults/models", NO_MODELS), ("/streams/1/models", NO_MODELS)]
    for shape in ("auto", "fused", "colocated", "spread"):
        assert parse("jobs.yaml", text.replace("staged", shape).encode(), tmp_path, {})["shape"] == shape
    bare = "shape: staged\nstreams:\n- {source: a, models: []}\n"
    assert parse("jobs.yaml", bare.encode(), tmp_path, {})["shape"] == "staged"


def test_analyze_refuses_models_in_staged_with_exit_status_2(tmp_path):
    path = tmp_path / "models.yaml"
    path.write_text(GOOD)
    bucket = "s3://chunks?scheme=http&endpoint_override=127.0.0.1:1"
    given = ("--shape", "staged", "--bucket", bucket, "--model", path)
    assert command("analyze", good(), *given, cwd=tmp_path) == (2, "", f"sightline: --model: {NO_MODELS}\n")
    assert not (tmp_path / "sightline-results").exists()


def test_the_example_declares_what_its_weights_are():
    (model,) = load(ROOT / "docs" / "models" / "noise.yaml")
    assert hashlib.sha256(Path(model.weights).read_bytes()).hexdigest() == model.sha256
