import numpy as np
import pytest

from actors.detectors.channel_loss import ChannelLoss
from actors.media import AudioFormat
from tests.actors import ebu
from tests.clips import real_clip, samples

RATE = 8000


def noise(channels, seconds):
    return (np.random.default_rng(2).uniform(-0.3, 0.3, (channels, round(seconds * RATE)))).astype(np.float32)


def without(sound, channel, start, end=None):
    sound[channel, round(start * RATE) : None if end is None else round(end * RATE)] = 0
    return sound


def losses(sound):
    return ebu.incidents(ChannelLoss(), [ebu.rows_of(sound, RATE)])


def test_a_channel_that_goes_away_and_comes_back():
    assert losses(without(noise(2, 8), 1, 2, 5)) == [("1", 2.0, 5.0, 1.0)]


def test_a_channel_that_stays_away():
    assert losses(without(noise(2, 8), 0, 3)) == [("0", 3.0, 8.0, 0.0)]


def test_a_short_absence_is_none():
    assert losses(without(noise(2, 8), 1, 2, 3.9)) == []


def test_silence_of_all_channels_is_none():
    assert losses(without(without(noise(2, 8), 0, 2, 5), 1, 2, 5)) == []


def test_pauses_of_what_still_sounds_do_not_divide_a_loss():
    sound = without(noise(2, 10), 1, 2, 9)
    assert losses(without(without(sound, 0, 3, 4.5), 0, 6, 7.9)) == [("1", 2.0, 9.0, 1.0)]


def test_a_silence_ends_a_loss():
    sound = without(noise(2, 14), 1, 2, 12)
    assert losses(without(sound, 0, 5, 9)) == [("1", 2.0, 5.0, 1.0), ("1", 9.0, 12.0, 1.0)]


def test_channels_that_alternate_are_no_loss():
    sound = noise(2, 12)
    for second in range(12):
        without(sound, second % 2, second, second + 1)
    assert losses(sound) == []


def test_a_side_that_has_not_sounded_yet_is_waited_for():
    assert losses(without(noise(2, 15), 1, 0, 9)) == []
    ((part, start, end, _),) = losses(without(noise(2, 15), 1, 0, 11))
    assert (part, start, end) == ("1", 0.0, 11.0)
    _, events = ebu.judged(ChannelLoss(), [ebu.rows_of(without(noise(2, 15), 1, 0, 11), RATE)])
    assert {event.cause for event in events} == {"silent since the start"}


def test_a_mix_for_six_channels_may_rest_some_of_them():
    sound = noise(6, 70)
    sound[3] = 0  # low frequencies
    without(sound, 4, 0)  # a surround channel that is never used
    without(sound, 5, 8, 60)  # one that rests
    assert losses(without(sound, 2, 5, 15)) == []


@pytest.mark.parametrize("channel", [0, 1])
def test_front_channels_of_a_mix_may_not_rest(channel):
    sound = without(noise(6, 8), channel, 2, 5)
    assert losses(sound) == [(str(channel), 2.0, 5.0, float(channel))]


def test_a_surround_channel_that_is_gone_for_a_minute():
    assert losses(without(noise(6, 70), 4, 5)) == [("4", 5.0, 70.0, 4.0)]


def test_low_frequencies_alone_do_not_count_as_sound():
    sound = noise(6, 8)
    sound[[0, 1, 2, 4, 5], 2 * RATE :] = 0
    assert losses(sound) == []


def test_two_channels_may_be_lost_at_once():
    assert losses(without(without(noise(6, 8), 0, 2, 5), 1, 3, 6)) == [("0", 2.0, 5.0, 0.0), ("1", 3.0, 6.0, 1.0)]


def test_another_format_begins_anew():
    first, second = without(noise(2, 5), 1, 1), noise(6, 5)
    rows = ebu.measured(ebu.blocks(first, RATE), ebu.format_of(first, RATE))
    rows += ebu.measured(ebu.blocks(second, RATE, start=450_000), ebu.format_of(second, RATE))
    assert ebu.incidents(ChannelLoss(), rows) == [("1", 1.0, 5.0, 1.0)]


def test_one_channel_cannot_be_judged():
    assert ChannelLoss().unknown(AudioFormat("aac", 48000, 1, "mono").text) == "the track has one channel"
    assert ChannelLoss().unknown(AudioFormat("aac", 48000, 2, "stereo").text) is None
    assert losses(noise(1, 4)) == []


def test_a_real_mix_for_six_channels_has_lost_none():
    sound, _ = samples(real_clip("bigbuckbunny.mp4"))
    assert len(sound) == 6
    assert np.abs(sound[3]).max() == 0  # it has no low frequencies
    assert ebu.incidents(ChannelLoss(), [ebu.rows_of(sound, 48000)]) == []
