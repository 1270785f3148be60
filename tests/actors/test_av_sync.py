"""Sound against pictures, by markers: what a flash and a beep are, which belong together, and what they say."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import sightline
from actors import rejudge
from actors.checkpoint import Checkpoint, Work
from actors.detectors import build
from actors.detectors.av_sync import AvSync
from actors.inject import Encode, inject, parse
from actors.judging import Judges
from actors.reader import Reader
from tests.actors import ebu
from tests.actors.rows import FRAME, check_splits, cut, judged, packets, video
from tests.clips import generated_clip, marker_clip, real_clip, samples

RATE = 48_000


def pictures(flashes, seconds, *, long=2, of=235.0, track="v:0"):
    """Rows of dark pictures at 25 Hz that are light from each of these seconds on."""
    n = round(25 * seconds)
    luma = 40 + np.arange(n) % 3 * 1.5
    for at in flashes:
        luma[round(25 * at) : round(25 * at) + long] = of
    return replace(video(n, luma_mean=luma), track=track)


def sound(beeps, seconds, *, long=0.08, noise=0.0, track="a:0", rate=RATE):
    """Rows of silence, or faint noise, with beeps that begin at these seconds."""
    time = np.arange(round(seconds * rate)) / rate
    wave = noise * np.random.default_rng(1).uniform(-1, 1, len(time))
    for at in beeps:
        wave += np.where((time >= at) & (time < at + long), 0.3 * np.cos(2 * np.pi * 1000 * (time - at)), 0)
    rows = ebu.rows_of(ebu.stereo(wave).astype(np.float32), rate, wanted=frozenset(AvSync.metrics))
    return replace(rows, track=track)


def seen(rows):
    """Seconds at which markers are found in a track."""
    (detector,) = (one for one in build(["av_sync"], {}) if one.table == rows.table)
    return [event.base.seconds(event.start) for event in check_splits(detector, [rows], [7, 1, 30])]


@pytest.mark.parametrize(("rows", "expected"), [
    (pictures([1, 2.4], 4), [1, 2.4]), (pictures([1], 4, long=12), [1]), (pictures([1], 4, of=70.0), [1]),
    (pictures([1], 4, long=14), []), (pictures([1], 4, of=60.0), []), (pictures([0.12], 4), []),
    (pictures([3.92], 4), []), (pictures([1, 1.16, 1.32, 1.48], 4), [1]),
], ids=["two", "long", "weak", "too long", "too weak", "at the start", "at the end", "a strobe"])  # fmt: skip
def test_a_flash_is_light_for_a_few_pictures(rows, expected):
    assert seen(rows) == expected


@pytest.mark.parametrize(("rows", "expected"), [
    (sound([1.0037, 2.5], 4), [1.0037, 2.5]), (sound([1.0099], 4), [1.0099]), (sound([1.0], 4, noise=0.003), [1.0]),
    (sound([1], 4, long=1.2), []), (sound([1], 4, noise=0.004), []), (sound([0.15], 4), []),
    (sound([1, 1.25], 4), [1]), (sound([1, 1.29], 4), [1, 1.29]),
], ids=["two", "near an edge", "faint noise", "too long", "noise", "at the start", "too soon", "soon"])  # fmt: skip
def test_a_beep_comes_out_of_silence_and_is_found_to_the_sample(rows, expected):
    assert seen(rows) == pytest.approx(expected, abs=2 / 90_000)


def test_what_is_missing_is_neither_dark_nor_silent():
    late = pictures([1], 4)
    late.columns["time"][24:] += 3 * FRAME
    broken = sound([1.05], 4)
    broken.columns["restarted"][10] = True
    assert (seen(late), seen(broken)) == ([], [])


def told(*rows, **limits):
    """(track, part, start, end, peak) of each incident that these tracks make."""
    judges = Judges("s", build(["av_sync"], {"av_sync": limits}))
    judges.expect([one.track for one in rows])
    events = [event for one in rows for event in judges.judge(one)] + judges.finish(whole=True)
    assert {event.kind for event in events} <= {"opened", "closed"}
    assert sum(event.kind == "opened" for event in events) == sum(event.kind == "closed" for event in events)
    ended = [event for event in events if event.kind == "closed"]
    return [
        (event.track, event.part, *(event.base.seconds(at) for at in (event.start, event.end)), event.peak)
        for event in ended
    ]


def near(*expected):
    return [(*names, *(pytest.approx(value, abs=0.05) for value in values)) for *names, a, b, c in expected
            for values in [(a, b, c)]]  # fmt: skip


AT = np.arange(1, 9.0)


@pytest.mark.parametrize(("late", "expected"), [
    (0.126, [("late", 126)]), (0.124, []), (-0.044, []), (-0.046, [("early", 46)]), (0.45, [("late", 450)]),
    (-0.45, [("early", 450)]), (0.8, [("early", 200)]),
])  # fmt: skip
def test_sound_off_its_pictures_is_told_where_viewers_notice_it(late, expected):
    """With markers each second, sound 800 ms late cannot be told from sound 200 ms early."""
    found = told(pictures(AT, 10), sound(AT + late, 10))
    assert [(part, pytest.approx(peak, abs=0.1)) for _, part, _, _, peak in found] == expected


def test_it_lasts_from_the_first_beep_to_the_last_that_is_off():
    moved = np.where(AT < 5, 0.2, 0)
    assert told(pictures(AT, 10), sound(AT + moved, 10)) == near(("a:0", "late", 1.2, 4.28, 200))


def test_markers_that_stop_say_nothing_of_what_comes_after():
    at = [1, 2, 3, 70, 71, 72]
    found = told(pictures(at, 75), sound(np.add(at, 0.3), 75))
    assert found == near(("a:0", "late", 1.3, 3.38, 300), ("a:0", "late", 70.3, 72.38, 300))


def test_each_sound_is_held_against_the_first_pictures():
    found = told(
        pictures(AT, 10), pictures(AT + 0.2, 10, track="v:1"), sound(AT, 10), sound(AT + 0.2, 10, track="a:1")
    )
    assert found == near(("a:1", "late", 1.2, 8.28, 200))


@pytest.mark.parametrize(("flashes", "beeps"), [
    (AT[:2], AT[:2] + 0.3), (AT, AT + np.arange(8) % 2 * 0.3 + 0.2), (AT, []), ([], AT), (AT[:4], AT[4:] + 0.5),
], ids=["two", "unsteady", "flashes", "beeps", "elsewhere"])  # fmt: skip
def test_less_than_three_that_agree_say_nothing(flashes, beeps):
    rows = pictures(flashes, 10), sound(beeps, 10)
    assert told(*rows) == []
    judges = Judges("s", detectors := build(["av_sync"], {}))
    for one in rows:
        judges.judge(one)
    judges.finish(whole=True)
    assert "no 3 flashes and beeps that agree" in judges.doubt(detectors[1], "a:0")


OFFSET = st.sampled_from([0.0, 0.0, 0.2, 0.21, 0.2, -0.1, 0.9, None])
MARKERS = st.lists(st.tuples(st.sampled_from([0.4, 1.0, 1.0, 2.5]), st.integers(1, 5), OFFSET, OFFSET), max_size=6)


def tracks_of(markers):
    """Rows of pictures, of two sounds, and of packets, from (seconds between, how many, how late, how late)."""
    at = np.cumsum([1.0, *(gap for gap, count, *_ in markers for _ in range(count))])[1:]
    lates = [(one, other) for _, count, one, other in markers for _ in range(count)]
    seconds = float(at[-1]) + 2 if len(at) else 2.0
    made = [pictures(at, seconds)]
    for place, track in enumerate(("a:0", "a:1")):
        beeps = [when + late[place] for when, late in zip(at, lates, strict=True) if late[place] is not None]
        made.append(sound(beeps, seconds, track=track, rate=8000))
    whole = packets(round(seconds * 5), duration=5 * FRAME, time=np.arange(round(seconds * 5)) * 5 * FRAME)
    return [*made, *(replace(whole, track=one.track) for one in made)]


def restarted(judges, detectors):
    checkpoint = judges.into(Checkpoint(Work("", {}, "")))
    again = Judges("s", detectors)
    again.restore(checkpoint)
    return again


@settings(max_examples=40, deadline=None)
@given(MARKERS, st.lists(st.integers(1, 60), max_size=20), st.randoms(use_true_random=False))
def test_rows_cut_anywhere_in_any_order_of_tracks_give_the_same(markers, sizes, random):
    tracks, detectors = tracks_of(markers), build(["av_sync"], {})
    names = [one.track for one in tracks]
    judges = Judges("s", detectors)
    judges.expect(names)
    whole = [event for one in tracks for event in judges.judge(one)] + judges.finish(whole=True)
    pieces = [list(cut([one], random.sample(sizes, len(sizes)))) for one in tracks]
    judges, given_ = Judges("s", detectors), []
    judges.expect(names)
    while left := [one for one in pieces if one]:
        given_ += judges.judge(random.choice(left).pop(0))
        if random.random() < 0.3:
            judges = restarted(judges, detectors)
            judges.expect(names)
    assert given_ + judges.finish(whole=True) == whole
    for track in ("a:0", "a:1"):
        ats = [event.at for event in whole if event.track == track]
        assert ats == sorted(ats)


def test_the_property_above_compares_events():
    tracks, detectors = tracks_of([(1.0, 5, 0.2, -0.1), (1.0, 5, 0.0, 0.2)]), build(["av_sync"], {})
    judges = Judges("s", detectors)
    judges.expect([one.track for one in tracks])
    early = [event for one in tracks for event in judges.judge(one)]
    both = early + judges.finish(whole=True)
    assert [(event.kind, event.track, event.part) for event in both] == [
        ("opened", "a:0", "late"), ("opened", "a:1", "early"), ("closed", "a:0", "late"), ("closed", "a:1", "early"),
        ("opened", "a:1", "late"), ("closed", "a:1", "late"),
    ]  # fmt: skip
    assert len(early) >= 2


def test_what_is_remembered_is_bounded():
    at = np.arange(1, 59, 0.5)
    judges, lengths = Judges("s", build(["av_sync"], {})), []
    tracks = cut([pictures(at, 60)], [250] * 9), cut([sound(at + 0.2, 60, rate=8000)], [100] * 9)
    for pair in zip(*tracks, strict=True):
        for rows in pair:
            judges.judge(rows)
        lengths.append(len(judges.into(Checkpoint(Work("", {}, ""))).sync))
    assert len(lengths) == 6
    assert max(lengths[2:]) < 1.1 * lengths[1]


def analysed(clip, results):
    return sightline.analyze(clip, results=results, detectors=["av_sync"])["streams"][0]


@pytest.mark.parametrize(("by", "suffix"), [(200, ".mp4"), (-150, ".ts")])
def test_shifted_sound_is_found_in_a_clip_and_again_in_its_rows(tmp_path, by, suffix):
    clip = tmp_path / f"clip{suffix}"
    (label,) = inject(marker_clip(), clip, [parse(f"sound_shift:by={by}")], encode=Encode(preset="ultrafast")).defects
    (found,) = analysed(clip, tmp_path / "results")["incidents"]
    assert (label.kind, found["track"], found["unit"]) == ("av_sync", "a:0", "ms")
    assert found["peak"] == pytest.approx(abs(by), abs=1)
    assert found["start_seconds"] == pytest.approx(0.52 + by / 1000, abs=0.002)
    reader = Reader(str(tmp_path / "results"))
    ((stream, stored),) = reader.streams().items()
    for limit, count in ((100, 2), (500, 0)):
        sets = {"av_sync": {"late_ms": limit, "early_ms": limit}}
        work, detectors = rejudge.wanted(stream, stored, None, sets)
        events = rejudge.rejudge(stream, stored, work, detectors, reader.read).events
        assert list(events) == (stored.events if count else [])
        assert len(stored.events) == 2


def test_onsets_are_where_silencedetect_says_that_silence_ends():
    heard, _ = samples(marker_clip())
    said = ebu.filtered(heard, RATE, "silencedetect", "noise=-30dB:d=0.2")
    theirs = [float(text) for name, text in said if "silence_end" in name]
    rows = ebu.rows_of(heard, RATE)
    (detector,) = (one for one in build(["av_sync"], {}) if one.table == "audio")
    ours = [event.base.seconds(event.start) for event in judged(detector, [rows])]
    assert len(ours) == 8
    assert ours == pytest.approx(theirs, abs=0.002)


def test_clips_as_they_are_are_right_or_unknown(tmp_path):
    real = [real_clip(f"{name}.mp4") for name in ("bigbuckbunny", "carphone_pristine")]
    clips = [marker_clip(), *real, generated_clip(size=None)]
    streams = sightline.analyze(clips, results=tmp_path, detectors=["av_sync"])["streams"]
    assert [stream["incidents"] for stream in streams] == [[]] * 4
    assert [[verdict["state"] for verdict in stream["verdicts"]] for stream in streams] == [
        ["ok"], ["unknown"], [], ["unknown"],
    ]  # fmt: skip
    assert "no pictures" in streams[-1]["verdicts"][0]["reason"]


@pytest.mark.media
def test_markers_that_others_made_are_read_to_a_millisecond(media, tmp_path):
    clips = sorted((media / "defects" / "public").glob("avsync_marker_*.mp4"))
    streams = sightline.analyze(clips, results=tmp_path, detectors=["av_sync"])["streams"]
    states = {}
    for clip, stream in zip(clips, streams, strict=True):
        expected = json.loads(clip.with_suffix(".json").read_text())["params"]["offset_ms"]
        peaks = [-one["peak"] if " early" in one["message"] else one["peak"] for one in stream["incidents"]]
        assert peaks == ([pytest.approx(expected, abs=1)] if expected else [])
        states[expected] = [verdict["state"] for verdict in stream["verdicts"]]
    assert states == {-400: ["incident"], 0: ["ok"], 200: ["incident"], 800: ["incident"]}
