"""`analyze` again on the same results: no-op, go on, judge again, or analyse anew; always equal to a fresh run."""

import shutil
from contextlib import contextmanager
from dataclasses import replace

import pytest

import sightline
from actors import owner
from actors.hop import Direct
from actors.tables import Table
from actors.verify import verify
from cluster.analysis import analyse
from cluster.job import Analysis
from tests.equal import assert_equal, rows_of
from tests.serve.defective import defective

LEAST = {"video": 200, "audio": 80, "packets": 570, "freeze": 2, "silence": 1}
SOME = ("black", "freeze", "scene")


def slow(*numbers):
    """Commits at which it is killed in the long run of the tests only."""
    return [pytest.param(number, marks=pytest.mark.slow) for number in numbers]


class Killed(BaseException):
    """Stands for kill -9 at a commit."""


@pytest.fixture(scope="module", autouse=True)
def short_windows():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Direct, "bounds", replace(Direct.bounds, window_seconds=1, batch_seconds=0.5))
        yield


@pytest.fixture(scope="module")
def clip():
    return defective("plain.mp4")


@pytest.fixture(scope="module")
def done(tmp_path_factory, clip):
    """Results of the clip with all detectors and no settings, not to be changed, and the document."""
    results = str(tmp_path_factory.mktemp("done") / "results")
    document, notes = _analysed(clip, results)
    assert notes == []
    return results, document


@pytest.fixture
def again(done, tmp_path):
    """A copy of these results."""
    shutil.copytree(done[0], tmp_path / "results")
    return str(tmp_path / "results")


def _analysed(source, results, **wanted):
    """The document of one source, and what the command said."""
    notes = []
    (document,) = analyse([str(source)], Analysis(results=results, jobs=1, **wanted), on_note=notes.append)
    return document, notes


@contextmanager
def _no_decoding(monkeypatch):
    """Nothing may be read of the source but its fingerprint."""

    def refuse(*given, **named):
        raise AssertionError("the source was opened")

    with monkeypatch.context() as patch:
        patch.setattr(owner, "open_source", refuse)
        yield


@contextmanager
def _killed_at(monkeypatch, number):
    """The n-th commit of a table does not come to pass, and nothing after it."""
    commit, count = Table.commit, [0]

    def dying(table, *given, **named):
        count[0] += 1
        if count[0] >= number:
            raise Killed
        commit(table, *given, **named)

    with monkeypatch.context() as patch:
        patch.setattr(Table, "commit", dying)
        with pytest.raises(Killed):
            yield


def _like_fresh(results, source, tmp_path, metrics=None, **wanted):
    """The results are those of the same request in a new folder."""
    _, _ = _analysed(source, str(tmp_path / "fresh"), **wanted)
    assert verify(results) == []
    return assert_equal(results, tmp_path / "fresh", metrics=metrics)


def _runs(results):
    events = Table(results, "events").read(["run", "judgement"]).to_pylist()
    return max((row["run"], row["judgement"]) for row in events)


def _without_usage(document):
    return {name: value for name, value in document.items() if name != "usage"}


def test_the_same_command_again_is_a_no_op(again, done, clip, monkeypatch):
    before = {name: Table(again, name).version for name in ("video", "audio", "packets", "coverage", "events", "usage")}
    with _no_decoding(monkeypatch):
        document, notes = _analysed(clip, again)
    assert (document, notes) == (done[1], [])
    fences = {name: Table(again, name).version - version for name, version in before.items()}
    assert fences == dict.fromkeys(before, 1), "more than the fence was committed"
    assert rows_of(again, "video").num_rows == 200
    assert_equal(again, done[0], **LEAST, black=1, channel_loss=1, clipping=1)


def test_the_public_face_is_a_no_op_too(again, done, clip, monkeypatch):
    with _no_decoding(monkeypatch):
        assert sightline.analyze(clip, results=again) == {"schema": 1, "results": again, "streams": [done[1]]}


