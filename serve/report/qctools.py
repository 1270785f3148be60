"""Measurements of every frame, as QCTools opens them (``.qctools.xml.gz``).

What it reads is ffprobe's XML, with the keys of libavfilter: root, attributes and keys are those that QCTools parses
(Source/Core: VideoStats.cpp, AudioStats.cpp, CommonStats.cpp, VideoCore.cpp, AudioCore.cpp at
https://github.com/bavc/qctools). Values are in codes of the stream's own depth, as signalstats gives them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from actors.media import VideoFormat
from serve.report.luma import mean_luma
from serve.report.momentary import COLUMNS, momentary

if TYPE_CHECKING:
    from serve.report.told import Told

LUMA = {
    "luma_min": "lavfi.signalstats.YMIN", "luma_low": "lavfi.signalstats.YLOW", "luma_high": "lavfi.signalstats.YHIGH",
    "luma_max": "lavfi.signalstats.YMAX",
}  # fmt: skip
"""Keys of what is stored in 8-bit codes."""
MEAN = "lavfi.signalstats.YAVG"
DIFFERENCE = "lavfi.signalstats.YDIF"
MOMENTARY = "lavfi.r128.M"

_PLACE = ("start_seconds", "duration", "base_num", "base_den", "format")


def qctools(stream: Told) -> Iterator[str]:
    """The frames of pictures, then those of sound, track by track. What was not measured has no tag."""
    yield '<?xml version="1.0" encoding="UTF-8"?>\n'
    yield f"<!-- {escape(stream.name).replace('--', '- -')} -->\n"
    yield '<ffprobe:ffprobe xmlns:ffprobe="http://www.ffmpeg.org/schema/ffprobe">\n    <frames>\n'
    videos = stream.tracks("v")
    for index, track in enumerate(videos):
        yield from _pictures(stream, track, index)
    for index, track in enumerate(stream.tracks("a"), len(videos)):
        yield from _sound(stream, track, index)
    yield "    </frames>\n</ffprobe:ffprobe>\n"


def _pictures(stream: Told, track: str, index: int) -> Iterator[str]:
    plain = (*_PLACE, "key", "packet_bytes", *LUMA, "luma_difference")
    rows = stream.rows("video", track, [*plain, "luma_mean", "signature"])
    for row, mean in zip(_each(rows.select(plain)), mean_luma(rows).tolist(), strict=True):
        fmt = VideoFormat.parse(row["format"])
        scale = 2.0 ** (fmt.depth - 8)
        tags = {key: row[name] * scale for name, key in LUMA.items() if row[name] is not None}
        if not np.isnan(mean):
            tags[MEAN] = mean * scale
        if row["luma_difference"] is not None:
            tags[DIFFERENCE] = row["luma_difference"] / 100 * 2.0**fmt.depth
        yield _frame(
            row, index, "video", tags, key=row["key"],
            more=f' pkt_size="{row["packet_bytes"]}" width="{fmt.width}" height="{fmt.height}"'
            f' pix_fmt="{escape(fmt.pixel_format)}"',
        )  # fmt: skip


def _sound(stream: Told, track: str, index: int) -> Iterator[str]:
    rows = stream.rows("audio", track, [*_PLACE, *COLUMNS])
    loud = momentary(rows)
    for row, value in zip(_each(rows.select(_PLACE)), loud.tolist(), strict=True):
        yield _frame(row, index, "audio", {} if np.isnan(value) else {MOMENTARY: value}, key=True)


def _each(rows: Any) -> Iterator[dict[str, Any]]:
    for batch in rows.to_batches():
        yield from batch.to_pylist()


def _frame(
    row: Mapping[str, Any], index: int, kind: str, tags: Mapping[str, float], *, key: bool, more: str = ""
) -> str:  # fmt: skip
    lasts = row["duration"] * row["base_num"] / row["base_den"]
    lines = "".join(f'            <tag key="{name}" value="{value:.6g}"/>\n' for name, value in tags.items())
    return (
        f'        <frame media_type="{kind}" stream_index="{index}" key_frame="{int(key)}"'
        f' pkt_pts_time="{row["start_seconds"]:.7f}" pkt_duration_time="{lasts:.7f}"{more}>\n{lines}        </frame>\n'
    )
