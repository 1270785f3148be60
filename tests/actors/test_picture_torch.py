"""The torch backend against the arbiter: on a CPU, and on a GPU where there is one."""

import warnings
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations, islice
from math import comb

import av
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.measure.picture import PictureMeter, reference
from actors.measure.picture.gpu import sums_of
from actors.measure.picture.sums import some_lines
from actors.media import Plane
from actors.pixels import picture
from tests.actors.planes import ALL, CHROMA, FIELDS, GROUPS, as_values, make_plane, make_planes, numbers_in
from tests.actors.test_picture import NAMES, clip, make_batch, make_format, make_sequence

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
PIXEL_FORMATS = {
    "gray": 8, "yuv410p": 8, "yuv411p": 8, "yuv420p": 8, "yuv422p": 8, "yuv440p": 8, "yuv444p": 8, "yuvj420p": 8,
    "yuv420p9le": 9, "yuv422p9le": 9, "gray10le": 10, "yuv420p10le": 10, "yuv422p10le": 10, "yuv440p10le": 10,
    "yuv444p10le": 10, "gray12le": 12, "yuv420p12le": 12, "yuv444p12le": 12, "gray14le": 14, "yuv422p14le": 14,
    "gray16le": 16, "yuv420p16le": 16, "yuv444p16le": 16,
}  # fmt: skip


@pytest.fixture(params=DEVICES)
def device(request):
    return request.param


def compared(frames, before, depth, groups=ALL, device="cpu"):
    """Compare a batch with the arbiter, frame by frame.

    Returns:
        What was found, and how many numbers were equal.
    """
    found = sums_of(frames, before, depth, groups, device)
    assert len(found) == len(frames)
    equal = 0
    for planes, old, sums in zip(frames, before, found, strict=True):
        assert as_values(sums) == as_values(reference.sums(planes, old, depth, groups))
        equal += numbers_in(sums)
    return found, equal


def numbers(depth, planes, frames, olds, groups=ALL):
    """How many numbers the sums of a batch of frames like one hold."""
    profiles = 2 * (len(planes[0].lines) + planes[0].width)
    of = {"luma": 1 << depth, "signature": 144, "grid": profiles, "levels": 1, "edges": 3, "borders": 4, "seams": 2}
    of |= {"dropouts": 8, "colours": 288}
    of_pairs = {"difference": len(planes) + 2, "flash": 12, "fields": 5, "dropouts": 2}
    return sum(frames * of.get(group, 0) + olds * of_pairs.get(group, 0) for group in groups)


def one(pixels):
    """A grey frame."""
    return (Plane(np.ascontiguousarray(pixels), pixels.shape[1]),)


@settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 2**32), width=st.integers(1, 90), height=st.integers(1, 60), depth=st.integers(8, 16),
    chroma=st.sampled_from(CHROMA), padding=st.integers(0, 33), spread=st.none() | st.integers(0, 255),
    olds=st.lists(st.sampled_from(["none", "previous", "other"]), min_size=1, max_size=5),
    groups=st.sets(st.sampled_from(GROUPS), min_size=1).map(frozenset), device=st.sampled_from(DEVICES),
)  # fmt: skip
def test_any_batch(seed, width, height, depth, chroma, padding, spread, olds, groups, device):
    rng = np.random.default_rng(seed)

    def make(padding):
        return make_planes(rng, width, height, depth, chroma, padding, spread)

    frames = [make(padding) for _ in olds]
    others = [make(padding // 2) for _ in olds]
    before = [
        {"none": None, "previous": frames[i - 1] if i else others[0], "other": others[i]}[kind]
        for i, kind in enumerate(olds)
    ]
    _, equal = compared(frames, before, depth, groups, device)
    assert equal == numbers(depth, frames[0], len(olds), len(olds) - olds.count("none"), groups)


@pytest.mark.parametrize("depth", [8, 10, 12, 13, 16])
@pytest.mark.parametrize(
    ("width", "height"),
    [
        (1, 1), (2, 1), (1, 2), (15, 8), (16, 9), (17, 10), (16, 16), (17, 17), (31, 33), (640, 3), (3, 640),
        (321, 181), (20, 1153), (16, 3000), (3000, 16),
    ],
)  # fmt: skip
def test_edge_sizes(width, height, depth, device):
    rng = np.random.default_rng(width * height)
    frames = [make_planes(rng, width, height, depth) for _ in range(3)]
    found, equal = compared(frames[1:], frames[:-1], depth, device=device)
    assert equal == numbers(depth, frames[0], 2, 2)
    for sums in found:
        assert sums.histogram.sum() == width * len(range(height)[some_lines(height)])
        assert height > 511 or sums.signature.sum() == (sums.histogram * np.arange(1 << depth)).sum()


@pytest.mark.parametrize(
    "depth", [8, 10, 16, *(pytest.param(depth, marks=pytest.mark.slow) for depth in (9, *range(11, 16)))]
)
def test_extreme_codes_do_not_overflow(depth, device):
    """3000 lines: a cell of the signature has 333, more than a lane can add up."""
    shape, dtype = (3000, 48), np.uint8 if depth == 8 else np.uint16
    top = (1 << depth) - 1
    white, black = one(np.full(shape, top, dtype)), one(np.zeros(shape, dtype))
    found, equal = compared([white, black, white], [black, white, black], depth, device=device)
    assert equal == numbers(depth, white, 3, 3)
    for sums in found:
        assert sums.differences == (1500 * 48 * top,)
        assert sums.block == (128 * top, 128)
    assert found[0].signature.sum() == 3000 * 48 * top


def test_a_group_alone_equals_the_full_pass(device):
    rng = np.random.default_rng(7)
    frames = [make_planes(rng, 53, 37, 10) for _ in range(4)]
    before = [None, *frames[:-1]]
    full = [as_values(sums) for sums in sums_of(frames, before, 10, ALL, device)]
    checked = 0
    for count in (0, 1, 2):
        for groups in combinations(GROUPS, count):
            fields = {"sizes"}.union(*(FIELDS[group] for group in groups))
            for whole, part in zip(full, sums_of(frames, before, 10, frozenset(groups), device), strict=True):
                assert as_values(part) == {name: value if name in fields else None for name, value in whole.items()}
                checked += 1
    assert checked == sum(comb(len(GROUPS), count) for count in (0, 1, 2)) * 4


def test_padding_and_high_bits_mean_nothing(device):
    rng = np.random.default_rng(3)
    clean = [make_plane(rng, 40, 50, 10).pixels & 1023 for _ in range(2)]
    dirty = []
    for pixels in clean:
        lines = rng.integers(0, 65536, (40, 64), dtype=np.uint16)
        lines[:, :50] = pixels | (rng.integers(0, 64, (40, 50), dtype=np.uint16) << 10)
        dirty.append((Plane(lines, 50),))
    expected = as_values(reference.sums(one(clean[1]), one(clean[0]), 10, ALL))
    assert as_values(sums_of([dirty[1]], [dirty[0]], 10, ALL, device)[0]) == expected


def test_the_first_of_equal_blocks_and_the_mean_of_small_ones(device):
    """A block at the edge has fewer pixels, and wins by its mean; among equals the first in the order of reading."""
    still = np.zeros((20, 40), np.uint8)
    small, equal, later = still.copy(), still.copy(), still.copy()
    small[:16, :16], small[16:, 32:] = 9, 10
    equal[:16, :16], equal[16:, 32:] = 9, 9
    later[:16, 32:], later[16:, :16] = 9, 9
    frames = [one(pixels) for pixels in (small, equal, later, still)]
    found, _ = compared(frames, [one(still)] * 4, 8, device=device)
    assert [sums.block for sums in found] == [(4 * 8 * 10, 4 * 8), (256 * 9, 256), (16 * 8 * 9, 16 * 8), (0, 1)]


@pytest.mark.slow
def test_many_equal_blocks(device):
    """Every block of each frame has the same mean: the first must win everywhere, on any device."""
    rng = np.random.default_rng(5)
    frames = [make_planes(rng, 1000, 700, 8, None) for _ in range(2)]
    lifted = [one(plane.pixels // 2 + 3) for (plane,) in frames]
    lowered = [one(plane.pixels // 2) for (plane,) in frames]
    found, equal = compared(lifted, lowered, 8, device=device)
    assert equal == numbers(8, lifted[0], 2, 2)
    assert [sums.block for sums in found] == [(128 * 3, 128)] * 2


@pytest.mark.parametrize("depth", [8, 10, 16])
def test_read_only_planes_are_taken_as_they_are_and_left_unchanged(depth, device):
    """As frames lie in shared memory."""
    rng = np.random.default_rng(depth)
    frames = []
    for number in range(4):
        planes = make_planes(rng, 70, 50, depth, padding=number)
        kept = [
            np.frombuffer(plane.lines.tobytes(), plane.lines.dtype).reshape(plane.lines.shape) if number % 2
            else plane.lines
            for plane in planes
        ]  # fmt: skip
        frames.append(tuple(Plane(lines, plane.width) for lines, plane in zip(kept, planes, strict=True)))
    assert sum(not plane.lines.flags.writeable for planes in frames for plane in planes) == 6
    earlier = [plane.lines.copy() for planes in frames for plane in planes]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        _, equal = compared(frames[1:], frames[:-1], depth, device=device)
    assert equal == numbers(depth, frames[0], 3, 3)
    for plane, lines in zip([plane for planes in frames for plane in planes], earlier, strict=True):
        np.testing.assert_array_equal(plane.lines, lines)


def test_frames_of_two_sizes_are_refused(device):
    rng = np.random.default_rng(0)
    frame, lower, grey = (make_planes(rng, 16, h, 8, c) for h, c in ((16, (1, 1)), (15, (1, 1)), (16, None)))
    for frames, before in (([frame], [lower]), ([frame], [grey]), ([frame, lower], [None, None])):
        with pytest.raises(ValueError, match="another size"):
            sums_of(frames, before, 8, ALL, device)


def test_no_frames_no_sums(device):
    assert sums_of([], [], 8, ALL, device) == []


def test_threads_may_share_it(device):
    rng = np.random.default_rng(11)
    depths = [8, 8, 10, 12] * 4
    batches = [[make_planes(rng, 64 + depth, 48, depth) for _ in range(4)] for depth in depths]

    def check(batch, depth):
        return compared(batch[1:], batch[:-1], depth, device=device)[1]

    with ThreadPoolExecutor(4) as threads:
        equal = list(threads.map(check, batches, depths))
    assert equal == [numbers(depth, batch[0], 3, 3) for batch, depth in zip(batches, depths, strict=True)]


@pytest.mark.parametrize(("name", "depth"), PIXEL_FORMATS.items())
def test_pixel_formats_of_a_real_clip(name, depth, device):
    with av.open(clip("bikes.mp4")) as container:
        converted = [picture("any", frame.reformat(318, 178, name)) for frame in islice(container.decode(video=0), 5)]
    fmt = converted[0][0]
    assert (fmt.pixel_format, fmt.depth) == (name, depth)
    frames = [planes for _, planes in converted]
    _, equal = compared(frames[1:], frames[:-1], depth, device=device)
    assert equal == numbers(depth, frames[0], 4, 4)


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 2**32), depth=st.sampled_from([8, 10]), context=st.integers(0, 2),
    wanted=st.sets(st.sampled_from(sorted(NAMES)), min_size=1).map(frozenset), device=st.sampled_from(DEVICES),
)  # fmt: skip
def test_the_meter_gives_the_same_metrics(seed, depth, context, wanted, device):
    frames = make_sequence(np.random.default_rng(seed), 7, depth)
    batch = make_batch(make_format(33, 19, depth, planes=3), frames[context:], frames[:context])
    found = PictureMeter("torch", device).measure(batch, wanted)
    expected = PictureMeter("reference").measure(batch, wanted)
    assert found.keys() == expected.keys() == wanted
    for name in wanted:
        assert len(found[name]) == 7 - context
        np.testing.assert_array_equal(found[name], expected[name])


@pytest.mark.parametrize("backend", ["numba", "reference"])
def test_only_torch_computes_on_a_gpu(backend):
    with pytest.raises(ValueError, match="'torch'"):
        PictureMeter(backend, "cuda")
