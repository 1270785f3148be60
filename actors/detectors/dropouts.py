"""Damage of tape and sensor: streaks that last a picture, lines shown again, and pixels that are dead."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from actors.detectors.bursts import QUIET, Burst, Hit, gather
from actors.detectors.dead_pixels import Speck, cut, followed
from actors.detectors.recent import Kept, appended, counts, hit, keys_of, newest
from actors.incident import Event, Severity, Thresholds
from actors.measure import Rows
from actors.media import Table
from actors.spans import BEFORE, Moment, close, event

CUT = 10.0
"""Score of a cut in % (as in the detector ``scene``)."""

STRIPED = 0.5
"""A picture of which more lines repeat is one of upright stripes, as colour bars are."""

FEWEST = 3
"""Of the last 30 pictures so many must have streaks, or repeated lines: fast motion may look so for one."""


class DropoutsThresholds(Thresholds):
    """When a picture has dropouts."""

    streak_share: float = Field(
        0.0004, gt=0, le=1, title="share of pixels in thin streaks that were not there before, at least",
        description="Origin: measured. Good clips have 0.00001 at most, old film 0.00003, fast interlaced pictures "
        "0.0003; a streak over a sixth of a line is 0.0003 of 576 lines.",
    )  # fmt: skip
    repeated_lines: float = Field(
        0.08, gt=0, le=1, title="share of lines that repeat the one above, at least",
        description="Origin: measured. Good clips have 0.004 at most, test patterns 0.05.",
    )  # fmt: skip
    dead_pixels: int = Field(
        1, ge=1, le=8, title="pixels that stand out through a cut, at least",
        description="Origin: our choice. Raise it where a logo has dots of a pixel.",
    )  # fmt: skip
    hold_seconds: float = Field(
        2.0, ge=0.2, le=60, title="seconds without any that end an incident", description="Origin: our choice."
    )


@dataclass(frozen=True, slots=True)
class Damage:
    """What is remembered.

    ``keys``, ``flags``: of the last pictures, and whether each has streaks, and repeated lines; ``told`` the newest of
    either that were told. ``difference``: luma change of the newest picture, for cuts. ``specks``: places followed.
    """

    keys: Kept = ()
    flags: Kept = ()
    told: tuple[int, int] = (BEFORE, BEFORE)
    difference: float = 0.0
    specks: tuple[Speck, ...] = ()
    streaks: Burst = QUIET
    lines: Burst = QUIET
    dead: Burst = QUIET


class Dropouts:
    """Streaks (part ``streaks``), lines that repeat (part ``lines``), and dead pixels (part ``dead_pixels``).

    Peak: the greatest share of pixels, or of lines; the most pixels.
    """

    name = "dropouts"
    version = 1
    table: Table = "video"
    metrics: tuple[str, ...] = ("streak_share", "repeated_lines", "specks", "luma_difference")
    severity: Severity = "warning"

    def __init__(self, settings: DropoutsThresholds | None = None) -> None:
        self.settings = settings or DropoutsThresholds()

    def start(self) -> Damage:
        """No picture yet."""
        return Damage()

    def judge(self, state: Damage, rows: Rows) -> tuple[Damage, list[Event]]:
        """Judge how many streaks and repeated lines there are, and where pixels stand out."""
        if not len(rows):
            return state, []
        levels = [rows.columns[name].astype(np.float64) for name in self.metrics[:2]]
        banded = (levels[1] >= self.settings.repeated_lines) & (levels[1] <= STRIPED)
        new = np.stack([levels[0] >= self.settings.streak_share, banded], axis=1)
        keys, flags = appended(state.keys, keys_of(rows)), appended(state.flags, new.astype(np.int64))
        hold = rows.base.ceil(self.settings.hold_seconds)
        streaked, streaks_told = _hits(keys, flags[:, 0] > 0, levels[0], state.told[0], "streaks")
        repeated, lines_told = _hits(keys, flags[:, 1] > 0, levels[1], state.told[1], "lines")
        specks, difference, stuck = self._dead(state, rows)
        streaks, first = gather(state.streaks, rows, streaked, hold)
        lines, second = gather(state.lines, rows, repeated, hold)
        dead, third = gather(state.dead, rows, stuck, hold)
        events = [
            self._event(rows, moment, part)
            for part, moments in (("streaks", first), ("lines", second), ("dead_pixels", third))
            for moment, _ in moments
        ]  # fmt: skip
        told = (streaks_told, lines_told)
        state = Damage(newest(keys), newest(flags), told, difference, specks, streaks, lines, dead)
        return state, sorted(events, key=lambda event: event.at)

    def finish(self, state: Damage, rows: Rows) -> list[Event]:
        """Close what is open."""
        parts = (("streaks", state.streaks), ("lines", state.lines), ("dead_pixels", state.dead))
        return [self._event(rows, moment, part) for part, burst in parts for moment in close(burst.closing)]

    def unknown(self, format_text: str) -> str | None:
        """Every picture can be judged."""
        return None

    def _dead(self, state: Damage, rows: Rows) -> tuple[tuple[Speck, ...], float, list[Hit]]:
        """Follow the places through new pictures; one with dead pixels is a fault since the first was seen."""
        specks, hits = state.specks, []
        known = np.append(state.difference, rows.columns["luma_difference"].astype(np.float64))
        last = np.maximum.accumulate(np.where(np.isnan(known), 0, np.arange(len(known))))
        cuts = (np.minimum(known[1:], np.abs(known[1:] - known[last[:-1]])) >= CUT).tolist()
        specks_of = rows.columns["specks"].astype(np.int64)
        marked, places, keys = np.any(specks_of >= 0, axis=1).tolist(), specks_of.tolist(), keys_of(rows).tolist()
        for index in range(len(rows)):
            if not (specks or marked[index]):
                continue
            if cuts[index]:
                specks = cut(specks)
            specks = followed(specks, places[index], tuple(keys[index][:4]))
            dead = [speck for speck in specks if speck.dead and speck.place in places[index]]
            if len(dead) >= self.settings.dead_pixels:
                new = [speck.since for speck in dead if not speck.told]
                epoch, wrap, pts, time = min(new, default=tuple(keys[index][:4]), key=lambda since: since[3])
                specks = tuple(replace(speck, told=speck.told or speck in dead) for speck in specks)
                level = float(len(dead))
                hits.append(Hit(index, epoch, wrap, pts, time, sum(keys[index][3:]), level, "dead_pixels"))
        return specks, float(known[last[-1]]), hits

    def _event(self, rows: Rows, moment: Moment, part: str) -> Event:
        peak = moment.span.peak
        message = {
            "streaks": f"streaks that last a picture, on {peak:.2%} of its pixels",
            "lines": f"{peak:.0%} of the lines repeat the one above",
            "dead_pixels": f"pixels that stand out through cuts: {peak:.0f}",
        }[part]
        unit = "pixels" if part == "dead_pixels" else "share"
        return event(self, rows, moment, unit=unit, message=message, part=part, cause=part)


def _hits(
    keys: NDArray[np.int64], flags: NDArray[np.bool_], level: NDArray[np.float64], told: int, kind: str
) -> tuple[list[Hit], int]:
    """New pictures that show a fault as some before them do; and the time of the newest that was told."""
    known = len(keys) - len(level)
    often = counts(flags[:, None])[:, 0] >= FEWEST
    hits = []
    for place in (known + np.flatnonzero(flags[known:] & often[known:])).tolist():
        found = hit(keys, flags, place, place - known, told, float(level[place - known]), kind)
        hits += [found] if found else []
        told = max(told, int(keys[place, 3]))
    return hits, told
