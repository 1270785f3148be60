"""How many visibly damaged pictures are found, and how many intact ones are called damaged.

    python -m tests.score.corruption [--seeds N]

The truth is the difference of the clean and the damaged clip, both decoded: a picture is visibly damaged where 0.5% of
its 16x16 blocks differ by more than 2 codes on average, and intact where none does; those between count for nothing,
nor do those that are not shown at all, of which `timestamps` tells. Thresholds for a source are chosen on the others.
"""

import argparse
from collections import defaultdict
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

import av
import numpy as np

from actors.detectors.corruption import Corruption, CorruptionThresholds
from actors.measure.picture import PictureMeter
from actors.measure.picture.reference import torn_blocks
from actors.measuring import measure_video
from actors.media import Batch
from tests.actors.decoding import batches
from tests.actors.rows import judged
from tests.bench.machine import machine
from tests.score.damaged import clips

CLIPS = Path(__file__).resolve().parents[2] / ".bench" / "corruption"
VISIBLE, MOST_FALSE = 0.005, 0.01
METRICS = frozenset(Corruption.metrics)
CHOICES = list(product((0.003, 0.005, 0.008, 0.012), (0.001, 0.002, 0.004)))
"""Of ``area`` and ``reported_area``."""
EVERY = 10
"""Of the pictures so many are mapped."""
HEAD = "damaged pictures | found | intact pictures | called damaged |\n|---|---|---|---|---|"


@dataclass(frozen=True)
class Shown:
    """A clip's rows; for each, the true share of damaged blocks and blockdetect's value; overlaps of some maps."""

    clip: object
    rows: list
    truth: np.ndarray
    block: np.ndarray
    overlaps: list


def shown(clip, clean_pts):
    """Measure a clip with the product's own decoder and meter."""
    truth = {round(frame.at_seconds * 90_000): frame for frame in clip.map.frames} if clip.map else {}
    meter, rows, shares, overlaps = PictureMeter(), [], [], []
    for batch in (batch for batch in batches(clip.path) if isinstance(batch, Batch)):
        rows.append(measure_video(meter, batch, METRICS))
        for number, frame in enumerate(batch.frames):
            known = truth.get(frame.stamp.pts - clean_pts)
            mask = clip.map.mask(known.frame) if known else None
            shares.append(0.0 if clip.map is None else np.nan if mask is None else mask.mean())
            if mask is not None and shares[-1] > VISIBLE and number % EVERY == 0:
                overlaps.append(overlap(frame.planes[0].pixels, mask))
    found = blockdetect(clip.path)
    block = [found.get(pts, np.nan) for part in rows for pts in part.columns["pts"].tolist()]
    return Shown(clip, rows, np.array(shares), np.array(block), overlaps)


def overlap(luma, mask):
    """Intersection over union of torn and of truly damaged blocks."""
    torn = torn_blocks(luma.astype(np.int64), 0)[: mask.shape[0], : mask.shape[1]]
    whole = mask[: torn.shape[0], : torn.shape[1]]
    return (torn & whole).sum() / max((torn | whole).sum(), 1)


def blockdetect(path):
    """ffmpeg's value for each picture, by PTS."""
    found = {}
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_count = 1
        graph = av.filter.Graph()
        graph.link_nodes(graph.add_buffer(stream), graph.add("blockdetect"), graph.add("buffersink")).configure()
        for packet in container.demux(stream):
            try:
                frames = packet.decode()
            except av.FFmpegError:
                continue
            for frame in frames:
                graph.push(frame)
                found[frame.pts] = float(graph.pull().metadata["lavfi.block"])
    return found


def flags(one):
    return np.concatenate([part.columns["corrupt"] for part in one.rows])


def blocky(one, least):
    return one.block >= least


def torn(one, least):
    """The torn blocks of each picture by itself."""
    on, off = (
        np.concatenate([part.columns[name] for part in one.rows]) for name in ("torn_blocks", "torn_between")
    )
    return on - off >= least


