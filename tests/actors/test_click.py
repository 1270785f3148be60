import numpy as np
import pytest

from actors.detectors.click import Click, ClickThresholds
from tests.actors import ebu
from tests.actors.rows import check_splits
from tests.clips import real_clip, samples

RATE = 48000


def noise(seconds, level=0.008, channels=2, seed=3):
    return np.random.default_rng(seed).normal(0, level, (channels, round(seconds * RATE))).astype(np.float32)


def tone(seconds, gain=0.3):
    return ebu.stereo(gain * np.sin(2 * np.pi * 440 / RATE * np.arange(round(seconds * RATE)))).astype(np.float32)


def popped(sound, *places, by=0.5, channel=slice(None)):
    sound = sound.copy()
    for place in places:
        sound[channel, round(place * RATE)] += by
    return sound


def cut(sound, start, length, channel=slice(None)):
    sound = sound.copy()
    sound[channel, round(start * RATE) : round((start + length) * RATE)] = 0
    return sound


def found(sound, **thresholds):
    rows = ebu.rows_of(sound, RATE)
    return [(part, start, end) for part, start, end, _ in ebu.incidents(Click(ClickThresholds(**thresholds)), [rows])]


QUIET = np.zeros((2, 3 * RATE), np.float32)


@pytest.mark.parametrize("sound", [noise(3), tone(3), QUIET], ids=["noise", "tone", "none"])
@pytest.mark.parametrize("place", [0.5, 1.2345, 1.3, 2.099])
def test_a_pop_is_found_to_the_hop(sound, place):
    ((part, start, end),) = found(popped(sound, place))
    assert part == "click"
    assert start <= place < end == pytest.approx(start + 0.01)


def test_one_channel_is_enough_and_several_are_one_click():
    _, events = ebu.judged(Click(), [ebu.rows_of(popped(noise(3), 1.5), RATE)])
    assert {event.message for event in events} == {"click"}
    assert found(popped(noise(3), 1.5, channel=1)) == found(popped(noise(3), 1.5))


def test_clicks_close_together_are_one_incident():
    sound = popped(noise(6), 1, 1.5, 2.2, 4.5)
    assert found(sound) == [("click", 1.0, 2.21), ("click", 4.5, 4.51)]
    _, events = ebu.judged(Click(), [ebu.rows_of(sound, RATE)])
    assert [event.message for event in events if event.kind == "closed"] == ["3 clicks", "click"]
    assert all(event.unit == "dB" and event.peak > 18 for event in events)


def test_a_jump_of_the_waveform_is_a_click():
    sound = tone(3)
    sound[:, 60_030:] = sound[:, 60_000 : 60_000 + sound.shape[1] - 60_030]
    sound[:, 60_030:] *= -1
    assert [part for part, *_ in found(sound)] == ["click"]


def test_edges_and_bursts_of_sound_are_none():
    silent = np.zeros((2, RATE), np.float32)
    assert found(np.concatenate((silent, tone(1), silent, noise(0.03, 0.2), silent), axis=1)) == []
    assert found(np.concatenate((noise(1), noise(0.01, 0.4), noise(1)), axis=1)) == []


def test_what_is_no_louder_than_the_sound_itself_is_none():
    assert found(popped(noise(3, 0.2), 1.5)) == []
    assert found(popped(noise(3), 1.5, by=0.02)) == []
    assert found(noise(5, 0.1)) == []


@pytest.mark.parametrize("length", [0.021, 0.03, 0.05, 0.1, 0.2])
def test_a_dropout_is_found_to_the_hop(length):
    ((part, start, end),) = [one for one in found(cut(noise(3), 1.234, length)) if one[0] == "dropout"]
    assert part == "dropout"
    assert start == pytest.approx(1.234, abs=0.0101)
    assert end == pytest.approx(1.234 + length, abs=0.0101)


def test_a_dropout_of_one_channel():
    _, events = ebu.judged(Click(), [ebu.rows_of(cut(noise(3), 1.5, 0.1, channel=1), RATE)])
    assert {(event.part, event.message, event.unit) for event in events} == {
        ("dropout", "sound drops out for 100 ms", "ms")
    }  # fmt: skip


def test_pauses_are_none():
    assert found(cut(noise(4), 1, 0.25)) == []
    assert found(cut(noise(4, 0.002), 1, 0.1)) == []
    faded = noise(3)
    fade = np.clip(np.abs(np.arange(3 * RATE) / RATE - 1.5) / 0.3 - 0.3, 0, 1)
    assert found(faded * fade) == []


def test_nothing_is_said_across_a_break():
    sound = noise(2)
    parts = [popped(sound, 1.95), popped(sound, 0.05)]
    run = [*ebu.blocks(cut(parts[0], 1.96, 0.04), RATE), *ebu.blocks(cut(parts[1], 0, 0.02), RATE, start=200_000)]
    assert ebu.incidents(Click(), ebu.measured(run, ebu.format_of(sound, RATE))) == []


@pytest.mark.parametrize("sizes", [[1] * 60, [7, 1, 12, 3, 9], [30]])
def test_any_split_gives_the_same_events(sizes):
    sound = popped(cut(cut(noise(6), 1.5, 0.2), 4.05, 0.04), 0.8, 1.1, 3.99, 5.2)
    assert len(check_splits(Click(), [ebu.rows_of(sound, RATE)], sizes)) == 10


def test_a_real_mix_has_none():
    sound, _ = samples(real_clip("bigbuckbunny.mp4"))
    assert ebu.incidents(Click(), [ebu.rows_of(sound, RATE)]) == []
    assert [part for part, *_ in found(popped(sound, 2.5))] == ["click"]
