"""Scores of detectors: what counts as found, and what is read from ffmpeg's log."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.inject.registry import names
from tests.score.corpus import DEFECTS, EDGE, SOURCES, placed
from tests.score.findings import FILTERS
from tests.score.tally import Found, Score, middle

LOG = """
[blackdetect @ 0x1] black_start:1.2 black_end:3.4 black_duration:2.2
[freezedetect @ 0x2] lavfi.freezedetect.freeze_start: 0.5
[freezedetect @ 0x2] lavfi.freezedetect.freeze_duration: 2.5
[freezedetect @ 0x2] lavfi.freezedetect.freeze_end: 3
[freezedetect @ 0x2] lavfi.freezedetect.freeze_start: 4.25
[silencedetect @ 0x3] silence_start: -0.01
[silencedetect @ 0x3] silence_end: 2.02 | silence_duration: 2.03
[scdet @ 0x4] lavfi.scd.score: 22.3, lavfi.scd.time: 2.32
[silencedetect @ 0x5] channel: 1 | silence_start: 1.5
[silencedetect @ 0x5] channel: 1 | silence_end: 4 | silence_duration: 2.5
"""
spans = st.tuples(st.integers(0, 50), st.integers(1, 9)).map(lambda pair: Found(pair[0], pair[0] + pair[1]))


def test_by_hand():
    score = Score()
    labels = [Found(1, 3), Found(5, 6), Found(9, 9)]
    found = [Found(1.1, 2, 1.5), Found(2, 3.2, 2.5), Found(7, 8), Found(7, 8, explained=True), Found(9.02, 9.02, 9.1)]
    wrong = score.add(labels, found)
    assert wrong == ([Found(5, 6)], [Found(7, 8)])
    assert (score.hits, score.missed, score.false) == (2, 1, 1)
    assert score.precision == score.recall == score.f1 == 2 / 3
    assert score.start_errors == pytest.approx([1.0, 0.02])
    assert score.end_errors == pytest.approx([0.2, 0.02])
    assert score.delays == pytest.approx([1.5, 0.1])
    assert middle([-3, 1, 2]) == 2
    assert middle([]) is None


@given(st.lists(spans, max_size=6), st.lists(spans, max_size=6))
def test_every_label_counts_once_and_every_finding_at_most_once(labels, found):
    score = Score()
    missed, false = score.add(labels, found)
    assert score.hits + score.missed == len(labels)
    assert score.missed == len(missed)
    assert score.false == len(false) <= len(found)
    assert len(score.start_errors) == len(score.end_errors) == score.hits


@given(st.lists(spans, min_size=1, max_size=6))
def test_what_is_found_as_it_is_labelled_is_without_fault(labels):
    score = Score()
    assert score.add(labels, labels) == ([], [])
    assert score.f1 == score.precision == score.recall == 1
    assert set(score.start_errors) == set(score.end_errors) == {0}


@pytest.mark.parametrize(
    ("detector", "expected"),
    [
        ("black", [Found(1.2, 3.4)]), ("freeze", [Found(0.5, 3), Found(4.25, 9)]), ("scene", [Found(2.32, 2.32, 2.32)]),
        ("silence", [Found(-0.01, 2.02)]), ("channel_loss", [Found(1.5, 4)]),
    ],
)  # fmt: skip
def test_ffmpeg_s_words(detector, expected):
    log = "\n".join(line for line in LOG.splitlines() if detector == "channel_loss" or "channel:" not in line)
    assert FILTERS[detector].spans(log, 9) == expected


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.text)
def test_places_leave_the_edges_clean(defect):
    import random

    for name in defect.sources:
        text = placed(defect, SOURCES[name](), random.Random(1))
        kind, _, settings = text.partition(":")
        fields = dict(setting.split("=") for setting in settings.split(","))
        assert text.startswith(f"{kind}:")
        if "start" not in names(kind):
            assert text == defect.text
            continue
        assert float(fields["start"]) >= max(EDGE, defect.after)
        if defect.lengths:
            assert defect.lengths[0] <= float(fields["length"]) <= defect.lengths[1]
