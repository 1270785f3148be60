"""Defects of timestamps and formats: of where coded pictures and sound stand, and how they are coded."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, model_validator

from actors.inject.defects import AnyTrack, AudioTrack, Defect


class TimestampGap(Defect):
    """Frames or samples left out; the others keep their PTS. Coded sound is left out by whole coded frames.

    What is left out at an end of the clip is no gap, and refused.
    """

    detector: ClassVar[str] = "timestamps"
    kind: Literal["timestamp_gap"] = "timestamp_gap"
    start_seconds: float = Field(gt=0)
    length_seconds: float = Field(gt=0)


class SoundDrift(Defect):
    """Sound that comes later and later, or earlier where ``by`` is negative. It is coded as it is, its PTS drift."""

    detector: ClassVar[str] = "av_skew"
    kind: Literal["sound_drift"] = "sound_drift"
    track: AudioTrack = "a:0"
    length_seconds: None = None
    by: float = Field(ge=-400, le=400, description="ms in every second")


class SoundShift(Defect):
    """All sound later, or earlier where ``by`` is negative; what would be heard before its start is left out."""

    detector: ClassVar[str] = "av_sync"
    kind: Literal["sound_shift"] = "sound_shift"
    track: AudioTrack = "a:0"
    start_seconds: Literal[0] = 0
    length_seconds: None = None
    by: float = Field(ge=-5000, le=5000, description="ms")


class SoundCut(Defect):
    """Sound that ends early, by whole coded frames; pictures go on."""

    detector: ClassVar[str] = "av_skew"
    kind: Literal["sound_cut"] = "sound_cut"
    track: AudioTrack = "a:0"
    start_seconds: float = Field(gt=0)
    length_seconds: None = None


class Splice(Defect):
    """From here on the clip is a new run of the encoder and muxer, joined byte to byte. Needs a transport stream."""

    point: ClassVar[bool] = True
    length_seconds: None = None


class TimestampJump(Splice):
    """Every timestamp moves by ``by`` seconds from here on, back where it is negative, and nothing announces it."""

    detector: ClassVar[str] = "timestamps"
    kind: Literal["timestamp_jump"] = "timestamp_jump"
    by: float = Field(ge=-50_000, le=40_000, description="seconds")


class FormatChange(Splice):
    """Another size, pixel format or codec of pictures, or another rate, layout or codec of sound, from here on."""

    detector: ClassVar[str] = "format_change"
    kind: Literal["format_change"] = "format_change"
    size: str | None = Field(None, pattern=r"^[1-9]\d*x[1-9]\d*$", description="as 320x180")
    pixel_format: str | None = None
    codec: Literal["libx264", "libx265", "mpeg2video", "aac", "mp2"] | None = None
    rate: int | None = Field(None, ge=8000, le=192_000, description="Hz")
    layout: str | None = Field(None, description="as mono, stereo, 5.1")

    @model_validator(mode="after")
    def _fits_track(self) -> FormatChange:
        sound = self.track.startswith("a:")
        wrong = (self.size, self.pixel_format) if sound else (self.rate, self.layout)
        if any(wrong) or (self.codec and (self.codec in {"aac", "mp2"}) != sound):
            raise ValueError("size, pixel_format fit video tracks, rate and layout audio tracks, codec its own kind")
        if not any((self.size, self.pixel_format, self.codec, self.rate, self.layout)):
            raise ValueError("needs one of size, pixel_format, codec, rate, layout")
        return self


class TimestampWrap(Defect):
    """The 33-bit timestamps of a transport stream pass 2^33 here, as they do every 26.5 hours: no defect."""

    detector: ClassVar[str] = "timestamps"
    natural: ClassVar[bool] = True
    point: ClassVar[bool] = True
    kind: Literal["timestamp_wrap"] = "timestamp_wrap"
    track: AnyTrack = "v:0"
    length_seconds: None = None
