"""The main job, end to end: every defect that can be put into a clip is found where it is, and nothing else is."""

import pytest

import sightline
from actors.inject import DamageMap, Encode, inject, parse
from tests.clips import generated_clip, real_clip

FRAME, HOP = 1 / 25, 0.02
TS = Encode(gop=25)


def analysed(source, tmp_path, defects, suffix=".mp4", encode=None, **wanted):
    """Put defects in, run the main job, and give the labels and the stream's document."""
    clip = tmp_path / f"clip{suffix}"
    labels = inject(source, clip, [parse(defect) for defect in defects], seed=1, encode=encode or Encode(gop=25))
    report = sightline.analyze(clip, results=str(tmp_path / "results"), **wanted)
    return labels, report["streams"][0]


def incidents(stream, detector):
    return [incident for incident in stream["incidents"] if incident["detector"] == detector]


def others(stream, *detectors):
    """Incidents beside the expected ones that nothing explains; markers are none."""
    return [
        incident for incident in stream["incidents"]
        if incident["detector"] not in detectors and incident["severity"] != "info" and not incident["explained_by"]
    ]  # fmt: skip


@pytest.fixture(scope="module")
def source():
    return generated_clip(seconds=9, size=(320, 180))


@pytest.fixture(scope="module")
def pictures():
    return generated_clip(seconds=4, size=(320, 180), layout=None)


@pytest.mark.parametrize(
    ("defect", "detector", "tolerance"),
    [
        ("black:start=2,length=3", "black", FRAME),
        ("black:start=5,length=4", "black", FRAME),  # open at the end of the file
        ("freeze:start=2,length=4", "freeze", FRAME),
        ("freeze:start=3,length=6,noise=1", "freeze", FRAME),
        ("silence:start=2,length=3", "silence", 3 * HOP),
        ("channel_loss:start=3,length=4,channel=1", "channel_loss", 3 * HOP),
        ("mono:start=3,length=4", "phase", 0.15),
        ("dropout:start=4.003,length=0.15", "click", 3 * HOP),
        ("timestamp_gap:start=4,length=1", "timestamps", FRAME),
        ("blockiness:start=2,length=4", "blockiness", FRAME),
        ("levels:start=2,length=4,gain=2", "levels", FRAME),
        ("blur:start=2,length=4", "blur", FRAME),
        ("letterbox:start=3,length=3", "letterbox", FRAME),
    ],
)
@pytest.mark.parametrize(
    "suffix", [".ts", pytest.param(".mp4", marks=pytest.mark.slow), pytest.param(".mkv", marks=pytest.mark.slow)]
)
def test_found_where_it_is(source, tmp_path, defect, detector, tolerance, suffix):
    labels, stream = analysed(source, tmp_path, [defect], suffix)
    (label,) = labels.defects
    found = incidents(stream, detector)
    assert stream["status"] == "completed"
    assert found, stream["incidents"]
    for incident in found if detector == "timestamps" else found[:1]:
        assert incident["start_seconds"] == pytest.approx(label.start_seconds, abs=tolerance)
        assert incident["end_seconds"] == pytest.approx(label.end_seconds, abs=tolerance)
    assert len(found) <= (2 if detector == "timestamps" else 1)
    assert others(stream, detector, *(["loudness"] if detector == "clipping" else [])) == []


def test_clipping_is_found_where_it_is_in_pcm_and_betrayed_in_aac(source, tmp_path):
    for codec, suffix, tolerance in (("pcm_s16le", ".mkv", 0.15), ("aac", ".mp4", 2)):
        encode = Encode(gop=25, audio_codec=codec)
        labels, stream = analysed(source, tmp_path, ["clipping:start=3,length=2,gain=20"], suffix, encode, fresh=True)
        found = incidents(stream, "clipping")[0]
        assert found["start_seconds"] == pytest.approx(labels.defects[0].start_seconds, abs=0.15)
        assert found["end_seconds"] == pytest.approx(labels.defects[0].end_seconds, abs=tolerance)
        assert others(stream, "clipping", "loudness") == []


@pytest.mark.parametrize("suffix", [".mp4", ".ts"])
def test_a_channel_turned_over_is_found_where_both_belong_together(source, tmp_path, suffix):
    labels, stream = analysed(source, tmp_path, ["mono", "phase_inversion:start=3,length=4"], suffix)
    (found,) = incidents(stream, "phase")
    assert found["start_seconds"] == pytest.approx(labels.defects[1].start_seconds, abs=0.15)
    assert found["end_seconds"] == pytest.approx(labels.defects[1].end_seconds, abs=0.15)
    assert (found["severity"], found["unit"], found["peak"]) == ("warning", "correlation", pytest.approx(-1, abs=0.02))
    assert others(stream, "phase") == []


