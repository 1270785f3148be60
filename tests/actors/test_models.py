"""Users' models: what they measure and find, and that nothing they do harms anything but themselves."""

import math
from collections import Counter
from pathlib import Path

import pytest

from actors.inject import inject
from actors.inject.registry import parse
from actors.tables import Table
from actors.verify import verify
from cluster.analysis import analyse
from cluster.job import Analysis
from tests.actors.modelled import example, model
from tests.clips import real_clip
from tests.equal import assert_equal, rows_of
from tests.serve.defective import defective

FRAMES = 200
BUILT_IN = {"video": 200, "audio": 80, "packets": 570, "freeze": 2, "silence": 1}
POISONED = {
    "Raises": ("raised", "ValueError: bad picture from"), "RaisesAtOnce": ("raised", "ValueError: bad picture"),
    "Hangs": ("timed_out", "did not answer within 3 s"), "HangsHard": ("timed_out", "did not answer within 3 s"),
    "NoNumber": ("not_finite", "gave nan for spread"), "Infinite": ("not_finite", "gave inf for mean"),
    "WrongShape": ("wrong_shape", "gave a tensor of shape (1,), not (1, 2)"),
    "NoTensor": ("wrong_shape", "gave list, not a tensor of shape (1, 2)"),
    "Leaks": ("memory", "MiB that it may"), "Dies": ("crashed", "ended its process (SIGSEGV)"),
    "Exits": ("crashed", "ended its process (exit status 7)"),
}  # fmt: skip
GROUPS = [("Raises", "Hangs", "Infinite", "Exits"), ("Dies", "NoNumber", "WrongShape", "RaisesAtOnce"),
          ("Leaks", "HangsHard", "NoTensor")]  # fmt: skip
SECONDS = 3
"""That a model may take for one picture; much, since machines of tests are busy."""
AT_ONCE = ("RaisesAtOnce", "Infinite", "NoTensor")


@pytest.fixture(scope="module")
def clip():
    return str(defective("plain.mp4"))


@pytest.fixture(scope="module")
def plain(tmp_path_factory, clip):
    """Results of the clip without models, and its document."""
    return analysed(clip, tmp_path_factory.mktemp("plain") / "results")


def analysed(source, results, *models, notes=None, **wanted):
    """The results folder, and the document."""
    (document,) = analyse(
        [source], Analysis(results=str(results), jobs=1, models=models, **wanted),
        on_note=(notes if notes is not None else []).append,
    )  # fmt: skip
    return str(results), document


def of(document, *detectors):
    """Incidents of detectors, and all others."""
    mine = [one for one in document["incidents"] if one["detector"] in detectors]
    return mine, [one for one in document["incidents"] if one["detector"] not in detectors]


def verdict(document, detector):
    (found,) = [one for one in document["verdicts"] if one["detector"] == detector]
    return found["state"], found["reason"]


def values(results, metric):
    """Values of a metric by row, None where there is none, and why."""
    rows = Table(results, "metrics").read(where=[("metric", "=", metric)]).to_pylist()
    assert [row["row"] for row in rows] == list(range(len(rows)))
    return [row["value"] for row in rows], Counter(row["why"] for row in rows)


def built_in_unhurt(results, plain):
    """All that is not of models is as without them: rows, coverage, incidents."""
    for table in ("video", "audio", "packets"):
        assert rows_of(results, table).num_rows >= BUILT_IN[table]
        assert rows_of(results, table).equals(rows_of(plain, table)), table
    assert verify(results) == []


def test_what_a_model_measures_is_a_row_for_each_picture_and_metric(tmp_path, clip, plain):
    results, document = analysed(clip, tmp_path / "results", model(judge={"above": 0.3, "minimum_seconds": 0.5}))
    means, why = values(results, "bright.mean")
    assert len(means) == len(values(results, "bright.spread")[0]) == FRAMES
    assert why == {None: FRAMES}
    black = [share == 1.0 for share in rows_of(plain[0], "video")["black_share"].to_pylist()]
    assert sum(black) >= 40
    assert all((mean < 0.12) if dark else (0.2 < mean < 0.8) for mean, dark in zip(means, black, strict=True))
    assert document["status"] == "completed"
    mine, others = of(document, "bright")
    assert others == plain[1]["incidents"]
    assert len(mine) >= 1
    assert all(one["message"].startswith("mean above 0.3 for") and one["peak"] > 0.3 for one in mine)
    assert verdict(document, "detector_failed") == ("ok", "")
    built_in_unhurt(results, plain[0])


