"""A stream's timeline as SVG: coverage of each track, and above the axis every detector that has incidents."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import TYPE_CHECKING

from serve.terminal.output import clock, counted

if TYPE_CHECKING:
    from actors.document import Document

LEFT, WIDTH, RIGHT, _ROW = 130, 1000, 30, 18
_MARK = 2.0
_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400)
_TICKS = 10


def timeline(stream: Document) -> str:
    """The drawing, with a title on every bar; nothing where no second is covered."""
    end = max((span["end_seconds"] for span in stream["coverage"]), default=0.0)
    if end <= 0:
        return ""
    lanes = dict.fromkeys(f"{i['detector']} {i['track']}" for i in stream["incidents"])
    lanes |= dict.fromkeys(f"coverage {span['track']}" for span in stream["coverage"])
    rows = {name: number for number, name in enumerate(lanes)}
    bottom = len(rows) * _ROW
    return "".join((
        f'<svg viewBox="0 0 {LEFT + WIDTH + RIGHT} {bottom + _ROW}" role="img" aria-label="timeline">',
        *axis(end, bottom),
        *(f'<text x="0" y="{row * _ROW + 13}">{escape(name)}</text>' for name, row in rows.items()),
        *_bars(stream, rows, end), "</svg>",
    ))  # fmt: skip


def axis(end: float, bottom: int) -> Iterator[str]:
    """Marks at round times of ``end`` seconds, and below them the times."""
    step = next((step for step in _STEPS if end / step <= _TICKS), _STEPS[-1])
    for number in range(int(end // step) + 1):
        left = LEFT + WIDTH * number * step / end
        yield f'<line x1="{left:.1f}" x2="{left:.1f}" y1="0" y2="{bottom}"/>'
        yield f'<text x="{left:.1f}" y="{bottom + 13}" text-anchor="middle">{clock(number * step)[:-4]}</text>'


def _bars(stream: Document, rows: dict[str, int], end: float) -> Iterator[str]:
    bright = {i["id"] for i in counted(stream)}
    for i in stream["incidents"]:
        stop = end if i["end_seconds"] is None else i["end_seconds"]
        kind = f"{i['severity']} explained" if i["explained_by"] and i["id"] not in bright else i["severity"]
        yield _bar(rows[f"{i['detector']} {i['track']}"], i["start_seconds"], stop, end, kind, i["message"])
    for span in stream["coverage"]:
        title = span["reason"] or span["state"]
        row = rows[f"coverage {span['track']}"]
        yield _bar(row, span["start_seconds"], span["end_seconds"], end, span["state"], title)


def _bar(row: int, start: float, stop: float, end: float, kind: str, title: str) -> str:
    left = LEFT + WIDTH * min(max(start, 0.0), end) / end
    width = max(LEFT + WIDTH * min(stop, end) / end - left, _MARK)
    return (
        f'<rect class="{escape(kind)}" x="{left:.1f}" y="{row * _ROW + 3}" width="{width:.1f}" height="{_ROW - 6}">'
        f"<title>{escape(title)}, {clock(start)} to {clock(stop)}</title></rect>"
    )