@pytest.mark.parametrize(("codec", "suffix"), [("pcm_s16le", ".mkv"), ("aac", ".mp4"), ("mp2", ".ts")])
def test_clicks_are_found_one_by_one(source, tmp_path, codec, suffix):
    encode = Encode(gop=25, audio_codec=codec)
    labels, stream = analysed(source, tmp_path, ["clicks:start=2,length=4"], suffix, encode)
    (found,) = incidents(stream, "click")
    assert labels.defects[0].params["clicks"] == 8
    assert found["message"] == "8 clicks"
    assert found["start_seconds"] == pytest.approx(2.25, abs=0.06)
    assert found["end_seconds"] == pytest.approx(5.75, abs=0.06)
    assert others(stream, "click") == []


@pytest.mark.parametrize(("of", "repeats"), [(2, 1), (5, 1), (4, 3), (5, 2)])
def test_repeated_pictures_are_found_by_their_pattern(source, tmp_path, of, repeats):
    defect = f"repeats:start=3,length=3,of={of},repeats={repeats}"
    labels, stream = analysed(source, tmp_path, [defect], ".mp4", Encode(gop=25, crf=28))
    (found,) = incidents(stream, "stutter")
    assert found["start_seconds"] == pytest.approx(labels.defects[0].start_seconds, abs=of * FRAME)
    assert found["end_seconds"] == pytest.approx(labels.defects[0].end_seconds, abs=of * FRAME)
    assert found["cause"] == f"{repeats} of {of}"
    assert found["peak"] == pytest.approx(25 * repeats / of)
    assert others(stream, "stutter") == []


def test_a_gap_explains_the_picture_that_comes_late(source, tmp_path):
    _, stream = analysed(source, tmp_path, ["timestamp_gap:start=4,length=0.6"])
    (gap,), (late,) = incidents(stream, "timestamps"), incidents(stream, "stutter")
    assert late["explained_by"] == gap["id"]
    assert late["peak"] == pytest.approx(600)


def test_black_explains_the_freeze_that_it_is(source, tmp_path):
    _, stream = analysed(source, tmp_path, ["black:start=2,length=4"])
    (black,), (freeze,) = incidents(stream, "black"), incidents(stream, "freeze")
    assert freeze["explained_by"] == black["id"]
    assert black["explained_by"] is None


def test_a_cut_is_marked_to_the_frame(tmp_path):
    labels, stream = analysed(real_clip("bikes.mp4"), tmp_path, ["cut:start=4"])
    cuts = [cut["start_seconds"] for cut in incidents(stream, "scene")]
    assert any(cut == pytest.approx(labels.defects[0].start_seconds, abs=FRAME) for cut in cuts)


@pytest.mark.parametrize("by", [-3.0, 20.0])
def test_a_jump_is_one_epoch_and_no_other_defect(source, tmp_path, by):
    labels, stream = analysed(source, tmp_path, [f"timestamp_jump:start=4,by={by}"], ".ts")
    assert stream["epochs"] == 2
    found = incidents(stream, "timestamps")
    assert {incident["track"] for incident in found} == {"v:0", "a:0"}
    for incident in found:
        assert incident["start_seconds"] == pytest.approx(labels.defects[0].start_seconds, abs=0.2)
        assert abs(incident["peak"]) == pytest.approx(abs(by), abs=0.2)
    assert others(stream, "timestamps", "decode_errors") == []
    assert stream["coverage"][0]["start_seconds"] == pytest.approx(0, abs=0.1)


def test_a_wrap_is_no_defect(source, tmp_path):
    labels, stream = analysed(source, tmp_path, ["timestamp_wrap:start=4"], ".ts")
    assert [label.defect for label in labels.natural] == ["timestamp_wrap"]
    assert (stream["epochs"], others(stream)) == (1, [])
    seconds = {track["track"]: track["duration_seconds"] for track in stream["tracks"]}
    assert seconds["v:0"] == pytest.approx(9, abs=FRAME)


@pytest.mark.parametrize(
    "change", ["size=480x270", "pixel_format=yuv422p", "codec=libx265", "track=a:0,rate=44100", "track=a:0,layout=mono"]
)
def test_a_change_of_format_is_marked_and_no_defect(source, tmp_path, change):
    _, stream = analysed(source, tmp_path, [f"format_change:start=4,{change}"], ".ts")
    marks = incidents(stream, "format_change")
    assert marks, stream["incidents"]
    assert all(mark["start_seconds"] == pytest.approx(4, abs=0.3) for mark in marks)
    softened = ["blur"] if change.startswith("size") else []  # smooth waves, scaled up
    assert others(stream, "format_change", "timestamps", "decode_errors", *softened) == []
    frames = next(track["frames"] for track in stream["tracks"] if track["track"] == "v:0")
    assert frames >= 9 * 25 - 3


