"""Sound made for tests: arrays as blocks and rows, and the signals of EBU Tech 3341 and 3342 with what they measure."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

import av
import numpy as np

from actors import state as states
from actors.clock import Stamp, TimeBase
from actors.detectors.loudness import Loudness
from actors.measure import Rows
from actors.measure.sound import METRICS, SoundMeter, SoundState, gating
from actors.media import AudioBatch, AudioBlock, AudioFormat, hop_edges

BASE = TimeBase(1, 90000)
ALL = frozenset(metric.name for metric in METRICS)
LAYOUTS = {1: "mono", 2: "stereo", 5: "5.0", 6: "5.1"}


def blocks(sound, rate, start=0):
    """(channels, n) samples as the blocks of an unbroken run that begins at ``start`` ticks."""
    made, count = [], sound.shape[1]
    edges = hop_edges(rate, 0, 10 * (count // (rate // 10) + 2))[::10].tolist()
    for number, (begin, end) in enumerate(pairwise(edges)):
        if begin < count:
            ticks, until = (start + sample * BASE.den // rate for sample in (begin, min(end, count)))
            samples = np.ascontiguousarray(sound[:, begin:end], np.float32)
            made.append(AudioBlock(Stamp(0, 0, ticks, ticks), until - ticks, samples, number * 10, number > 0))
    return made


def format_of(sound, rate):
    """The format of (channels, n) samples."""
    return AudioFormat("pcm_f32le", rate, len(sound), LAYOUTS[len(sound)])


def measured(run, format, sizes=(), *, store=False, wanted=ALL):
    """Rows of blocks, measured in batches of so many (the rest in one), the state stored and loaded between them."""
    meter, state, first, rows = SoundMeter(), SoundMeter().start(format), 0, []
    for size in (*sizes, len(run)):
        part = tuple(run[first : first + size])
        if part:
            state, columns = meter.measure(state, AudioBatch("a:0", BASE, format, part, first, 0), wanted)
            state = states.load(SoundState, states.dump(state)) if store else state
            stamps = [(b.stamp.epoch, b.stamp.wrap, b.stamp.pts, b.stamp.time, b.duration) for b in part]
            names = ("epoch", "wrap", "pts", "time", "duration")
            columns |= dict(zip(names, np.array(stamps, np.int64).T, strict=True))
            rows.append(Rows("audio", "a:0", BASE, format.text, first, 0, columns))
            first += size
    return rows


def rows_of(sound, rate, *, wanted=ALL):
    """The rows of an unbroken run."""
    return measured(blocks(sound, rate), format_of(sound, rate), wanted=wanted)[0]


def judged(detector, rows, *, store=False):
    """All events of a detector, and its last state. ``rows``: several, one after the other."""
    state, events = detector.start(), []
    kind = type(state)
    for part in rows:
        state, given = detector.judge(state, part)
        events += given
        state = states.load(kind, states.dump(state)) if store else state
    return state, events + detector.finish(state, rows[-1].slice(0, 0))


def incidents(detector, rows):
    """(part, start, end, peak) of each incident, in seconds, rounded to 10 ms."""
    _, events = judged(detector, rows)
    assert sum(event.kind == "opened" for event in events) == sum(event.kind == "closed" for event in events)
    return [
        (event.part, round(BASE.seconds(event.start), 2), round(BASE.seconds(event.end), 2), event.peak)
        for event in events if event.kind == "closed"
    ]  # fmt: skip


def filtered(sound, rate, name, options):
    """What a filter of libavfilter says of sound: names and texts, in their order."""
    layout, base = LAYOUTS[len(sound)], Fraction(1, rate)
    graph = av.filter.Graph()
    source = graph.add_abuffer(sample_rate=rate, format="fltp", layout=layout, time_base=base)
    filter_, sink = graph.add(name, options), graph.add("abuffersink")
    source.link_to(filter_)
    filter_.link_to(sink)
    graph.configure()
    said = []
    for first in range(0, sound.shape[1], 1000):
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(sound[:, first : first + 1000]), "fltp", layout)
        frame.sample_rate, frame.pts, frame.time_base = rate, first, base
        graph.push(frame)
        said += graph.pull().metadata.items()
    return said


def tone(rate, *steps, frequency=1000):
    """(n,) sine that goes on through steps of (dBFS or None for silence, seconds)."""
    gains = [np.full(round(seconds * rate), 0.0 if level is None else 10 ** (level / 20)) for level, seconds in steps]
    gain = np.concatenate(gains)
    return gain * np.sin(2 * np.pi * frequency / rate * np.arange(len(gain)))


def stereo(channel):
    """The same sound in two channels."""
    return np.stack((channel, channel))


@dataclass(frozen=True)
class Check:
    """One value of the tables: what came out, and between which bounds it has to lie."""

    case: str
    metric: str
    value: float
    least: float
    most: float

    @property
    def passed(self):
        return self.value is not None and self.least <= self.value <= self.most


class Measured:
    """A signal as the product measures it."""

    def __init__(self, case, sound, rate, wanted):
        rows = rows_of(sound, rate, wanted=wanted | {"hop_samples", "restarted"})
        if "true_peak" not in wanted:
            rows.columns["true_peak"] = np.full((len(rows), 1), 0.0)
        if "loudness_power" not in wanted:
            rows.columns["loudness_power"] = np.zeros((len(rows), 10))
        self.case = case
        detector = Loudness()
        self.summary = detector.summary(detector.judge(detector.start(), rows)[0])
        samples = rows.columns["hop_samples"]
        there = samples > 0
        power = gating.whole(rows.columns["loudness_power"][there])
        self._stretch = gating.Stretch.of(power, samples[there].astype(np.int64))

    def loudest(self, hops, start, stop):
        """Greatest and least LUFS of windows that end within (start, stop] seconds."""
        last = len(self._stretch.power) - 1
        ends = np.arange(max(hops, round(start * 100) + 1), min(last, round(stop * 100)) + 1)
        values = self._stretch.mean(ends, hops)
        return gating.lufs(values.max()), gating.lufs(max(values.min(), 1e-12))

    def check(self, metric, value, expected, below=0.1, above=0.1):
        return Check(self.case, metric, value, expected - below, expected + above)


LOUDNESS, PEAK = frozenset({"loudness_power"}), frozenset({"true_peak"})


def table(rate) -> Iterator[Check]:
    """Every value of Tech 3341 (cases 1-6, 9-23) and Tech 3342 (1-4) that a synthetic signal is given for.

    Cases 7 and 8 of the one, 5 and 6 of the other, are excerpts of films.
    """
    yield from _levels(rate)
    yield from _windows(rate)
    yield from _true_peaks(rate)
    yield from _ranges(rate)


def _levels(rate):
    for case, level in ((1, -23), (2, -33)):
        signal = Measured(f"3341-{case}", stereo(tone(rate, (level, 20))), rate, LOUDNESS)
        for metric in ("max_momentary_lufs", "max_short_term_lufs", "integrated_lufs"):
            yield signal.check(metric, signal.summary[metric], level)
    for case, steps in (
        (3, [(-36, 10), (-23, 60), (-36, 10)]),
        (4, [(-72, 10), (-36, 10), (-23, 60), (-36, 10), (-72, 10)]),
        (5, [(-26, 20), (-20, 20.1), (-26, 20)]),
    ):
        signal = Measured(f"3341-{case}", stereo(tone(rate, *steps)), rate, LOUDNESS)
        yield signal.check("integrated_lufs", signal.summary["integrated_lufs"], -23)
    five = np.stack([tone(rate, (level, 20)) for level in (-28, -28, -24, -30, -30)])
    for name, sound in (("5.0", five), ("5.1", np.insert(five, 3, tone(rate, (-10, 20)), axis=0))):
        signal = Measured(f"3341-6 {name}", sound, rate, LOUDNESS)
        yield signal.check("integrated_lufs", signal.summary["integrated_lufs"], -23)


def _windows(rate):
    for case, hops, since, steps in (
        ("3341-9", 300, 3, [(-20, 1.34), (-30, 1.66)] * 5), ("3341-12", 40, 1, [(-20, 0.18), (-30, 0.22)] * 25),
    ):  # fmt: skip
        signal = Measured(case, stereo(tone(rate, *steps)), rate, LOUDNESS)
        for name, value in zip(("greatest", "least"), signal.loudest(hops, since, 1e6), strict=True):
            yield signal.check(f"{name} after {since} s", value, -23)
    for case, metric, hops, step, length in (
        (10, "max_short_term_lufs", 300, 0.15, 3), (13, "max_momentary_lufs", 40, 0.02, 0.4),
    ):  # fmt: skip
        for number in range(20):
            steps = ((None, step * number), (-23, length), (None, 1))
            signal = Measured(f"3341-{case}-{number + 1}", stereo(tone(rate, *steps)), rate, LOUDNESS)
            yield signal.check(metric, signal.summary[metric], -23)
        pieces = [
            (level, seconds) for number in range(20)
            for level, seconds in ((None, step * number), (number - 38, length), (None, length - step * number))
        ]  # fmt: skip
        signal = Measured(f"3341-{case + 1}", stereo(tone(rate, *pieces)), rate, LOUDNESS)
        for number in range(20):
            greatest, _ = signal.loudest(hops, 2 * length * number, 2 * length * (number + 1))
            yield signal.check(f"greatest of part {number + 1}", greatest, number - 38)


def _true_peaks(rate):
    """Tones with fades of 100 ms, as EBU's files have them; and a burst between samples, seen at four offsets."""
    for case, divisor, amplitude, phase, expected in (
        (15, 4, 0.5, 0, -6), (16, 4, 0.5, 45, -6), (17, 6, 0.5, 60, -6), (18, 8, 0.5, 67.5, -6), (19, 4, 1.41, 45, 3),
    ):  # fmt: skip
        count = 3 * rate
        time = np.arange(count)
        fade = np.minimum(1, np.minimum(time, time[::-1]) / (rate / 10))
        sound = fade * amplitude * np.sin(2 * np.pi * time / divisor + np.deg2rad(phase))
        yield _peak(f"3341-{case}", sound, rate, expected)
    fine = 0.5 * np.sin(2 * np.pi * np.arange(2 * rate) / 24)
    middle = rate // 24 * 24
    fine[middle : middle + 16] = np.sin(2 * np.pi * np.arange(16) / 16)
    reach = np.arange(-256, 257)
    low_pass = np.sinc(reach / 4) / 4 * np.hamming(len(reach))
    limited = np.convolve(fine, low_pass, "same")
    for offset in range(4):
        yield _peak(f"3341-{20 + offset}", limited[offset::4], rate, 0)


def _peak(case, sound, rate, expected):
    signal = Measured(case, stereo(sound), rate, PEAK)
    return signal.check("max_true_peak_dbtp", signal.summary["max_true_peak_dbtp"], expected, below=0.4, above=0.2)


def _ranges(rate):
    for case, expected, levels in (
        (1, 10, (-20, -30)), (2, 5, (-20, -15)), (3, 20, (-40, -20)), (4, 15, (-50, -35, -20, -35, -50)),
    ):  # fmt: skip
        signal = Measured(f"3342-{case}", stereo(tone(rate, *((level, 20) for level in levels))), rate, LOUDNESS)
        yield signal.check("range_lu", signal.summary["range_lu"], expected, below=1, above=1)
