"""Frames and timecodes of seconds, at a rate. Pure."""

from __future__ import annotations

from fractions import Fraction


def frame(seconds: float, rate: Fraction) -> int:
    """The number of the frame that begins nearest to a time."""
    return round(Fraction(seconds) * rate)


def timecode(number: int, rate: Fraction) -> str:
    """``HH:MM:SS:FF`` of a frame, counted without drop: at 29.97 frames per second by 30."""
    per_second = round(rate)
    seconds, frames = divmod(max(number, 0), per_second)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}:{frames:02}"
