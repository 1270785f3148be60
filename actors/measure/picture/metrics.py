"""The one float64 step from the sums of frames to metrics, shared by every backend."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from actors.measure import Columns, Metric
from actors.measure.picture.grids import grids
from actors.measure.picture.light import WHITE
from actors.measure.picture.sums import (
    BLOCK,
    COLUMNS,
    ROWS,
    SPAN,
    SPECKS,
    Group,
    Sums,
    blocks,
    columns_in_strips,
    compared_lines,
    edges,
    lattice,
    line_step,
    some_lines,
    weave_step,
)
from actors.media import VideoFormat

_CODE = "8-bit code"
_SOME = "; of pictures with more than 511 lines, of some of them"
_ALONE = "; null without a frame before"
_SINCE = f"difference to the frame before{_ALONE}"
_CHANGE = "difference to the frame before, share of 2^depth; null without one"

_SDR = "null without a frame before, and in PQ and HLG"
_RED = "320 (R - G - B)"

EDGES = 0.001
"""Share of the pixels looked at that must be in edges for their width to be told."""

METRICS: dict[Group, tuple[Metric, ...]] = {
    "luma": (
        Metric("luma_mean", _CODE, "float64", f"mean luma{_SOME}"),
        Metric("luma_min", _CODE, "float64", f"least luma{_SOME}"),
        Metric("luma_low", _CODE, "float64", f"10th percentile of luma (nearest rank){_SOME}"),
        Metric("luma_high", _CODE, "float64", f"90th percentile of luma (nearest rank){_SOME}"),
        Metric("luma_max", _CODE, "float64", f"greatest luma{_SOME}"),
        Metric("black_share", "share", "float64", f"share of pixels up to a tenth of the SDR signal range{_SOME}"),
    ),
    "difference": (
        Metric("difference", "share", "float64", f"mean absolute {_CHANGE}; all planes' samples alike"),
        Metric("luma_difference", "%", "float64", f"mean absolute luma {_CHANGE}; times 100"),
        Metric("block_difference", "share", "float64", f"mean absolute luma {_CHANGE}; largest 16x16 block"),
    ),
    "signature": (
        Metric(
            "signature", "2^-16 of full scale", "uint16",
            "mean luma of 16x9 cells, line by line, as floor(sum * 2^(16-depth) / pixels); 0 where a cell has no pixel",
            width=ROWS * COLUMNS,
        ),
    ),
    "grid": (
        Metric("blockiness", "ratio", "float64", "steps of luma on a grid over those off it; null where luma is flat"),
        Metric(
            "block_grid", "ratio", "float64",
            "the same, the median of the grid's cells, of both directions the lesser, 10 at most; null if flat",
        ),
        Metric("block_step", _CODE, "float64", "steps of luma on that grid, likewise; null where luma is flat"),
    ),
    "levels": (
        Metric("illegal_share", "share", "float64", "share of pixels outside the legal range; null in full range"),
    ),
    "edges": (
        Metric("edge_width", "px", "float64", "mean width of edges, by contrast; null where there are hardly any"),
    ),
    "fields": (
        *(
            Metric(f"weave_{name}", _CODE, "float64", f"how far lines are from the mean of their neighbours: {fields}")
            for name, fields in (
                ("top_first", f"top field and the bottom one of the frame before{_ALONE}"),
                ("bottom_first", f"bottom field and the top one of the frame before{_ALONE}"),
                ("own", f"both fields of the frame{_ALONE}"),
            )
        ),
        *(Metric(f"{field}_difference", _CODE, "float64", f"of the {field} field, mean absolute luma {_SINCE}")
          for field in ("top", "bottom")),
    ),
    "dropouts": (
        Metric("streak_share", "share", "float64", f"share of pixels in thin streaks that are new{_ALONE}"),
        Metric("repeated_lines", "share", "float64", f"share of lines that repeat the one above{_ALONE}"),
        Metric(
            "specks", "pixel", "int32",
            "line * width + column of pixels that stand out from those around them, the furthest first; -1 if no more",
            width=SPECKS,
        ),
    ),
    "colours": (
        Metric(
            "colours", "2^-16 of full scale", "uint16",
            "mean U of 16x9 cells, line by line, then mean V, as in the signature; 0 in grey", width=2 * ROWS * COLUMNS,
        ),
    ),
    "borders": tuple(
        Metric(f"border_{side}", "px", "float64", f"dark {lines} from the {side} on; null where all is dark")
        for side, lines in (("top", "lines"), ("bottom", "lines"), ("left", "columns"), ("right", "columns"))
    ),
    "seams": (
        Metric("torn_blocks", "share", "float64", "share of 16x16 blocks that are torn from two neighbours or more"),
        Metric("torn_between", "share", "float64", "the same of blocks that lie 8 pixels further right and down"),
    ),
    "flash": (
        Metric("flash_area", "share", "float64", f"share of the picture that became lighter, or darker; {_SDR}"),
        Metric("flash_before", "share of white", "float64", f"luminance, before, of all that changed; {_SDR}"),
        Metric("flash_after", "share of white", "float64", f"luminance of all that changed; {_SDR}"),
        Metric("leap_area", "share", "float64", f"share of the picture lighter, or darker, by 1/10; {_SDR}"),
        Metric("leap_before", "share of white", "float64", f"luminance, before, of all that changed so much; {_SDR}"),
        Metric("leap_after", "share of white", "float64", f"luminance of all that changed so much; {_SDR}"),
        Metric("red_area", "share", "float64", f"share of the picture with more, or less, saturated red; {_SDR}"),
        Metric("red_before", _RED, "float64", f"saturated red, before, of all of which it changed; {_SDR}"),
        Metric("red_after", _RED, "float64", f"saturated red of all of which it changed; {_SDR}"),
    ),
}  # fmt: skip


def needed(wanted: frozenset[str]) -> frozenset[Group]:
    """The groups that metrics are computed from."""
    return frozenset(group for group, metrics in METRICS.items() if any(one.name in wanted for one in metrics))


def columns(rows: Sequence[Sums], fmt: VideoFormat) -> Columns:
    """Metrics of frames of one format, from the groups that were summed.

    Args:
        rows: At least one frame, all of the same groups.
        fmt: Gives depth, range and transfer.

    Returns:
        (n,) float64 for each metric, NaN for differences that were not summed, and (n, 144) uint16 for the signature.
    """
    found: Columns = {}
    if rows[0].histogram is not None:
        found |= _luma(np.stack([row.histogram for row in rows if row.histogram is not None]), fmt)
    if rows[0].signature is not None:
        sums = np.stack([row.signature for row in rows if row.signature is not None])
        found["signature"] = _means(sums, rows[0].sizes[0], fmt.depth)
    gradients = [row.gradients for row in rows if row.gradients is not None]
    if gradients:
        found |= grids(*(np.stack(profiles) for profiles in zip(*gradients, strict=True)))
    height, width = rows[0].sizes[0]
    if rows[0].illegal is not None:
        shares = np.array([row.illegal for row in rows], np.float64) / (len(range(height)[some_lines(height)]) * width)
        found["illegal_share"] = shares if fmt.range != "full" else np.full(len(rows), math.nan)
    if rows[0].edge is not None:
        found["edge_width"] = _edge_width(np.array([row.edge for row in rows], np.float64), height, width)
    if rows[0].borders is not None:
        reach = np.array([row.borders for row in rows], np.float64)
        reach[(reach[:, 0] == height) | (reach[:, 2] == width)] = math.nan
        found |= {metric.name: reach[:, side] for side, metric in enumerate(METRICS["borders"])}
    if rows[0].torn is not None:
        counts = np.array([row.torn for row in rows], np.float64)
        whole = [blocks(height, shift) * blocks(width, shift) for shift in (0, BLOCK // 2)]
        shares = counts / np.maximum(whole, 1)
        found |= {metric.name: shares[:, grid] for grid, metric in enumerate(METRICS["seams"])}
    if rows[0].colours is not None:
        sums = np.stack([row.colours for row in rows if row.colours is not None])
        found["colours"] = _means(sums, rows[0].sizes[-1], fmt.depth)
    if rows[0].specks is not None:
        found["specks"] = np.stack([row.specks for row in rows if row.specks is not None]).astype(np.int32)
    return found | _difference(rows, fmt) | _flash(rows, fmt) | _weaves(rows) | _dropouts(rows)


def _dropouts(rows: Sequence[Sums]) -> Columns:
    height, width = rows[0].sizes[0]
    lines = max(height - 4, 1)
    sums = np.array([row.dropouts or [math.nan] * 2 for row in rows], np.float64)
    streaks, repeated = sums.T
    return {
        "streak_share": streaks / (lines * max(columns_in_strips(width), 1)), "repeated_lines": repeated / lines,
    }  # fmt: skip


def _weaves(rows: Sequence[Sums]) -> Columns:
    """Means over the lines and columns that were looked at."""
    height, width = rows[0].sizes[0]
    step = weave_step(height)
    lines = [len(range(2 + parity * step, height - 2, 2 * step)) for parity in (0, 1)]
    pixels = np.array([2 * sum(lines)] * 3 + lines) * columns_in_strips(width)
    sums = np.array([row.weaves or [math.nan] * 5 for row in rows], np.float64) / np.maximum(pixels, 1)
    return {metric.name: sums[:, index] for index, metric in enumerate(METRICS["fields"])}


def _edge_width(sums: NDArray[np.float64], height: int, width: int) -> NDArray[np.float64]:
    """Contrast over slope, weighted by the square of the slope, as an edge's width is its contrast over its slope."""
    products, squares, count = sums.T
    looked_at = len(range(1, height, line_step(height))) * max(width - SPAN, 0)
    known = (squares > 0) & (count >= EDGES * looked_at)
    return np.where(known, products / np.where(known, squares, 1), math.nan)