@pytest.mark.parametrize(
    "together", [GROUPS[0], *(pytest.param(group, marks=pytest.mark.slow) for group in GROUPS[1:])], ids=" ".join
)
def test_poisoned_models_are_cut_off_and_nothing_else_is_hurt(together, tmp_path, clip, plain):
    notes = []
    bad = [model(one, timeout_seconds=SECONDS, memory_bytes=500 << 20) for one in together]
    results, document = analysed(clip, tmp_path / "results", *bad, model(), notes=notes)
    failed, others = of(document, "detector_failed")
    assert document["status"] == "completed"
    assert others == plain[1]["incidents"]
    assert len(failed) == len(together)
    assert "hunter22" not in f"{document}{notes}"
    assert verdict(document, "bright") == ("ok", "")
    assert values(results, "bright.mean")[1] == {None: FRAMES}
    built_in_unhurt(results, plain[0])
    for class_ in together:
        (one,) = [one for one in failed if f"model {class_.lower()} (" in one["message"]]
        assert_cut_off(class_, one, document, results)
        again = [note for note in notes if f"model {class_.lower()} " in note]
        least = 0 if one["cause"] in ("not_finite", "wrong_shape") else 1
        assert least <= len(again) <= least + (class_ == "Leaks")


def assert_cut_off(class_, failed, document, results):
    """The incident says what and where, the verdict is unknown, and there is no number from there on."""
    kind, text = POISONED[class_]
    assert (failed["severity"], failed["cause"], failed["track"]) == ("critical", kind, "v:0")
    assert f"model {class_.lower()} (poisoned_models:{class_}) was cut off at" in failed["message"]
    assert text in failed["message"]
    state, reason = verdict(document, class_.lower())
    assert state == "unknown"
    assert text in reason
    means, why = values(results, f"{class_.lower()}.mean")
    given = sum(value is not None for value in means)
    assert given < FRAMES if class_ == "Leaks" else given == (0 if class_ in AT_ONCE else 30)
    assert means[given:] == [None] * (FRAMES - given)
    assert why[None] == given
    assert len(why) == 1 + bool(given)
    assert failed["start_seconds"] == pytest.approx(given / 25, abs=0.001)
    assert f"at {given / 25:.3f} s of v:0" in failed["message"]


def test_a_model_that_dies_once_is_started_again_and_nothing_is_missing(tmp_path, clip, plain, monkeypatch):
    monkeypatch.setenv("SIGHTLINE_TEST_MARK", str(tmp_path / "mark"))
    notes = []
    results, document = analysed(clip, tmp_path / "results", model("DiesOnce"), notes=notes)
    assert values(results, "diesonce.mean")[1] == {None: FRAMES}
    assert of(document, "detector_failed")[0] == []
    (note,) = notes
    assert note.endswith("model diesonce ended its process (exit status 7), at picture 30: it is started again")
    built_in_unhurt(results, plain[0])