@pytest.mark.parametrize("settings", [
    {"freeze": {"minimum_seconds": 2.5}}, {"black": {"minimum_seconds": 1}, "silence": {"minimum_seconds": 1}},
    {"silence": {"minimum_seconds": 60}, "freeze": {"minimum_seconds": 60}},
])  # fmt: skip
def test_other_thresholds_are_judged_without_decoding(again, done, clip, monkeypatch, tmp_path, settings):
    with _no_decoding(monkeypatch):
        document, (note,) = _analysed(clip, again, settings=settings)
    assert note == f"{clip}: settings have changed: what was measured is judged again"
    assert _runs(again) == (0, 1)
    compared = _like_fresh(again, clip, tmp_path, settings=settings)
    assert compared.rows["video"] == 200
    fresh, _ = _analysed(clip, str(tmp_path / "fresh"), settings=settings)
    assert _without_usage(document) == _without_usage(fresh)
    assert document["incidents"] != done[1]["incidents"] or "black" in settings
    with _no_decoding(monkeypatch):
        assert _analysed(clip, again, settings=settings) == (document, [])
        back, _ = _analysed(clip, again)
    assert _without_usage(back) == _without_usage(done[1])
    assert _runs(again) == (0, 2)
    assert_equal(again, done[0], **LEAST)


def test_fewer_detectors_are_judged_without_decoding(again, clip, monkeypatch, tmp_path):
    with _no_decoding(monkeypatch):
        document, (note,) = _analysed(clip, again, detectors=SOME)
    assert "detectors were left out" in note
    assert {verdict["detector"] for verdict in document["verdicts"]} == set(SOME)
    compared = _like_fresh(again, clip, tmp_path, metrics=("corrupt", "key", "coded"), detectors=SOME)
    assert compared.opened() == {"black": 1, "freeze": 2}


def test_added_detectors_are_analysed_anew(clip, done, tmp_path):
    results = str(tmp_path / "results")
    _, notes = _analysed(clip, results, detectors=SOME)
    assert notes == []
    document, (note,) = _analysed(clip, results)
    added = "format_change, silence, channel_loss, clipping, loudness, timestamps, decode_errors, stalled"
    assert note.startswith(f"{clip}: detectors were added (")
    assert set(note.partition("(")[2].partition(")")[0].split(", ")) >= set(added.split(", "))
    assert note.endswith("): it is analysed anew")
    assert _runs(results) == (1, 0)
    assert_equal(results, done[0], **LEAST)
    assert verify(results) == []
    assert _without_usage(document) == _without_usage(done[1])
    assert set(Table(results, "video").read(["run"])["run"].to_pylist()) == {1}, "superseded rows were left"


def test_a_changed_source_is_analysed_anew(clip, tmp_path):
    source, results = tmp_path / "clip.mp4", str(tmp_path / "results")
    shutil.copy(defective("gaps.mp4"), source)
    _analysed(source, results)
    shutil.copy(clip, source)
    _, (note,) = _analysed(source, results)
    assert note == f"{source}: the source has changed: it is analysed anew"
    assert _runs(results) == (1, 0)
    compared = _like_fresh(results, source, tmp_path)
    assert compared.rows["video"] == 200


def test_fresh_starts_over(again, clip, done):
    document, notes = _analysed(clip, again, fresh=True)
    assert notes == []
    assert _runs(again) == (1, 0)
    assert _without_usage(document) == _without_usage(done[1])
    assert_equal(again, done[0], **LEAST)
    assert verify(again) == []


def test_a_source_that_failed_is_tried_again(tmp_path, clip):
    source, results = tmp_path / "clip.mp4", str(tmp_path / "results")
    for content in (None, b"", b"this is no clip" * 100):
        if content is not None:
            source.write_bytes(content)
        document, notes = _analysed(source, results)
        assert (document["status"], notes) == ("failed", [])
    shutil.copy(clip, source)
    document, notes = _analysed(source, results)
    assert (document["status"], notes) == ("completed", [])
    assert _like_fresh(results, source, tmp_path).rows["video"] == 200


