"""Batches: what is in them, where they end, and that the split never shows in the rows."""

from dataclasses import replace
from itertools import pairwise
from random import Random

import numpy as np
import pytest

from actors.batches import FILE, AudioBatcher, Bounds
from actors.clock import Stamp, TimeBase
from actors.media import AudioBatch, AudioFormat, Batch, PacketBatch, hop_edges
from actors.track_decoder import Sound
from tests.actors.decoding import batches
from tests.clips import real_clip

SMALL = Bounds(window_seconds=2, batch_seconds=0.2)


@pytest.fixture(scope="module")
def small():
    return batches(real_clip("bigbuckbunny.mp4"), SMALL)


def of(kind, items):
    return [item for item in items if isinstance(item, kind)]


def test_rows_are_numbered_without_a_hole(small):
    for kind, size in ((Batch, lambda b: len(b.frames)), (AudioBatch, lambda b: len(b.blocks)),
                       (PacketBatch, lambda b: len(b.packets))):  # fmt: skip
        for track in {batch.track for batch in of(kind, small)}:
            row = 0
            for batch in of(kind, small):
                if batch.track == track:
                    assert batch.first_row == row
                    row += size(batch)
            assert row > 50


def test_windows_are_spans_of_the_timeline(small):
    for batch in of(Batch, small):
        for frame in batch.frames:
            assert frame.stamp.time // batch.base.ceil(2) == batch.window
    assert {batch.window for batch in of(Batch, small)} == {0, 1, 2}


def test_context_is_the_two_frames_before(small):
    frames = []
    for batch in of(Batch, small):
        assert [f.stamp for f in batch.context] == [f.stamp for f in frames[-2:]]
        frames += batch.frames
    assert len(frames) == 132


def test_pictures_are_shown_until_the_next(small):
    frames = [frame for batch in of(Batch, small) for frame in batch.frames]
    for frame, after in pairwise(frames):
        assert frame.stamp.time + frame.duration == after.stamp.time
    assert frames[-1].duration == frames[0].duration


def test_live_batches_are_short_and_small(small):
    assert max(len(batch.frames) for batch in of(Batch, small)) <= 5
    tiny = batches(real_clip("bigbuckbunny.mp4"), replace(FILE, batch_bytes=3_000_000))
    assert max(sum(p.lines.nbytes for f in b.frames for p in f.planes) for b in of(Batch, tiny)) <= 3_000_000


@pytest.mark.parametrize(
    ("bounds", "rests"), [(SMALL, 0.0), (FILE, 0.0), (Bounds(60, 0.05), 0.0), (SMALL, 0.3), (FILE, 1.0)]
)
def test_the_split_changes_no_frame_and_no_sample(small, bounds, rests):
    chance = Random(1)
    other = batches(real_clip("bigbuckbunny.mp4"), bounds, lambda: chance.random() < rests)
    frames = [[f.stamp for b in of(Batch, items) for f in b.frames] for items in (small, other)]
    assert frames[0] == frames[1]
    assert len(frames[0]) == 132
    contexts = [f.stamp for b in of(Batch, other) for f in b.context]
    assert contexts == [stamp for b in of(Batch, other) for stamp in frames[0][max(0, b.first_row - 2) : b.first_row]]
    sounds = [[k for b in of(AudioBatch, items) for k in b.blocks] for items in (small, other)]
    assert [(k.stamp, k.duration, k.hop) for k in sounds[0]] == [(k.stamp, k.duration, k.hop) for k in sounds[1]]
    assert len(sounds[0]) > 50
    for a, b in zip(*sounds, strict=True):
        np.testing.assert_array_equal(a.samples, b.samples)


def test_blocks_are_ten_hops_and_follow_each_other(small):
    blocks = [block for batch in of(AudioBatch, small) for block in batch.blocks]
    for block, after in pairwise(blocks):
        edges = hop_edges(48_000, block.hop, 10)
        assert block.samples.shape == (6, edges[-1] - edges[0])
        assert (after.hop, after.stamp.time) == (block.hop + 10, block.stamp.time + block.duration)
    assert 0 < blocks[-1].samples.shape[1] <= 4800
    assert [block.clean for block in blocks] == [False] + [True] * (len(blocks) - 1)


def test_hop_edges_are_the_floor_of_the_exact_time():
    assert hop_edges(22_050, 0, 4).tolist() == [0, 220, 441, 661, 882]
    assert hop_edges(44_100, 10, 1).tolist() == [4410, 4851]


def test_sound_may_change_its_layout_and_rate_at_any_sample():
    def sound(at, fmt, samples):
        return Sound(Stamp(0, 0, at, at), fmt, np.ones((fmt.channels, samples), np.float32), True)

    stereo, mono = AudioFormat("aac", 48_000, 2, "stereo"), AudioFormat("aac", 48_000, 1, "mono")
    for first in (4800, 4801, 100):
        batcher = AudioBatcher("a:0", TimeBase(1, 48_000), FILE, wraps=False)
        given = [*batcher.add(sound(0, stereo, first)), *batcher.add(sound(first, mono, 9700)), *batcher.flush()]
        blocks = [(batch.format, block) for batch in given for block in batch.blocks]
        assert sum(block.samples.shape[1] for _, block in blocks) == first + 9700
        assert all(block.samples.shape[0] == fmt.channels for fmt, block in blocks)
        assert next(block.clean for fmt, block in blocks if fmt == mono) is False
