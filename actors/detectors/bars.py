"""Colour bars and plain colour where a programme should be."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from actors.detectors.patterns import PATTERNS, cells
from actors.incident import Event, Severity, Thresholds
from actors.measure import Rows
from actors.measure.picture.sums import COLUMNS, ROWS
from actors.media import Table, VideoFormat
from actors.spans import Moment, Span, close, event, follow, sought

CELLS = ROWS * COLUMNS
SOLID = "solid"
BLACK = 0.5
"""A plain picture without colour, with so many black pixels, is for the detector ``black`` to tell."""

TINT = 16
"""8-bit codes by which a colour difference is off the middle in what has colour: blue is as dark as black."""

NAMES = {
    "smpte": "SMPTE colour bars", "smpte_hd": "SMPTE HD colour bars", "ebu": "EBU colour bars", SOLID: "one colour",
}  # fmt: skip


class BarsThresholds(Thresholds):
    """When a picture is a test pattern, and when it is plain."""

    difference: float = Field(
        0.07, gt=0, le=0.5, title="mean difference from the pattern, as a share of the signal range, at most",
        description="Origin: measured. Bars that ffmpeg draws 0.01, recorded ones 0.06; programmes 0.15 and more.",
    )  # fmt: skip
    spread: float = Field(
        16, ge=0, le=255, title="8-bit codes from the darkest to the lightest pixel of a plain picture, at most",
        description="Origin: our choice; plain colour with coding noise 6 or less. Colours of cells may differ by a "
        "quarter of it.",
    )  # fmt: skip
    minimum_seconds: float = Field(
        2.0, ge=0, title="seconds that it must last", description="Origin: as in black; fades to white are shorter."
    )


@dataclass(frozen=True, slots=True)
class Shown:
    """What is remembered: a span for each name in NAMES, in their order."""

    spans: tuple[Span, ...] = (Span(),) * len(NAMES)


class Bars:
    """Colour bars (SMPTE, SMPTE HD, EBU), or a picture of a single colour that is not black. ``cause`` says which."""

    name = "bars"
    version = 1
    table: Table = "video"
    metrics: tuple[str, ...] = ("signature", "colours", "luma_min", "luma_max", "black_share")
    severity: Severity = "warning"

    def __init__(self, settings: BarsThresholds | None = None) -> None:
        self.settings = settings or BarsThresholds()

    def start(self) -> Shown:
        """Nothing yet."""
        return Shown()

    def judge(self, state: Shown, rows: Rows) -> tuple[Shown, list[Event]]:
        """Compare the cells of each picture to those of each pattern, and to each other."""
        if not len(rows):
            return state, []
        minimum = rows.base.ceil(self.settings.minimum_seconds)
        spans, events = [], list[Event]()
        level = np.full(len(rows), np.nan)
        shown = sought(rows, minimum, lambda places: self._held(rows, places))
        for kind, span, held in zip(NAMES, state.spans, shown, strict=True):
            after, moments = follow(span, rows, held, level, minimum)
            spans.append(after)
            events += [self._event(rows, moment, kind) for moment in moments]
        return Shown(tuple(spans)), sorted(events, key=lambda event: event.at)

    def finish(self, state: Shown, rows: Rows) -> list[Event]:
        """Close what is shown to the end."""
        pairs = zip(NAMES, state.spans, strict=True)
        return [self._event(rows, moment, kind) for kind, span in pairs for moment in close(span)]

    def unknown(self, format_text: str) -> str | None:
        """PQ and HLG have bars of their own."""
        transfer = VideoFormat.parse(format_text).transfer
        return None if transfer == "sdr" else f"{transfer.upper()} has colour bars of its own, which are not known here"

    def _held(self, rows: Rows, places: NDArray[np.int64]) -> NDArray[np.bool_]:
        """(k, m) whether the picture at each of m places is each of the k NAMES."""
        fmt = VideoFormat.parse(rows.format)
        luma, colours, low, high, black = (rows.columns[name][places].astype(np.float64) for name in self.metrics)
        colours = colours.reshape(len(places), 2, CELLS)
        found = _signal(luma, colours, fmt)
        names, patterns = _templates()
        known = ~np.isnan(patterns[:, :1])
        apart = np.stack([
            np.abs(found[:, :, mask[0]] - pattern[:, mask[0]]).mean(axis=(1, 2))
            for pattern, mask in zip(patterns, known, strict=True)
        ])  # fmt: skip
        best, near = apart.argmin(axis=0), apart.min(axis=0) <= self.settings.difference
        told = fmt.transfer == "sdr" and fmt.planes == 3
        kind = np.where(near & told, np.array(names)[best], "")
        steady = np.ptp(colours, axis=2).max(axis=1) <= self.settings.spread / 4 * 256
        tinted = (np.abs(colours.mean(axis=2) / 256 - 128) >= TINT).any(axis=1) & (fmt.planes == 3)
        plain = (high - low <= self.settings.spread) & steady & ((black < BLACK) | tinted) & (fmt.transfer == "sdr")
        return np.stack([*(kind == name for name in NAMES if name != SOLID), plain])

    def _event(self, rows: Rows, moment: Moment, kind: str) -> Event:
        seconds = rows.base.seconds(moment.span.end - moment.span.start)
        return event(self, rows, moment, unit="", message=f"{NAMES[kind]} for {seconds:.2f} s", part=kind, cause=kind)


def _signal(signature: NDArray[np.float64], colours: NDArray[np.float64], fmt: VideoFormat) -> NDArray[np.float64]:
    """(n, 3, cells): luma from 0 to 1, and both colour differences from -0.5 to 0.5."""
    luma, chroma = signature.reshape(len(signature), 1, CELLS) / 256, colours / 256 - 128
    if fmt.range == "full":
        return np.concatenate((luma / 255, chroma / 255), axis=1)
    return np.concatenate(((luma - 16) / 219, chroma / 224), axis=1)


@cache
def _templates() -> tuple[list[str], NDArray[np.float64]]:
    """The patterns' names, and (k, 3, cells) of them; NaN where a pattern is not looked at."""
    made = [(pattern.name, cells(pattern, matrix)) for pattern in PATTERNS for matrix in ("bt601", "bt709")]
    return [name for name, _ in made], np.stack([values for _, values in made])
