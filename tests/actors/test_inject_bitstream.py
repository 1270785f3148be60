"""Damaged bitstreams: the bytes that were hit, and a map that says what a viewer sees."""

import av
import numpy as np
import pytest

from actors.inject import DamageMap, Encode, inject, parse
from actors.inject.coded import TS_PACKET, CodedClip
from tests.clips import generated_clip

CODECS = ["libx264", "libx265", "mpeg2video"]
PAYLOAD = [
    "flipped_bits:start=0.5,length=0.5,count=40", "zeroed_packets:start=0.5,length=0.5",
    "lost_slices:start=0.5,length=0.5,share=0.5",
]  # fmt: skip


def made(tmp_path, defects, suffix, codec="libx264", **clip):
    source = generated_clip(size=(128, 96), **clip)
    encode = Encode(codec=codec, gop=12, slices=4, preset="ultrafast")
    clean, target = tmp_path / f"clean{suffix}", tmp_path / f"out{suffix}"
    inject(source, clean, [], encode=encode)
    return clean, target, inject(source, target, [parse(text) for text in defects], seed=3, encode=encode)


def lumas(path):
    """Luma by PTS, as another program would decode it."""
    shown = {}
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_count = 1
        for packet in container.demux(stream):
            try:
                frames = packet.decode()
            except av.FFmpegError:
                continue
            for frame in frames:
                depth = frame.format.components[0].bits
                bytes_each = 1 if depth == 8 else 2
                plane = frame.planes[0]
                lines = np.frombuffer(plane, f"u{bytes_each}").reshape(-1, plane.line_size // bytes_each)
                shown.setdefault(frame.pts, lines[: frame.height, : frame.width] / (1 << (depth - 8)))
    return shown


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("suffix", [".ts", ".mp4", ".mkv"])
@pytest.mark.parametrize("defect", PAYLOAD)
def test_only_the_windows_payload_is_hit(tmp_path, codec, suffix, defect):
    clean, target, labels = made(tmp_path, [defect], suffix, codec)
    label = labels.defects[0]
    old, new = np.fromfile(clean, np.uint8), np.fromfile(target, np.uint8)
    assert len(old) == len(new)
    hit = np.flatnonzero(old != new)
    assert 0 < len(hit) <= label.params["bytes_hit"]
    aimed = [packet for packet in CodedClip(clean).packets("v:0") if 0.5 <= packet.at < 1]
    assert set(hit.tolist()) <= set(np.concatenate([packet.where for packet in aimed]).tolist())
    assert all(old[packet.where].tobytes() == packet.data for packet in aimed)
    assert 0.5 <= label.start_seconds < label.end_seconds <= 1.04
    assert label.visible_frames


@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv422p10le"])
@pytest.mark.parametrize("defect", ["lost_packets:start=0.5,length=0.5,share=0.3", PAYLOAD[0]])
def test_the_map_agrees_with_a_second_decoding(tmp_path, pixel_format, defect):
    clean, target, labels = made(tmp_path, [defect], ".ts", pixel_format=pixel_format)
    damage = DamageMap.read(target)
    before, after = lumas(clean), lumas(target)
    assert len(damage.frames) == len(before) == 50
    for found, pts in zip(damage.frames, sorted(before), strict=True):
        if pts not in after:
            assert found.mae is None
            continue
        difference = np.abs(before[pts] - after[pts])
        assert found.mae == pytest.approx(difference.mean(), abs=1e-3)
        blocks = difference.reshape(6, 16, 8, 16).mean(axis=(1, 3)) > 2
        assert np.array_equal(damage.mask(found.frame), blocks)
    visible = tuple(frame.frame for frame in damage.frames if frame.mae is None or frame.mae > 2)
    assert labels.defects[0].visible_frames == visible
    assert min(visible) >= 8


def test_lost_packets_are_whole_and_of_that_track(tmp_path):
    clean, target, _ = made(tmp_path, ["lost_packets:start=0.5,length=1,share=0.3,track=a:0"], ".ts")
    gone = (clean.stat().st_size - target.stat().st_size) / TS_PACKET
    assert gone == int(gone) > 0
    left = target.read_bytes()
    split = [clean.read_bytes()[at : at + TS_PACKET] for at in range(0, clean.stat().st_size, TS_PACKET)]
    kept = iter(left[at : at + TS_PACKET] for at in range(0, len(left), TS_PACKET))
    waiting = next(kept, None)
    lost = []
    for packet in split:
        if packet == waiting:
            waiting = next(kept, None)
        else:
            lost.append((packet[1] & 0x1F) << 8 | packet[2])
    assert waiting is None
    assert set(lost) == {0x101}
    assert all(frame.mae == 0 for frame in DamageMap.read(target).frames)


@pytest.mark.parametrize("suffix", [".ts", ".mp4", ".mkv"])
def test_a_truncated_file_is_the_beginning_of_the_whole(tmp_path, suffix):
    clean, target, labels = made(tmp_path, ["truncate:keep=0.6"], suffix)
    whole = clean.read_bytes()
    assert target.read_bytes() == whole[: int(len(whole) * 0.6)]
    label = labels.defects[0]
    assert label.end_frame == 49
    assert label.visible_frames[-1] == 49
    assert label.start_frame - 1 <= label.visible_frames[0] <= label.start_frame + 1
    missing = DamageMap.read(target).frames[-1]
    assert missing.mae is None
    assert DamageMap.read(target).mask(49).all()


def test_damage_after_a_wrap_is_where_it_was_asked_for(tmp_path):
    source = generated_clip(size=(128, 96))
    target = tmp_path / "out.ts"
    labels = inject(source, target, [parse("timestamp_wrap:start=1"), parse("flipped_bits:start=1.2,length=0.4")])
    assert labels.defects[0].start_frame >= 30
    assert labels.defects[0].end_seconds <= 1.64
    assert min(labels.defects[0].visible_frames) >= 27
