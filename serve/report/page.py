"""One self-contained HTML page on finished streams: no script, nothing fetched."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING

from serve.report.timeline import timeline
from serve.terminal.output import Tally, clock, counted, is_marker, marked, problem, totals, unknown

if TYPE_CHECKING:
    from actors.document import Document

_STYLE = """
:root { color-scheme: light dark; --critical: #c62828; --warning: #b26a00; --info: #607d8b; --line: #8884 }
@media (prefers-color-scheme: dark) { :root { --critical: #ff6b62; --warning: #ffb74d; --info: #90a4ae } }
body { font: 15px/1.45 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.5rem; margin-bottom: .2rem }
h2 { font-size: 1.1rem; margin: 2.4rem 0 .2rem; overflow-wrap: anywhere }
p { margin: .2rem 0 .6rem }
.faint { opacity: .7 }
.failed, .partial { color: var(--critical) }
svg { width: 100%; height: auto; display: block; margin: .6rem 0 }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; padding: .25rem .8rem .25rem 0; vertical-align: top }
td { border-top: 1px solid var(--line); white-space: nowrap }
td:last-child { width: 60%; white-space: normal; overflow-wrap: anywhere } .loudness td:last-child { width: auto }
.time { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums }
.critical { color: var(--critical); font-weight: 600 }
.warning { color: var(--warning); font-weight: 600 }
.explained { opacity: .65 }
rect.critical { fill: var(--critical) } rect.warning { fill: var(--warning) } rect.info { fill: var(--info) }
rect.explained { opacity: .35 }
rect.analysed { fill: #4caf5066 } rect.unreachable, rect.dropped { fill: #8888 }
rect.band { opacity: .18 } path { fill: none; stroke: #1e88e5 } path.reach { stroke-width: 2; opacity: .35 }
figure { display: inline-block; width: 15rem; margin: .4rem .8rem .4rem 0; vertical-align: top }
img { width: 100%; height: auto; display: block } figcaption { font-size: .8rem; overflow-wrap: anywhere }
line { stroke: var(--line) } text { font: 11px system-ui, sans-serif; fill: currentColor }
"""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


@dataclass(frozen=True, slots=True)
class Extra:
    """What a page has of a stream beside its document: graphs as SVG, and JPEGs of incidents by their ids."""

    graphs: str = ""
    stills: Mapping[str, bytes] = field(default_factory=dict)


NOTHING = Extra()
_LOUDNESS = {
    "integrated_lufs": "LUFS", "range_lu": "range, LU", "max_momentary_lufs": "most momentary, LUFS",
    "max_short_term_lufs": "most short-term, LUFS", "max_true_peak_dbtp": "true peak, dBTP",
}  # fmt: skip


def page(streams: Sequence[Document], results: str, extras: Mapping[str, Extra] | None = None) -> str:
    """The page: totals, then each stream that has something to tell with its timeline, then the names of the others.

    Args:
        streams: Their documents.
        results: The URI of the tables.
        extras: What else there is of streams, by name; these are told in any case.
    """
    extras = extras or {}
    tally = Tally()
    for stream in streams:
        tally.add(stream)
    told = [stream for stream in streams if tells(stream) or stream["stream"] in extras]
    quiet = [stream for stream in streams if stream not in told]
    critical, warnings = (tally.incidents[severity] for severity in ("critical", "warning"))
    title = f"Sightline: {critical} critical, {warnings} warning{'s' if warnings != 1 else ''}"
    return "".join((
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">',
        f'<title>{title}</title><meta name="viewport" content="width=device-width">',
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}"><style>{_STYLE}</style></head><body>',
        f'<h1>{title}</h1><p class="faint">{escape(totals(tally, results))}</p>',
        *(_section(stream, extras.get(stream["stream"], NOTHING)) for stream in told),
        _quiet(quiet), "</body></html>\n",
    ))  # fmt: skip


def tells(stream: Document) -> bool:
    """Whether there is anything to tell of a stream but its name."""
    return bool(stream["error"] or _defects(stream) or unknown(stream))


def _defects(stream: Document) -> list[Document]:
    return [incident for incident in stream["incidents"] if not is_marker(incident)]


def _section(stream: Document, extra: Extra) -> str:
    error = ""
    if stream["error"]:
        error = f'<p class="{stream["status"]}">{escape(problem(stream))}</p>'
    asides = "".join(f'<p class="faint">{escape(text)}</p>' for text in (*marked(stream), *unknown(stream)))
    return (
        f'<h2>{escape(stream["source"])}</h2><p class="faint">{_tracks(stream)}</p>{error}'
        f"{timeline(stream)}{extra.graphs}{_loudness(stream)}{_table(stream)}{asides}{_stills(stream, extra.stills)}"
    )


def _tracks(stream: Document) -> str:
    return escape("; ".join(_track(track) for track in stream["tracks"]))


def _track(track: Document) -> str:
    length = clock(track["duration_seconds"])
    if track["kind"] == "video":
        frames = f"{track['frames']} frames"
        return f"{track['track']} {track['codec']} {track['width']}x{track['height']}, {frames}, {length}"
    loudness = track["loudness"]["integrated_lufs"]
    level = "" if loudness is None else f", {loudness:.1f} LUFS"
    return f"{track['track']} {track['codec']} {track['sample_rate']} Hz, {track['channels']} channels{level}, {length}"


def _loudness(stream: Document) -> str:
    """What each sound track measures, where it was measured."""
    found = [track for track in stream["tracks"] if any(v is not None for v in track.get("loudness", {}).values())]
    if not found:
        return ""
    heads = "".join(f'<th class="time">{head}' for head in _LOUDNESS.values())
    rows = "".join(
        f"<tr><td>{escape(track['track'])}{''.join(_level(track['loudness'][name]) for name in _LOUDNESS)}</tr>"
        for track in found
    )
    return f'<table class="loudness"><tr><th>loudness{heads}</tr>{rows}</table>'


def _level(value: float | None) -> str:
    return f'<td class="time">{"" if value is None else f"{value:.1f}"}'


def _stills(stream: Document, stills: Mapping[str, bytes]) -> str:
    """The pictures that incidents start with."""
    shown = [incident for incident in stream["incidents"] if incident["id"] in stills]
    return "".join(
        f'<figure><img alt="" src="data:image/jpeg;base64,{b64encode(stills[one["id"]]).decode()}">'
        f"<figcaption>{clock(one['start_seconds'])} {escape(one['detector'])} {escape(one['track'])}: "
        f"{escape(one['message'])}</figcaption></figure>"
        for one in shown
    )


def _table(stream: Document) -> str:
    defects = _defects(stream)
    if not defects:
        return "" if stream["error"] else "<p>No incidents.</p>"
    head = '<tr><th class="time">start<th class="time">end<th>severity<th>detector<th>track<th>what</tr>'
    return f"<table>{head}{''.join(_rows(defects, {incident['id'] for incident in counted(stream)}))}</table>"


def _rows(incidents: Sequence[Document], bright: Collection[str]) -> Iterator[str]:
    detectors = {incident["id"]: incident["detector"] for incident in incidents}
    for incident in incidents:
        cause = incident["explained_by"]
        what = incident["message"] + (f" (explained by {detectors.get(cause, 'another incident')})" if cause else "")
        severity, faint = incident["severity"], "" if incident["id"] in bright else ' class="explained"'
        yield (
            f'<tr{faint}><td class="time">{clock(incident["start_seconds"])}'
            f'<td class="time">{clock(incident["end_seconds"])}<td class="{severity}">{severity}'
            f"<td>{escape(incident['detector'])}<td>{escape(incident['track'])}<td>{escape(what)}</tr>"
        )


def _quiet(streams: Sequence[Document]) -> str:
    if not streams:
        return ""
    lines = "".join(
        f'<li>{escape(stream["source"])} <span class="faint">{_tracks(stream)}</span></li>' for stream in streams
    )
    return f"<h2>Without incidents: {len(streams)}</h2><ul>{lines}</ul>"
