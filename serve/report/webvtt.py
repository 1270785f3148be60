"""Incidents as WebVTT cues, for players: https://www.w3.org/TR/webvtt1/."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from actors.document import Document
    from serve.report.told import Told

_SHORTEST = 1.0
"""Seconds that a cue is shown at least: a cut has no length."""


def webvtt(stream: Told) -> Iterator[str]:
    """A cue for each incident and marker, by start; one that is open lasts to the end of what was analysed."""
    yield f"WEBVTT - {_line(stream.name)}\n"
    for incident in stream.document["incidents"]:
        yield f"\n{incident['id']}\n{_span(incident, stream.end_seconds)}\n{_text(incident)}\n"


def _span(incident: Document, until: float) -> str:
    start = max(incident["start_seconds"], 0.0)
    end = until if incident["end_seconds"] is None else incident["end_seconds"]
    return f"{_time(start)} --> {_time(max(end, start + _SHORTEST))}"


def _text(incident: Document) -> str:
    told = f"{incident['severity']} {incident['detector']} {incident['track']}: {incident['message']}"
    return escape(_line(told), quote=False)


def _line(text: str) -> str:
    """Text of one line: a cue ends with an empty one."""
    return " ".join(text.split())


def _time(seconds: float) -> str:
    millis = round(seconds * 1000)
    return f"{millis // 3_600_000:02}:{millis // 60_000 % 60:02}:{millis // 1000 % 60:02}.{millis % 1000:03}"
