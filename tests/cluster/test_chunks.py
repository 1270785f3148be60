"""Pictures, sound and rows to what lies in the bucket, and back: bit for bit."""

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from actors.clock import Stamp, TimeBase
from actors.measure import Rows
from actors.measure.picture import PictureMeter
from actors.measuring import Ear, measure_video
from actors.media import AudioBatch, AudioBlock, AudioFormat, Batch, Frame, VideoFormat
from cluster import chunks
from tests.actors.planes import CHROMA, make_planes

COMPRESSIONS = st.sampled_from(["lz4", "zstd", "none"])
INTEGERS = st.integers(-(1 << 62), 1 << 62)
STAMPS = st.builds(Stamp, st.integers(0, 9), st.integers(0, 9), INTEGERS, INTEGERS)


@st.composite
def batches(draw):
    width, height, depth = draw(st.integers(1, 70)), draw(st.integers(1, 40)), draw(st.sampled_from([8, 10, 12, 16]))
    chroma, padding = draw(st.sampled_from(CHROMA)), draw(st.integers(0, 40))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    own, before = draw(st.integers(1, 5)), draw(st.integers(0, 2))
    frames = tuple(
        Frame(
            draw(STAMPS), draw(INTEGERS), make_planes(rng, width, height, depth, chroma, padding), draw(st.booleans()),
            draw(st.booleans()), draw(st.integers(0, 1 << 30)), draw(st.booleans()), draw(INTEGERS),
            draw(st.booleans()), draw(st.integers(0, 3)),
        )
        for _ in range(own + before)
    )  # fmt: skip
    x, y = chroma or (0, 0)
    fmt = VideoFormat("h264", width, height, "any", depth, x, y, 3 if chroma else 1, "limited", "sdr")
    return Batch("v:0", TimeBase(1001, 30000), fmt, frames[before:], frames[:before], draw(st.integers(0, 9)), 4)


def assert_same_frame(back, frame):
    for field in fields(Frame):
        if field.name != "planes":
            assert getattr(back, field.name) == getattr(frame, field.name)
    assert len(back.planes) == len(frame.planes)
    for mine, theirs in zip(back.planes, frame.planes, strict=True):
        assert mine.pixels.dtype == theirs.pixels.dtype
        assert not mine.lines.flags.writeable
        np.testing.assert_array_equal(mine.pixels, theirs.pixels)


@given(batches(), COMPRESSIONS)
def test_pictures_come_back(batch, compression):
    back = chunks.unpack_pictures(chunks.PictureChunk(batch, compression).packed())
    assert replace(back, frames=(), context=()) == replace(batch, frames=(), context=())
    assert (len(back.frames), len(back.context)) == (len(batch.frames), len(batch.context))
    for mine, theirs in zip((*back.context, *back.frames), (*batch.context, *batch.frames), strict=True):
        assert_same_frame(mine, theirs)


@given(batches(), COMPRESSIONS)
def test_a_chunk_is_measured_like_its_batch(batch, compression):
    wanted = frozenset(metric.name for metric in PictureMeter.metrics)
    meter = PictureMeter("reference")
    there = measure_video(meter, chunks.unpack_pictures(chunks.PictureChunk(batch, compression).packed()), wanted)
    here = measure_video(meter, batch, wanted)
    assert there.columns.keys() == here.columns.keys()
    for name, values in here.columns.items():
        np.testing.assert_array_equal(there.columns[name], values, err_msg=name)


def parts(batch, sizes):
    """A batch as the batcher gives it in parts of these sizes."""
    frames, made, row = (*batch.context, *batch.frames), [], 0
    own = len(batch.context)
    for size in sizes:
        begin = own + row
        part = frames[begin : begin + size]
        made.append(replace(batch, frames=part, context=frames[max(0, begin - 2) : begin], first_row=row))
        row += size
    return made


@pytest.mark.parametrize("sizes", [(25,), (10, 10, 5), (1, 24), (12, 1, 12)])
def test_parts_become_the_chunk_of_the_whole(sizes):
    batch = batch_of_grey()
    first, *rest = parts(batch, sizes)
    chunk = chunks.PictureChunk(first, "zstd")
    for part in rest:
        assert not chunk.is_full
        assert chunk.takes(part)
        chunk.add(part)
    assert chunk.is_full
    assert chunk.packed().equals(chunks.PictureChunk(batch, "zstd").packed())


def test_a_chunk_takes_only_what_goes_on():
    first, second, third = parts(batch_of_grey(), (10, 10, 5))
    chunk = chunks.PictureChunk(first, "none")
    assert chunk.takes(second)
    jumped = replace(second.frames[0], stamp=replace(second.frames[0].stamp, epoch=1))
    others = (
        third, replace(second, track="v:1"), replace(second, window=1), replace(second, context=()),
        replace(second, format=replace(second.format, codec="hevc")), replace(second, frames=(jumped,)),
    )  # fmt: skip
    assert [chunk.takes(other) for other in others] == [False] * len(others)


