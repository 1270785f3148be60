"""Fields of two moments in pictures that the stream says are of one, or in the other order than it says."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from actors.detectors.bursts import QUIET, Burst, Hit, gather
from actors.detectors.recent import WINDOW, Kept, appended, counts, hit, keys_of, newest
from actors.field_order import BOTTOM_FIRST, PROGRESSIVE, TOP_FIRST
from actors.incident import Event, Severity, Thresholds
from actors.measure import Rows
from actors.media import Table
from actors.spans import BEFORE, Moment, close, event

FEWEST = 8
"""Frames of a window that must show the fault, at least."""

TURN = 5
"""Frames after which 3:2 pulldown starts anew: in one of them the top field repeats, in another the bottom one."""

MESSAGES = {
    "combing": "fields of two moments, which the stream calls one picture",
    "telecine": "film at 3:2, which the stream calls progressive",
    "field_order": "fields in the other order than the stream says",
}


class InterlaceThresholds(Thresholds):
    """When a picture shows two fields, and how many pictures must."""

    ratio: float = Field(
        1.04, gt=1, le=10, title="times by which the fields fit worse in the other order, at least",
        description="Origin: ffmpeg's idet.",
    )  # fmt: skip
    progressive_ratio: float = Field(
        1.3, gt=1, le=10, title="times by which fields of neighbours fit worse than its own in a progressive picture",
        description="Origin: measured; interlaced pictures 0.8 to 1.3, test patterns that move 1.4 to 3. ffmpeg's idet "
        "has 1.5, but looks at the order first.",
    )  # fmt: skip
    repeat_ratio: float = Field(
        1.5, gt=1, le=100, title="times the change of a field that repeats that the other one changes, at least",
        description="Origin: measured; a pattern over 30 pictures asks less of each than the 3.0 of ffmpeg's idet. It "
        "only names the cause.",
    )  # fmt: skip
    share: float = Field(
        0.25, gt=0, le=1, title="share of the pictures that can be told, of the last 30, at least",
        description="Origin: measured; film at 3:2 shows it in 0.3 to 0.6, good clips in 0.05 at most.",
    )  # fmt: skip
    hold_seconds: float = Field(
        2.0, ge=0.2, le=60, title="seconds without such a picture that end an incident",
        description="Origin: our choice; where nothing moves, nothing shows.",
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Woven:
    """What is remembered.

    ``keys``: epoch, wrap, PTS, time and duration of the last frames. ``kinds``: of each, its fault (see
    :meth:`Interlace._kinds`), whether it can be told, and whether its top or its bottom field repeats. ``told``: time
    of the newest faulty frame that was told.
    """

    keys: Kept = ()
    kinds: Kept = ()
    told: int = BEFORE
    burst: Burst = QUIET


class Interlace:
    """Combed pictures in a progressive stream, film at 3:2 in one, and fields in the wrong order.

    Peak: the greatest share of the last 30 pictures, of those that can be told.
    """

    name = "interlace"
    version = 1
    table: Table = "video"
    metrics: tuple[str, ...] = (
        "weave_top_first", "weave_bottom_first", "weave_own", "top_difference", "bottom_difference", "field_order",
    )  # fmt: skip
    severity: Severity = "warning"

    def __init__(self, settings: InterlaceThresholds | None = None) -> None:
        self.settings = settings or InterlaceThresholds()

    def start(self) -> Woven:
        """No picture yet."""
        return Woven()

    def judge(self, state: Woven, rows: Rows) -> tuple[Woven, list[Event]]:
        """Judge the weaves. A still picture fits every way, and tells nothing."""
        if not len(rows):
            return state, []
        keys, kinds = appended(state.keys, keys_of(rows)), appended(state.kinds, self._kinds(rows))
        hits, told = self._hits(keys, kinds, len(state.keys), state.told)
        burst, moments = gather(state.burst, rows, hits, rows.base.ceil(self.settings.hold_seconds))
        events = [self._event(rows, moment, then) for moment, then in moments]
        return Woven(newest(keys), newest(kinds), told, burst), events

    def finish(self, state: Woven, rows: Rows) -> list[Event]:
        """Close what is open."""
        return [self._event(rows, moment, state.burst) for moment in close(state.burst.closing)]

    def unknown(self, format_text: str) -> str | None:
        """Every picture that moves can be judged."""
        return None

    def _kinds(self, rows: Rows) -> NDArray[np.int64]:
        """(n, 4): the fault (0 none; combing top first, 1, or bottom first, 2; wrong order, 3), and three flags."""
        limits = self.settings
        first, second, own, top, bottom = (rows.columns[name].astype(np.float64) for name in self.metrics[:5])
        said = rows.columns["field_order"].astype(np.int64)
        progressive = np.fmin(first, second) > limits.progressive_ratio * own
        top_first, bottom_first = second > limits.ratio * first, first > limits.ratio * second
        top_first, bottom_first = top_first & ~progressive, bottom_first & ~progressive
        fault = np.where(top_first, 1, np.where(bottom_first, 2, 0)) * (said == PROGRESSIVE)
        fault[(top_first & (said == BOTTOM_FIRST)) | (bottom_first & (said == TOP_FIRST))] = 3
        told = progressive | top_first | bottom_first
        repeats = bottom > limits.repeat_ratio * top, top > limits.repeat_ratio * bottom
        return np.stack([fault, told, *repeats], axis=1).astype(np.int64)

    def _hits(
        self, keys: NDArray[np.int64], kinds: NDArray[np.int64], known: int, told: int
    ) -> tuple[list[Hit], int]:
        """New frames that show a fault as enough of those before them do; and the time of the newest faulty one."""
        if not kinds[known:, 0].any():
            return [], told
        faults = kinds[:, :1] == np.arange(1, 4)
        alike, tellable = counts(faults), counts(kinds[:, 1:2])[:, 0]
        film = _is_film(kinds[:, 2] > 0, kinds[:, 3] > 0)
        hits = []
        for place in (known + np.flatnonzero(kinds[known:, 0])).tolist():
            fault = int(kinds[place, 0])
            count, share = int(alike[place, fault - 1]), float(alike[place, fault - 1] / tellable[place])
            kind = "field_order" if fault == 3 else "telecine" if film[place] else "combing"
            if count >= FEWEST and share >= self.settings.share:
                found = hit(keys, faults[:, fault - 1], place, place - known, told, share, kind)
                hits += [found] if found else []
                told = max(told, int(keys[place, 3]))
        return hits, told

    def _event(self, rows: Rows, moment: Moment, burst: Burst) -> Event:
        message = f"{MESSAGES[burst.kind]} ({moment.span.peak:.0%} of the pictures that move)"
        return event(self, rows, moment, unit="share", message=message, cause=burst.kind)


def _is_film(tops: NDArray[np.bool_], bottoms: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(n,): whether fields repeat as in 3:2 pulldown: one of each kind in most turns, two or three frames apart."""
    turn = np.arange(len(tops))[:, None] % TURN == np.arange(TURN)
    found = []
    for flags in (tops, bottoms):
        times = counts(turn & flags[:, None])
        most = times.max(axis=1)
        found.append((times.argmax(axis=1), (most >= WINDOW // TURN - 2) & (2 * most >= times.sum(axis=1))))
    (top, clear), (bottom, too) = found
    film: NDArray[np.bool_] = clear & too & np.isin((top - bottom) % TURN, (2, 3))
    return film
