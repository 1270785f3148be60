"""Drawings of a comparison as SVG: bars and curves, with a title on every mark. Colours are classes of the page."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape

_LEFT, _WIDTH, _RIGHT, _ROW, _THICK = 150.0, 640.0, 210.0, 30.0, 18.0
_PLOT_HEIGHT, _MARGIN, _FOOT = 240.0, 90.0, 56.0
_LEAST = 1.0
"""Of a part that is not nothing, in units of the drawing, so that it is seen."""


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a bar. ``name`` gives its colour, ``text`` is what its title says."""

    name: str
    value: float
    text: str


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar of parts, and what stands at its end."""

    label: str
    parts: Sequence[Part]
    end: str

    @property
    def value(self) -> float:
        """The whole of it."""
        return sum(part.value for part in self.parts)


def stacked(title: str, bars: Sequence[Bar], colours: Mapping[str, int], *, shares: bool = False) -> str:
    """Bars of parts side by side, on one scale from 0; with ``shares`` every bar is as long as the others.

    Args:
        title: For those who do not see it.
        bars: From above.
        colours: The number of each part's colour, by its name.
        shares: Show what each bar is made of.
    """
    most = max((bar.value for bar in bars), default=0.0)

    def drawn() -> Iterator[str]:
        for row, bar in enumerate(bars):
            scale, left = _WIDTH / ((bar.value if shares else most) or 1.0), _LEFT
            for part in bar.parts:
                if width := max(part.value * scale, _LEAST if part.value else 0.0):
                    yield _box(row, left, width, colours[part.name], f"{bar.label}, {part.text}")
                    left += width
            yield from _texts(row, bar, left)

    return _drawing(title, len(bars) * _ROW, drawn())


def logarithmic(title: str, bars: Sequence[Bar]) -> str:
    """Bars from a tenth of the least on, so that each tenfold is one step to the right. A bar of 0 has no length."""
    known = [bar.value for bar in bars if bar.value > 0]
    low = math.floor(math.log10(min(known, default=1.0))) - 1
    steps = max(math.ceil(math.log10(max(known, default=1.0))) - low, 1)

    def drawn() -> Iterator[str]:
        for step in range(steps + 1):
            left, bottom = _LEFT + _WIDTH * step / steps, len(bars) * _ROW
            yield f'<line x1="{left:.1f}" x2="{left:.1f}" y1="0" y2="{bottom:.0f}"/>'
            yield f'<text x="{left:.1f}" y="{bottom + 14:.0f}" text-anchor="middle">{_power(low + step)}</text>'
        for row, bar in enumerate(bars):
            width = (math.log10(bar.value) - low) / steps * _WIDTH if bar.value > 0 else 0.0
            yield _box(row, _LEFT, width, 0, f"{bar.label}, {bar.end}")
            yield from _texts(row, bar, _LEFT + width)

    return _drawing(title, len(bars) * _ROW + 20, drawn())


def curves(title: str, lines: Mapping[str, Sequence[tuple[int, float]]], across: str) -> str:
    """Lines over whole numbers, each tenfold one step up, each with its name at its end. What is 0 is left out.

    Args:
        title: For those who do not see it.
        lines: Points by name.
        across: What the numbers are of.
    """
    points = [point for line in lines.values() for point in line if point[1] > 0]
    if not points:
        return ""
    low, high = math.floor(math.log10(min(y for _, y in points))), math.ceil(math.log10(max(y for _, y in points)))
    first, last = min(x for x, _ in points), max(x for x, _ in points)
    rise, run = _PLOT_HEIGHT / max(high - low, 1), _WIDTH / max(last - first, 1)

    def at(x: int, y: float) -> tuple[float, float]:
        return _MARGIN + (x - first) * run, _PLOT_HEIGHT + 8 - (math.log10(y) - low) * rise

    def drawn() -> Iterator[str]:
        for power in range(low, high + 1):
            _, top = at(first, 10.0**power)
            yield f'<line x1="{_MARGIN}" x2="{_MARGIN + _WIDTH}" y1="{top:.1f}" y2="{top:.1f}"/>'
            yield f'<text x="{_MARGIN - 8}" y="{top + 4:.1f}" text-anchor="end">{_power(power)}</text>'
        for x in range(first, last + 1):
            yield f'<text x="{at(x, 10.0**low)[0]:.1f}" y="{_PLOT_HEIGHT + 24}" text-anchor="middle">{x}</text>'
        for number, (name, line) in enumerate(lines.items()):
            yield from _curve(number, name, [at(x, y) for x, y in line if y > 0])
        yield f'<text x="{_MARGIN}" y="{_PLOT_HEIGHT + 46}">{escape(across)}</text>'

    return _drawing(title, _PLOT_HEIGHT + _FOOT, drawn())


def _curve(number: int, name: str, places: Sequence[tuple[float, float]]) -> Iterator[str]:
    if not places:
        return
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    yield f'<polyline class="l{number}" points="{path}"><title>{escape(name)}</title></polyline>'
    yield f'<text x="{places[-1][0] + 8:.1f}" y="{places[-1][1] + 4:.1f}">{escape(name)}</text>'


def _box(row: int, left: float, width: float, colour: int, title: str) -> str:
    top = row * _ROW + (_ROW - _THICK) / 2
    return (
        f'<rect class="c{colour}" x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="{_THICK:.0f}">'
        f"<title>{escape(title)}</title></rect>"
    )


def _texts(row: int, bar: Bar, right: float) -> Iterator[str]:
    """A bar's name before it, and what stands at its end."""
    base = row * _ROW + _ROW / 2 + 4
    yield f'<text x="{_LEFT - 8}" y="{base:.0f}" text-anchor="end">{escape(bar.label)}</text>'
    yield f'<text x="{right + 8:.1f}" y="{base:.0f}">{escape(bar.end)}</text>'


def _drawing(title: str, height: float, drawn: Iterator[str]) -> str:
    wide = _LEFT + _WIDTH + _RIGHT
    label = f'role="img" aria-label="{escape(title)}"'
    return f'<svg viewBox="0 0 {wide:.0f} {height:.0f}" {label}>{"".join(drawn)}</svg>'


def _power(exponent: int) -> str:
    """A power of ten as it is written at an axis."""
    return f"{10**exponent:,}" if exponent >= 0 else f"{10.0**exponent:.{-exponent}f}"
