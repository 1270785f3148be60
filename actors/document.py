"""One stream's results as the plain values of the contract: what ``--json`` prints and the API serves."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from actors.clock import TimeBase
from actors.coverage import Stretch
from actors.incident import Event
from actors.media import AudioFormat, VideoFormat
from actors.url import shown

Document = dict[str, Any]

NO_LOUDNESS = dict.fromkeys(
    ("integrated_lufs", "range_lu", "max_momentary_lufs", "max_short_term_lufs", "max_true_peak_dbtp")
)
NO_USAGE: Document = {
    "shape": "fused", "cpu_seconds": 0.0, "cpu_decode_seconds": 0.0, "cpu_picture_seconds": 0.0,
    "cpu_other_seconds": 0.0, "wall_seconds": 0.0, "media_seconds": 0.0, "peak_memory_bytes": 0, "batches": 0,
    "copies": 0, "bytes_direct": 0, "bytes_object_store": 0, "bytes_network": 0, "bytes_bucket": 0,
    "requests_bucket": 0, "requests_put": 0, "requests_get": 0, "requests_list": 0, "requests_delete": 0,
    "transitions": 0, "functions": 0, "function_gb_seconds": 0.0, "frames_decoded_again": 0,
}  # fmt: skip


def incident(event: Event, stream: str) -> Document:
    """The newest revision of an incident."""
    return {
        "id": event.id(stream), "detector": event.detector, "track": event.track,
        "start_seconds": _rounded(event.base, event.start),
        "end_seconds": None if event.end is None else _rounded(event.base, event.end),
        "severity": event.severity, "peak": finite(event.peak), "unit": event.unit, "cause": event.cause,
        "explained_by": event.explained_by, "message": event.message,
    }  # fmt: skip


def incidents(events: Iterable[Event], stream: str) -> list[Document]:
    """The newest revision of each incident, and the markers, by start and detector."""
    newest = {event.id(stream): event for event in events}
    ordered = sorted(newest.values(), key=lambda e: (e.base.exact(e.start), e.track, e.detector, e.part))
    return [incident(event, stream) for event in ordered]


def coverage(track: str, base: TimeBase, stretches: Sequence[Stretch]) -> list[Document]:
    """A track's coverage with stretches of one state and reason joined."""
    joined: list[tuple[int, int, str, str]] = []
    for stretch in sorted(stretches, key=lambda s: s.start):
        if joined and joined[-1][1:] == (stretch.start, stretch.state, stretch.reason):
            joined[-1] = (joined[-1][0], stretch.end, stretch.state, stretch.reason)
        else:
            joined.append((stretch.start, stretch.end, stretch.state, stretch.reason))
    return [
        {
            "track": track, "start_seconds": _rounded(base, start), "end_seconds": _rounded(base, end),
            "state": state, "reason": reason,
        }
        for start, end, state, reason in joined
    ]  # fmt: skip


def video_track(track: str, fmt: VideoFormat, frames: int, seconds: float) -> Document:
    """The entry of a video track, with the format that it had at its end."""
    return {
        "track": track, "kind": "video", "codec": fmt.codec, "width": fmt.width, "height": fmt.height,
        "frames": frames, "duration_seconds": round(seconds, 6),
    }  # fmt: skip


def audio_track(
    track: str, fmt: AudioFormat, seconds: float, language: str | None, loudness: Mapping[str, float | None] | None
) -> Document:
    """The entry of a sound track. ``loudness`` is None where the detector was not asked for."""
    measured = {name: finite(value) for name, value in (loudness or NO_LOUDNESS).items()}
    return {
        "track": track, "kind": "audio", "codec": fmt.codec, "sample_rate": fmt.rate, "channels": fmt.channels,
        "language": language, "duration_seconds": round(seconds, 6), "loudness": measured,
    }  # fmt: skip


def failed(stream: str, source: str, error: str) -> Document:
    """A stream of which nothing could be read."""
    return {
        "stream": stream, "source": shown(source), "status": "failed", "error": shown(error), "epochs": 0, "tracks": [],
        "coverage": [], "verdicts": [], "incidents": [], "usage": dict(NO_USAGE),
    }  # fmt: skip


def finite(value: float | None) -> float | None:
    """JSON has no NaN and no infinity."""
    return value if value is not None and math.isfinite(value) else None


def _rounded(base: TimeBase, ticks: int) -> float:
    return round(base.seconds(ticks), 6)