WRONG = [
    ({"class_": "NoModule"}, "poisoned_models:NoModule is no torch.nn.Module"),
    ({"class": "no_such_module:Model"}, "No module named 'no_such_module'"),
    ({"sha256": "0" * 64}, f"not the one that is pinned, {'0' * 64}"),
    ({"weights": "/no/such.safetensors"}, "/no/such.safetensors: no such file"),
    ({"class_": "Absent"}, "the module poisoned_models has no class Absent"),
    ({"class_": "NoMetrics"}, "poisoned_models:NoMetrics.metrics must be a tuple of sightline.Metric"),
    ({"class_": "OddSize"}, "OddSize.size must be (height, width), each from 1 to 4096"),
    ({"class_": "NoColour"}, "NoColour.colour must be 'gray' or 'rgb'"),
    ({"judge": {"metric": "sharp"}}, "has no metric 'sharp' to judge; it has mean, spread"),
    ({"device": "cuda"}, "torch finds no GPU here"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("wrong", "said"), [*WRONG[:4], *(pytest.param(*one, marks=pytest.mark.slow) for one in WRONG[4:])]
)
def test_a_model_that_cannot_be_loaded_is_wrong_usage_before_anything_is_read(wrong, said, tmp_path, clip):
    if wrong.get("device") and Path("/dev/nvidia0").exists():
        pytest.skip("there is a GPU")
    wrong = {"class_": "Bright", **wrong}
    with pytest.raises(ValueError, match="model m: ") as caught:
        analysed(clip, tmp_path / "results", model(wrong.pop("class_"), "m", wrong.pop("judge", None), **wrong))
    assert said in str(caught.value)
    assert not (tmp_path / "results").exists()


def test_weights_that_are_pickled_are_not_read(tmp_path, clip):
    import hashlib

    import torch

    path = tmp_path / "weights.pt"
    torch.save({"weight": torch.ones(1)}, path)
    pinned = model(weights=str(path), sha256=hashlib.sha256(path.read_bytes()).hexdigest())
    with pytest.raises(ValueError, match="the weights do not fit poisoned_models:Bright"):
        analysed(clip, tmp_path / "results", pinned)


def test_what_a_model_prints_is_in_no_document(tmp_path, clip, capfd):
    analysed(clip, tmp_path / "results", model("Prints"))
    out, err = capfd.readouterr()
    assert "a model says" not in out
    assert "a model says" in err


def test_the_example_finds_noise_and_only_noise(tmp_path):
    noisy = tmp_path / "noisy.mp4"
    inject(real_clip(), noisy, [parse("freeze:start=2,length=2.5,noise=60")])
    results, document = analysed(str(noisy), tmp_path / "results", example())
    (found,), _ = of(document, "noise")
    assert (found["start_seconds"], found["end_seconds"]) == (2.0, 4.52)
    scores, why = values(results, "noise.noise")
    assert why == {None: 132}
    assert min(scores[50:113]) > 0.99
    assert max(scores[:50] + scores[113:]) < 0.6


def test_bounds_below_are_judged_too_and_other_thresholds_without_measuring(tmp_path, clip):
    bright = model(judge={"above": None, "below": 0.05, "minimum_seconds": 0.4})
    results, document = analysed(clip, tmp_path / "results", bright)
    mine, _ = of(document, "bright")
    assert len(mine) >= 1
    assert all(one["peak"] < 0.05 and one["message"].startswith("mean below 0.05") for one in mine)
    notes = []
    other = model(judge={"metric": "spread", "above": 0.1, "minimum_seconds": 0.2, "severity": "info"})
    again, second = analysed(clip, results, other, notes=notes)
    assert notes == [f"{clip}: settings have changed: what was measured is judged again"]
    fresh, expected = analysed(clip, tmp_path / "fresh", other)
    assert second["incidents"] == expected["incidents"]
    assert len(of(second, "bright")[0]) >= 1
    compared = assert_equal(again, fresh, **BUILT_IN)
    assert compared.rows["metrics"] == 2 * FRAMES


def test_another_class_is_measured_anew_and_the_same_command_is_a_no_op(tmp_path, clip):
    results, first = analysed(clip, tmp_path / "results", model(name="m"))
    notes = []
    assert analysed(clip, results, model(name="m"), notes=notes)[1] == first
    assert notes == []
    _, _ = analysed(clip, results, model("Prints", name="m"), notes=notes)
    assert notes == [f"{clip}: models were added or are others (m): it is analysed anew"]
    _, without = analysed(clip, results, notes=notes)
    assert "detectors were left out" in notes[-1]
    assert {one["detector"] for one in without["verdicts"]}.isdisjoint({"m", "detector_failed"})
    assert verify(results) == []


def test_no_number_is_ever_infinite_in_the_table(tmp_path, clip):
    results, _ = analysed(clip, tmp_path / "results", model("Infinite"))
    found, why = values(results, "infinite.mean")
    assert found == [None] * FRAMES
    assert set(why) == {"not_finite: gave inf for mean"}
    assert not any(math.isinf(value) for value in found if value is not None)
    assert Path(results, "metrics").is_dir()
