import math

import numpy as np
import pytest

from actors.detectors.loudness import Loudness, LoudnessThresholds
from actors.media import AudioFormat
from tests.actors import ebu

RATE = 8000
NOTHING = {
    "integrated_lufs": None, "range_lu": None, "max_momentary_lufs": None, "max_short_term_lufs": None,
    "max_true_peak_dbtp": None,
}  # fmt: skip


def tone(*steps):
    return ebu.stereo(ebu.tone(RATE, *steps))


def summary(*rows):
    detector = Loudness()
    return detector.summary(ebu.judged(detector, rows)[0])


def jumps(sound, **thresholds):
    return ebu.incidents(Loudness(LoudnessThresholds(**thresholds)), [ebu.rows_of(sound, RATE)])


@pytest.mark.parametrize("rate", [8000, 11025, 44100, 48000, 96000])
@pytest.mark.parametrize("channels", [1, 2])
def test_a_tone_measures_what_it_is(rate, channels):
    sound = np.repeat(ebu.tone(rate, (-20, 5))[None], channels, axis=0)
    measured = summary(ebu.rows_of(sound, rate))
    expected = -23 + 10 * math.log10(channels)
    for name in ("integrated_lufs", "max_momentary_lufs", "max_short_term_lufs"):
        assert measured[name] == pytest.approx(expected, abs=0.25 if rate < 32000 else 0.05)
    assert measured["range_lu"] == pytest.approx(0, abs=0.05)
    assert measured["max_true_peak_dbtp"] == pytest.approx(-20, abs=0.3)


def test_digital_silence_has_no_loudness():
    assert summary(ebu.rows_of(np.zeros((2, 5 * RATE)), RATE)) == NOTHING


def test_what_is_not_measured_is_none():
    short = summary(ebu.rows_of(tone((-20, 0.39)), RATE))
    assert {name for name, value in short.items() if value is None} == NOTHING.keys() - {"max_true_peak_dbtp"}
    longer = summary(ebu.rows_of(tone((-20, 1)), RATE))
    assert {name for name, value in longer.items() if value is None} == {"range_lu", "max_short_term_lufs"}


def test_rates_without_a_weighting_are_unknown():
    assert Loudness().unknown(AudioFormat("pcm", 3000, 2, "stereo").text) == "the sample rate is 3000 Hz"
    assert Loudness().unknown(AudioFormat("pcm", 8000, 2, "stereo").text) is None
    measured = summary(ebu.rows_of(ebu.stereo(ebu.tone(3000, (-20, 5))), 3000))
    assert measured.keys() == NOTHING.keys()
    assert measured["integrated_lufs"] is None


def test_what_is_below_the_gates_does_not_count():
    programme = (-20, 20)
    loud, both = (summary(ebu.rows_of(tone(programme, *rest), RATE)) for rest in ((), ((-80, 60), (-45, 60))))
    assert both["integrated_lufs"] == pytest.approx(loud["integrated_lufs"], abs=0.1)


def test_windows_do_not_reach_across_a_break():
    sound = tone((-20, 2.5))
    run = [*ebu.blocks(sound, RATE), *ebu.blocks(sound, RATE, start=900_000)]
    measured = summary(*ebu.measured(run, ebu.format_of(sound, RATE)))
    assert measured["max_short_term_lufs"] is None
    assert measured["integrated_lufs"] == pytest.approx(-20, abs=0.3)


def test_the_state_does_not_grow():
    rng = np.random.default_rng(3)
    detector, state = Loudness(), Loudness().start()
    rows = ebu.rows_of(tone(*((rng.uniform(-60, 0), 0.5) for _ in range(600))), RATE)
    for _ in range(3):
        state, _ = detector.judge(state, rows)
        assert len(state.powers) == len(state.samples) == 600
        assert len(state.keys) == 60
        assert len(state.momentary) < 800
    assert sum(count for _, count, _ in state.momentary) > 8000


def test_a_jump_that_stays():
    ((part, start, end, peak),) = jumps(tone((-30, 6), (-15, 6), (-30, 6)))
    assert (part, start) == ("", 6.0)
    assert end == pytest.approx(12, abs=0.2)
    assert peak == pytest.approx(15, abs=0.5)


@pytest.mark.parametrize(
    "steps",
    [
        [(-15, 10)],  # a start
        [(None, 6), (-15, 8)],  # sound after silence
        [(-50, 6), (-20, 8)],  # sound after a quiet room
        [(-30, 6), (-21, 8)],  # 9 LU
        [(-30, 6), (-10, 1.8), (-30, 6)],  # it does not stay
        [(-15, 6), (-30, 8)],  # down
        [(-30, 6), (None, 3), (-15, 6)],  # a silence between
        [(-20, 1), (-30, 1), (-15, 1), (-30, 1)] * 4,  # lively
    ],
)
def test_what_is_no_jump(steps):
    assert jumps(tone(*steps)) == []


def test_a_slow_rise_is_no_jump():
    assert jumps(tone(*((-45 + second, 1) for second in range(30)))) == []


def test_a_jump_to_a_new_level_ends_after_a_minute():
    ((_, start, end, _),) = jumps(tone((-30, 6), (-15, 80)))
    assert start == 6.0
    assert end == pytest.approx(66, abs=0.2)


def test_a_jump_at_the_end_of_a_track_is_told():
    assert [(start, end) for _, start, end, _ in jumps(tone((-30, 6), (-15, 3)))] == [(6.0, 9.0)]


def test_two_jumps_are_two_incidents():
    found = jumps(tone((-30, 6), (-15, 6), (-30, 6), (-15, 6), (-30, 2)))
    assert [start for _, start, _, _ in found] == [6.0, 18.0]


def test_a_target_that_is_met():
    assert jumps(tone((-23, 10)), target="r128") == []


@pytest.mark.parametrize(("level", "off"), [(-20, 3), (-26, -3)])
def test_a_target_that_is_missed_is_told_of_the_whole_track(level, off):
    ((part, start, end, peak),) = jumps(tone((level, 10)), target="r128")
    assert (part, start, end) == ("programme", 0.0, 10.0)
    assert peak == pytest.approx(off, abs=0.3)
    assert jumps(tone((level, 10)), target="r128", tolerance_lu=4) == []


def test_true_peaks_over_the_limit():
    sound = tone((-23, 20))
    for start in (5, 5.5, 12):
        sound[1, round(start * RATE) : round((start + 0.05) * RATE)] = tone((-0.5, 0.05))[0]
    found = jumps(sound, target="r128", tolerance_lu=20)
    assert [(part, start, end) for part, start, end, _ in found] == [("true_peak", 5.0, 5.6), ("true_peak", 12.0, 12.1)]
    assert all(-1 < peak < 1 for *_, peak in found)
    assert jumps(sound) == []


def test_no_sound_meets_every_target():
    assert jumps(np.zeros((2, 5 * RATE)), target="r128") == []
