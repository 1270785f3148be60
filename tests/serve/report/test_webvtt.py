"""Cues: in order, at their times, and never broken by what a message holds."""

import re

import pytest

from serve.report.webvtt import webvtt
from tests.serve.report.reported import made, streams
from tests.serve.terminal.test_output import INCIDENT

CUE = re.compile(r"(\d\d+):(\d\d):(\d\d\.\d{3}) --> (\d\d+):(\d\d):(\d\d\.\d{3})")


def cues(text):
    """Start, end and text of each cue, as a player reads them."""
    head, *blocks = text.strip("\n").split("\n\n")
    assert head.split()[0] == "WEBVTT"
    found = []
    for block in blocks:
        _, times, *lines = block.split("\n")
        one = [float(part) for part in CUE.fullmatch(times).groups()]
        found.append((one[0] * 3600 + one[1] * 60 + one[2], one[3] * 3600 + one[4] * 60 + one[5], "\n".join(lines)))
    return found


def test_every_incident_is_a_cue_at_its_time():
    stream = streams()[0]
    found, incidents = cues("".join(webvtt(stream))), stream.document["incidents"]
    assert len(found) == len(incidents) >= 3
    for (start, end, text), incident in zip(found, incidents, strict=True):
        assert start == pytest.approx(max(incident["start_seconds"], 0), abs=0.001)
        assert end >= start + 0.999
        assert f"{incident['detector']} {incident['track']}: " in text


def test_one_that_is_open_lasts_to_the_end_and_a_marker_is_shown_for_a_second():
    cut = {**INCIDENT, "severity": "info", "end_seconds": 1.0}
    spans = [cue[:2] for cue in cues("".join(webvtt(made({**INCIDENT, "end_seconds": None}, cut))))]
    assert spans == [(1.0, 10.0), (1.0, 2.0)]


def test_hours_have_two_digits_or_more():
    late = {**INCIDENT, "start_seconds": 360000.5, "end_seconds": 360003.0}
    assert "100:00:00.500 --> 100:00:03.000" in "".join(webvtt(made(late)))


@pytest.mark.parametrize("text", ["<b>&\n\nx", "a --> b", "\r\n\r\n00:00:01.000 --> 00:00:02.000"])
def test_a_message_is_one_line_of_text(text):
    ((_, _, said),) = cues("".join(webvtt(made({**INCIDENT, "message": text}))))
    assert "<" not in said
    assert "-->" not in said
    assert "\n" not in said
