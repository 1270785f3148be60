"""Decoded back, exactly the labelled frames and samples are changed."""

from fractions import Fraction

import numpy as np
import pytest

from actors.inject import DefectError, Encode, Labels, inject, parse
from actors.inject.labels import sha256
from tests.clips import generated_clip, pictures, real_clip, samples

FORMATS = ["yuv420p", "yuv422p", "yuv444p", "yuv420p10le", "yuv422p10le", "yuv444p10le", "gray"]
EXACT = Encode(lossless=True, audio_codec="pcm_s16le", preset="ultrafast")


def exact_clip(**format_):
    return generated_clip(seconds=2, size=(96, 64), suffix=".mkv", lossless=True, audio_codec="pcm_s16le", **format_)


def same(first, second):
    return all(np.array_equal(a, b) for a, b in zip(first.planes, second.planes, strict=True))


def put(tmp_path, source, *defects, name="out.mkv", encode=EXACT, seed=0):
    target = tmp_path / name
    return target, inject(source, target, [parse(text) for text in defects], seed=seed, encode=encode)


@pytest.mark.parametrize("pixel_format", FORMATS)
def test_black_frames_are_black_and_no_others_change(tmp_path, pixel_format):
    source = exact_clip(pixel_format=pixel_format)
    target, labels = put(tmp_path, source, "black:start=0.5,length=1,level=22")
    (label,) = labels.defects
    before, after = pictures(source), pictures(target)
    assert (label.kind, label.start_frame, label.end_frame) == ("black", 13, 37)
    assert (label.start_seconds, label.end_seconds) == (0.52, 1.52)
    assert len(before) == len(after) == 50
    for number, ((_, old), (at, new)) in enumerate(zip(before, after, strict=True)):
        assert at == pytest.approx(number / 25)
        if label.start_frame <= number <= label.end_frame:
            codes = (22, 128, 128)[: len(new.planes)]
            assert all((plane == code * new.scale).all() for plane, code in zip(new.planes, codes, strict=True))
        else:
            assert same(old, new)


@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv422p10le"])
def test_a_frozen_picture_is_held_exactly(tmp_path, pixel_format):
    source = exact_clip(pixel_format=pixel_format)
    target, labels = put(tmp_path, source, "freeze:start=0.4,length=0.8")
    (label,) = labels.defects
    before, after = pictures(source), pictures(target)
    assert (label.start_frame, label.end_frame) == (10, 29)
    for number, (_, picture) in enumerate(after):
        held = label.start_frame <= number <= label.end_frame
        assert same(picture, before[label.start_frame if held else number][1])


def test_a_freeze_dims_and_carries_noise(tmp_path):
    source = exact_clip()
    target, _ = put(tmp_path, source, "freeze:start=0.4,length=0.8,dim=8,noise=2")
    after = [picture.planes[0].astype(float) for _, picture in pictures(target)]
    assert after[10].mean() - after[29].mean() == pytest.approx(8 * 19 / 20, abs=0.3)
    assert np.std(after[11] - after[10]) == pytest.approx(2 * 2**0.5, rel=0.15)
    assert not np.array_equal(after[28], after[29])


@pytest.mark.parametrize("gop", [12, 25, 50, 250])
def test_key_frames_stand_where_they_are_asked_for(tmp_path, gop):
    import av

    source = exact_clip()
    target, _ = put(tmp_path, source, "freeze:start=0.2,length=1", encode=Encode(gop=gop, preset="ultrafast"))
    with av.open(str(target)) as container:
        keys = [packet.pts for packet in container.demux(video=0) if packet.is_keyframe]
    assert keys == [number * 40 for number in range(0, 50, gop)]


@pytest.mark.parametrize("color_range", [1, 2])
def test_a_cut_inverts_what_follows(tmp_path, color_range):
    source = exact_clip(color_range=color_range)
    target, labels = put(tmp_path, source, "cut:start=1")
    (label,) = labels.defects
    assert (label.kind, label.start_seconds, label.end_seconds) == ("scene", 1, 1)
    assert label.start_frame == label.end_frame == 25
    mirror = 255 if color_range == 2 else 251
    for number, ((_, old), (_, new)) in enumerate(zip(pictures(source), pictures(target), strict=True)):
        if number < 25:
            assert same(old, new)
        else:
            assert np.array_equal(new.planes[0], mirror - old.planes[0])
            assert np.array_equal(new.planes[1], np.minimum(256 - old.planes[1].astype(int), 255))


