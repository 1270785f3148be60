"""Clipping: sound cut off at full scale."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from actors import spans
from actors.detectors.sliding import slide
from actors.incident import Event, Severity, Thresholds
from actors.measure import Rows
from actors.measure.sound import HOPS, hops
from actors.media import Table
from actors.spans import Moment, Span


class ClippingThresholds(Thresholds):
    """When sound counts as clipped."""

    minimum_samples: int = Field(
        3, ge=1, le=19200, title="samples of plateaus within 100 ms of one channel",
        description="A plateau is 3 or more consecutive samples at 0.999 of full scale or above. Origin: the shortest "
        "plateau. Raise it to pass over single clipped peaks.",
    )  # fmt: skip
    limit_dbfs: float = Field(
        0.0, ge=-20, le=40, title="level in dBFS beyond which a single sample is clipping",
        description="Lossy coding turns plateaus into peaks, and what is over full scale is cut off by whatever plays "
        "it. Lower it to find more of what was clipped before coding, at the price of alarms on loud masters.",
    )  # fmt: skip
    near_dbfs: float = Field(
        -0.5, ge=-20, le=0, title="level in dBFS that peaks after clipping and lossy coding reach again and again",
        description="Origin: music driven 12 dB into clipping, coded in AAC and MP3, against the same music limited.",
    )  # fmt: skip
    near_share: float = Field(
        0.4, gt=0, le=1, title="share of the hops of 10 ms of a second whose peaks reach near_dbfs, at least",
        description="Origin: clipped by 12 dB 0.65 or more, brick-wall limited by 12 dB 0.33 or less, other masters "
        "0.05. Lower it to find lighter clipping, at the price of alarms on loud masters.",
    )  # fmt: skip
    hold_seconds: float = Field(
        1.0, ge=0, le=60, title="seconds without clipping that end an incident",
        description="Origin: our choice; a listener hears bursts closer than this as one fault.",
    )  # fmt: skip


WINDOW = 10
"""Rows of 100 ms over which the share of hops near full scale is taken."""

LINE_UP_DB = 0.1
"""Peaks that differ by less are a tone at a steady level, and no clipping."""


_FAR = 1e9
"""Greater than any peak."""

_NOT_NEAR = (0, _FAR, 0.0)
"""Hops near full scale, least and most, of a row without any."""


@dataclass(frozen=True, slots=True)
class Clipped:
    """What is remembered. ``near``: of each of the last rows how many hops came near full scale, least and most."""

    span: Span = Span()  # noqa: RUF009 - frozen
    near: tuple[tuple[int, float, float], ...] = ()


class Clipping:
    """Finds clipping, to 100 ms; bursts less than ``hold_seconds`` apart are one incident.

    The peak is the greatest number of clipped samples per second, over 100 ms of one channel. Where coding has taken
    the plateaus away, the hops of 10 ms are counted instead that go beyond the limit, or that come near full scale
    where those around do so, too: at least so many samples are clipped.
    """

    name = "clipping"
    version = 2
    table: Table = "audio"
    metrics: tuple[str, ...] = ("peaks", "clipped_samples")
    severity: Severity = "warning"

    def __init__(self, settings: ClippingThresholds | None = None) -> None:
        self.settings = settings or ClippingThresholds()

    def start(self) -> Clipped:
        """Nothing clipped yet."""
        return Clipped()

    def judge(self, state: Clipped, rows: Rows) -> tuple[Clipped, list[Event]]:
        """Follow plateaus, and peaks over and near full scale, across the rows between bursts."""
        if not len(rows):
            return state, []
        plateaus = rows.columns["clipped_samples"].astype(np.int64).max(axis=1)
        peaks = rows.columns["peaks"].astype(np.float64).reshape(len(rows), HOPS, -1)
        over = np.count_nonzero(peaks > 10 ** (self.settings.limit_dbfs / 20), axis=1).max(axis=1)
        near, remembered = self._near(state, peaks)
        held = (plateaus >= self.settings.minimum_samples) | (over > 0) | (near > 0)
        telling = hops.bridge(state.span, rows, held, rows.base.ceil(self.settings.hold_seconds))
        level = 10.0 * np.maximum(np.maximum(plateaus, over), near)
        span, moments = spans.follow(state.span, rows.where(telling), held[telling], level[telling], 0)
        return Clipped(span, remembered), [self._event(rows, moment) for moment in moments]

    def finish(self, state: Clipped, rows: Rows) -> list[Event]:
        """Close clipping that lasts to the end."""
        return [self._event(rows, moment) for moment in spans.close(state.span)]

    def unknown(self, format_text: str) -> str | None:
        """Clipping can be told in every format."""
        return None

    def _near(
        self, state: Clipped, peaks: NDArray[np.float64]
    ) -> tuple[NDArray[np.int64], tuple[tuple[int, float, float], ...]]:
        """Hops near full scale of each row (n,), 0 where too few of the second up to it are; and what to remember."""
        reached = peaks >= 10 ** (self.settings.near_dbfs / 20)
        new = np.tile(_NOT_NEAR, (len(peaks), 1))
        some = reached.any(axis=(1, 2))
        loud, reached = peaks[some], reached[some]
        new[some, 0] = np.count_nonzero(reached, axis=1).max(axis=1, initial=0)
        new[some, 1] = np.where(reached, loud, _FAR).min(axis=(1, 2), initial=_FAR)
        new[some, 2] = np.where(reached, loud, 0.0).max(axis=(1, 2), initial=0.0)
        before = [_NOT_NEAR] * (WINDOW - 1 - len(state.near)) + list(state.near)
        table = np.concatenate((np.array(before), new))
        sums = np.cumsum(table[:, 0])
        many = sums[WINDOW - 1 :] - np.append(0, sums[:-WINDOW]) >= self.settings.near_share * WINDOW * HOPS
        most, least = slide(np.maximum, table[:, 2], WINDOW), slide(np.minimum, table[:, 1], WINDOW)
        steady = most < least * 10 ** (LINE_UP_DB / 20)
        kept = table[max(1 - WINDOW, -len(state.near) - len(new)) :].tolist()
        counts = new[:, 0].astype(np.int64)
        return np.where(many & ~steady, counts, 0), tuple((int(count), *levels) for count, *levels in kept)

    def _event(self, rows: Rows, moment: Moment) -> Event:
        return spans.event(self, rows, moment, unit="samples/s", message="sound is cut off at full scale")