def test_a_chunk_has_an_end(monkeypatch):
    first, second, _ = parts(batch_of_grey(), (10, 10, 5))
    monkeypatch.setattr(chunks, "CHUNK_BYTES", 20 * 64 * 64 - 1)
    assert not chunks.PictureChunk(first, "none").takes(second)


@pytest.mark.parametrize("compression", ["lz4", "zstd"])
def test_what_is_alike_becomes_small(compression):
    batch = batch_of_grey()
    plain, packed = (chunks.PictureChunk(batch, each).packed().size for each in ("none", compression))
    assert plain > 25 * 64 * 64
    assert packed < plain / 2


def batch_of_grey():
    planes = make_planes(np.random.default_rng(1), 64, 64, 8, None)
    planes[0].lines[:] = 128
    frames = tuple(Frame(Stamp(0, 0, n, n), 1, planes, False, False, 9, True) for n in range(25))
    fmt = VideoFormat("h264", 64, 64, "gray", 8, 0, 0, 1, "full", "sdr")
    return Batch("v:0", TimeBase(1, 25), fmt, frames, (), 0, 0)


def test_frames_of_two_sizes_are_refused():
    batch = batch_of_grey()
    other = replace(batch.frames[0], planes=make_planes(np.random.default_rng(1), 32, 64, 8, None))
    with pytest.raises(ValueError, match="one size"):
        chunks.PictureChunk(replace(batch, frames=(*batch.frames, other)), "none")


@st.composite
def sounds(draw):
    channels = draw(st.integers(1, 8))
    any_bits = hnp.arrays(np.uint32, st.tuples(st.just(channels), st.integers(1, 90)))
    blocks = tuple(
        AudioBlock(draw(STAMPS), draw(INTEGERS), draw(any_bits).view(np.float32), 10 * draw(st.integers(0, 9)),
                   draw(st.booleans()))
        for _ in range(draw(st.integers(1, 4)))
    )  # fmt: skip
    return AudioBatch("a:1", TimeBase(1, 48000), AudioFormat("aac", 48000, channels, "any"), blocks, 7, 2)


@given(sounds(), COMPRESSIONS)
def test_sound_comes_back(batch, compression):
    back = chunks.unpack_sound(chunks.pack_sound(batch, compression))
    assert replace(back, blocks=()) == replace(batch, blocks=())
    assert len(back.blocks) == len(batch.blocks)
    for mine, theirs in zip(back.blocks, batch.blocks, strict=True):
        assert (mine.stamp, mine.duration, mine.hop, mine.clean) == (
            theirs.stamp, theirs.duration, theirs.hop, theirs.clean,
        )  # fmt: skip
        np.testing.assert_array_equal(mine.samples.view(np.uint32), theirs.samples.view(np.uint32))


def columns(draw, n):
    floats = st.floats(width=32)
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    return {
        "time": draw(hnp.arrays(np.int64, n)), "share": draw(hnp.arrays(np.float64, n)),
        "small": draw(hnp.arrays(np.float32, n, elements=floats)), "key": draw(hnp.arrays(np.bool_, n)),
        "packet_bytes": draw(hnp.arrays(np.int32, n)), "signature": rng.integers(0, 1 << 16, (n, 144), np.uint16),
        "peaks": draw(hnp.arrays(np.float32, (n, draw(st.integers(0, 4))), elements=floats)),
        "carry": np.array(draw(st.lists(st.none() | st.text(max_size=9), min_size=n, max_size=n)), np.object_),
    }  # fmt: skip


@given(st.lists(st.integers(0, 5), min_size=1, max_size=3), st.data(), COMPRESSIONS)
def test_rows_come_back(lengths, data, compression):
    parts = [
        Rows("audio", f"a:{n}", TimeBase(1, 90000), "aac 1", 17, 3, columns(data.draw, length))
        for n, length in enumerate(lengths)
    ]
    found = chunks.unpack_rows(chunks.pack_rows(parts, compression))
    assert len(found) == len(parts)
    for back, rows in zip(found, parts, strict=True):
        assert replace(back, columns={}) == replace(rows, columns={})
        assert back.columns.keys() == rows.columns.keys()
        for name, values in rows.columns.items():
            assert back.columns[name].dtype == values.dtype
            assert back.columns[name].shape == values.shape
            np.testing.assert_array_equal(back.columns[name], values, err_msg=name)


def test_a_meter_of_sound_gives_rows_that_come_back():
    samples = np.random.default_rng(3).uniform(-1, 1, (2, 4800)).astype(np.float32)
    blocks = tuple(AudioBlock(Stamp(0, 0, 4800 * n, 4800 * n), 4800, samples, 10 * n, n > 0) for n in range(3))
    batch = AudioBatch("a:0", TimeBase(1, 48000), AudioFormat("pcm", 48000, 2, "stereo"), blocks, 0, 0)
    rows = Ear(frozenset({"peaks", "loudness_power", "true_peak"})).measure(batch)
    (back,) = chunks.unpack_rows(chunks.pack_rows([rows], "zstd"))
    for name, values in rows.columns.items():
        np.testing.assert_array_equal(back.columns[name], values, err_msg=name)
