"""The bounds under which input is opened, and the options that carry them to FFmpeg.

FFmpeg ignores a misspelt option without a word, so every name here has a test in which its bound bites.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from av.codec.context import CodecContext

FORMATS = (
    "aac,ac3,aiff,amr,asf,av1,avi,caf,dts,dv,eac3,flac,flv,gxf,h264,hevc,ivf,loas,m4v,matroska,mov,mp3,mpeg,mpegts,"
    "mpegvideo,mxf,nut,ogg,rm,truehd,w64,wav,webm,yuv4mpegpipe"
)
"""Demuxers that may run. None of them opens a second file: no ``hls``, ``concat``, ``dash``, ``image2``, ``sdp``."""


class Limits(BaseModel):
    """What one source may cost. FFmpeg reads local files only; everything else is fetched by Sightline itself."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    max_pixels: int = Field(35_389_440, gt=0, title="pixels of one picture (8192x4320)")
    probe_bytes: int = Field(5_000_000, ge=2048, title="bytes read to find out what is in a source")
    probe_seconds: float = Field(5.0, gt=0, title="media seconds read to find out what is in a source")
    live_probe_seconds: float = Field(1.5, gt=0, title="the same of a live source, which waits for them")
    max_streams: int = Field(32, gt=0, title="streams in one container")
    connect_seconds: float = Field(10.0, gt=0, title="until a server accepts, and again until it has sent its headers")
    read_seconds: float = Field(10.0, gt=0, title="in which a server must send `read_bytes`")
    read_bytes: int = Field(1024, gt=0, title="bytes a server must send in every `read_seconds`")
    max_redirects: int = Field(3, ge=0, title="redirects followed for one request")
    playlist_bytes: int = Field(1 << 20, gt=0, title="bytes of one playlist")
    stall_seconds: float = Field(5.0, gt=0, title="without a byte, after which a live source has stalled")
    backoff_seconds: tuple[float, float] = Field((1.0, 30.0), title="first and longest wait before reopening")
    max_lag_seconds: float = Field(10.0, gt=0, title="behind, after which pictures of a live source are passed over")
    pending_bytes: int = Field(32 << 20, gt=0, title="bytes of a live source that wait for the demuxer")
    device: Literal["cpu", "cuda"] = Field("cpu", title="what decodes pictures, and measures them in the same process")

    def container_options(self, *, live: bool = False) -> dict[str, str]:
        """Options of ``av.open(options=...)``.

        ``max_pixels`` guards the probe alone here; :func:`guard` guards decoding. Without ``correct_ts_overflow=0``
        timestamps would depend on where the source was opened.
        """
        probe_seconds = min(self.probe_seconds, self.live_probe_seconds) if live else self.probe_seconds
        return {
            "protocol_whitelist": "file",
            "format_whitelist": FORMATS,
            "max_pixels": str(self.max_pixels),
            "probesize": str(self.probe_bytes),
            "analyzeduration": str(int(probe_seconds * 1_000_000)),
            "max_streams": str(self.max_streams),
            "correct_ts_overflow": "0",
        }


def guard(context: CodecContext, limits: Limits) -> None:
    """Bound a decoder that is not open yet: size of pictures, and one thread.

    With more threads FFmpeg conceals damage differently on each run.
    """
    context.thread_count = 1
    context.options = {**context.options, "max_pixels": str(limits.max_pixels)}
