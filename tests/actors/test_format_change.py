"""Changes of format and of frame rate."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.detectors.format_change import FormatChange
from actors.measure import Rows
from tests.actors.rows import BASE, FORMAT, FRAME, check_splits, joined, judged, stamps, video

LARGE = "h264 640x360 yuv420p 8 113 limited sdr"


def messages(*parts, detector=None):
    return [(event.start, event.message) for event in judged(detector or FormatChange(), list(parts))]


def test_it_says_what_changed_from_what_to_what():
    parts = joined(video(10), video(10, time=np.arange(10, 20) * FRAME, format=LARGE))
    assert messages(*parts) == [(10 * FRAME, "size 320x180 to 640x360")]
    parts = joined(video(10, format=LARGE), video(5, format="hevc 640x360 yuv420p10le 10 113 full pq"))
    ((_, message),) = messages(*parts)
    assert message.split(", ") == [
        "codec h264 to hevc", "pixel format yuv420p to yuv420p10le", "range limited to full", "transfer sdr to pq",
    ]  # fmt: skip


def sound(format):
    return Rows("audio", "a:0", BASE, format, 0, 0, stamps(5))


def test_sound_changes_too():
    parts = joined(sound("aac 48000 2 stereo"), sound("aac 44100 6 5.1"))
    ((_, message),) = messages(*parts, detector=FormatChange(table="audio"))
    assert message == "sample rate 48000 Hz to 44100 Hz, channels 2 to 6, layout stereo to 5.1"


def timed(*pieces):
    steps = np.repeat([step for step, _ in pieces], [count for _, count in pieces])
    return video(len(steps) + 1, time=np.concatenate(([0], np.cumsum(steps))))


def test_a_frame_rate_that_changes_is_marked_where_the_new_one_begins():
    assert messages(timed((FRAME, 100), (2 * FRAME, 100))) == [(100 * FRAME, "frame rate 25.00 to 12.50 Hz")]


def test_a_gap_is_no_change_of_frame_rate():
    assert messages(timed((FRAME, 100), (20 * FRAME, 1), (FRAME, 100))) == []


def test_a_variable_frame_rate_says_nothing():
    steps = np.random.default_rng(3).choice([FRAME, 2 * FRAME, 3 * FRAME], 3000)
    assert messages(video(3001, time=np.concatenate(([0], np.cumsum(steps))))) == []


def test_rounded_timestamps_are_one_frame_rate():
    assert messages(video(600, time=np.round(np.arange(600) * 25000 / 29.97 / 25).astype(np.int64) * 25)) == []


STEP = st.sampled_from([FRAME, 2 * FRAME, 2 * FRAME + 9, 5])


@settings(max_examples=80, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([FORMAT, LARGE]),
            st.lists(st.tuples(STEP, st.integers(1, 60)), min_size=1, max_size=4),
        ),
        min_size=1, max_size=4,
    ),
    st.lists(st.integers(1, 40), max_size=30),
)  # fmt: skip
def test_any_split_gives_the_same_events(pieces, sizes):
    parts, end = [], 0
    for format, steps in pieces:
        time = end + np.cumsum(np.repeat([step for step, _ in steps], [count for _, count in steps]))
        parts.append(video(len(time), time=time, format=format))
        end = int(time[-1])
    check_splits(FormatChange(), joined(*parts), sizes)
