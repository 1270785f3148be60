"""Streams as the tables tell them: as `analyze` does, and what is known of one that is not finished."""

from dataclasses import replace

import sightline
from serve.report.otio import otio
from serve.report.told import told
from tests.serve.report.reported import results, streams
from tests.serve.running import broken, good


def test_a_stream_is_told_as_analyze_tells_it():
    document = sightline.analyze([broken(), good()], results=results())
    compared = 0
    for stream, expected in zip(streams(), document["streams"], strict=True):
        for name, value in expected.items():
            if name != "source":
                assert stream.document[name] == value, name
                compared += 1
    assert compared == 18


def test_one_that_is_not_finished_is_told_as_far_as_it_has_come():
    stream = streams()[0]
    open_ = replace(stream.stored, checkpoint=replace(stream.stored.checkpoint, summary=None))
    found = told(stream.reader, stream.name, open_)
    assert found.document["status"] == "partial"
    assert "not finished" in found.document["error"]
    assert found.document["incidents"] == stream.document["incidents"]
    for entry, expected in zip(found.document["tracks"], stream.document["tracks"], strict=True):
        unknown = {name: entry[name] for name in ("loudness", "language") if name in entry}
        assert entry == expected | unknown
    assert "".join(otio(found)).count("Marker.2") == len(stream.document["incidents"]) >= 3
