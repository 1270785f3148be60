"""Rings to Matroska files: what they decode to is what the ring holds."""

import io
from collections import Counter

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.clock import Stamp
from actors.inject import inject, parse
from actors.limits import Limits
from actors.media import PacketFacts
from actors.remux import Remux, placed
from actors.ring import RING_BYTES, Ring
from actors.source import open_source
from tests.actors.ringed import decoded, remux, ringed
from tests.clips import folder, generated_clip, real_clip
from tests.senders import coded, remuxed

LONG, SHORT = {"seconds": 19, "size": (96, 64), "gop": 25}, {"seconds": 3, "size": (96, 64), "gop": 25}
CLIPS = {
    "h264 and aac in ts": {**LONG, "suffix": ".ts"},
    "h264 and aac in mp4": {**LONG, "suffix": ".mp4"},
    "h264 with B-frames": {**SHORT, "suffix": ".ts", "preset": "fast"},
    "ten bits": {**SHORT, "suffix": ".mp4", "pixel_format": "yuv420p10le"},
    "mpeg2 and mp2 in ts": {**LONG, "suffix": ".ts", "codec": "mpeg2video", "audio_codec": "mp2"},
    "hevc in ts": {**SHORT, "suffix": ".ts", "codec": "libx265", "preset": "fast"},
    "hevc in mp4": {**SHORT, "suffix": ".mp4", "codec": "libx265"},
    "pcm in mkv": {**SHORT, "suffix": ".mkv", "audio_codec": "pcm_s16le"},
    "sound alone in ts": {**LONG, "suffix": ".ts", "size": None, "audio_codec": "mp2"},
    "sound alone in mp4": {**SHORT, "suffix": ".mp4", "size": None},
    "pictures alone": {**SHORT, "suffix": ".ts", "layout": None},
}


def written(path, name, content):
    target = folder() / name
    if not target.exists():
        target.write_bytes(content() if path is None else content(path))
    return target


@pytest.mark.parametrize("name", CLIPS)
def test_a_file_decodes_to_what_the_ring_holds(name):
    with ringed(generated_clip(**CLIPS[name])) as (ring, shown):
        held, order = ring.held(), remux(ring)
    counts, lumas, times = decoded(order.write().file)
    assert order.notes == []
    assert counts == Counter(one.track[0] for one in held)
    assert min(track[0][0] for track in times.values()) == 0
    for of_track in times.values():
        decoding = [dts for _, dts in of_track if dts is not None]
        assert decoding == sorted(decoding)
    if "v" in counts:
        expected = [shown[time] for time in sorted(one.facts.stamp.time for one in held if one.track == "v:0")]
        assert all(np.array_equal(one, other) for one, other in zip(lumas, expected, strict=True))
        assert counts["v"] >= 15 * 25 or CLIPS[name]["seconds"] < 15


@pytest.mark.parametrize("container", ["mpegts", "mp4", "flv", "mov"])
def test_a_real_clip_in_many_containers(container):
    path = written(real_clip(), f"bunny.{container}", lambda source: remuxed(source, container))
    with ringed(path) as (ring, shown):
        order = remux(ring)
    counts, lumas, _ = decoded(order.write().file)
    assert counts["v"] == len(shown) == 132
    assert counts["a"] > 200
    assert all(np.array_equal(lumas[n], shown[time]) for n, time in enumerate(sorted(shown)))