def _luma(histograms: NDArray[np.int64], fmt: VideoFormat) -> Columns:
    """Like ffmpeg's signalstats (YAVG, YMIN, YLOW, YHIGH, YMAX), whose percentiles are nearest ranks too."""
    scale = 2.0 ** (8 - fmt.depth)
    up_to = np.cumsum(histograms, axis=1)
    pixels = up_to[:, -1]
    top = histograms.shape[1] - 1
    return {
        "luma_mean": (histograms @ np.arange(top + 1, dtype=np.int64)) / pixels * scale,
        "luma_min": np.argmax(histograms > 0, axis=1) * scale,
        "luma_low": np.argmax(up_to * 10 >= pixels[:, None], axis=1) * scale,
        "luma_high": np.argmax(up_to * 10 >= pixels[:, None] * 9, axis=1) * scale,
        "luma_max": (top - np.argmax(histograms[:, ::-1] > 0, axis=1)) * scale,
        "black_share": up_to[:, black_code(fmt)] / pixels,
    }


def black_code(fmt: VideoFormat) -> int:
    """The greatest code of a black pixel.

    In SDR a tenth of the signal range: 16 + 0.10 * 219 (limited or assumed) or 0.10 * 255 (full), times 2^(depth-8), as
    in ffmpeg's blackdetect. A display of 100 cd/m2 and gamma 2.4 (BT.1886) shows it at 100 * 0.10^2.4 = 0.398 cd/m2;
    PQ and HLG pixels are black up to that light.
    """
    if fmt.transfer == "sdr":
        tenths = 255 if fmt.range == "full" else 16 * 10 + 219
        return (tenths << (fmt.depth - 8)) // 10
    signal = {"pq": _pq, "hlg": _hlg}[fmt.transfer](100 * 0.10**2.4)
    code = 255 * signal if fmt.range == "full" else 16 + 219 * signal
    return math.floor(code * 2.0 ** (fmt.depth - 8))


