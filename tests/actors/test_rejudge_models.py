"""Streams with users' models, judged again: what the models found is taken over."""

from pathlib import Path

import pytest

import sightline
from actors import document, rejudge
from actors.detectors import DETECTORS
from actors.reader import Reader
from actors.verify import verify
from tests.clips import generated_clip

MODEL = Path(__file__).resolve().parents[2] / "docs" / "models" / "noise.yaml"


def test_what_a_model_found_is_taken_over_and_its_bound_is_its_files(tmp_path):
    uri = str(tmp_path / "results")
    clip = generated_clip(seconds=3, size=(160, 90))
    told = sightline.analyze(clip, results=uri, models=[MODEL])["streams"][0]
    reader = Reader(uri)
    ((stream, stored),) = reader.streams().items()
    (model,) = stored.checkpoint.work.models
    sets = {"scene": {"threshold": "5"}}
    work, detectors = rejudge.wanted(stream, stored, None, sets)
    assert work.models == stored.checkpoint.work.models
    assert {model, "detector_failed"} <= work.detectors.keys() - DETECTORS.keys()
    again = rejudge.rejudge(stream, stored, work, detectors, reader.read)
    own = [event for event in stored.events if event.detector not in DETECTORS]
    assert [event for event in again.events if event.detector not in DETECTORS] == own
    unset = rejudge.rejudge(stream, stored, *rejudge.wanted(stream, stored, None, {}), reader.read)
    assert document.incidents(unset.events, stream) == told["incidents"]
    with pytest.raises(rejudge.NotStoredError, match="judges a model of yours"):
        rejudge.wanted(stream, stored, None, {model: {"above": "1"}})
    assert verify(uri) == []
