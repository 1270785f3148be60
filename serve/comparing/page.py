"""One self-contained HTML page on a comparison: no script, nothing fetched. Every number of it is the document's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from typing import TYPE_CHECKING

from serve.comparing import drawn
from serve.comparing.document import caution, columns
from serve.comparing.machine import described
from serve.comparing.table import Cell, groups, ways
from serve.comparing.words import number, size

if TYPE_CHECKING:
    from actors.document import Document

_COLOURS = ("#3b6fb6", "#c2571a", "#4f8f3a", "#8a5aa8", "#8a7420", "#4a8a94")
_DARK = ("#7aa7e0", "#f0975c", "#8cc878", "#c29ade", "#cdb65a", "#7fc4cf")
_STYLE = """
:root { color-scheme: light dark; --line: #8884; --bad: #c62828 }
body { font: 15px/1.45 system-ui, sans-serif; max-width: 68rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.5rem; margin-bottom: .2rem; overflow-wrap: anywhere }
h2 { font-size: 1.1rem; margin: 2.4rem 0 .4rem }
p { margin: .2rem 0 .6rem }
.faint { opacity: .75 }
.bad { color: var(--bad); overflow-wrap: anywhere }
.wide { overflow-x: auto }
svg { width: 100%; height: auto; display: block; margin: .4rem 0 }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; padding: .2rem .8rem .2rem 0; vertical-align: top; font-variant-numeric: tabular-nums }
td { border-top: 1px solid var(--line) }
th + th, .number { text-align: right; white-space: nowrap }
th:last-child.left { text-align: left }
th.group { padding-top: .9rem }
.in { padding-left: 1.2rem }
.key { display: inline-block; width: .8em; height: .8em; margin: 0 .35em 0 1.1em; border-radius: 2px }
.key:first-child { margin-left: 0 }
line { stroke: var(--line) } text { font: 12px system-ui, sans-serif; fill: currentColor }
polyline { fill: none; stroke-width: 2.5 }
a { color: inherit }
"""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def page(document: Document) -> str:
    """The page."""
    found = columns(document)
    title = f"Shapes compared: {escape(document['source'])}"
    return "".join((
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">',
        f'<title>{title}</title><meta name="viewport" content="width=device-width">',
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}"><style>{_STYLE}{_colours()}</style></head>',
        f"<body><h1>{title}</h1>", *_head(document), *_trouble(document),
        *(_measured(document, found) if found else ()), _equality(document), _prices(document), "</body></html>\n",
    ))  # fmt: skip


def _colours() -> str:
    def rules(palette: Sequence[str]) -> str:
        return " ".join(
            f".c{n} {{ fill: {colour}; background: {colour} }} .l{n} {{ stroke: {colour} }}"
            for n, colour in enumerate(palette)
        )

    return f"{rules(_COLOURS)}\n@media (prefers-color-scheme: dark) {{ :root {{ --bad: #ff6b62 }} {rules(_DARK)} }}\n"


def _head(document: Document) -> Iterator[str]:
    tracks = "; ".join(map(_track, document["tracks"]))
    yield f'<p class="faint">{escape(tracks)}</p>' if tracks else ""
    where = escape(described(document["machine"]))
    yield f'<p class="faint">Measured on {where} as it began, one shape after another.</p>'
    packing = document["packing"]
    yield (
        f'<p class="faint">Money in {document["currency"]} at list prices of {escape(document["region"])}, processors '
        f"rented by the {packing['host']} and {packing['utilisation']:.0%} full. A stream-hour is an hour of media.</p>"
    )
    if short := caution(document):
        yield f"<p>{escape(short[0].upper() + short[1:])}.</p>"


def _track(track: Document) -> str:
    if track["kind"] == "video":
        return f"{track['track']} {track['codec']} {track['width']}x{track['height']}, {track['frames']} frames"
    return f"{track['track']} {track['codec']} {track['sample_rate']} Hz, {track['channels']} channels"


def _trouble(document: Document) -> Iterator[str]:
    for entry in document["shapes"]:
        if entry["error"]:
            yield f'<p class="bad">{entry["shape"]}: {escape(entry["error"])}</p>'
    for entry in document["skipped"]:
        yield f'<p class="faint">{entry["shape"]} was not run: {escape(entry["reason"])}</p>'


def _measured(document: Document, found: Sequence[tuple[str, Document]]) -> Iterator[str]:
    yield f'<h2>Per stream-hour</h2><div class="wide"><table>{"".join(_table(document, found))}</table></div>'
    for entry in document["shapes"]:
        if jpeg := entry["as_jpeg"]:
            yield (
                f'<p class="faint">{entry["shape"]}, JPEG: the same run, billed as if its pictures were JPEGs, '
                f"{size(jpeg['bytes_per_picture'])} each on average. Bytes in the bucket and requests that write "
                "them are fewer; all else is as measured. Only lossless pictures give equal tables.</p>"
            )
    for heading, note, keys, drawing in drawn.all_of(document, found):
        yield f'<h2>{heading}</h2><p class="faint">{note}</p><p>{_key(keys)}</p>{drawing}'
    yield from _break_even(document)


def _table(document: Document, found: Sequence[tuple[str, Document]]) -> Iterator[str]:
    yield f"<tr><th>{''.join(f'<th>{escape(name)}' for name, _ in found)}</tr>"
    for group, rows in groups(document, found):
        if group:
            yield f'<tr><th class="group" colspan="{len(found) + 1}">{escape(group)}</tr>'
        for name, cells in rows:
            yield f'<tr><td class="{"in" if group else ""}">{escape(name)}{"".join(map(_cell, cells))}</tr>'


def _cell(cell: Cell) -> str:
    if cell.value is None:
        return f'<td class="number">{escape(cell.text)}'
    return f'<td class="number"><data value="{cell.value!r}">{escape(cell.text)}</data>'


def _key(names: Sequence[str]) -> str:
    return "".join(f'<span class="key c{n}"></span>{escape(name)}' for n, name in enumerate(names))


def _break_even(document: Document) -> Iterator[str]:
    yield "<h2>Decoding again, or sending frames</h2>"
    found = document["break_even"]
    if found["unknown"]:
        yield f'<p class="faint">Not known: {escape(found["unknown"])}.</p>'
        return
    of = found["measured"]
    yield (
        f'<p class="faint">Measured: {number(of["decoded_per_second"])} frames a second of '
        f"{size(of['bytes_per_frame'])}; {number(of['decode_cpu_seconds_per_frame'] * 1e3)} ms of CPU to decode one "
        f"(fused, reading and sound included), {number(of['copy_cpu_seconds_per_byte'] * 1e9)} ns to send a byte "
        "(colocated, less fused).</p>"
    )
    yield drawn.break_even(document)
    yield "<p>Decoding again is cheaper above these frames a second, or this size of one, if one alone changes.</p>"
    yield f'<div class="wide"><table>{"".join(_meetings(found["by_detectors"]))}</table></div>'
    yield "".join(f"<p>{escape(line[0].upper() + line[1:])}.</p>" for line in ways(document))


def _meetings(by_detectors: Sequence[Document]) -> Iterator[str]:
    yield '<tr><th><th colspan="2">shared memory<th colspan="2">between zones</tr><tr><th>detectors'
    yield f"{'<th>frames/s<th>frame' * 2}</tr>"
    for one in by_detectors:
        yield f"<tr><td>{one['detectors']}"
        for carrier in ("object_store", "network"):
            rate, frame = one[carrier]["sent_per_second"], one[carrier]["bytes_per_frame"]
            yield _figure(rate, "-" if rate is None else number(rate))
            yield _figure(frame, "-" if frame is None else size(frame))
        yield "</tr>"


def _figure(value: float | None, text: str) -> str:
    return _cell(Cell(text, value))


def _equality(document: Document) -> str:
    def told() -> Iterator[str]:
        for entry in document["shapes"]:
            if entry.get("compared") is None:
                continue
            verdict = "equal" if entry["equal"] else f"NOT equal: {len(entry['mismatches'])} mismatches"
            if entry["shape"] == document["baseline"]:
                verdict = "what the others are compared to"
            yield f"<li><b>{entry['shape']}</b>: {verdict}. {escape(entry['compared']['text'])}."
            yield "".join(f'<br><span class="bad">{escape(line)}</span>' for line in entry["mismatches"][:20])
            yield "</li>"

    return f"<h2>What was compared</h2><ul>{''.join(told())}</ul>"


def _exact(price: float) -> str:
    """A price as its sheet has it."""
    return f"{price:.14f}".rstrip("0").rstrip(".")


def _prices(document: Document) -> str:
    def rows() -> Iterator[str]:
        yield "<tr><th>price<th>amount<th>for<th>read on<th class='left'>where</tr>"
        for price in document["prices"]:
            shown = price["source"] + ("" if price["confirmed"] else " (does not bear out all of it)")
            yield (
                f'<tr><td>{escape(price["name"])}<td class="number"><data value="{price["price"]!r}">'
                f'{_exact(price["price"])}</data><td class="number">{price["per"]:,.15g} {escape(price["unit"])}'
                f'<td class="number">{price["date"]}<td>{escape(shown)}</tr>'
            )

    return f'<h2>Price list</h2><div class="wide"><table>{"".join(rows())}</table></div>'
