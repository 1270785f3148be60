"""The compiled kernels against the arbiter, on every kind of frame."""

import sys
from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.measure.picture import cpu, reference
from actors.measure.picture.sums import sizes, some_lines
from actors.media import Plane
from tests.actors.planes import ALL, CHROMA, FIELDS, GROUPS, as_values, make_plane, make_planes


def assert_equal(planes, before, depth, groups=ALL):
    expected = reference.sums(planes, before, depth, groups)
    assert as_values(cpu.sums(planes, before, depth, groups)) == as_values(expected)
    return expected


@settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 2**32), width=st.integers(1, 90), height=st.integers(1, 60), depth=st.integers(8, 16),
    chroma=st.sampled_from(CHROMA), padding=st.integers(0, 33), spread=st.none() | st.integers(0, 255),
    first=st.booleans(), groups=st.sets(st.sampled_from(GROUPS), min_size=1).map(frozenset),
)  # fmt: skip
def test_any_frame(seed, width, height, depth, chroma, padding, spread, first, groups):
    rng = np.random.default_rng(seed)
    planes = make_planes(rng, width, height, depth, chroma, padding, spread)
    before = None if first else make_planes(rng, width, height, depth, chroma, padding // 2, spread)
    assert_equal(planes, before, depth, groups)


@pytest.mark.parametrize("depth", [8, 10, 12, 13, 16])
@pytest.mark.parametrize(
    ("width", "height"),
    [
        (1, 1), (2, 1), (1, 2), (15, 8), (16, 9), (17, 10), (16, 16), (17, 17), (31, 33), (640, 3), (3, 640),
        (321, 181), (30, 1100), (1100, 30),
    ],
)  # fmt: skip
def test_edge_sizes(width, height, depth):
    rng = np.random.default_rng(width * height)
    sums = assert_equal(make_planes(rng, width, height, depth), make_planes(rng, width, height, depth), depth)
    assert sums.histogram.sum() == width * len(range(height)[some_lines(height)])
    assert height > 511 or sums.signature.sum() == (sums.histogram * np.arange(1 << depth)).sum()


@pytest.mark.parametrize("depth", range(8, 17))
def test_extreme_differences_do_not_overflow(depth):
    shape, dtype = (600, 48), np.uint8 if depth == 8 else np.uint16
    top = (1 << depth) - 1
    white = (Plane(np.full(shape, top, dtype), 48),)
    black = (Plane(np.zeros(shape, dtype), 48),)
    for planes, before in ((white, black), (black, white)):
        sums = assert_equal(planes, before, depth)
        assert sums.differences == (300 * 48 * top,)
        assert sums.block == (128 * top, 128)


def test_a_group_alone_equals_the_full_pass():
    rng = np.random.default_rng(7)
    frames = [make_planes(rng, 53, 37, 10) for _ in range(2)]
    for backend in (cpu.sums, reference.sums):
        full = as_values(backend(frames[1], frames[0], 10, ALL))
        for count in (1, 2):
            for groups in combinations(GROUPS, count):
                part = as_values(backend(frames[1], frames[0], 10, frozenset(groups)))
                fields = {"sizes"}.union(*(FIELDS[group] for group in groups))
                assert part == {name: value if name in fields else None for name, value in full.items()}


@pytest.mark.parametrize("backend", [cpu.sums, reference.sums])
def test_padding_and_high_bits_mean_nothing(backend):
    rng = np.random.default_rng(3)
    clean = [make_plane(rng, 40, 50, 10).pixels & 1023 for _ in range(2)]
    tight = [(Plane(np.ascontiguousarray(pixels), 50),) for pixels in clean]
    dirty = []
    for pixels in clean:
        lines = rng.integers(0, 65536, (40, 64), dtype=np.uint16)
        lines[:, :50] = pixels | (rng.integers(0, 64, (40, 50), dtype=np.uint16) << 10)
        dirty.append((Plane(lines, 50),))
    assert as_values(backend(dirty[1], dirty[0], 10, ALL)) == as_values(backend(tight[1], tight[0], 10, ALL))


def test_the_first_of_equal_blocks_and_the_mean_of_small_ones():
    """A block at the edge has fewer pixels, and wins by its mean."""
    still = np.zeros((20, 40), np.uint8)
    moved = still.copy()
    moved[:16, :16] = 9
    moved[16:, 32:] = 10
    assert assert_equal((Plane(moved, 40),), (Plane(still, 40),), 8).block == (4 * 8 * 10, 4 * 8)
    moved[16:, 32:] = 9
    assert assert_equal((Plane(moved, 40),), (Plane(still, 40),), 8).block == (256 * 9, 256)
    assert assert_equal((Plane(still, 40),), (Plane(still, 40),), 8).block == (0, 1)


def test_read_only_lines_as_a_decoder_gives_them():
    lines = np.frombuffer(bytes(range(256)), np.uint8).reshape(16, 16)
    sums = assert_equal((Plane(lines, 16),), (Plane(lines[::-1].copy(), 16),), 8)
    assert sums.histogram.tolist() == [1] * 256


@pytest.mark.parametrize("backend", [cpu.sums, reference.sums])
def test_frames_of_two_sizes_are_refused(backend):
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="another size"):
        backend(make_planes(rng, 16, 16, 8), make_planes(rng, 16, 15, 8), 8, ALL)
    with pytest.raises(ValueError, match="another size"):
        backend(make_planes(rng, 16, 16, 8), make_planes(rng, 16, 16, 8, None), 8, ALL)


def test_sizes_of_planes():
    frames = [make_planes(np.random.default_rng(0), 17, 9, 8, padding=p) for p in (0, 3)]
    for before, planes in pairwise(frames):
        assert sizes(planes, before) == ((9, 17), (5, 9), (5, 9))


@pytest.mark.parametrize("depth", [8, 10, 16])
def test_what_is_loaded_before_is_not_loaded_with_a_frame(depth, monkeypatch):
    cpu.load(depth)
    modules = [module for name, module in sys.modules.items() if name.startswith("actors.measure.picture.")]
    loaders = [module for module in modules if getattr(module, "compiled", None)]
    for module in loaders:
        monkeypatch.setattr(module, "compiled", None)
    assert len(loaders) >= 6
    rng = np.random.default_rng(depth)
    for chroma in CHROMA:
        planes = make_planes(rng, 300, 200, depth, chroma)
        assert_equal(planes, planes, depth)
