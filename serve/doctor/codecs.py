"""What the FFmpeg inside PyAV reads and decodes."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from serve.doctor.finding import Finding, State

NEEDED = ("h264", "hevc", "mpeg2video", "aac", "ac3", "mp2", "pcm_s16le")
"""Decoders without which broadcast and web video cannot be watched."""

SELDOM = (
    "libdav1d", "vp9", "mpeg4", "mjpeg", "prores", "dnxhd", "ffv1", "eac3", "mp3", "opus", "flac", "pcm_s24le", "dca",
)  # fmt: skip
"""Decoders without which some files cannot. AV1 is decoded by libdav1d; FFmpeg's own decoder needs a GPU."""

INSTALL = "Install PyAV's own wheel, which has them: `pip install --force-reinstall --only-binary av av`."


@dataclass(frozen=True, slots=True)
class Build:
    """A build of PyAV: its version, FFmpeg's, and what it has not."""

    pyav: str
    ffmpeg: str
    missing_decoders: frozenset[str]
    missing_formats: frozenset[str]


def look() -> Build:
    """The one that is installed."""
    import av

    from actors.limits import FORMATS

    return Build(
        av.__version__, av.ffmpeg_version_info,
        frozenset(name for name in (*NEEDED, *SELDOM) if not _decodes(name)),
        frozenset(FORMATS.split(",")) - av.formats_available,
    )  # fmt: skip


def _decodes(name: str) -> bool:
    import av

    try:
        av.Codec(name, "r")
    except ValueError:
        return False
    return True


def judge(build: Build) -> list[Finding]:
    """A finding on decoders, and one on containers."""
    what = f"PyAV {build.pyav} with FFmpeg {build.ffmpeg}"
    without = build.missing_decoders
    if without:
        state: State = "problem" if without & set(NEEDED) else "warning"
        decoders = Finding("codecs", state, f"{what} does not decode {_listed(without)}", INSTALL)
    else:
        decoders = Finding("codecs", "ok", f"{what}: {', '.join((*NEEDED, *SELDOM))}")
    if build.missing_formats:
        found = f"{what} does not open {_listed(build.missing_formats)}"
        state = "problem" if build.missing_formats & {"mpegts", "mov", "matroska"} else "warning"
        return [decoders, Finding("containers", state, found, INSTALL)]
    return [decoders, Finding("containers", "ok", "all that are read; HTTP, HLS and UDP need nothing of FFmpeg")]


def _listed(names: Collection[str]) -> str:
    return ", ".join(sorted(names))
