import numpy as np
import pytest

from actors.detectors.clipping import Clipping, ClippingThresholds
from tests.actors import ebu
from tests.actors.rows import check_splits

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


def peaked(levels):
    """A tone whose hops of 10 ms have these peaks."""
    gains = np.repeat(np.asarray(levels, np.float32), RATE // 100)
    wave = np.sin(2 * np.pi * 440 / RATE * np.arange(len(gains)))
    wave = wave.reshape(-1, RATE // 100)
    wave /= np.abs(wave).max(axis=1, keepdims=True)
    return (gains * wave.ravel())[None].repeat(2, axis=0).astype(np.float32)


def uneven(count, share, near=(0.95, 0.99)):
    """Peaks of hops: of each ten so many near full scale, the others well below."""
    levels = np.random.default_rng(5).uniform(*near, count)
    levels[np.arange(count) % 10 >= share] = 0.6
    return levels


def test_peaks_that_come_near_full_scale_again_and_again_are_clipping_after_lossy_coding():
    sound = peaked([*np.full(100, 0.5), *uneven(300, 8), *np.full(100, 0.5)])
    ((_, start, end, peak),) = clippings(sound)
    assert 1.0 < start <= 1.5
    assert (end, peak) == (4.0, 80.0)
    assert clippings(sound, near_dbfs=-0.05) == clippings(sound, near_share=0.9) == []


@pytest.mark.parametrize("share", [1, 2, 3])
def test_loud_masters_are_none(share):
    assert clippings(peaked(uneven(600, share))) == []


def test_a_steady_tone_near_full_scale_is_none():
    assert clippings(peaked(np.full(300, 0.97))) == []
    assert clippings(peaked(0.97 + 0.004 * np.random.default_rng(1).uniform(-1, 1, 300))) == []


@pytest.mark.parametrize("sizes", [[1] * 60, [7, 1, 12, 3, 9], [30]])
def test_any_split_gives_the_same_events(sizes):
    rows = ebu.rows_of(peaked([*np.full(50, 0.5), *uneven(300, 6), *np.full(150, 0.5), *uneven(100, 9)]), RATE)
    assert len(check_splits(Clipping(), [rows], sizes)) == 4
