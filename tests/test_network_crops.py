"""What the network of the scores learns from: damaged pieces with the same piece undamaged, and intact ones."""

import numpy as np
import pytest

from tests.score.network.crops import BLOCK, SIZE, Pictures, crops, differences


def textured(rng):
    return rng.integers(60, 190, (14 * BLOCK, 18 * BLOCK), dtype=np.uint8)


@pytest.fixture(scope="module")
def drawn():
    """Pieces of a source in which 5x4 blocks of one picture are 20 codes brighter."""
    rng = np.random.default_rng(1)
    clean = textured(rng)
    damaged = clean.copy()
    damaged[3 * BLOCK : 8 * BLOCK, 6 * BLOCK : 10 * BLOCK] += 20
    of = Pictures([[(damaged, clean, differences(damaged, clean))]], [[(textured(rng), textured(rng))]])
    stream = crops({"made": of}, rng)
    return [next(stream) for _ in range(400)]


def test_blocks_are_told_exactly():
    one = textured(np.random.default_rng(2))[: 2 * BLOCK + 5, : 3 * BLOCK + 7]
    other = one.copy()
    other[BLOCK : 2 * BLOCK, 2 * BLOCK : 3 * BLOCK] += 9
    assert differences(one, other).tolist() == [[0, 0, 0], [0, 0, 9]]


def test_pieces_and_maps_fit(drawn):
    for luma, wrong, counts in drawn:
        assert luma.shape == (SIZE, SIZE)
        assert wrong.shape == counts.shape == (SIZE // BLOCK, SIZE // BLOCK)
        assert not (wrong > counts).any()
        assert set(np.unique(counts)) <= {0, 1}


def test_every_damaged_piece_is_followed_by_itself_undamaged(drawn):
    """Where a block counts as right the two are alike, where it is wrong they are not."""
    damaged = [index for index, (_, wrong, _) in enumerate(drawn[:-1]) if wrong.any()]
    assert len(damaged) > 100
    for index in damaged:
        (luma, wrong, counts), (clean, none, every) = drawn[index : index + 2]
        assert not none.any()
        assert every.all()
        far = differences(luma, clean)
        assert (far[wrong == 1] > 4).all()
        assert (far[(wrong == 0) & (counts == 1)] < 1.25).all()


def test_a_part_is_intact(drawn):
    share = np.mean([not wrong.any() for _, wrong, _ in drawn])
    assert 0.6 < share < 0.85
