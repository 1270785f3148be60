"""Draws a hit of each detector for its page: what it measures of a labelled clip, its incident, and the picture there.

    python -m tests.score.hits [DETECTOR ...]

Writes docs/detectors/NAME.svg. Pictures are of Big Buck Bunny, (c) Blender Foundation, CC BY 3.0, where it is the clip.
"""

import sys
import tempfile
from base64 import b64encode
from fractions import Fraction
from html import escape
from pathlib import Path

import av
import numpy as np

import sightline
from actors.detectors import DETECTORS, describe
from actors.inject.registry import KINDS
from actors.reader import Reader
from actors.still import jpeg
from serve.report.graphs import GAP, HEIGHT, Lane, drawn
from serve.report.timeline import LEFT, RIGHT, WIDTH, axis
from tests.score.__main__ import CLIPS
from tests.score.corpus import DEFECTS, damaged

DOCS = Path(__file__).resolve().parents[2] / "docs" / "detectors"
STILL = 320, 180
STYLE = (
    "svg{background:#fff;color:#222}text{font:11px system-ui,sans-serif;fill:#222}line{stroke:#8884}"
    "path{fill:none;stroke:#1e88e5}path.reach{stroke-width:2;opacity:.35}"
    "rect.critical{fill:#c62828}rect.warning{fill:#b26a00}rect.info{fill:#607d8b}rect{opacity:.25}"
)


def decibels(values):
    """The greatest of a row's levels, in dBFS."""
    return 20 * np.log10(max(values.max(), 1e-4))


def second(peaks):
    """The second channel's level, in dBFS, from 10 hops of each channel's."""
    return decibels(peaks.reshape(10, -1)[:, 1])


def correlation(powers):
    """Of the front left and right, from -1 to 1."""
    left, right, both = powers
    return both / np.sqrt(left * right) if left * right > 0 else np.nan


LANES = {
    "black": [("video", "black_share", "share", float, 0, 1)],
    "freeze": [("video", "difference", "difference", float, 0, None)],
    "scene": [("video", "luma_difference", "change, %", float, 0, None)],
    "stutter": [("video", "luma_difference", "change, %", float, 0, None)],
    "blockiness": [
        ("video", "block_grid", "grid ratio", float, 0, None), ("video", "block_step", "step", float, 0, None),
    ],
    "levels": [("video", "illegal_share", "share", float, 0, None)],
    "blur": [("video", "edge_width", "edge, px", float, 0, None)],
    "letterbox": [("video", "border_top", "top, px", float, 0, None)],
    "silence": [("audio", "peaks", "peak, dBFS", decibels, -80, 0)],
    "channel_loss": [("audio", "peaks", "channel 2, dBFS", second, -80, 0)],
    "clipping": [("audio", "clipped_samples", "samples", np.sum, 0, None)],
    "loudness": [("audio", "true_peak", "peak, dBTP", decibels, -40, 0)],
    "phase": [("audio", "stereo_power", "correlation", correlation, -1, 1)],
    "click": [("audio", "jolts", "jolt", np.max, 0, None), ("audio", "peaks", "peak, dBFS", decibels, -60, 0)],
    "corruption": [("video", "torn_blocks", "torn, share", float, 0, 0.05)],
    "flash": [
        ("video", "flash_area", "area", float, 0, 1), ("video", "flash_after", "luminance", float, 0, 1),
    ],
    "interlace": [
        ("video", "weave_own", "own fields", float, 0, None), ("video", "weave_top_first", "top first", float, 0, None),
    ],
    "dropouts": [
        ("video", "streak_share", "streaks", float, 0, None), ("video", "repeated_lines", "repeated", float, 0, None),
    ],
    "bars": [("video", "colours", "spread of U, V", np.std, 0, None)],
    "transport": [("packets", "continuity", "lost", float, 0, None)],
    "captions": [("packets", "captions", "captions", float, 0, None)],
    "encrypted": [("packets", "bytes", "bytes", float, 0, None)],
    "av_skew": [("packets", "samples", "samples", float, 0, None)],
    "av_sync": [("video", "luma_mean", "mean luma", float, 0, 255), ("audio", "peaks", "peak, dBFS", decibels, -80, 0)],
    "decode_errors": [("packets", "error", "errors", lambda error: float(bool(error)), 0, 1)],
    "timestamps": [("packets", "bytes", "bytes", float, 0, None)],
    "format_change": [("video", "packet_bytes", "bytes", float, 0, None)],
}  # fmt: skip
"""Of each detector: table, metric, what the graph is called, a row's value, and the ends of its scale."""