def _pq(light: float) -> float:
    """Signal for light in cd/m2: the inverse EOTF of SMPTE ST 2084 (BT.2100 table 4)."""
    m1, m2 = 2610 / 16384, 2523 / 4096 * 128
    c1, c2, c3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32
    power = (light / 10000) ** m1
    return float(((c1 + c2 * power) / (1 + c3 * power)) ** m2)


def _hlg(light: float) -> float:
    """Signal for a grey of that light on a display of 1000 cd/m2 and black 0.

    BT.2100 table 5: the inverse OOTF, with system gamma 1.2, then the OETF below its knee at 1/12 of scene light.
    """
    scene = (light / 1000) ** (1 / 1.2)
    return math.sqrt(3 * scene)


def _difference(rows: Sequence[Sums], fmt: VideoFormat) -> Columns:
    """As ffmpeg's freezedetect (all planes) and scdet (luma only, ``mafd``) normalise theirs."""
    full = 2.0**fmt.depth
    luma_height = rows[0].sizes[0][0]
    samples = [len(compared_lines(height, luma_height)) * width for height, width in rows[0].sizes]
    planes = np.array([row.differences or [math.nan] * len(samples) for row in rows], np.float64)
    blocks = np.array([row.block or (math.nan, 1) for row in rows], np.float64)
    return {
        "difference": planes.sum(axis=1) / sum(samples) / full,
        "luma_difference": planes[:, 0] * 100 / samples[0] / full,
        "block_difference": blocks[:, 0] / blocks[:, 1] / full,
    }


def _flash(rows: Sequence[Sums], fmt: VideoFormat) -> Columns:
    """Means of what changed, 0 where nothing did; red as IRIS and BT.1702 scale it."""
    sums = np.array([row.flash or [math.nan] * 12 for row in rows], np.float64).reshape(-1, 3, 4)
    if fmt.transfer != "sdr":
        sums[:] = math.nan
    height, width = rows[0].sizes[0]
    samples = math.prod(len(range(lattice(length) // 2, length, lattice(length))) for length in (height, width))
    changed = np.maximum(sums[:, :, 0] + sums[:, :, 1], 1)
    found: Columns = {}
    for kind, (name, scale) in enumerate((("flash", 1 / WHITE), ("leap", 1 / WHITE), ("red", 320 / WHITE))):
        found[f"{name}_area"] = sums[:, kind, :2].max(axis=1) / samples
        found[f"{name}_before"], found[f"{name}_after"] = (sums[:, kind, 2:] / changed[:, kind, None] * scale).T
    return found


def _means(sums: NDArray[np.int64], size: tuple[int, int], depth: int) -> NDArray[np.uint16]:
    """(n, cells) means of the cells of a plane of that height and width, of 16 bits."""
    pixels = np.outer(np.diff(edges(size[0], ROWS)), np.diff(edges(size[1], COLUMNS)))
    means = (sums << (16 - depth)) // np.maximum(pixels, 1)
    found: NDArray[np.uint16] = means.reshape(len(sums), -1).astype(np.uint16)
    return found