@pytest.mark.parametrize(
    ("defect", "suffix"),
    [("lost_packets:start=3,length=2,share=0.05", ".ts"), ("flipped_bits:start=3,length=2,count=40", ".mkv"),
     ("zeroed_packets:start=3,length=2,share=0.3", ".mp4"), ("lost_slices:start=3,length=2,share=0.5", ".ts")],
)  # fmt: skip
def test_damage_is_said_and_never_fatal(source, tmp_path, defect, suffix):
    labels, stream = analysed(source, tmp_path, [defect], suffix)
    assert stream["status"] == "completed"
    assert labels.defects[0].visible_frames
    found = [*incidents(stream, "decode_errors"), *incidents(stream, "timestamps")]
    assert any(2.9 <= incident["start_seconds"] <= 5.1 for incident in found), stream["incidents"]


@pytest.mark.parametrize(
    ("codec", "damage", "suffix", "cause", "late"),
    [
        ("libx264", "lost_packets:share=0.1", ".ts", "concealed", 2),
        ("libx264", "flipped_bits", ".mkv", "concealed", 1),
        ("libx264", "zeroed_packets:share=0.4", ".mp4", "reported", 3),
        ("mpeg2video", "flipped_bits", ".ts", "concealed", 1),
        ("libx265", "lost_packets:share=0.1", ".ts", "reported", 5),
        ("libx265", "flipped_bits:count=40", ".mkv", "unnoticed", 10),
    ],
)
def test_damage_is_found_where_it_is_seen(pictures, tmp_path, codec, damage, suffix, cause, late):
    kind, _, rest = damage.partition(":")
    defect = ",".join(filter(None, [f"{kind}:start=1.5,length=0.5", rest]))
    encode = Encode(gop=25, codec=codec, slices=4)
    _, stream = analysed(pictures, tmp_path, [defect], suffix, encode, detectors=["corruption"])
    damaged = DamageMap.read(tmp_path / f"clip{suffix}")
    seen = [frame.frame for frame in damaged.frames if damaged.mask(frame.frame).mean() > 0.005]
    (found,) = stream["incidents"]
    assert (found["detector"], found["severity"], found["cause"]) == ("corruption", "critical", cause)
    assert 0 <= found["start_seconds"] - seen[0] * FRAME <= (late + 0.1) * FRAME
    assert found["end_seconds"] == pytest.approx((seen[-1] + 1) * FRAME, abs=0.001)
    assert found["peak"] > 0.01


def test_a_picture_that_is_lost_whole_damages_those_made_from_it(pictures, tmp_path):
    damage = "lost_slices:start=1.5,length=0.5,share=0.2"
    _, stream = analysed(pictures, tmp_path, [damage], ".ts", Encode(gop=25), detectors=["corruption"])
    damaged = DamageMap.read(tmp_path / "clip.ts")
    seen = [frame.frame for frame in damaged.frames if damaged.mask(frame.frame).mean() > 0.005]
    (found,) = stream["incidents"]
    assert (found["detector"], found["cause"]) == ("corruption", "concealed")
    assert round(found["start_seconds"] / FRAME) in seen
    assert found["end_seconds"] == pytest.approx(2, abs=0.001)


@pytest.mark.parametrize("codec", ["libx264", "libx265", "mpeg2video"])
def test_pictures_that_are_whole_are_not_damaged(pictures, tmp_path, codec):
    encode = Encode(gop=25, codec=codec, slices=4)
    _, stream = analysed(pictures, tmp_path, ["cut:start=2"], ".ts", encode, detectors=["corruption"])
    assert (stream["status"], stream["incidents"]) == ("completed", [])
    assert stream["tracks"][0]["frames"] == 100


def test_a_file_cut_short_says_so(source, tmp_path):
    _, stream = analysed(source, tmp_path, ["truncate:keep=0.61"], ".ts")
    assert stream["status"] == "partial"
    assert "cut short" in stream["error"]


def test_clean_real_clips_are_clean(tmp_path):
    clips = [real_clip(name) for name in ("bigbuckbunny.mp4", "bikes.mp4", "carphone_pristine.mp4")]
    report = sightline.analyze(clips, results=str(tmp_path / "results"))
    assert [stream["status"] for stream in report["streams"]] == ["completed"] * 3
    for stream in report["streams"]:
        assert others(stream) == [], stream["source"]
        verdicts = [one for one in stream["verdicts"] if one["detector"] != "scene"]
        assert {one["state"] for one in verdicts if one["detector"] != "av_sync"} == {"ok"}
        assert {one["state"] for one in verdicts if one["detector"] == "av_sync"} <= {"unknown"}
    assert sum(track["frames"] for s in report["streams"] for track in s["tracks"] if track["kind"] == "video") > 400
