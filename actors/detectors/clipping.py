"""Clipping: sound cut off at full scale."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from actors import spans
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
    hold_seconds: float = Field(
        1.0, ge=0, le=60, title="seconds without clipping that end an incident",
        description="Origin: our choice; a listener hears bursts closer than this as one fault.",
    )  # fmt: skip


class Clipping:
    """Finds clipping, to 100 ms; bursts less than ``hold_seconds`` apart are one incident.

    The peak is the greatest number of clipped samples per second, over 100 ms of one channel. Where coding has taken
    the plateaus away, the hops of 10 ms that go beyond the limit are counted instead: at least so many samples do.
    """

    name = "clipping"
    version = 1
    table: Table = "audio"
    metrics: tuple[str, ...] = ("peaks", "clipped_samples")
    severity: Severity = "warning"

    def __init__(self, settings: ClippingThresholds | None = None) -> None:
        self.settings = settings or ClippingThresholds()

    def start(self) -> Span:
        """Nothing clipped yet."""
        return Span()

    def judge(self, state: Span, rows: Rows) -> tuple[Span, list[Event]]:
        """Follow plateaus and peaks over full scale, across the rows between bursts."""
        plateaus = rows.columns["clipped_samples"].astype(np.int64).max(axis=1)
        peaks = rows.columns["peaks"].astype(np.float64).reshape(len(rows), HOPS, -1)
        over = np.count_nonzero(peaks > 10 ** (self.settings.limit_dbfs / 20), axis=1).max(axis=1)
        held = (plateaus >= self.settings.minimum_samples) | (over > 0)
        telling = hops.bridge(state, rows, held, rows.base.ceil(self.settings.hold_seconds))
        level = 10.0 * np.maximum(plateaus, over)
        state, moments = spans.follow(state, rows.where(telling), held[telling], level[telling], 0)
        return state, [self._event(rows, moment) for moment in moments]

    def finish(self, state: Span, rows: Rows) -> list[Event]:
        """Close clipping that lasts to the end."""
        return [self._event(rows, moment) for moment in spans.close(state)]

    def unknown(self, format_text: str) -> str | None:
        """Clipping can be told in every format."""
        return None

    def _event(self, rows: Rows, moment: Moment) -> Event:
        return spans.event(self, rows, moment, unit="samples/s", message="sound is cut off at full scale")
