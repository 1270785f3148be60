"""A QC report in EBU's data model (``tag:qc.ebu.ch,2026-01``; https://github.com/ebu/qc): what was checked, and found.

Every detector is an item of the profile, with its thresholds as inputs; each of its verdicts on a track is a result,
with a segment for each incident. Items are named as detectors are: those of EBU's catalogue are defined by inputs and
outputs of their own. ``Start`` and ``End`` count frames from the stream's first one, at the rate that the locator's
timing extension gives (``TimingExtensionMediaPlaybackEditUnits.xsd``, ibid.); beside it are the exact seconds.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from fractions import Fraction
from importlib.metadata import version
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from serve.report.timecode import frame
from serve.terminal.exits import SEVERITIES
from serve.terminal.output import counted

if TYPE_CHECKING:
    from actors.document import Document
    from serve.report.told import Told

NAMESPACE = "tag:qc.ebu.ch,2026-01"
TIMING = "tag:qc.ebu.ch,2026-04:extensions:timing"
OWN = "https://sightline.invalid/report"
"""Of the extension properties, which are Sightline's."""

_IDS = uuid.UUID("0b1d2d0e-6a0d-5a52-8a4e-4f0a4c1e7d21")
Element = ElementTree.Element


def ebu_qc(stream: Told) -> Iterator[str]:
    """The report, the same text whenever it is written."""
    ElementTree.register_namespace("", NAMESPACE)
    ElementTree.register_namespace("timing", TIMING)
    ElementTree.register_namespace("sightline", OWN)
    root = _report(stream)
    ElementTree.indent(root)
    yield '<?xml version="1.0" encoding="UTF-8"?>\n'
    yield ElementTree.tostring(root, encoding="unicode") + "\n"


def _report(stream: Told) -> Element:
    at = stream.stored.checkpoint
    root = ElementTree.Element(f"{{{NAMESPACE}}}Report")
    _add(root, "ReportId", _id(stream.name, at.run, at.judgement, at.sequence))
    whole = stream.document["status"] == "completed"
    _add(root, "ExecutionStatus", "complete" if whole else "error")
    if not whole:
        _add(root, "ErrorDescription", stream.document["error"] or stream.document["status"])
    _add(root, "CheckResult", _truth(whole and not counted(stream.document)))
    _content(root, stream)
    _add(root, "LastModifiedDateTime", _modified(stream).isoformat(timespec="seconds"))
    _add(root, "OverallAnalysisDuration", f"PT{stream.document['usage']['wall_seconds']:.3f}S")
    _tool(root)
    _profile(root, stream)
    results, rate = _add(root, "ItemResults"), stream.rate()
    for verdict in stream.document["verdicts"]:
        _result(results, stream, verdict, rate)
    return root


def _modified(stream: Told) -> datetime:
    """When the newest event of this judgement was committed."""
    at = stream.stored.checkpoint
    where = [("stream", "=", stream.name), ("run", "=", at.run), ("judgement", "=", at.judgement)]
    times = stream.reader.read("events", ["recorded_at"], where)["recorded_at"].drop_null().to_pylist()
    return max(times, default=datetime.fromtimestamp(0, UTC)).astimezone(UTC)


def _content(parent: Element, stream: Told) -> None:
    _add(_add(_add(parent, "ContentId"), "ContentIdentifier"), "ID", stream.name)


def _tool(parent: Element) -> None:
    tool = _add(parent, "ToolInformation")
    _add(tool, "ToolID", "sightline")
    _add(tool, "ToolName", "Sightline")
    _add(tool, "Version", version("sightline"))


def _profile(root: Element, stream: Told) -> None:
    work = stream.stored.checkpoint.work
    profile = _add(root, "Profile")
    _add(profile, "ID", _id(json.dumps(work.detectors, sort_keys=True), work.settings))
    _content(profile, stream)
    _add(profile, "CheckResultRule", "AND")
    _add(profile, "Scopes")
    items, settings = _add(profile, "Items"), json.loads(work.settings)
    for name, number in work.detectors.items():
        item = _add(items, "Item")
        _named(item, name, number)
        _add(item, "UsedAs", "check")
        _add(item, "Scopes")
        inputs = _add(item, "Inputs")
        for field, value in settings.get(name, {}).items():
            given = _add(inputs, "Input")
            _add(given, "Name", _token(field))
            _add(given, "Value", "" if value is None else str(value))
    _add(profile, "ItemDefinitions")


def _named(parent: Element, name: str, number: int) -> None:
    _add(parent, "EBUQCID", _token(name))
    _add(parent, "EBUQCName", name)
    _add(parent, "EBUQCVersion", f"{number}.0")


def _result(parent: Element, stream: Told, verdict: Document, rate: Fraction) -> None:
    name, track = verdict["detector"], verdict["track"]
    own = [one for one in stream.document["incidents"] if (one["detector"], one["track"]) == (name, track)]
    result, known = _add(parent, "ItemResult"), verdict["state"] != "unknown"
    _named(result, name, stream.stored.checkpoint.work.detectors.get(name, 1))
    _add(result, "AnalysisMethodUsed", "measure")
    _add(result, "ExecutionStatus", "complete" if known else "error")
    if known:
        _add(result, "CheckResult", _truth(verdict["state"] == "ok"))
    else:
        _add(result, "ErrorDescription", verdict["reason"] or "unknown")
    _add(result, "ResultDescription", f"{name} on {track}: {verdict['state']}")
    if own:
        _add(result, "MaxSeverity", str(max(SEVERITIES.index(one["severity"]) for one in own)))
    _add(result, "DetectionMethod", "automatic")
    outputs = _add(result, "Outputs")
    _segments(outputs, own, rate, stream.end_seconds)


def _segments(parent: Element, incidents: Sequence[Document], rate: Fraction, until: float) -> None:
    for one in incidents:
        end = until if one["end_seconds"] is None else one["end_seconds"]
        output = _add(parent, "Output")
        _add(output, "Name", f"{_token(one['detector'])}-segment")
        place = _add(output, "Locator")
        _add(place, "Start", str(frame(one["start_seconds"], rate)))
        _add(place, "End", str(frame(end, rate)))
        exact = _add(place, "ExtensionProperties")
        unit = ElementTree.SubElement(exact, f"{{{TIMING}}}TimingExtensionMediaPlaybackEditUnits")
        ElementTree.SubElement(unit, f"{{{TIMING}}}EditRate").text = f"{rate.numerator}/{rate.denominator}"
        for name in ("start_seconds", "end_seconds"):
            if one[name] is not None:
                ElementTree.SubElement(exact, f"{{{OWN}}}{name}").text = f"{one[name]:.6f}"
        _add(output, "Track", one["track"])
        if one["peak"] is not None:
            _add(output, "Value", f"{one['peak']:g} {one['unit']}".strip())
        _add(_add(output, "Annotation"), "Text", one["message"])
        _add(output, "Severity", str(SEVERITIES.index(one["severity"])))


def _add(parent: Element, name: str, text: str | None = None) -> Element:
    element = ElementTree.SubElement(parent, f"{{{NAMESPACE}}}{name}")
    if text is not None:
        element.text = "".join(c if c.isprintable() else " " for c in text)
    return element


def _token(name: str) -> str:
    """A name as EBU's ids are written: letters, digits and hyphens."""
    return "".join(c if c.isascii() and c.isalnum() else "-" for c in name)


def _truth(value: object) -> str:
    return "true" if value else "false"


def _id(*parts: object) -> str:
    return f"urn:uuid:{uuid.uuid5(_IDS, '|'.join(map(str, parts)))}"