def ours(one, choice):
    """Which rows are in an incident."""
    area, reported = choice
    events = judged(Corruption(CorruptionThresholds(area=area, reported_area=reported)), one.rows)
    time = np.concatenate([part.columns["time"] for part in one.rows])
    said = np.zeros(len(time), bool)
    for event in events:
        if event.kind == "closed":
            said |= (time >= event.start) & (time < event.end)
    return said


def silent(one, choice):
    """The same where the decoder says nothing."""
    rows = [
        replace(part, columns=part.columns | {name: np.zeros(len(part), bool) for name in ("corrupt", "suspect")})
        for part in one.rows
    ]
    return ours(replace(one, rows=rows), choice)


def counted(said, truth):
    """(found, damaged, false, intact) pictures."""
    visible, intact = truth > VISIBLE, truth == 0
    return np.array([(said & visible).sum(), visible.sum(), (said & intact).sum(), intact.sum()])


def crossed(all_shown, say, choices):
    """Counts for each clip, with the choice that finds most in the clips of other sources, at MOST_FALSE in them."""
    counts = np.array([[counted(say(one, choice), one.truth) for choice in choices] for one in all_shown])
    names = np.array([one.clip.source for one in all_shown])
    made = []
    for number, name in enumerate(names):
        found, _, false, intact = counts[names != name].sum(axis=0).T
        allowed = false <= MOST_FALSE * intact
        best = int(np.where(allowed, found, -1).argmax())
        made.append((counts[number, best], choices[best]))
    return made


def line(name, counts):
    found, damaged, false, intact = np.sum(counts, axis=0) if len(counts) else (0, 0, 0, 0)
    return f"| {name} | {damaged} | {found / max(damaged, 1):.3f} | {intact} | {false / max(intact, 1):.4f} |"


def report(all_shown):
    """A table for each way, then one for ours by codec and kind of damage."""
    print(f"\n| way | {HEAD}")
    ways = {
        "the decoder's flag": [counted(flags(one), one.truth) for one in all_shown],
        "blockdetect": [count for count, _ in crossed(all_shown, blocky, [*np.arange(0.5, 12, 0.25), np.inf])],
        "torn blocks": [count for count, _ in crossed(all_shown, torn, [*np.geomspace(0.0002, 0.9, 80), np.inf])],
        "`corruption`, chosen on other sources": [count for count, _ in crossed(all_shown, ours, CHOICES)],
        "`corruption`, defaults": [counted(ours(one, DEFAULTS), one.truth) for one in all_shown],
        "the same, a silent decoder": [counted(silent(one, DEFAULTS), one.truth) for one in all_shown],
    }
    for name, counts in ways.items():
        print(line(name, counts))
    print(f"\n| `corruption`, defaults | {HEAD}")
    parts = defaultdict(list)
    for one, count in zip(all_shown, ways["`corruption`, defaults"], strict=True):
        parts[f"{one.clip.kind} clips" if one.clip.map is None else f"{one.clip.codec}, {one.clip.kind}"].append(count)
        parts[f"source {one.clip.source}"].append(count)
    for name in sorted(parts):
        print(line(name, parts[name]))
    overlaps = [each for one in all_shown for each in one.overlaps]
    print(f"\ntorn and damaged blocks, intersection over union: {np.mean(overlaps):.3f} of {len(overlaps)}")


DEFAULTS = (CorruptionThresholds().area, CorruptionThresholds().reported_area)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=2)
    given = parser.parse_args()
    print(machine())
    all_shown, begins = [], {}
    for clip in clips(CLIPS, given.seeds):
        if clip.kind == "clean":
            first = next(batch for batch in batches(clip.path) if isinstance(batch, Batch))
            begins[clip.source, clip.codec] = first.frames[0].stamp.pts
        all_shown.append(shown(clip, begins[clip.source, clip.codec]))
    print(f"{len(all_shown)} clips of {len({one.clip.source for one in all_shown})} sources")
    report(all_shown)


if __name__ == "__main__":
    main()
