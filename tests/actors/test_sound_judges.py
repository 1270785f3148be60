"""What holds for every judge of sound: batches and restarts change nothing."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors import state as states
from actors.detectors.channel_loss import ChannelLoss, ChannelLossThresholds
from actors.detectors.click import Click, ClickThresholds
from actors.detectors.clipping import Clipping, ClippingThresholds
from actors.detectors.loudness import Loudness, LoudnessThresholds
from actors.detectors.phase import Phase, PhaseThresholds
from actors.detectors.silence import Silence, SilenceThresholds
from actors.measure import Rows
from actors.measure.sound import hops
from tests.actors import ebu

DETECTORS = {
    "silence": lambda: Silence(SilenceThresholds(minimum_seconds=0.3)),
    "channel_loss": lambda: ChannelLoss(ChannelLossThresholds(minimum_seconds=0.3, unheard_seconds=0.6)),
    "clipping": lambda: Clipping(ClippingThresholds(hold_seconds=0.4)),
    "phase": lambda: Phase(PhaseThresholds(minimum_seconds=0.3)),
    "click": lambda: Click(ClickThresholds(hold_seconds=0.4)),
    "jumps": Loudness,
    "r128": lambda: Loudness(LoudnessThresholds(target="r128")),
}


def made(pieces, breaks):
    """Rows of 100 ms as the meter gives them, from (left and right level, rows, clipped samples), with breaks."""
    left, right, lengths, clipped = (np.array(column) for column in zip(*pieces, strict=True))
    levels = np.repeat(np.stack((left, right), axis=1), lengths * 10, axis=0)
    levels = levels * np.random.default_rng(len(levels)).uniform(0.5, 1, levels.shape)
    n = int(lengths.sum())
    restarted = np.isin(np.arange(n), [0, *breaks])
    samples = np.full((n, 10), 480, np.int32)
    samples[:-1][restarted[1:], 6:] = 0
    time = np.arange(n) * 9000 + np.cumsum(restarted) * 90000
    return Rows("audio", "a:0", ebu.BASE, "pcm_f32le 48000 2 stereo", 0, 0, {
        "hop_samples": samples,
        "peaks": hops_of(levels, samples),
        "jolts": hops_of(spikes(levels, clipped, lengths), samples), "roughness": hops_of(levels * 0.05, samples),
        "clipped_samples": np.repeat(np.repeat(clipped, lengths)[:, None], 2, axis=1),
        "true_peak": levels.reshape(n, 10, 2).max(axis=1) * 1.1,
        "loudness_power": np.where(samples > 0, (levels**2).sum(axis=1).reshape(n, 10) * 480, np.nan),
        "stereo_power": stereo_power(levels.reshape(n, 10, 2), pieces, lengths) * 480,
        "restarted": restarted,
        "epoch": np.zeros(n, np.int64), "wrap": np.zeros(n, np.int64), "pts": time, "time": time,
        "duration": samples.sum(axis=1).astype(np.int64) * 90000 // 48000,
    })  # fmt: skip


def hops_of(levels, samples):
    """Levels of hops and channels as a column, NaN where there is no hop."""
    return np.where(np.repeat(samples > 0, 2, axis=1), levels.reshape(len(samples), 20), np.nan).astype(np.float32)


def spikes(levels, clipped, lengths):
    """Second differences: a tenth of the level, but for single hops, of pieces with clipped samples, of ten of it."""
    struck = np.repeat(clipped > 0, lengths * 10) & (np.arange(len(levels)) % 130 == 37)
    return levels * np.where(struck, 10, 0.1)[:, None]


def stereo_power(levels, pieces, lengths):
    """Equal levels stand for mono, a louder left for channels out of phase, a louder right for stereo."""
    left, right = ((levels**2).sum(axis=1)).T
    kinds = np.repeat([np.sign(right - left) for left, right, _, _ in pieces], lengths)
    right = np.where(kinds == 0, left, right)
    product = np.select([kinds == 0, kinds < 0], [left, -0.9 * np.sqrt(left * right)], 0.2 * np.sqrt(left * right))
    return np.stack((left, right, product), axis=1)


LEVEL = st.sampled_from([0.0, 1e-4, 0.002, 0.03, 0.2, 1.2])
PIECE = st.tuples(LEVEL, LEVEL, st.sampled_from([1, 3, 8, 31, 40]), st.sampled_from([0, 0, 5]))
PIECES = st.lists(PIECE, min_size=1, max_size=12)


def cut(rows, sizes):
    first = 0
    for size in (*sizes, len(rows)):
        if first < len(rows) and size:
            yield rows.slice(first, min(first + size, len(rows)))
            first += size


@pytest.mark.parametrize("name", DETECTORS)
@settings(max_examples=60, deadline=None)
@given(pieces=PIECES, breaks=st.sets(st.integers(1, 200), max_size=3), sizes=st.lists(st.integers(1, 50), max_size=15))
def test_batches_and_restarts_give_the_same_events(name, pieces, breaks, sizes):
    rows, detector = made(pieces, breaks), DETECTORS[name]()
    state, events = ebu.judged(detector, [rows])
    split, given_split = ebu.judged(detector, list(cut(rows, sizes)), store=True)
    assert given_split == events
    if isinstance(detector, Loudness):
        assert detector.summary(split) == detector.summary(state)
        assert states.dump(split) == states.dump(state)


@pytest.mark.parametrize("name", DETECTORS)
def test_the_property_above_compares_events(name):
    """The generator is no empty promise: these pieces make every detector speak."""
    pieces = [(0.03, 0.03, 40, 0), (0.4, 0.4, 60, 5), (0.4, 0.0, 20, 0), (0.0, 0.0, 20, 0), (1.2, 0.1, 40, 0)]
    _, events = ebu.judged(DETECTORS[name](), [made(pieces, {170})])
    assert {event.kind for event in events} >= {"opened", "closed"}


@settings(max_examples=40, deadline=None)
@given(pieces=PIECES, breaks=st.sets(st.integers(1, 200), max_size=3))
def test_events_come_in_order_and_incidents_are_whole(pieces, breaks):
    rows = made(pieces, breaks)
    for make in DETECTORS.values():
        _, events = ebu.judged(make(), [rows])
        assert [event.at for event in events] == sorted(event.at for event in events)
        for key in {(event.part, event.start_pts) for event in events}:
            kinds = [event.kind for event in events if (event.part, event.start_pts) == key]
            assert kinds == ["opened", *["updated"] * (len(kinds) - 2), "closed"]
        assert all(event.start <= event.end <= event.at for event in events if event.kind == "closed")


def test_hops_fill_their_rows():
    sound = np.random.default_rng(0).uniform(-1, 1, (2, 2205 * 3 + 500)).astype(np.float32)
    rows = ebu.rows_of(sound, 22050)
    fine, peaks = hops.expand(rows)
    ends = fine.columns["time"] + fine.columns["duration"]
    assert ends[:-1].tolist() == fine.columns["time"][1:].tolist()
    assert ends[-1] == rows.columns["time"][-1] + rows.columns["duration"][-1]
    assert len(fine) == len(peaks) == 33
    assert fine.columns["pts"].tolist() == np.repeat(rows.columns["pts"], [10, 10, 10, 3]).tolist()
