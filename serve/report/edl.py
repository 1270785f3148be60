"""Incidents as markers in an edit decision list of CMX 3600, as DaVinci Resolve and Avid read them.

A marker is an event of one frame with two lines: ``NOTE |C:ResolveColorRed |M:NAME |D:FRAMES`` is the one that DaVinci
Resolve writes and reads (Timelines > Export > Timeline Markers to EDL), ``* LOC: TIMECODE RED NOTE`` a locator of Avid.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING

from serve.report.timecode import frame, timecode

if TYPE_CHECKING:
    from actors.document import Document
    from serve.report.told import Told

MOST = 999
"""Events that the format can number."""

_COLOURS = {"critical": ("Red", "RED"), "warning": ("Yellow", "YELLOW"), "info": ("Blue", "BLUE")}


def edl(stream: Told) -> Iterator[str]:
    """A marker for each incident and marker, by start, the first 999; times count from the stream's first frame."""
    rate, incidents = stream.rate(), stream.document["incidents"]
    yield f"TITLE: {_plain(stream.name)}\nFCM: NON-DROP FRAME\n"
    for number, incident in enumerate(incidents[:MOST], 1):
        yield _marker(number, incident, rate, stream.end_seconds)
    if len(incidents) > MOST:
        yield f"\n* {len(incidents) - MOST} MORE INCIDENTS DO NOT FIT INTO AN EDL\n"


def _marker(number: int, incident: Document, rate: Fraction, until: float) -> str:
    end = until if incident["end_seconds"] is None else incident["end_seconds"]
    first = max(frame(incident["start_seconds"], rate), 0)
    length = max(frame(end, rate) - first, 1)
    start, after = timecode(first, rate), timecode(first + 1, rate)
    resolve, avid = _COLOURS[incident["severity"]]
    name, note = _plain(f"{incident['detector']} {incident['track']}"), _plain(incident["message"])
    return (
        f"\n{number:03}  001      V     C        {start} {after} {start} {after}\n"
        f"{note} |C:ResolveColor{resolve} |M:{name} |D:{length}\n* LOC: {start} {avid:7} {name}: {note}\n"
    )


def _plain(text: str) -> str:
    """One line, without what parts the fields of a marker."""
    return " ".join(text.replace("|", "/").split())
