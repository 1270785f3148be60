import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors import state as states
from actors.measure.sound import METRICS, SoundMeter, SoundState, block_edges, reference, weighting
from actors.media import AudioBatch, AudioFormat
from tests.actors import ebu

EXACT = ("hop_samples", "peaks", "jolts", "onsets", "clipped_samples", "restarted", "invalid_samples")
PER_HOP = ("peaks", "jolts", "roughness")


def noise(channels, count, seed=0, gain=0.3):
    return (np.random.default_rng(seed).standard_normal((channels, count)) * gain).astype(np.float32)


def same(left, right):
    assert left.keys() == right.keys()
    for name in left:
        assert left[name].dtype == right[name].dtype, name
        np.testing.assert_array_equal(left[name], right[name], err_msg=name)


def joined(rows):
    return {name: np.concatenate([part.columns[name] for part in rows]) for name in rows[0].columns}


@pytest.mark.parametrize("rate", [8000, 11025, 22050, 44100, 48000, 96000])
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_the_kernel_gives_what_the_reference_gives(rate, channels):
    sound = noise(channels, rate // 4 + 37, gain=0.5)
    sound[:, 100:140] = 1.0
    sound[0, 7] = np.nan
    sound[-1, rate // 5] = -np.inf
    format = ebu.format_of(sound, rate)
    ours, theirs = ebu.rows_of(sound, rate).columns, reference.measure(sound, format)
    assert theirs.keys() == {metric.name for metric in METRICS}
    for name in EXACT:
        np.testing.assert_array_equal(ours[name], theirs[name], err_msg=name)
    np.testing.assert_allclose(ours["roughness"], theirs["roughness"], rtol=1e-6)
    for name in ("true_peak", "loudness_power"):
        np.testing.assert_allclose(ours[name], theirs[name], rtol=1e-10, err_msg=name)
    np.testing.assert_allclose(ours["stereo_power"], theirs["stereo_power"], rtol=1e-10, atol=1e-9)
    assert np.isnan(ours["stereo_power"]).all() == (channels == 1)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 7), max_size=8), st.integers(0, 2**32), st.integers(20, 80))
def test_batches_and_storing_change_no_bit(sizes, seed, level):
    sound = noise(2, 11025 * 2 + 501, seed, gain=level / 20)
    format, run = ebu.format_of(sound, 11025), ebu.blocks(sound, 11025)
    whole = joined(ebu.measured(run, format))
    same(joined(ebu.measured(run, format, sizes)), whole)
    same(joined(ebu.measured(run, format, sizes, store=True)), whole)


def test_what_else_is_wanted_changes_nothing():
    sound = noise(2, 24000)
    whole = ebu.rows_of(sound, 48000).columns
    for metric in METRICS:
        alone = ebu.rows_of(sound, 48000, wanted=frozenset({metric.name})).columns
        np.testing.assert_array_equal(alone[metric.name], whole[metric.name], err_msg=metric.name)
        assert metric.name in alone
        assert {other.name for other in METRICS if other.name in alone} == {metric.name}


def test_columns_are_what_the_metrics_say():
    columns = ebu.rows_of(noise(6, 9600), 48000).columns
    for metric in METRICS:
        shape = {0: (2,), 3: (2, 3), 10: (2, 10), -1: (2, 60) if metric.name in PER_HOP else (2, 6)}[metric.width]
        assert columns[metric.name].shape == shape
        assert columns[metric.name].dtype == np.dtype(metric.dtype)


def test_a_short_block_lacks_hops():
    columns = ebu.rows_of(noise(2, 4800 + 1000), 48000).columns
    assert columns["hop_samples"].tolist() == [[480] * 10, [480, 480, 40] + [0] * 7]
    assert np.isnan(columns["peaks"][1]).tolist() == [False] * 6 + [True] * 14
    assert np.isnan(columns["loudness_power"][1]).tolist() == [False] * 3 + [True] * 7


def test_hops_of_an_uneven_rate_have_the_edges_of_their_place():
    assert np.diff(block_edges(22050, 0, 2205)).tolist() == [220, 221] * 5
    assert np.diff(block_edges(11025, 0, 1102)).tolist()[:5] == [110, 110, 110, 111, 110]
    assert np.diff(block_edges(11025, 10, 1103)).tolist()[:5] == [110, 111, 110, 110, 110]
    assert block_edges(48000, 20, 500).tolist() == [0, 480, 500]


def test_a_plateau_counts_where_its_third_sample_lies():
    sound = np.zeros((2, 14400), np.float32)
    sound[0, 4798:4802] = 1.0  # two samples before the border of the first two blocks, two after it
    sound[1, [100, 101, 200]] = -1.0  # too short
    sound[1, 300:303] = -0.999
    assert ebu.rows_of(sound, 48000).columns["clipped_samples"].tolist() == [[0, 3], [4, 0], [0, 0]]


def test_nothing_is_carried_across_a_break():
    sound = noise(2, 9600)
    sound[:, 4798:4802] = 1.0
    first, second = ebu.blocks(sound[:, :4800], 48000), ebu.blocks(sound[:, 4800:], 48000, start=900_000)
    format = ebu.format_of(sound, 48000)
    both = joined(ebu.measured([*first, *second], format))
    alone = joined(ebu.measured(second, format))
    assert both["restarted"].tolist() == [True, True]
    assert both["clipped_samples"].tolist() == [[0, 0], [0, 0]]
    for metric in METRICS:
        np.testing.assert_array_equal(both[metric.name][1], alone[metric.name][0], err_msg=metric.name)


