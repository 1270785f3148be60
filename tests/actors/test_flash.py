"""Flashes: transitions against a slow model, verdicts by the definition and IRIS's own, and clips."""

import csv
import math
from dataclasses import replace

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import sightline
from actors.detectors.flash import Flash, FlashThresholds
from actors.detectors.transitions import SCALE, Trail, crossings, steady
from actors.inject import Encode, inject, parse
from actors.measure.picture import PictureMeter
from actors.pixels import picture
from tests.actors.rows import FORMAT, FRAME, check_splits, judged, video
from tests.actors.test_picture import make_batch, make_format, make_frame
from tests.clips import generated_clip, real_clip

WANTED = frozenset(Flash.metrics)
METER = PictureMeter()


@pytest.mark.parametrize("transfer", ["pq", "hlg"])
def test_the_limits_are_those_of_sdr(transfer):
    frames = [make_frame(n, np.full((4, 4), 200 * n, np.uint8)) for n in range(2)]
    found = METER.measure(make_batch(make_format(4, 4, transfer=transfer), frames), WANTED)
    assert all(np.isnan(values).all() for values in found.values())
    assert Flash().unknown(FORMAT.replace("sdr", transfer)) == f"the limits are those of SDR, not of {transfer.upper()}"
    assert Flash().unknown(FORMAT) is None


def slowly(times, changes, threshold, second):
    """Row by row, as IRIS does it."""
    total, run, crosses = 0, [], []
    for time, change in zip(times, changes, strict=True):
        before = total
        if before * change < 0:
            run = []
        run = [one for one in [*run, (time, change)] if one[0] > time - second]
        total = sum(each for _, each in run)
        crosses.append(abs(total) >= threshold and not (before * total > 0 and abs(before) >= threshold))
    return crosses


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 9), st.sampled_from([-8, -4, -1, 0, 0, 1, 4, 8, 20])), min_size=1, max_size=80),
    st.lists(st.integers(1, 20), max_size=20),
)
def test_crossings_are_those_of_a_slow_model(steps, sizes):
    times = np.cumsum([step for step, _ in steps])
    changes = np.array([change for _, change in steps]) / 64
    trail, found, first = Trail(), [], 0
    while first < len(times):
        stop = first + (sizes.pop() if sizes else len(times))
        trail, part = crossings(trail, times[first:stop], changes[first:stop], 10 / 64, 25)
        found += part.tolist()
        first = stop
    assert found == slowly(times.tolist(), [change for _, change in steps], 10, 25)
    assert trail.times == tuple(time for time in times.tolist() if time > times[-1] - 25)
    assert all(change * 64 % SCALE == 0 for change in trail.changes)


def test_stretches_of_the_last_seconds():
    stretches, ticks = steady((), 0, 10, 50)
    stretches, ticks = steady(stretches, 10, 20, 50)
    assert (stretches, ticks) == (((0, 20),), 20)
    stretches, ticks = steady(stretches, 40, 60, 50)
    assert (stretches, ticks) == (((0, 20), (40, 60)), 30)
    assert steady(stretches, 75, 80, 50) == (((40, 60), (75, 80)), 25)


def flashing(*pieces, fps=25, area=1.0, low=0.0, kind="flash"):
    """Rows of light that goes up and down: (flashes per second or 0, height, seconds) each."""
    light = [low]
    for rate, height, seconds in pieces:
        at = np.arange(round(seconds * fps)) / fps
        light += (low + height * ((at * rate + 1e-9) % 1 < 0.5) * (rate > 0)).tolist()
    before, after = np.array([light[0], *light[:-1]]), np.array(light)
    nothing = {name: np.zeros(len(light)) for name in Flash.metrics}
    own = {f"{kind}_area": np.where(before != after, area, 0), f"{kind}_before": before, f"{kind}_after": after}
    step = 25 * FRAME // fps
    return video(len(light), time=np.arange(len(light)) * step, duration=step, **nothing | own)


def verdicts(rows, **thresholds):
    """Part, cause, start, end and peak of each incident; seconds to the hundredth."""
    events = judged(Flash(FlashThresholds(**thresholds)), [rows])
    return [
        (one.part, one.cause, round(one.base.seconds(one.start), 2), round(one.base.seconds(one.end), 2), one.peak)
        for one in events if one.kind == "closed"
    ]  # fmt: skip


STILL = (0, 0.0, 2.0)


