"""A timeline with markers, as OpenTimelineIO has it."""

import json
from fractions import Fraction

import opentimelineio
import pytest

from serve.report.otio import otio
from tests.serve.report.reported import made, streams
from tests.serve.terminal.test_output import INCIDENT

FIELDS = {
    "Timeline.1": {"global_start_time", "tracks"}, "Stack.1": {"children"}, "Track.1": {"children", "kind"},
    "Clip.2": {"media_references", "active_media_reference_key"}, "MissingReference.1": {"available_range"},
    "Marker.2": {"marked_range", "color", "comment"}, "TimeRange.1": {"start_time", "duration"},
    "RationalTime.1": {"rate", "value"},
}  # fmt: skip
"""Of each schema, what a reader needs (OpenTimelineIO 0.17: docs/tutorials/otio-serialized-schema.md)."""


def things(value):
    """Everything with a schema, from outside in."""
    if isinstance(value, dict):
        if "OTIO_SCHEMA" in value:
            yield value
        for key, one in value.items():
            yield from things(one) if key != "metadata" else ()
    elif isinstance(value, list):
        for one in value:
            yield from things(one)


def seconds(time):
    return Fraction(time["value"]) / Fraction(time["rate"]).limit_denominator(1001)


def test_every_incident_is_a_marker_on_its_track():
    stream = streams()[0]
    found = list(things(json.loads("".join(otio(stream)))))
    for thing in found:
        assert FIELDS[thing["OTIO_SCHEMA"]] <= thing.keys()
    assert {thing["OTIO_SCHEMA"] for thing in found} == FIELDS.keys()
    tracks = {thing["name"]: thing for thing in found if thing["OTIO_SCHEMA"] == "Track.1"}
    assert {name: track["kind"] for name, track in tracks.items()} == {"v:0": "Video", "a:0": "Audio"}
    markers = [(name, one) for name, track in tracks.items() for one in track["children"][0]["markers"]]
    incidents = {incident["id"]: incident for incident in stream.document["incidents"]}
    assert len(markers) == len(incidents) >= 3
    for name, marker in markers:
        incident = incidents[marker["metadata"]["sightline"]["id"]]
        assert name == incident["track"]
        start, length = (float(seconds(marker["marked_range"][part])) for part in ("start_time", "duration"))
        assert start == pytest.approx(incident["start_seconds"], abs=0.021)
        assert start + length == pytest.approx(incident["end_seconds"], abs=0.021)


def test_a_clip_is_as_long_as_the_stream_and_an_open_incident_lasts_to_its_end():
    text = "".join(otio(made({**INCIDENT, "end_seconds": None}, rate=Fraction(24000, 1001))))
    clips = [thing for thing in things(json.loads(text)) if thing["OTIO_SCHEMA"] == "Clip.2"]
    assert [float(seconds(clip["source_range"]["duration"])) for clip in clips] == [pytest.approx(10, abs=0.03)] * 2
    (marker,) = clips[0]["markers"]
    assert marker["color"] == "RED"
    assert float(seconds(marker["marked_range"]["duration"])) == pytest.approx(9, abs=0.05)


def test_its_own_library_reads_it():
    timeline = opentimelineio.adapters.read_from_string("".join(otio(streams()[0])), "otio_json")
    assert sum(len(clip.markers) for clip in timeline.find_clips()) >= 3
