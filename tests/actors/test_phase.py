import numpy as np
import pytest

from actors.detectors.phase import Phase, PhaseThresholds
from actors.media import AudioFormat
from tests.actors import ebu
from tests.clips import real_clip, samples

RATE = 48000


def mix(seconds, share, level=0.2, seed=4):
    """Left and right noise, of which ``share`` is common to both; where it is negative, turned over in one."""
    common, left, right = np.random.default_rng(seed).normal(0, level, (3, round(seconds * RATE)))
    weight = abs(share)
    own = np.sqrt(1 - weight)
    sound = np.sqrt(weight) * common + own * np.stack((left, right))
    sound[1] = sound[1] if share >= 0 else own * right - np.sqrt(weight) * common
    return sound.astype(np.float32)


def joined(*parts):
    return np.concatenate(parts, axis=1)


def silent(seconds):
    return np.zeros((2, round(seconds * RATE)), np.float32)


def found(sound, **thresholds):
    rows = ebu.rows_of(sound, RATE)
    return [(part, start, end) for part, start, end, _ in ebu.incidents(Phase(PhaseThresholds(**thresholds)), [rows])]


def test_a_channel_that_is_turned_over_and_turned_back():
    assert found(joined(mix(2, 0.8), mix(3, -0.8), mix(2, 0.8))) == [("out_of_phase", 2.0, 5.0)]


def test_channels_may_differ_in_level():
    sound = joined(mix(2, 0.8), mix(3, -0.8), mix(2, 0.8))
    sound[1] *= 0.05
    assert found(sound) == [("out_of_phase", 2.0, 5.0)]


def test_the_peak_is_the_correlation():
    ((_, _, _, peak),) = ebu.incidents(Phase(), [ebu.rows_of(mix(3, -1), RATE)])
    assert peak == pytest.approx(-1)


@pytest.mark.parametrize("share", [-0.4, -0.2, 0, 0.5, 0.95])
def test_what_has_little_in_common_is_none(share):
    assert found(mix(5, share)) == []


def test_a_short_one_is_none():
    assert found(joined(mix(2, 0.8), mix(1.9, -0.8), mix(2, 0.8))) == []


def test_rows_that_say_little_do_not_divide_it_and_rows_in_phase_do():
    assert found(joined(mix(1.5, -0.8), mix(1, -0.3), mix(1.5, -0.8))) == [("out_of_phase", 0.0, 4.0)]
    assert found(joined(mix(1.5, -0.8), mix(0.2, 0.8), mix(1.5, -0.8))) == []
    assert found(joined(mix(1.5, -0.8), silent(1), mix(1.5, -0.8))) == [("out_of_phase", 0.0, 4.0)]
    assert found(joined(mix(1.5, -0.8), silent(3), mix(1.5, -0.8))) == []


def test_a_lost_channel_is_not_out_of_phase():
    sound = mix(5, -0.9)
    sound[1] *= 1e-4
    assert found(sound) == []


def test_stereo_that_becomes_mono_is_information():
    sound = joined(mix(3, 0.5), mix(4, 1), mix(3, 0.5))
    assert found(sound) == [("mono", 3.0, 7.0)]
    _, events = ebu.judged(Phase(), [ebu.rows_of(sound, RATE)])
    assert {(event.severity, event.part) for event in events} == {("info", "mono")}


def test_a_programme_that_is_mono_throughout_is_none():
    assert found(joined(mix(30, 1), mix(1, 0.5), mix(5, 1))) == []
    assert found(joined(mix(5, -1), mix(5, 1))) == [("out_of_phase", 0.0, 5.0)]


def test_what_is_nearly_mono_is_none():
    sound = joined(mix(3, 0.5), mix(4, 1))
    sound[1, 3 * RATE :] *= 1.01
    assert found(sound) == []
    assert found(sound, mono_db=-40) == [("mono", 3.0, 7.0)]


def test_front_channels_are_found_by_their_names():
    sound = np.random.default_rng(0).normal(0, 0.2, (6, 6 * RATE)).astype(np.float32)
    sound[4] = -sound[5]
    assert ebu.incidents(Phase(), [ebu.rows_of(sound, RATE)]) == []
    sound[0] = -sound[1]
    assert [part for part, *_ in ebu.incidents(Phase(), [ebu.rows_of(sound, RATE)])] == ["out_of_phase"]
    assert Phase().unknown(AudioFormat("aac", RATE, 1, "mono").text) == "the track has no front left and right"
    assert Phase().unknown(AudioFormat("aac", RATE, 6, "5.1").text) is None


def test_another_format_begins_anew():
    first, second = mix(3, -0.9), mix(3, 0.5)
    rows = ebu.measured(ebu.blocks(first, RATE), ebu.format_of(first, RATE))
    rows += ebu.measured(ebu.blocks(second, 44100, start=270_000), ebu.format_of(second, 44100))
    assert [(part, start, end) for part, start, end, _ in ebu.incidents(Phase(), rows)] == [("out_of_phase", 0.0, 3.0)]


def detected(sound, name):
    """What libavfilter's aphasemeter says: starts and ends of one kind."""
    said = ebu.filtered(sound, RATE, "aphasemeter", "video=0:phasing=1:duration=1.5:tolerance=0.001")
    keys = (f"lavfi.aphasemeter.{name}_{end}" for end in ("start", "end"))
    return [[float(value) for found, value in said if found == key] for key in keys]


@pytest.mark.parametrize("seed", range(4))
def test_starts_and_ends_agree_with_aphasemeter(seed):
    rng = np.random.default_rng(seed)
    shares = [0.4, -1, 0.2, 1, 0.5, -1, 0.3, 1, 0.4]
    sound = joined(*(mix(rng.uniform(1.8, 3), share, seed=seed) for share in shares))
    ours = found(sound, minimum_seconds=1.5)
    for part, name in (("out_of_phase", "out_phase"), ("mono", "mono")):
        starts, ends = detected(sound, name)
        assert len(starts) == len(ends) == 2
        np.testing.assert_allclose([start for kind, start, _ in ours if kind == part], starts, atol=0.15)
        np.testing.assert_allclose([end for kind, _, end in ours if kind == part], ends, atol=0.15)


def test_a_real_mix_is_in_phase():
    sound, _ = samples(real_clip("bigbuckbunny.mp4"))
    assert ebu.incidents(Phase(), [ebu.rows_of(sound, RATE)]) == []