@pytest.mark.parametrize("fps", [25, 50])
@pytest.mark.parametrize("height", [0.1, 0.9])
def test_more_than_three_flashes_in_a_second_fail(fps, height):
    ((part, cause, start, end, peak),) = verdicts(flashing(STILL, (5, height, 2), STILL, fps=fps))
    assert (part, cause, peak) == ("failure", "luminance", 5)
    assert start == pytest.approx(2, abs=0.05)
    assert end == pytest.approx(4, abs=0.15)


def test_two_to_three_in_a_second_are_a_warning_and_fail_if_they_last():
    assert verdicts(flashing(STILL, (2.5, 0.5, 3), STILL)) == [("warning", "warning", 2.04, 5.08, 2.5)]
    long = verdicts(flashing(STILL, (2.5, 0.5, 6), STILL))
    assert [found[:4] for found in long] == [("failure", "extended", 2.04, 7.88), ("warning", "warning", 2.04, 7.88)]
    assert verdicts(flashing(STILL, (1.5, 0.5, 9), STILL)) == []


def test_two_flashes_and_no_more_are_a_short_warning():
    rows = flashing(STILL, (4, 0.5, 0.5), STILL)
    assert [found[:2] for found in verdicts(rows)] == [("warning", "warning")]
    events = judged(Flash(), [rows])
    assert [(event.kind, event.severity) for event in events] == [("opened", "warning"), ("closed", "warning")]
    assert events[0].at == events[1].at


def test_a_warning_that_becomes_a_failure_is_both():
    found = verdicts(flashing(STILL, (2.5, 0.5, 3), (6, 0.5, 2), STILL))
    (failure, warning) = found
    assert failure[:2] == ("failure", "luminance")
    assert failure[2] == pytest.approx(5, abs=1)
    assert warning[0] == "warning"
    assert warning[2] == 2.04
    assert warning[3] == failure[3] == pytest.approx(7, abs=0.15)


@pytest.mark.parametrize(
    ("rows", "many"),
    [
        (flashing(STILL, (5, 0.099, 2), STILL), 0),
        (flashing(STILL, (5, 0.2, 2), STILL, low=0.79), 1),
        (flashing(STILL, (5, 0.2, 2), STILL, low=0.8), 0),
        (flashing(STILL, (5, 0.5, 2), STILL, area=0.25), 1),
        (flashing(STILL, (5, 0.5, 2), STILL, area=0.249), 0),
        (flashing(STILL, (5, 20.0, 2), STILL, kind="red"), 1),
        (flashing(STILL, (5, 19.9, 2), STILL, kind="red"), 0),
    ],
    ids=["weak", "dark", "light", "a quarter", "less", "red", "less red"],
)
def test_thresholds(rows, many):
    assert len(verdicts(rows)) == many


def test_a_flash_in_a_part_of_a_picture_that_moves_is_found():
    """All of it changes by little on the whole; of 30 % the change is a leap."""
    rows = flashing(STILL, (5, 0.05, 2), STILL)
    assert verdicts(rows) == []
    leaps = flashing(STILL, (5, 0.15, 2), STILL, area=0.3)
    columns = {f"leap_{part}": leaps.columns[f"flash_{part}"] for part in ("area", "before", "after")}
    (found,) = verdicts(replace(rows, columns=rows.columns | columns))
    assert found[:2] == ("failure", "luminance")


def test_red_is_said():
    events = judged(Flash(), [flashing(STILL, (5, 300.0, 2), STILL, kind="red")])
    assert {(event.cause, event.severity, event.unit) for event in events} == {("red", "critical", "flashes/s")}
    assert "saturated red" in events[-1].message


def test_what_goes_up_in_steps_is_one_change():
    """Half a turn in five steps: as many flashes as in one."""
    turn = [0, 0.1, 0.2, 0.3, 0.4, 0.4, 0.3, 0.2, 0.1, 0]
    light = np.array([0.0] * 25 + turn * 6 + [0.0] * 25)
    before = np.concatenate((light[:1], light[:-1]))
    zeros = np.zeros(len(light))
    columns = {name: zeros for name in Flash.metrics}
    columns |= {"flash_area": (light != before) * 1.0, "flash_before": before, "flash_after": light}
    rows = video(len(light), **columns)
    assert [(found[0], found[4]) for found in verdicts(rows)] == [("warning", 2.5)]


def test_long_ones_are_updated_on_the_grid():
    events = judged(Flash(), [flashing((5, 0.5, 25), STILL)])
    assert [event.kind for event in events] == ["opened", "updated", "updated", "closed"]


