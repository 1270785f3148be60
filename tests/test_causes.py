"""One fault, one incident: what follows from it says so, end to end."""

import pytest

import sightline
from actors.inject import Encode, inject, parse
from tests.clips import generated_clip


def analysed(tmp_path, defect, suffix, seconds=12):
    """Incidents of a clip with one defect; markers left out."""
    clip = tmp_path / f"clip{suffix}"
    source = generated_clip(seconds=seconds, size=(160, 90), suffix=".mkv", gop=12)
    inject(source, clip, [parse(defect)], seed=1, encode=Encode(preset="ultrafast", gop=12))
    (stream,) = sightline.analyze(clip, results=tmp_path / "results")["streams"]
    return [incident for incident in stream["incidents"] if incident["severity"] != "info"]


def of(incidents, detector, track="v:0"):
    return [incident for incident in incidents if (incident["detector"], incident["track"]) == (detector, track)]


@pytest.mark.parametrize(("defect", "suffix", "end"), [
    ("timestamp_gap:track=v:0,start=4,length=4", ".mp4", 8),
    ("timestamp_gap:track=v:0,start=4,length=4", ".mkv", 8),
    ("timestamp_gap:track=v:0,start=4,length=4", ".ts", 8),
    ("lost_packets:start=4,length=4,share=1", ".ts", 8),
    ("timestamp_jump:start=4,by=9", ".ts", 13),
])  # fmt: skip
def test_a_picture_held_through_a_gap_is_explained_by_it(tmp_path, defect, suffix, end):
    incidents = analysed(tmp_path, defect, suffix)
    (freeze,), (gap,) = of(incidents, "freeze"), of(incidents, "timestamps")
    assert (freeze["start_seconds"], freeze["end_seconds"]) == (pytest.approx(3.96), pytest.approx(end))
    assert (freeze["cause"], freeze["explained_by"]) == ("no_packets", gap["id"])
    assert "no packets" in freeze["message"]


@pytest.mark.parametrize(("by", "words"), [
    ("-3", "jump back by 3.000 s"), ("12", "jump forward by 12.000 s"), ("-0.5", "step back by 0.500 s"),
    ("9", "gap in the timestamps of 9.000 s"),
])  # fmt: skip
def test_one_jump_is_one_incident_and_says_what_it_is(tmp_path, by, words):
    incidents = analysed(tmp_path, f"timestamp_jump:start=4,by={by}", ".ts", seconds=8)
    unexplained = [incident for incident in incidents if not incident["explained_by"]]
    assert [(incident["detector"], incident["track"]) for incident in unexplained] == [("timestamps", "v:0")]
    assert words in unexplained[0]["message"]
    (sound,) = of(incidents, "timestamps", "a:0")
    assert sound["explained_by"] == unexplained[0]["id"]


@pytest.mark.parametrize("defect", ["start=4,length=4,share=1", "start=4,length=2,share=0.05"])
def test_packets_that_are_lost_explain_all_that_follows(tmp_path, defect):
    incidents = analysed(tmp_path, f"lost_packets:{defect}", ".ts")
    lost, *late = of(incidents, "transport")
    assert lost["explained_by"] is None
    following = [*late, *of(incidents, "timestamps"), *of(incidents, "decode_errors")]
    following += of(incidents, "corruption")
    assert len(following) >= 2
    assert {incident["explained_by"] for incident in following} == {lost["id"]}