def test_samples_that_are_no_numbers_are_counted_and_forgotten():
    sound = noise(2, 48000)
    broken = sound.copy()
    broken[0, 100:110], broken[1, 5000] = np.nan, np.inf
    columns = ebu.rows_of(broken, 48000).columns
    assert columns["invalid_samples"].tolist() == [10, 1] + [0] * 8
    assert all(np.isfinite(columns[name]).all() for name in ("peaks", "true_peak", "loudness_power"))
    sound[0, 100:110] = sound[1, 5000] = 0.0
    np.testing.assert_array_equal(columns["loudness_power"], ebu.rows_of(sound, 48000).columns["loudness_power"])


def test_huge_samples_do_not_break_the_filters():
    sound = noise(1, 96000, gain=0.1)
    sound[0, 10] = np.finfo(np.float32).max
    power = ebu.rows_of(sound, 48000).columns["loudness_power"]
    assert np.isfinite(power).all()
    quiet = ebu.rows_of(noise(1, 96000, gain=0.1), 48000).columns["loudness_power"]
    np.testing.assert_allclose(power[-1], quiet[-1], rtol=1e-6)


def test_filters_come_to_rest_in_silence():
    sound = np.concatenate((noise(1, 4800), np.zeros((1, 96000), np.float32)), axis=1)
    format, meter = ebu.format_of(sound, 48000), SoundMeter()
    batch = AudioBatch("a:0", ebu.BASE, format, tuple(ebu.blocks(sound, 48000)), 0, 0)
    state, _ = meter.measure(meter.start(format), batch, ebu.ALL)
    assert state.memories == (0.0,) * 4


def test_sound_joined_in_its_middle_has_no_false_peak():
    sound = np.full((1, 4800), 0.9, np.float32)
    assert ebu.rows_of(sound, 48000).columns["true_peak"][0, 0] == pytest.approx(0.9, abs=0.002)


def test_a_state_of_another_format_is_refused():
    meter, sound = SoundMeter(), noise(2, 4800)
    batch = AudioBatch("a:0", ebu.BASE, ebu.format_of(sound, 48000), tuple(ebu.blocks(sound, 48000)), 0, 0)
    with pytest.raises(ValueError, match="48000"):
        meter.measure(meter.start(AudioFormat("pcm_f32le", 44100, 2, "stereo")), batch, ebu.ALL)


def test_a_state_is_stored_exactly():
    sound = noise(2, 4800)
    meter, format = SoundMeter(), ebu.format_of(sound, 48000)
    batch = AudioBatch("a:0", ebu.BASE, format, tuple(ebu.blocks(sound, 48000)), 0, 0)
    state, _ = meter.measure(meter.start(format), batch, ebu.ALL)
    assert any(state.memories)
    assert states.load(SoundState, states.dump(state)) == state


def test_loudness_is_not_measured_at_rates_too_low_for_it():
    columns = ebu.rows_of(noise(1, 3000), 3000).columns
    assert np.isnan(columns["loudness_power"]).all()
    assert np.isfinite(columns["peaks"]).all()


def test_the_weighting_at_48_khz_is_the_table_of_the_standard():
    np.testing.assert_allclose(
        weighting.k_weighting(48000),
        [[1.53512485958697, -2.69169618940638, 1.19839281085285, -1.69065929318241, 0.73248077421585],
         [1.0, -2.0, 1.0, -1.99004745483398, 0.99007225036621]],
        rtol=0, atol=1e-12,
    )  # fmt: skip


@pytest.mark.parametrize(("rate", "most"), [(8000, 0.25), (32000, 0.02), (44100, 0.01), (96000, 0.01), (192000, 0.01)])
def test_the_weighting_answers_alike_at_every_rate(rate, most):
    def decibels(at, rate):
        turn = np.exp(-2j * np.pi * at / rate) ** np.arange(3)
        stages = weighting.k_weighting(rate)
        return 20 * np.log10(np.prod([abs(stage[:3] @ turn / (1 + stage[3:] @ turn[1:])) for stage in stages]))

    for at in (20, 60, 250, 1000):
        assert decibels(at, rate) == pytest.approx(decibels(at, 48000), abs=most)


@pytest.mark.parametrize(
    ("layout", "channels", "weights"),
    [
        ("mono", 1, [1]),
        ("stereo", 2, [1, 1]),
        ("5.1", 6, [1, 1, 1, 0, 1.41, 1.41]),
        ("5.1(side)", 6, [1, 1, 1, 0, 1.41, 1.41]),
        ("7.1", 8, [1, 1, 1, 0, 1, 1, 1.41, 1.41]),
        ("6_channels", 6, [1] * 6),
        ("stereo", 3, [1] * 3),
    ],
)
def test_channels_weigh_what_the_standard_says(layout, channels, weights):
    format = AudioFormat("aac", 48000, channels, layout)
    assert weighting.channel_weights(format).tolist() == weights