@pytest.mark.parametrize("layout", ["mono", "stereo", "5.1"])
def test_silence_is_exact_and_leaves_the_rest(tmp_path, layout):
    source = exact_clip(layout=layout)
    target, labels = put(tmp_path, source, "silence:start=0.333,length=1")
    (label,) = labels.defects
    first, last = label.start_frame, label.end_frame
    assert (first, last) == (15984, 63983)
    assert Fraction(label.start_seconds).limit_denominator(48000) == Fraction(first, 48000)
    before, after = samples(source)[0], samples(target)[0]
    assert after.shape == before.shape
    assert not after[:, first : last + 1].any()
    assert np.array_equal(after[:, :first], before[:, :first])
    assert np.array_equal(after[:, last + 1 :], before[:, last + 1 :])


def test_silence_may_be_noise_of_a_level(tmp_path):
    target, _ = put(tmp_path, exact_clip(), "silence:start=0.5,length=1,level=-50")
    noise = samples(target)[0][:, 24000:72000]
    assert 20 * np.log10(noise.std()) == pytest.approx(-50, abs=0.2)


def test_one_channel_is_lost(tmp_path):
    source = exact_clip(layout="5.1")
    target, _ = put(tmp_path, source, "channel_loss:start=0.5,length=0.5,channel=3")
    before, after = samples(source)[0], samples(target)[0]
    before[3, 24000:48000] = 0
    assert np.array_equal(before, after)


def test_channels_are_turned_over_and_made_one(tmp_path):
    source = exact_clip()
    before, _ = samples(source)
    target, labels = put(tmp_path, source, "phase_inversion:start=0.5,length=0.5,channel=0", "mono:start=1,length=0.5")
    after, _ = samples(target)
    turned, one = (slice(label.start_frame, label.end_frame + 1) for label in labels.defects)
    np.testing.assert_allclose(after[0, turned], -before[0, turned], atol=1e-4)
    np.testing.assert_allclose(after[:, one], np.stack([before[:, one].mean(axis=0)] * 2), atol=1e-4)
    assert [label.kind for label in labels.defects] == ["phase", "phase"]
    before[:, turned], before[:, one] = after[:, turned], after[:, one]
    np.testing.assert_array_equal(after, before)


def test_clicks_and_dropouts_are_where_they_are_said_to_be(tmp_path):
    source = exact_clip()
    before, _ = samples(source)
    target, labels = put(tmp_path, source, "clicks:start=0.5,length=1,level=-12,every=9000", "dropout:start=1.7")
    after, _ = samples(target)
    clicks, dropout = labels.defects
    assert (clicks.kind, dropout.kind, clicks.params["clicks"]) == ("click", "click", 5)
    changed = np.flatnonzero((after != before).any(axis=0))
    places = 24_000 + 4500 + 9000 * np.arange(5)
    assert changed[:5].tolist() == places.tolist()
    np.testing.assert_allclose(np.abs(after - before)[:, places], 10 ** (-12 / 20), atol=1e-4)
    assert changed[5] >= dropout.start_frame == 81_600
    assert changed[-1] <= dropout.end_frame == 81_600 + 3840 - 1
    assert not after[:, dropout.start_frame : dropout.end_frame + 1].any()


def test_pictures_are_repeated_in_turns(tmp_path):
    source = exact_clip()
    target, labels = put(tmp_path, source, "repeats:start=0.4,length=0.8,of=5,repeats=2")
    (label,) = labels.defects
    before, after = pictures(source), pictures(target)
    assert (label.kind, label.start_frame, label.end_frame, label.params["repeated"]) == ("stutter", 10, 29, 8)
    for number, (_, picture) in enumerate(after):
        turn = (number - 10) % 5 if 10 <= number <= 29 else 0
        assert same(picture, before[number - max(0, turn - 2)][1])


def test_clipping_counts_its_runs(tmp_path):
    source = exact_clip()
    target, labels = put(tmp_path, source, "clipping:start=0.5,length=1,gain=18")
    flat = np.abs(samples(target)[0]) >= 32767 / 32768
    clipped = np.flatnonzero(flat.any(axis=0))
    assert 24000 <= clipped.min() < clipped.max() < 72000
    assert labels.defects[0].params["clipped_samples"] == pytest.approx(flat.sum(), rel=0.01)
    assert max(map(len, "".join("x" if sample else " " for sample in flat[0]).split())) >= 3


def test_loudness_jumps_by_so_many_decibels(tmp_path):
    source = exact_clip()
    target, labels = put(tmp_path, source, "loudness_jump:start=1,gain=-12")
    before, after = samples(source)[0], samples(target)[0]
    assert np.array_equal(before[:, :48000], after[:, :48000])
    assert 20 * np.log10(after[:, 48000:].std() / before[:, 48000:].std()) == pytest.approx(-12, abs=0.01)
    assert (labels.defects[0].start_seconds, labels.defects[0].end_seconds) == (1, 2)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts", ".mov"])
