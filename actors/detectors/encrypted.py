"""Tracks that are scrambled or encrypted, so that nothing of them can be decoded."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from pydantic import Field

from actors.detectors.bursts import QUIET, Burst, Hit, gather, hit_at
from actors.incident import Event, Severity, Thresholds
from actors.measure import Rows
from actors.media import Table
from actors.spans import IDLE, Moment, Span, begin, close, event


class EncryptedThresholds(Thresholds):
    """When encrypted stretches are one incident."""

    minimum_seconds: float = Field(
        0.2, ge=0, le=3600, title="seconds of scrambled transport packets, without a clear packet, at least",
        description="Origin: our choice; the damaged header of one packet is none.",
    )  # fmt: skip
    hold_seconds: float = Field(
        2.0, ge=2, le=3600, title="seconds in the clear that end an incident",
        description="Origin: as in decode_errors. Not less: what is scrambled is told in pieces of up to 2 s.",
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Secrecy:
    """The burst that is open; the newest row and where it ends, and whether it was encrypted."""

    burst: Burst = QUIET
    newest: Span = IDLE
    encrypted: bool = False


class Encrypted:
    """Scrambled transport packets, or encrypted samples: nothing of the track can be decoded. The peak is in seconds.

    It lasts from the end of the last packet that is clear to the first one that is clear again.
    """

    name = "encrypted"
    version = 1
    table: Table = "packets"
    metrics: tuple[str, ...] = ("encrypted", "scrambled", "bytes")
    severity: Severity = "warning"

    def __init__(self, settings: EncryptedThresholds | None = None) -> None:
        self.settings = settings or EncryptedThresholds()

    def start(self) -> Secrecy:
        """No packet yet."""
        return Secrecy()

    def judge(self, state: Secrecy, rows: Rows) -> tuple[Secrecy, list[Event]]:
        """Judge ``encrypted``, and ``scrambled`` of what lies between a packet and the one before."""
        if not len(rows):
            return state, []
        own, bytes_ = rows.columns["encrypted"].astype(np.bool_), rows.columns["bytes"]
        hits = []
        for index in np.flatnonzero(own | (rows.columns["scrambled"].astype(np.int64) > 0)).tolist():
            if own[index]:
                hits.append(hit_at(rows, index, 0.0, "encrypted" if bytes_[index] else "scrambled"))
                continue
            hit = _between(rows, index, _ended(rows, index - 1) if index else state.newest)
            goes_on = own[index - 1] if index else state.encrypted
            if goes_on or hit.end - hit.start >= rows.base.ceil(self.settings.minimum_seconds):
                hits.append(hit)
        burst, moments = gather(state.burst, rows, hits, rows.base.ceil(self.settings.hold_seconds))
        state = Secrecy(burst, _ended(rows, len(rows) - 1), bool(own[-1]))
        return state, [self._event(rows, moment, then) for moment, then in moments]

    def finish(self, state: Secrecy, rows: Rows) -> list[Event]:
        """Close what is open."""
        return [self._event(rows, moment, state.burst) for moment in close(state.burst.closing)]

    def unknown(self, format_text: str) -> str | None:
        """Every coding can be encrypted."""
        return None

    def _event(self, rows: Rows, moment: Moment, burst: Burst) -> Event:
        seconds = rows.base.seconds(moment.span.end - moment.span.start)
        message = f"{burst.kind} for {seconds:.1f} s: nothing else is known of it"
        made = event(self, rows, moment, unit="s", message=message, cause=burst.kind)
        return replace(made, peak=seconds)


def _ended(rows: Rows, index: int) -> Span:
    """A row's key, with where it stops being shown."""
    row = begin(rows, index)
    return replace(row, start=row.start + int(rows.columns["duration"][index]))


def _between(rows: Rows, index: int, before: Span) -> Hit:
    """What was scrambled between a row and the one before, of which no other row tells."""
    row = begin(rows, index)
    first = before if before.active and before.epoch == row.epoch and before.start <= row.start else row
    return Hit(index, first.epoch, first.wrap, first.pts, first.start, row.start, 0.0, "scrambled")
