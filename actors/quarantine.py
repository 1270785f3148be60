"""A stream whose decoder has died at one place again and again: what is said of it instead of decoding it once more."""

from __future__ import annotations

from typing import Any

from actors.detectors.stalled import Position
from actors.incident import Event, EventKind

DETECTOR, VERSION = "decoder_crashed", 1


def reason(at: Position, crashes: int) -> str:
    """Why, in one line."""
    return f"its decoder crashed {crashes} times at {at.base.seconds(at.end):.3f} s: it is not decoded from there on"


def events(at: Position, crashes: int) -> list[Event]:
    """The incident, opened and closed at the packet that was being decoded."""
    kinds: tuple[EventKind, ...] = ("opened", "closed")
    return [
        Event(
            kind=kind, detector=DETECTOR, version=VERSION, track=at.track, part="", base=at.base, at=at.end,
            start_epoch=at.stamp.epoch, start_wrap=at.stamp.wrap, start_pts=at.stamp.pts, start=at.end,
            end=at.end if kind == "closed" else None, severity="critical", peak=float(crashes), unit="crashes",
            cause="", message=reason(at, crashes),
        )
        for kind in kinds
    ]  # fmt: skip


def facts(at: Position, crashes: int, *, live: bool) -> dict[str, Any]:
    """The summary of a run that decoded nothing."""
    return {
        "status": "partial", "error": reason(at, crashes), "epochs": at.stamp.epoch + 1, "live": live, "ledger": {},
        "tracks": {},
    }  # fmt: skip
