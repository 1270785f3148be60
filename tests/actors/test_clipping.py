import numpy as np

from actors.detectors.clipping import Clipping, ClippingThresholds
from tests.actors import ebu

RATE = 48000


def sine(seconds, gain, channels=2):
    """440 Hz, cut off at full scale."""
    wave = gain * np.sin(2 * np.pi * 440 / RATE * np.arange(round(seconds * RATE)))
    return np.repeat(np.clip(wave, -1, 1)[None], channels, axis=0).astype(np.float32)


def clippings(sound, **thresholds):
    return ebu.incidents(Clipping(ClippingThresholds(**thresholds)), [ebu.rows_of(sound, RATE)])


def test_what_is_cut_off_is_found():
    sound = np.concatenate((sine(1, 0.5), sine(2, 3), sine(1, 0.5)), axis=1)
    ((_, start, end, peak),) = clippings(sound)
    assert (start, end) == (1.0, 3.0)
    share = 1 - 2 / np.pi * np.arcsin(0.999 / 3)
    assert abs(peak / RATE - share) < 0.02


def test_a_loud_sine_that_just_fits_is_none():
    assert clippings(sine(3, 0.998)) == []


def test_one_channel_is_enough():
    sound = sine(3, 0.5)
    sound[1, RATE : RATE + 4800] = 1.0
    assert clippings(sound) == [("", 1.0, 1.1, 48000.0)]


def test_bursts_close_together_are_one_incident():
    sound = sine(6, 0.5)
    for second in (1, 1.5, 2.4, 4.5):
        sound[:, round(second * RATE) : round(second * RATE) + 100] = 1.0
    assert [(start, end) for _, start, end, _ in clippings(sound)] == [(1.0, 2.5), (4.5, 4.6)]
    assert len(clippings(sound, hold_seconds=0)) == 4


def test_single_samples_at_full_scale_are_none():
    sound = sine(3, 0.5)
    sound[:, ::1000] = 1.0
    assert clippings(sound) == []


def test_a_sample_beyond_full_scale_betrays_what_coding_has_rounded():
    sound = sine(3, 0.5)
    sound[0, 50_000] = 1.02
    assert clippings(sound) == [("", 1.0, 1.1, 10.0)]
    assert clippings(sound, limit_dbfs=3) == []


def test_clipping_at_the_end_closes_there():
    sound = np.concatenate((sine(1, 0.5), sine(0.55, 3)), axis=1)
    assert [(start, end) for _, start, end, _ in clippings(sound)] == [(1.0, 1.55)]
