"""Incidents as markers on a timeline of OpenTimelineIO: https://opentimelineio.readthedocs.io (file format, JSON).

Written by hand: the format is JSON, and its library a compiled one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from serve.report.timecode import frame

if TYPE_CHECKING:
    from actors.document import Document
    from serve.report.told import Told

_COLOURS = {"critical": "RED", "warning": "YELLOW", "info": "BLUE"}
_KINDS = {"video": "Video", "audio": "Audio"}


def otio(stream: Told) -> Iterator[str]:
    """A timeline with a track for each of the stream's, a clip as long as it on each, and the incidents on that."""
    rate = stream.rate()
    tracks = [_track(entry, stream, rate) for entry in stream.document["tracks"]]
    timeline = _thing("Timeline.1", stream.name) | {
        "global_start_time": None, "tracks": _item("Stack.1", "tracks") | {"children": tracks},
    }  # fmt: skip
    yield json.dumps(timeline, indent=1, allow_nan=False) + "\n"


def _track(entry: Document, stream: Told, rate: Fraction) -> Document:
    own = [one for one in stream.document["incidents"] if one["track"] == entry["track"]]
    clip = _item("Clip.2", stream.name) | {
        "source_range": _range(0, frame(stream.end_seconds, rate), rate),
        "markers": [_marker(incident, rate, stream.end_seconds) for incident in own],
        "media_references": {
            "DEFAULT_MEDIA": _thing("MissingReference.1", "")
            | {"available_range": None, "available_image_bounds": None}
        },
        "active_media_reference_key": "DEFAULT_MEDIA",
    }
    return _item("Track.1", entry["track"]) | {"children": [clip], "kind": _KINDS[entry["kind"]]}


def _marker(incident: Document, rate: Fraction, until: float) -> Document:
    end = until if incident["end_seconds"] is None else incident["end_seconds"]
    first, last = frame(incident["start_seconds"], rate), frame(end, rate)
    return _thing("Marker.2", f"{incident['severity']} {incident['detector']}") | {
        "metadata": {"sightline": incident}, "color": _COLOURS[incident["severity"]],
        "marked_range": _range(first, last - first, rate), "comment": incident["message"],
    }  # fmt: skip


def _thing(schema: str, name: str) -> dict[str, Any]:
    return {"OTIO_SCHEMA": schema, "metadata": {}, "name": name}


def _item(schema: str, name: str) -> dict[str, Any]:
    return _thing(schema, name) | {"source_range": None, "effects": [], "markers": [], "enabled": True}


def _range(first: int, length: int, rate: Fraction) -> Document:
    return {
        "OTIO_SCHEMA": "TimeRange.1", "start_time": _time(first, rate), "duration": _time(max(length, 0), rate),
    }  # fmt: skip


def _time(value: int, rate: Fraction) -> Document:
    return {"OTIO_SCHEMA": "RationalTime.1", "rate": float(rate), "value": float(value)}
