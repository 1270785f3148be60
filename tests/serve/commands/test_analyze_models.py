"""`sightline analyze --model`: as its page says, also with workers; and what is wrong with it is wrong usage."""

import json
import re
import shutil

import pytest

import sightline
from actors.inject import inject
from actors.inject.registry import parse
from actors.verify import verify
from tests.clips import real_clip
from tests.serve.running import ROOT, command

GOOD = "docs/models/noise.yaml"
PAGE = (ROOT / "docs" / "models.md").read_text()


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    path = tmp_path_factory.mktemp("models")
    inject(real_clip(), path / "noisy.mp4", [parse("freeze:start=2,length=2.5,noise=30")])
    shutil.copy(path / "noisy.mp4", path / "again.mp4")
    shutil.copytree(ROOT / "docs" / "models", path / "docs" / "models")
    return path


def test_the_page_shows_what_is_printed_and_declared(place):
    declared = (place / "docs" / "models" / "noise.yaml").read_text()
    assert "".join(declared.splitlines(keepends=True)[1:]) in PAGE
    line = next(line for line in PAGE.splitlines() if line.startswith("sightline analyze noisy.mp4 --model"))
    status, out, err = command(*line.split()[1:], cwd=place)
    assert (status, err) == (0, "")
    shown = [line.rstrip() for line in out.splitlines()]
    wanted = PAGE[PAGE.index("prints\n") :].split("```")[1].splitlines()[1:]
    assert shown[:3] == wanted[:3]
    assert re.sub(r"[\d.]+ CPU", "n CPU", shown[3]) == re.sub(r"[\d.]+ CPU", "n CPU", wanted[3])


@pytest.mark.slow
def test_workers_and_the_public_face_give_the_same(place):
    given = ("again.mp4", "noisy.mp4", "--jobs", "2", "--results", "two", "--json", "--model", GOOD)
    status, out, err = command("analyze", *given, cwd=place)
    assert (status, err) == (0, "")
    streams = json.loads(out)["streams"]
    found = [[one for one in stream["incidents"] if one["detector"] == "noise"] for stream in streams]
    assert [len(one) for one in found] == [1, 1]
    assert {(one["start_seconds"], one["end_seconds"], one["peak"]) for (one,) in found} == {
        (2.0, 4.52, found[0][0]["peak"])
    }
    assert verify(str(place / "two")) == []
    document = sightline.analyze(
        place / "noisy.mp4", results=place / "face", models=[place / GOOD]
    )
    mine = [one for one in document["streams"][0]["incidents"] if one["detector"] == "noise"]
    assert [(one["start_seconds"], one["peak"]) for one in mine] == [(2.0, found[0][0]["peak"])]


def test_wrong_usage(place):
    wrong = (place / "docs" / "models" / "noise.yaml").read_text().replace("noise_model:Noise", "noise_model:Nose")
    (place / "docs" / "models" / "wrong.yaml").write_text(wrong)
    one = ("analyze", "noisy.mp4", "--results", "none", "--model")
    for given, said in (
        (("docs/models/wrong.yaml",), "sightline: model noise: the module noise_model has no class Nose\n"),
        (("no.yaml",), "sightline: --model no.yaml: cannot be read (No such file or directory)\n"),
        ((GOOD, "--model", GOOD), "sightline: --model: the name 'noise' is given twice; give one of the models"),
        ((GOOD, "--csv", "docs/models/noise.safetensors"), "sightline: --csv"),
    ):  # fmt: skip
        status, out, err = command(*one, *given, cwd=place)
        assert (status, out) == (2, "")
        assert err.startswith(said), err
    assert not (place / "none").exists()
