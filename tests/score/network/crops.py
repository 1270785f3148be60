"""What the network learns from: pieces of 128x128 pixels on the coder's grid, and which of their blocks are wrong.

So that it learns damage and not contents, a damaged piece comes with the same piece of the clean clip. A block is
wrong where it differs by more than 8 codes, right below 1; between, it counts for nothing. Of 20 draws 8 are such
pairs, 3 are pairs with damage that is painted in (blocks from elsewhere, flat ones, coarse noise), 9 are of intact and
coarse clips: a quarter off the grid, some combed, noisy, or soft. All are mirrored, and brighter or darker, by chance.
"""

from dataclasses import dataclass, field

import numpy as np

from actors.media import Batch
from tests.actors.decoding import batches
from tests.score.damaged import clips, kept, sources

SIZE, BLOCK = 128, 16
ACROSS = SIZE // BLOCK
WRONG, RIGHT = 8, 1
EACH = 16
"""Pictures of a clip."""
MORE = (("h264", "ultrafast", 36), ("h264", "ultrafast", 51), ("hevc", "veryfast", 42))
"""More coarse clips."""
NOTHING, ALL = np.zeros((ACROSS, ACROSS), np.float32), np.ones((ACROSS, ACROSS), np.float32)


@dataclass
class Pictures:
    """Of one source: clips of (damaged, clean, difference of blocks), and clips of (picture, the one before)."""

    damaged: list = field(default_factory=list)
    intact: list = field(default_factory=list)


def lumas(path):
    """PTS and luma of every picture."""
    for batch in batches(path):
        if isinstance(batch, Batch):
            for frame in batch.frames:
                yield frame.stamp.pts, frame.planes[0].pixels.copy()


def differences(one, other):
    """Mean absolute difference of whole blocks."""
    rows, columns = (size // BLOCK for size in one.shape)
    parts = np.abs(one.astype(np.float32) - other)[: rows * BLOCK, : columns * BLOCK]
    return parts.reshape(rows, BLOCK, columns, BLOCK).mean(axis=(1, 3))


def collected(folder, names, rng):
    """Pictures of these sources, by name."""
    found = {name: Pictures() for name in names}
    clean = {}
    for clip in clips(folder, seeds=1):
        if clip.source not in found:
            continue
        shown = dict(lumas(clip.path))
        if clip.map is None:
            clean = shown if clip.kind == "clean" else clean
            found[clip.source].intact.append(_intact(shown, rng))
            continue
        pairs = [(luma, clean[pts]) for pts, luma in shown.items() if pts in clean and luma.shape == clean[pts].shape]
        wrong = [(*pair, differences(*pair)) for pair in pairs]
        wrong = [one for one in wrong if (one[2] > WRONG).any()]
        if wrong:
            found[clip.source].damaged.append(_some(wrong, rng))
    for name in names:
        for codec, preset, crf in MORE:
            coarse = kept(folder / f"{name}-{codec}-{crf}.ts", sources()[name], codec, preset=preset, crf=crf)
            found[name].intact.append(_intact(dict(lumas(coarse)), rng))
    return found


def _some(all_of_them, rng):
    chosen = rng.choice(len(all_of_them), min(EACH, len(all_of_them)), replace=False)
    return [all_of_them[index] for index in chosen]


def _intact(shown, rng):
    lumas_ = list(shown.values())
    return _some(list(zip(lumas_[1:], lumas_, strict=False)), rng)


def crops(pictures, rng):
    """Pieces for ever: luma, which blocks are wrong, and which count."""
    names = list(pictures)
    while True:
        of = pictures[names[rng.integers(len(names))]]
        draw = rng.integers(20)
        if draw < 8:
            yield from _pair(of, rng)
        elif draw < 11:
            yield from _painted(of, rng)
        else:
            yield from _mirrored(rng, (_changed(*_piece(of, rng), rng), NOTHING, ALL))


def _any(clips_, rng):
    clip = clips_[rng.integers(len(clips_))]
    return clip[rng.integers(len(clip))]


def _pair(of, rng):
    damaged, clean, far = _any(of.damaged, rng)
    ys, xs = np.nonzero(far > WRONG)
    near = rng.integers(len(ys))
    y = np.clip(ys[near] - rng.integers(ACROSS), 0, far.shape[0] - ACROSS)
    x = np.clip(xs[near] - rng.integers(ACROSS), 0, far.shape[1] - ACROSS)
    part = np.s_[y * BLOCK : y * BLOCK + SIZE, x * BLOCK : x * BLOCK + SIZE]
    return _both(rng, damaged[part], clean[part])


def _both(rng, damaged, clean):
    far = differences(damaged, clean)
    wrong = (far > WRONG).astype(np.float32)
    return _mirrored(rng, (damaged, wrong, wrong + (far < RIGHT)), (clean, NOTHING, ALL))


def _mirrored(rng, *pieces):
    down, right = (int(step) for step in rng.choice((-1, 1), 2))
    gain, more = rng.uniform(0.5, 1.25), rng.uniform(-25, 25)
    for luma, *maps in pieces:
        turned = [part[::down, ::right].astype(np.float32) for part in (luma, *maps)]
        yield (turned[0] - 126) * np.float32(gain) + np.float32(126 + more), *turned[1:]


def _piece(of, rng):
    luma, before = _any(of.intact, rng)
    y, x = (rng.integers(size - SIZE + 1) for size in luma.shape)
    if rng.random() < 0.75:
        y, x = y - y % BLOCK, x - x % BLOCK
    part = np.s_[y : y + SIZE, x : x + SIZE]
    return luma[part].astype(np.float32), before[part].astype(np.float32)


def _changed(luma, before, rng):
    """Combed, noisy or soft, each of them seldom."""
    draw = rng.random()
    if draw < 0.08:
        luma[1::2] = before[1::2]
    elif draw < 0.2:
        luma += rng.normal(0, rng.uniform(1, 14), luma.shape).astype(np.float32)
    elif draw < 0.3:
        for _ in range(rng.integers(1, 5)):
            luma = (luma + np.roll(luma, 1, 0) + np.roll(luma, 1, 1) + np.roll(luma, (1, 1), (0, 1))) / 4
    return luma


def _painted(of, rng):
    clean, damaged = (_any(of.intact, rng)[0] for _ in range(2))
    y, x = (BLOCK * rng.integers((size - SIZE) // BLOCK + 1) for size in clean.shape)
    clean, other = clean[y : y + SIZE, x : x + SIZE].astype(np.float32), damaged
    damaged = clean.copy()
    for _ in range(rng.integers(1, 5)):
        rows, columns = int(rng.integers(1, 4)), int(rng.integers(1, ACROSS + 1))
        y, x = rng.integers(ACROSS - rows + 1), rng.integers(ACROSS - columns + 1)
        to = damaged[y * BLOCK : (y + rows) * BLOCK, x * BLOCK : (x + columns) * BLOCK]
        _paint(to, other, rng)
    return _both(rng, damaged, clean)


def _paint(to, other, rng):
    draw = rng.random()
    if draw < 0.6:
        y, x = (rng.integers(have - want + 1) for have, want in zip(other.shape, to.shape, strict=True))
        to[:] = other[y : y + to.shape[0], x : x + to.shape[1]]
    elif draw < 0.75:
        to[:] = rng.integers(16, 236)
    else:
        to += np.kron(rng.normal(0, 25, (to.shape[0] // 8, to.shape[1] // 8)), np.ones((8, 8)))