rates = st.sampled_from([0, 1.5, 2.5, 3, 4, 6, 12.5])
pieces = st.lists(st.tuples(rates, st.sampled_from([0.05, 0.3]), st.sampled_from([0.2, 1, 6])), max_size=5)


@settings(max_examples=25, deadline=None)
@given(pieces, pieces, st.lists(st.integers(1, 60), max_size=20))
def test_any_split_gives_the_same_events(light, red, sizes):
    first, second = flashing(*light), flashing(*[(rate, 400 * h, s) for rate, h, s in red], kind="red")
    count = min(len(first), len(second))
    columns = first.slice(0, count).columns | {
        name: second.columns[name][:count] for name in ("red_area", "red_before", "red_after")
    }
    check_splits(Flash(), [replace(first, columns=columns)], sizes)


@pytest.mark.parametrize(
    ("defect", "severity", "cause"),
    [
        ("rate=5", "critical", "luminance"),
        ("rate=4,area=0.3,strength=0.4", "critical", "luminance"),
        ("rate=6,colour=red", "critical", "red"),
        ("rate=2.5", "warning", "warning"),
    ],
)
def test_flashes_in_a_clip_are_found_where_they_are(tmp_path, defect, severity, cause):
    clip = tmp_path / "clip.mp4"
    source = generated_clip(seconds=6, size=(160, 90), layout=None)
    labels = inject(source, clip, [parse(f"flashes:start=2,length=2,{defect}")], encode=Encode(preset="ultrafast"))
    (stream,) = sightline.analyze(clip, results=str(tmp_path / "results"), detectors=["flash"])["streams"]
    found = [one for one in stream["incidents"] if one["cause"] == cause]
    assert {one["severity"] for one in found} == {severity}
    assert {one["severity"] for one in stream["incidents"]} == {severity}
    assert found[0]["start_seconds"] == pytest.approx(labels.defects[0].start_seconds, abs=0.04)
    assert found[0]["end_seconds"] == pytest.approx(labels.defects[0].end_seconds, abs=0.24)
    assert [verdict["state"] for verdict in stream["verdicts"]] == ["incident"]


def test_clean_clips_have_none(tmp_path):
    clips = [real_clip(name) for name in ("bigbuckbunny.mp4", "bikes.mp4", "carphone_pristine.mp4")]
    streams = sightline.analyze(clips, results=str(tmp_path / "results"), detectors=["flash"])["streams"]
    assert [stream["incidents"] for stream in streams] == [[], [], []]
    assert sum(stream["tracks"][0]["frames"] for stream in streams) > 400


def measured(path):
    """Rows of the pictures of a clip, as the meter gives them."""
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
        base = frames[0].time_base
    fmt = picture("h264", frames[0])[0]
    batch = make_batch(fmt, [replace(make_frame(n), planes=picture("h264", f)[1]) for n, f in enumerate(frames)])
    times = [int(frame.pts * base * 25 * FRAME) for frame in frames]
    rows = video(len(frames), time=times, duration=math.gcd(*times), **METER.measure(batch, WANTED))
    return replace(rows, format=fmt.text)


@pytest.mark.media
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("2Hz_5s", ["warning"]), ("2Hz_6s", ["extended", "warning"]), ("3Hz_6s", ["luminance", "extended"]),
        ("GradualRedIncrease", []), ("extendedFLONG", []), ("flashStripes", ["luminance"]), ("gray", []),
        ("intermitentEF", []),
    ],
)  # fmt: skip
def test_verdicts_are_those_of_iris(media, name, expected):
    clip = media / "iris" / name
    rows = measured(clip.with_suffix(".mp4"))
    assert [cause for _, cause, *_ in verdicts(rows)] == expected
    detector = Flash()
    state, look = detector._look(detector.start(), rows)
    levels = []
    for row in range(len(rows)):
        state, level = detector._levels(state, look, row)
        levels.append(tuple(level))
    with clip.with_suffix(".csv").open() as log:
        said = list(csv.DictReader(log))
    assert len(said) == len(rows) > 20
    assert look.counts[0].tolist() == [int(one["LuminanceTransitions"]) for one in said]
    differ = [int(one["RedTransitions"]) for one in said] != look.counts[1]
    assert differ.sum() == (name == "GradualRedIncrease")
    if name != "flashStripes":  # an older log
        theirs = [(int(one["FlashLuminanceFailedFrame"]), int(one["FlashRedFailedFrame"])) for one in said]
        assert levels == theirs