def test_a_file_cut_short_is_a_no_op_until_it_changes(tmp_path, clip, monkeypatch):
    source, results = tmp_path / "clip.ts", str(tmp_path / "results")
    whole = defective("jump.ts").read_bytes()
    source.write_bytes(b"")
    shutil.copy(defective("plain.mp4"), source)
    cut = tmp_path / "cut.mkv"
    _truncated(cut)
    document, _ = _analysed(cut, results)
    assert document["status"] == "partial"
    with _no_decoding(monkeypatch):
        assert _analysed(cut, results) == (document, [])
    cut.write_bytes(whole)
    document, (note,) = _analysed(cut, results)
    assert document["status"] == "completed"
    assert "has changed" in note
    assert _like_fresh(results, cut, tmp_path).rows["video"] > 150


def _truncated(target):
    from tests.clips import generated_clip

    whole = generated_clip(seconds=4, size=(160, 90), suffix=".mkv").read_bytes()
    target.write_bytes(whole[: len(whole) // 2])


@pytest.mark.parametrize("number", [9, 20, *slow(14, 27)])
def test_other_thresholds_after_an_unfinished_run(clip, tmp_path, monkeypatch, number):
    results = str(tmp_path / "results")
    settings = {"freeze": {"minimum_seconds": 1}, "silence": {"minimum_seconds": 2.65}}
    with _killed_at(monkeypatch, number):
        _analysed(clip, results)
    with _killed_at(monkeypatch, 12):
        _analysed(clip, results, settings=settings)
    document, notes = _analysed(clip, results, settings=settings)
    assert (document["status"], notes) == ("completed", [])
    assert _runs(results) == (0, 1)
    assert _like_fresh(results, clip, tmp_path, settings=settings).rows["video"] == 200


@pytest.mark.parametrize("number", [9, pytest.param(20, marks=pytest.mark.slow)])
def test_other_detectors_after_an_unfinished_run(clip, tmp_path, monkeypatch, number):
    results = str(tmp_path / "results")
    with _killed_at(monkeypatch, number):
        _analysed(clip, results)
    document, _ = _analysed(clip, results, detectors=SOME)
    assert document["status"] == "completed"
    compared = _like_fresh(results, clip, tmp_path, metrics=("corrupt", "key", "coded"), detectors=SOME)
    assert compared.opened() == {"black": 1, "freeze": 2}
    _analysed(clip, results)
    shutil.rmtree(tmp_path / "fresh")
    assert _like_fresh(results, clip, tmp_path).rows["video"] == 200


@pytest.mark.parametrize("number", [1, 5, 9, *slow(2, 3, 4, 6, 7, 8)])
def test_an_interrupted_second_judgement(again, clip, tmp_path, monkeypatch, number):
    """Nothing of it is seen before all of it is; then the source still need not be decoded."""
    settings = {"freeze": {"minimum_seconds": 1}, "black": {"minimum_seconds": 60}}
    commits = 8
    if number <= commits:
        with _killed_at(monkeypatch, number), _no_decoding(monkeypatch):
            _analysed(clip, again, settings=settings)
        assert _runs(again) == (0, 0 if number <= 7 else 1)
        assert verify(again) == []
    with _no_decoding(monkeypatch):
        _analysed(clip, again, settings=settings)
    assert _runs(again) == (0, 1)
    assert _like_fresh(again, clip, tmp_path, settings=settings).opened()["freeze"] == 2


@pytest.mark.parametrize("number", [7, 17, *slow(9, 30)])
def test_an_interrupted_fresh_start(again, clip, done, monkeypatch, number):
    """It goes on where it was cut off, without being asked again to start over."""
    with _killed_at(monkeypatch, number):
        _analysed(clip, again, fresh=True)
    assert verify(again) == []
    document, notes = _analysed(clip, again)
    assert notes == []
    assert _runs(again) == ((0, 0) if number == 7 else (1, 0))
    assert _without_usage(document) == _without_usage(done[1])
    assert_equal(again, done[0], **LEAST)
    assert verify(again) == []
