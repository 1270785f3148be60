"""What is said of a stream once it has ended: its tracks, and each detector's verdict on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from actors import document
from actors.clock import TimeBase
from actors.coverage import Stretch
from actors.document import Document
from actors.judging import AnyDetector, Judges
from actors.media import AudioFormat, VideoFormat

_OF_BOTH = ("av_skew", "av_sync")
"""Detectors that hold sound against pictures; what they find is the sound's."""

Covered = Mapping[str, tuple[TimeBase, Sequence[Stretch]]]


def tracks(facts: Mapping[str, Mapping[str, Any]], covered: Covered, judges: Judges) -> list[Document]:
    """An entry for each track of the source.

    Args:
        facts: By track: ``codec``, ``language``, ``frames``, as the source and the ledger say.
        covered: By track: its coverage.
        judges: For formats and loudness.
    """
    entries = []
    for track, said in sorted(facts.items(), key=lambda item: (item[0][0] != "v", item[0])):
        base, stretches = covered.get(track, (TimeBase(1, 1), ()))
        seconds = base.seconds(stretches[-1].end - stretches[0].start) if stretches else 0.0
        if track.startswith("v"):
            text = judges.format_of(f"video/{track}")
            video = VideoFormat.parse(text) if text else _no_pictures(said["codec"])
            entries.append(document.video_track(track, video, said["frames"], seconds))
        else:
            text = judges.format_of(f"audio/{track}")
            audio = AudioFormat.parse(text) if text else AudioFormat(said["codec"], 0, 0, "")
            loudness = judges.loudness(track)
            entries.append(document.audio_track(track, audio, seconds, said["language"], loudness))
    return entries


def _no_pictures(codec: str) -> VideoFormat:
    return VideoFormat(codec, 0, 0, "", 8, 0, 0, 1, "assumed", "sdr")


def verdicts(
    detectors: Sequence[AnyDetector], facts: Mapping[str, Mapping[str, Any]], judges: Judges, *, live: bool
) -> list[Document]:
    """Each detector's verdict on each track that it judges: ``ok``, ``incident``, or ``unknown`` and why.

    Of a source that gave no track there is one each, on track ''.
    """
    given = [] if facts else _of_nothing(detectors, judges)
    failed = judges.failed_models()
    for detector in detectors:
        for track in _judged_by(detector, facts, live=live):
            text = judges.format_of(f"{detector.table}/{track}")
            reason = f"nothing of {track} could be decoded" if text is None else detector.unknown(text)
            if detector.name not in ("encrypted", "stalled") and judges.found.get(f"encrypted|{track}"):
                reason = f"{track} was encrypted: nothing is known of what it held meanwhile"
            if detector.name in _OF_BOTH and not any(name.startswith("v") for name in facts):
                reason = reason or "there are no pictures that its sound could be held against"
            reason = reason or judges.doubt(detector, track)
            if (why := failed.get(detector.name)) is not None:
                reason = f"the model was cut off: {why}"
            found = judges.found.get(f"{detector.name}|{track}", 0) or (
                detector.name == "stalled" and any(key.startswith("stalled|") for key in judges.found)
            )  # fmt: skip
            state = "incident" if found else "unknown" if reason else "ok"
            given.append({"detector": detector.name, "track": track, "state": state, "reason": reason or ""})
    return given


def _of_nothing(detectors: Sequence[AnyDetector], judges: Judges) -> list[Document]:
    stalled = any(key.startswith("stalled|") for key in judges.found)
    return [
        {"detector": name, "track": "", "state": "incident", "reason": ""} if stalled and name == "stalled"
        else {"detector": name, "track": "", "state": "unknown", "reason": "nothing of the source could be decoded"}
        for name in dict.fromkeys(detector.name for detector in detectors)
    ]  # fmt: skip


def _judged_by(detector: AnyDetector, facts: Mapping[str, Mapping[str, Any]], *, live: bool) -> list[str]:
    if detector.name == "stalled":
        return list(facts)[:1] if live else []
    if detector.name in _OF_BOTH:
        return [track for track in facts if track.startswith("a") and detector.table != "video"]
    if detector.name == "captions":
        return [track for track in facts if track.startswith("v")]
    if detector.name == "transport":
        return [track for track, said in facts.items() if said.get("transport")]
    kind = {"video": "v", "audio": "a", "metrics": "v"}.get(detector.table, "")
    return [track for track in facts if track.startswith(kind)]