PUT_IN = {"decode_errors": "corruption"}
"""What is put into the clip of a detector, where it is not its own defect."""


def lane(reader, incident, table, metric, name, value, low, high):
    """A graph of the incident's track."""
    rows = reader.read(table, ["track", "start_seconds", metric]).to_pylist()
    rows = [row for row in rows if row["track"].startswith({"video": "v", "audio": "a"}.get(table, incident["track"]))]
    of = [np.nan if row[metric] is None else plain(row[metric], value) for row in rows]
    return Lane(name, np.array([row["start_seconds"] for row in rows]), np.array(of, np.float64), low, high)


def plain(stored, value):
    """A row's value, of a list as an array without what is not known."""
    if isinstance(stored, list):
        return value(np.array([np.nan if one is None else one for one in stored], np.float64))
    return value(stored)


def still(path, seconds):
    """The picture that is shown at a time, as an SVG image; nothing where there are no pictures."""
    with av.open(str(path)) as container:
        if not container.streams.video:
            return ""
        first = shown = None
        for frame in container.decode(video=0):
            first = frame.time if first is None else first
            if shown is not None and frame.time - first > seconds:
                break
            shown = frame
    scale = min(STILL[0] / shown.width, STILL[1] / shown.height)
    small = shown.reformat(width=round(shown.width * scale) & ~1, height=round(shown.height * scale) & ~1)
    data = b64encode(jpeg(small, Fraction(1))).decode()
    size = f'width="{small.width}" height="{small.height}"'
    return f'<image x="{LEFT + WIDTH - small.width}" y="0" {size} href="data:image/jpeg;base64,{data}"/>'


def seen(name, folder):
    """Clips with a detector's defect in which it finds it, their documents, and its incidents there."""
    for defect in DEFECTS:
        for source in defect.sources if KINDS[defect.text.partition(":")[0]].detector == PUT_IN.get(name, name) else ():
            clip = damaged(CLIPS, defect, source, 0)
            results = folder / clip.path.name
            (stream,) = sightline.analyze(clip.path, results=results, detectors=[name])["streams"]
            if found := [one for one in stream["incidents"] if one["detector"] == name]:
                yield clip, stream, found, Reader(str(results))


def hit(name, folder):
    """The drawing of one detector's hit in the first clip that has its defect."""
    clip, stream, found, reader = next(seen(name, folder))
    end = max(span["end_seconds"] for span in stream["coverage"])
    lanes = [lane(reader, found[0], *one) for one in LANES[name]]
    start, until = found[0]["start_seconds"], found[0]["end_seconds"]
    picture = still(clip.path, (start + until) / 2)
    top = STILL[1] + GAP if picture else GAP * 2
    bottom = len(lanes) * (HEIGHT + GAP)
    bands = "".join(
        f'<rect class="{one["severity"]}" x="{LEFT + WIDTH * one["start_seconds"] / end:.1f}" y="0" height="{bottom}"'
        f' width="{max(WIDTH * (one["end_seconds"] - one["start_seconds"]) / end, 2):.1f}"/>' for one in found
    )  # fmt: skip
    return "".join((
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {LEFT + WIDTH + RIGHT} {top + bottom + 18}"'
        f' role="img" aria-label="a hit of {name}"><style>{STYLE}</style>{picture}',
        f'<text x="0" y="12">{escape(clip.path.name)}: {escape(found[0]["message"])}</text>',
        f'<text x="0" y="28">{start:.2f} to {until:.2f} s</text><g transform="translate(0 {top})">', *axis(end, bottom),
        bands, *(drawn(one, end, place * (HEIGHT + GAP)) for place, one in enumerate(lanes)), "</g></svg>\n",
    ))  # fmt: skip


def main():
    CLIPS.mkdir(parents=True, exist_ok=True)
    for name in sys.argv[1:] or LANES:
        with tempfile.TemporaryDirectory() as folder:
            (DOCS / f"{name}.svg").write_text(hit(name, Path(folder)))
        print(f"docs/detectors/{name}.svg")
    print("without a drawing:", ", ".join(sorted({one.name for one in describe()} - LANES.keys() & DETECTORS.keys())))


if __name__ == "__main__":
    main()
