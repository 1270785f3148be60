import numpy as np
import pytest

from actors.detectors.silence import Silence, SilenceThresholds
from tests.actors import ebu

EDGE = 0.02


def gaps(rate, *steps, channels=2):
    """Noise with silence (level None) and steps of level."""
    rng = np.random.default_rng(1)
    pieces = [
        rng.uniform(-1, 1, (channels, round(seconds * rate))) * (0 if level is None else 10 ** (level / 20))
        for level, seconds in steps
    ]  # fmt: skip
    return np.concatenate(pieces, axis=1).astype(np.float32)


def silences(sound, rate, **thresholds):
    return ebu.incidents(Silence(SilenceThresholds(**thresholds)), [ebu.rows_of(sound, rate)])


@pytest.mark.parametrize("rate", [8000, 22050, 44100, 48000, 96000])
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_silence_is_found_to_a_hop(rate, channels):
    sound = gaps(rate, (-20, 1.234), (None, 2.5), (-20, 1), channels=channels)
    ((_, start, end, peak),) = silences(sound, rate)
    assert start == pytest.approx(1.234, abs=0.0101)
    assert end == pytest.approx(3.734, abs=0.0101)
    assert peak is None


def test_silence_at_the_end_closes_there():
    assert silences(gaps(48000, (-20, 1), (None, 2.035)), 48000) == [("", 1.0, 3.04, None)]


def test_all_of_it_may_be_silent():
    assert silences(gaps(48000, (None, 3)), 48000) == [("", 0.0, 3.0, None)]


def test_the_peak_is_the_level_within():
    ((_, _, _, peak),) = silences(gaps(48000, (-20, 1), (-80, 3), (-20, 1)), 48000)
    assert peak == pytest.approx(-80, abs=0.2)


@pytest.mark.parametrize(("level", "found"), [(-59, 0), (-61, 1)])
def test_the_threshold_is_a_level(level, found):
    assert len(silences(gaps(48000, (-20, 1), (level, 3), (-20, 1)), 48000)) == found


@pytest.mark.parametrize(("seconds", "found"), [(1.9, 0), (2.03, 1)])
def test_silence_has_to_last(seconds, found):
    assert len(silences(gaps(48000, (-20, 1), (None, seconds), (-20, 1)), 48000)) == found


def test_one_sounding_channel_is_no_silence():
    sound = gaps(48000, (-20, 4))
    sound[0] = 0
    assert silences(sound, 48000) == []


def test_a_click_divides_silence():
    sound = gaps(48000, (None, 5))
    sound[1, 120_000] = 0.5
    assert silences(sound, 48000) == [("", 0.0, 2.5, None), ("", 2.51, 5.0, None)]


def test_silence_goes_on_across_a_break():
    quiet = gaps(48000, (None, 1.55))
    run = [*ebu.blocks(quiet, 48000), *ebu.blocks(quiet, 48000, start=200_000)]
    rows = ebu.measured(run, ebu.format_of(quiet, 48000))
    assert ebu.incidents(Silence(), rows) == [("", 0.0, 3.77, None)]


def detected(sound, rate, seconds):
    """What libavfilter's silencedetect says: starts and ends; a silence at the end has none."""
    said = ebu.filtered(sound, rate, "silencedetect", f"noise=-60dB:d={seconds}")
    return [[float(value) for name, value in said if name == f"lavfi.silence_{edge}"] for edge in ("start", "end")]


@pytest.mark.parametrize("rate", [8000, 44100, 48000])
@pytest.mark.parametrize("seed", range(5))
def test_starts_and_ends_agree_with_silencedetect(rate, seed):
    rng = np.random.default_rng(seed)
    steps = [(level, rng.uniform(0.6, 2)) for level in (-20, None, -30, -75, -12, None, -6, -90, -40)]
    sound = gaps(rate, *steps)
    starts, ends = detected(sound, rate, 0.5)
    ours = silences(sound, rate, minimum_seconds=0.5)
    assert len(ours) == len(starts) == len(ends) == 4
    np.testing.assert_allclose([start for _, start, _, _ in ours], starts, atol=EDGE)
    np.testing.assert_allclose([end for _, _, end, _ in ours], ends, atol=EDGE)