def joined_late():
    """A stream that is opened in the middle of a group of pictures: what its parameters are comes with its next one."""
    whole = generated_clip(seconds=6, size=(96, 64), suffix=".ts", gop=50).read_bytes()
    packets = len(whole) // 188
    return whole[packets // 12 * 188 :]


def test_a_stream_that_was_joined_between_key_frames():
    path = written(None, "late.ts", joined_late)
    with ringed(path, limits=Limits(probe_seconds=0.1, probe_bytes=16384)) as (ring, shown):
        video = next(track for track in ring.tracks if track.id == "v:0")
        assert video.stream.codec_context.extradata is None, "the probe must not have found it"
        held, order = ring.held(), remux(ring)
    counts, lumas, _ = decoded(order.write().file)
    assert counts == Counter(one.track[0] for one in held)
    assert counts["v"] == 100
    assert np.array_equal(lumas[-1], shown[max(shown)])


def test_a_group_that_was_cut_decodes_as_far_as_it_goes():
    with ringed(generated_clip(**CLIPS["h264 and aac in mp4"]), ring=Ring(most_bytes=60_000)) as (ring, _):
        held, order = ring.held(), remux(ring)
    assert len(held) > 10
    assert decoded(order.write().file)[0] == Counter(one.track[0] for one in held)


def test_damaged_packets_that_the_muxer_refuses_are_left_out():
    with ringed(generated_clip(**CLIPS["h264 and aac in ts"])) as (ring, _):
        held = list(ring.held())
        sounds = [place for place, one in enumerate(held) if one.track == "a:0"][100:110]
        for place in sounds:
            held[place] = held[place]._replace(packet=av.Packet(bytes(300)))
        order = Remux(held, ring.tracks, ring.bases)
    counts, _, _ = decoded(order.write().file)
    assert counts == Counter(one.track[0] for one in held) - Counter(a=10)


def test_a_track_of_which_nothing_was_decoded_is_left_out_and_named():
    path = written(None, "late.ts", joined_late)
    with ringed(path, limits=Limits(probe_seconds=0.1, probe_bytes=16384)) as (ring, _):
        held, bases = ring.held(), ring.bases
        with open_source(path, limits=Limits(probe_seconds=0.1, probe_bytes=16384)) as undecoded:
            order = Remux(held, undecoded.tracks, bases)
    assert order.notes == ["evidence lacks v:0: nothing of it could be decoded"]
    assert set(decoded(order.write().file)[0]) == {"a"}


def test_parameters_may_change_within_a_part():
    path = folder() / "resized.ts"
    inject(generated_clip(**SHORT, suffix=".mkv"), path, [parse("format_change:start=1.5,size=160x120")])
    with ringed(path) as (ring, _):
        held, order = ring.held(), remux(ring)
    counts, lumas, _ = decoded(order.write().file)
    assert counts == Counter(one.track[0] for one in held)
    assert lumas[-1].shape == (120, 160)


def test_a_codec_that_matroska_cannot_hold_is_left_out_and_named():
    path = written(None, "sorenson.avi", lambda: coded("flv", container="avi"))
    with ringed(path) as (ring, _):
        assert len(ring.held()) == 25
        order = remux(ring)
    assert order.notes == ["evidence lacks v:0: Matroska cannot hold flv1"]
    assert order.write() is None


def test_the_same_packets_can_be_written_twice():
    with ringed(generated_clip(**CLIPS["h264 and aac in ts"])) as (ring, _):
        data = [bytes(one.packet) for one in ring.held()]
        files = [remux(ring).write().file.getvalue() for _ in range(2)]
        assert [bytes(one.packet) for one in ring.held()] == data
    assert len(files[0]) == len(files[1])
    assert decoded(io.BytesIO(files[0]))[0] == decoded(io.BytesIO(files[1]))[0]
    assert len(files[0]) < RING_BYTES


TICKS = st.integers(-(1 << 34), 1 << 34)


@given(st.lists(st.tuples(TICKS, st.one_of(st.none(), TICKS), st.integers(0, 9000)), max_size=30), TICKS)
def test_times_are_such_as_muxers_want(packets, offset):
    last = None
    for time, dts_time, duration in packets:
        facts = PacketFacts(Stamp(0, 0, time, time), dts_time, duration, 1, False, False, "")
        pts, dts = placed(facts, offset, last)
        assert pts >= max(dts, 0)
        assert last is None or dts >= last
        last = dts


def test_times_that_are_in_order_are_not_changed():
    last = None
    for time, dts_time in ((3000, 0), (12000, 3000), (6000, 6000), (9000, 9000), (24000, 12000)):
        facts = PacketFacts(Stamp(0, 0, time, time), dts_time, 3000, 1, False, False, "")
        placing = placed(facts, 3000, last)
        assert placing == (time - 3000, dts_time - 3000)
        last = placing[1]


def test_decoding_times_are_made_up_where_there_are_none():
    last, given_ = None, []
    for time in (0, 9000, 3000, 6000, 18000, 12000, 15000):
        pts, last = placed(PacketFacts(Stamp(0, 0, time, time), None, 3000, 1, False, False, ""), 0, last)
        given_.append(pts)
    assert given_ == [0, 9000, 3000, 6000, 18000, 12000, 15000]


def test_pyav_says_value_error_of_what_a_container_cannot_hold():
    with av.open(str(written(None, "sorenson.avi", lambda: coded("flv", container="avi")))) as source:
        sink = av.open(io.BytesIO(), "w", format="matroska")
        with pytest.raises(ValueError, match="does not support"):
            sink.add_stream_from_template(source.streams.video[0], opaque=True)
