"""Timestamps and formats, read back from the packets."""

import av
import numpy as np
import pytest

from actors.inject import DefectError, Encode, inject, parse
from actors.inject.coded import TS_PACKET, pid_of
from tests.clips import generated_clip, pictures

FAST = Encode(preset="ultrafast")


def put(tmp_path, source, *defects, name="out.ts", encode=FAST):
    target = tmp_path / name
    return target, inject(source, target, [parse(text) for text in defects], encode=encode)


def packets(path, kind, number=0):
    """(pts, stream index, codec) of a track's packets; new streams of the kind count as the same track."""
    with av.open(str(path), options={"correct_ts_overflow": "0"}) as container:
        return [
            (packet.pts, packet.stream.index, packet.stream.codec_context.name)
            for packet in container.demux() if packet.pts is not None and packet.stream.type == kind
        ]  # fmt: skip


def counters_run_on(path):
    data = path.read_bytes()
    last = {}
    for at in range(0, len(data), TS_PACKET):
        pid, counter, carries = pid_of(data, at), data[at + 3] & 15, data[at + 3] & 16
        if carries and pid in last and counter != (last[pid] + 1) % 16:
            return False
        last[pid] = counter
    return len(last) > 3


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts", ".mov"])
def test_a_gap_leaves_out_frames_and_moves_none(tmp_path, suffix):
    source = generated_clip(size=(96, 64))
    target, labels = put(tmp_path, source, "timestamp_gap:start=1,length=0.4", name=f"out{suffix}")
    label = labels.defects[0]
    kept = [number for number in range(50) if not 25 <= number < 35]
    assert [float(at) for at, _ in pictures(target)] == pytest.approx([number / 25 for number in kept])
    assert (label.kind, label.start_frame, label.start_seconds, label.end_seconds) == ("timestamps", 25, 1, 1.4)


def test_a_gap_in_sound_is_whole_coded_frames(tmp_path):
    source = generated_clip(size=(96, 64))
    target, labels = put(tmp_path, source, "timestamp_gap:start=1,length=0.4,track=a:0")
    steps = np.diff([pts for pts, *_ in packets(target, "audio")])
    label = labels.defects[0]
    assert sorted(set(steps)) == [1920, 1920 + round((label.end_seconds - label.start_seconds) * 90000)]
    assert label.end_seconds == 1.4
    assert 1 - 1024 / 48000 < label.start_seconds <= 1
    assert len(pictures(target)) == 50


@pytest.mark.parametrize("by", [-0.5, -3, 0.5, 10, 30])
def test_a_jump_moves_every_track_and_breaks_nothing_else(tmp_path, by):
    target, labels = put(tmp_path, generated_clip(size=(96, 64)), f"timestamp_jump:start=1,by={by}")
    pts = np.array([pts for pts, *_ in packets(target, "video")])
    assert sorted(np.diff(np.sort(pts[:25])).tolist() + np.diff(np.sort(pts[25:])).tolist()) == [3600] * 48
    assert pts[25:].min() - pts[:25].min() == 90000 + by * 90000
    sound = np.diff([pts for pts, *_ in packets(target, "audio")])
    assert sorted(set(sound.tolist()) - {1920}) == [1920 + by * 90000]
    assert counters_run_on(target)
    assert (labels.defects[0].start_frame, labels.defects[0].start_seconds) == (25, 1)


def test_a_wrap_is_natural_and_passes_2_to_the_33(tmp_path):
    target, labels = put(tmp_path, generated_clip(size=(96, 64)), "timestamp_wrap:start=1", encode=Encode(gop=10))
    assert not labels.defects
    assert (labels.natural[0].defect, labels.natural[0].start_frame) == ("timestamp_wrap", 25)
    raw = sorted(pts % 2**33 for pts, *_ in packets(target, "video"))
    assert raw[:25] == [3600 * number for number in range(25)]
    assert raw[25:] == [2**33 - 90000 + 3600 * number for number in range(25)]


def test_size_and_pixel_format_change_in_mid_stream(tmp_path):
    source = generated_clip(size=(96, 64))
    target, labels = put(tmp_path, source, "format_change:start=1,size=128x80,pixel_format=yuv422p")
    with av.open(str(target)) as container:
        shown = [(frame.width, frame.height, frame.format.name) for frame in container.decode(video=0)]
    assert shown == [(96, 64, "yuv420p")] * 25 + [(128, 80, "yuv422p")] * 25
    assert labels.defects[0].kind == "format_change"
    assert counters_run_on(target)
    with av.open(str(target)) as container:
        assert np.diff(sorted(p.pts for p in container.demux(video=0) if p.pts is not None)).tolist() == [3600] * 49


def test_codecs_change_on_new_streams(tmp_path):
    source = generated_clip(size=(96, 64))
    target, _ = put(
        tmp_path, source, "format_change:start=1,codec=mpeg2video", "format_change:start=1,codec=mp2,track=a:0"
    )
    video = sorted({(index, codec) for _, index, codec in packets(target, "video")})
    assert [codec for _, codec in video] == ["h264", "mpeg2video"]
    assert {codec for *_, codec in packets(target, "audio")} == {"aac", "mp3float"}  # that decoder does layer II too


def test_rate_and_layout_change_where_a_coded_frame_ends(tmp_path):
    source = generated_clip(size=(96, 64))
    target, labels = put(tmp_path, source, "format_change:start=1,rate=44100,layout=mono,track=a:0")
    label = labels.defects[0]
    assert label.start_frame == 48000 // 1024 * 1024
    with av.open(str(target)) as container:
        heard = [(frame.time, frame.sample_rate, frame.layout.name) for frame in container.decode(audio=0)]
    start = heard[0][0]
    assert {rate for at, rate, _ in heard if at - start < label.start_seconds - 0.001} == {48000}
    after = {(rate, layout) for at, rate, layout in heard if at - start > label.start_seconds + 0.03}
    assert after == {(44100, "mono")}


@pytest.mark.parametrize("text", ["pixel_format=foo", "layout=foo,track=a:0", "rate=8001,track=a:0", "size=3x3"])
def test_a_format_that_cannot_be_coded_is_refused(tmp_path, text):
    with pytest.raises(DefectError, match="cannot be coded so"):
        put(tmp_path, generated_clip(size=(96, 64)), f"format_change:start=1,{text}")
    with pytest.raises(DefectError, match=r"pcm_s16le has no place in \.ts"):
        put(tmp_path, generated_clip(size=(96, 64)), encode=Encode(audio_codec="pcm_s16le"))
    assert not list(tmp_path.iterdir())


def test_damage_to_a_spliced_clip_is_refused(tmp_path):
    with pytest.raises(DefectError, match="spliced"):
        put(tmp_path, generated_clip(size=(96, 64)), "timestamp_jump:start=1,by=3", "truncate:keep=0.5")