def test_same_seed_same_bytes_in_every_container(tmp_path, suffix):
    source = generated_clip(seconds=1, size=(96, 64))
    defects = ("freeze:start=0.2,length=0.5,noise=1", "flipped_bits:start=0.5,count=5")
    names = {"a": 7, "b": 7, "c": 8}
    made = {
        name: put(tmp_path, source, *defects, name=name + suffix, encode=Encode(), seed=seed)[1]
        for name, seed in names.items()
    }
    assert made["a"] == made["b"]
    assert made["a"].sha256 != made["c"].sha256


def test_labels_read_back_and_know_their_clip(tmp_path):
    target, labels = put(tmp_path, real_clip("carphone_pristine.mp4"), "black:start=1,length=1", encode=Encode())
    assert Labels.read(target) == labels
    assert labels.sha256 == sha256(target)
    assert labels.source == "carphone_pristine.mp4"
    label = labels.defects[0]
    times = [at for at, _ in pictures(target)]
    assert label.start_seconds == float(times[label.start_frame]) == 1.001
    assert label.end_seconds == float(times[label.end_frame + 1])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.mkv", "out.mkv.labels.json"]


def test_real_5_1_sound_through_aac_stays_where_it_was(tmp_path):
    target, _ = put(tmp_path, real_clip(), "silence:start=1,length=1", name="out.ts", encode=Encode(preset="ultrafast"))
    sound, at = samples(target)
    assert at == 0
    assert len(sound) == 6
    assert np.abs(sound[:, 50000:94000]).max() < 0.001
    assert np.abs(sound[:, 97000:]).max() > 0.01


@pytest.mark.parametrize(("text", "said"), [
    ("frieze", "'frieze': no such defect; allowed: bars, black, blockiness, blur"),
    ("freeze:lenght=3", "freeze: no field 'lenght'; allowed: track, start, length, dim, noise"),
    ("freeze:start=-1", "freeze: start=-1: Input should be greater than or equal to 0"),
    ("freeze:start=soon", "freeze: start=soon: Input should be a valid number"),
    ("freeze:start", "freeze: 'start' is not name=value"),
    ("freeze:dim=3", "dim needs length"),
    ("black:track=a:0", "black: track=a:0"),
    ("cut:length=2", "cut: no field 'length'"),
    ("timestamp_gap:start=1", "timestamp_gap: length: Field required"),
    ("timestamp_gap:start=0,length=1", "timestamp_gap: start=0: Input should be greater than 0"),
    ("format_change:start=1", "needs one of size"),
    ("format_change:start=1,rate=8000", "fit video tracks"),
    ("truncate:keep=2", "truncate: keep=2: Input should be less than 1"),
])  # fmt: skip
def test_a_bad_defect_is_named_with_its_field(text, said):
    with pytest.raises(DefectError) as error:
        parse(text)
    assert said in str(error.value)


@pytest.mark.parametrize(("text", "said"), [
    ("black:start=5", "black: start=5,track=v:0: past the end of the clip, which is at 2.000 seconds"),
    ("black:start=1,length=1.5", "past the end"),
    ("silence:start=1.5,length=1", "past the end"),
    ("flipped_bits:start=9", "flipped_bits: start=9,track=v:0: no packet of the track was hit"),
    ("channel_loss:channel=2", "a:0 has 2 channels"),
    ("phase_inversion:channel=2", "a:0 has 2 channels"),
    ("black:track=v:1", "the clip has v:0, a:0"),
    ("clicks:start=1,length=0.1,every=20000", "no click falls into it"),
    ("repeats:start=1,length=0.1,of=9", "no picture of it is repeated"),
    ("clipping:gain=1", "no sample reaches full scale"),
    ("timestamp_gap:start=1,length=1", "past the end"),
    ("timestamp_jump:by=3", "needs a transport stream"),
    ("lost_packets:start=1", "needs a transport stream"),
])  # fmt: skip
def test_a_defect_that_does_not_fit_leaves_nothing_behind(tmp_path, text, said):
    with pytest.raises(DefectError) as error:
        put(tmp_path, exact_clip(), text)
    assert said in str(error.value)
    assert not list(tmp_path.iterdir())


def test_sources_and_targets_that_cannot_be(tmp_path):
    junk = tmp_path / "junk.mp4"
    junk.write_bytes(b"no clip")
    with pytest.raises(DefectError, match=r"junk\.mp4"):
        inject(junk, tmp_path / "out.mp4", [])
    with pytest.raises(DefectError, match=r"out.avi: ends in none of .mp4"):
        inject(junk, tmp_path / "out.avi", [])
    with pytest.raises(DefectError, match="lossless: mpeg2video"):
        put(tmp_path, exact_clip(), "black", encode=Encode(codec="mpeg2video", lossless=True))
    with pytest.raises(DefectError, match=r"\.mkv: "):
        put(tmp_path, exact_clip(pixel_format="yuv444p"), "black", encode=Encode(codec="mpeg2video"))
