"""Packets that the demuxer or the decoder found damaged."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from pydantic import Field

from actors.detectors.bursts import QUIET, Burst, gather, hit_at
from actors.incident import Event, Severity, Thresholds
from actors.measure import Rows
from actors.media import Table
from actors.spans import Moment, close, event


class DecodeErrorsThresholds(Thresholds):
    """When damaged packets are one incident."""

    hold_seconds: float = Field(
        2.0, ge=0, le=3600, title="seconds without a damaged packet that end an incident",
        description="Origin: our choice; longer than a group of pictures, so that one loss is one incident.",
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Damage:
    """The burst that is open, and the times of the damaged packets of the last second."""

    burst: Burst = QUIET
    recent: tuple[int, ...] = ()


class DecodeErrors:
    """Damaged packets. Opens at the first; its peak is the most of them within a second, its cause their kind."""

    name = "decode_errors"
    version = 1
    table: Table = "packets"
    metrics: tuple[str, ...] = ("corrupt", "error")
    severity: Severity = "warning"

    def __init__(self, settings: DecodeErrorsThresholds | None = None) -> None:
        self.settings = settings or DecodeErrorsThresholds()

    def start(self) -> Damage:
        """No damage yet."""
        return Damage()

    def judge(self, state: Damage, rows: Rows) -> tuple[Damage, list[Event]]:
        """Judge ``corrupt`` and ``error``."""
        if not len(rows):
            return state, []
        columns = rows.columns
        errors = columns["error"]
        bad = np.flatnonzero(columns["corrupt"].astype(np.bool_) | (errors != ""))
        until = columns["time"].astype(np.int64) + columns["duration"].astype(np.int64)
        reached = np.maximum(np.maximum.accumulate(until), state.burst.reached)
        times = np.concatenate((np.array(state.recent, np.int64), reached[bad]))
        second = rows.base.ceil(1)
        rates = np.arange(len(times)) + 1 - np.searchsorted(times, times - second, side="right")
        hits = [
            hit_at(rows, index, float(rate), str(errors[index]) or "corrupt")
            for index, rate in zip(bad.tolist(), rates[len(state.recent) :].tolist(), strict=True)
        ]
        burst, moments = gather(state.burst, rows, hits, rows.base.ceil(self.settings.hold_seconds))
        recent = tuple(times[times > reached[-1] - second].tolist())
        return Damage(burst, recent), [self._event(rows, moment, then) for moment, then in moments]

    def finish(self, state: Damage, rows: Rows) -> list[Event]:
        """Close what is open."""
        burst = state.burst
        return [self._event(rows, moment, burst) for moment in close(burst.closing)]

    def unknown(self, format_text: str) -> str | None:
        """Every coding can be judged, as far as the decoder notices damage: most damage it does not."""
        return None

    def _event(self, rows: Rows, moment: Moment, burst: Burst) -> Event:
        many = f"{burst.hits} damaged packets, mostly"
        message = f"{many if burst.hits > 1 else 'damaged packet:'} {burst.kind}"
        return event(self, rows, moment, unit="per s", message=message, cause=burst.kind)
