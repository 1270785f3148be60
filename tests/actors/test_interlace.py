"""Fields: what a stream says of them, how they fit (as idet), and the judge."""

from fractions import Fraction
from itertools import islice

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.detectors.interlace import Interlace, InterlaceThresholds
from actors.field_order import BOTTOM_FIRST, PROGRESSIVE, TOP_FIRST, UNSAID, FieldOrder
from actors.inject import Encode, inject, parse
from actors.inject.read import frame_of, planes_of
from actors.measure.picture import PictureMeter
from tests.actors.rows import check_splits, closed, judged, video
from tests.actors.test_picture import clip, make_batch, make_format, make_frame
from tests.clips import generated_clip

WEAVES = ("weave_top_first", "weave_bottom_first", "weave_own", "top_difference", "bottom_difference")


def measured(*lumas):
    height, width = lumas[0].shape
    frames = [make_frame(number, luma) for number, luma in enumerate(lumas)]
    found = PictureMeter().measure(make_batch(make_format(width, height), frames), frozenset(WEAVES))
    return np.stack([found[name] for name in WEAVES], axis=1)


def test_weaves_by_hand():
    """Lines 2 and 3 of a column count: one even, one odd."""
    columns = (9, 1, 2, 4, 8, 9), (9, 3, 5, 7, 1, 9)
    first, later = measured(*(np.array([[0, code] for code in column], np.uint8) for column in columns))
    assert np.isnan(first).all()
    top_first = abs(5 + 1 - 2 * 4) + abs(1 + 4 - 2 * 5)
    bottom_first = abs(3 + 7 - 2 * 2) + abs(2 + 8 - 2 * 7)
    own = abs(3 + 7 - 2 * 5) + abs(5 + 1 - 2 * 7)
    assert later.tolist() == [top_first / 4, bottom_first / 4, own / 4, 3, 3]


def test_a_picture_too_low_for_fields_fits_every_way():
    assert measured(*np.zeros((2, 4, 8), np.uint8))[1].tolist() == [0, 0, 0, 0, 0]


def idet(frames):
    """What ffmpeg's filter says of each frame."""
    graph = av.filter.Graph()
    size = {"width": frames[0].width, "height": frames[0].height, "format": "gray", "time_base": Fraction(1, 25)}
    chain = [graph.add_buffer(**size), graph.add("idet"), graph.add("buffersink")]
    graph.link_nodes(*chain).configure()
    said = []
    for number, frame in enumerate([*frames, None]):
        if frame is not None:
            frame.pts, frame.time_base = number, Fraction(1, 25)
        graph.push(frame)
        try:
            while True:
                said.append(graph.pull().metadata["lavfi.idet.single.current_frame"])
        except (av.BlockingIOError, av.EOFError):
            pass
    return said


@pytest.mark.parametrize(
    ("defect", "fault", "name"), [("combing", 1, "tff"), ("combing:first=bottom", 2, "bff"), (None, 0, "progressive")]
)
def test_orders_are_those_of_idet(defect, fault, name):
    """Frame by frame, but for cuts: idet looks at the frame after, too."""
    change = parse(defect).begin(np.random.default_rng(0), {}) if defect else lambda picture, share: picture
    with av.open(clip("bikes.mp4")) as container:
        grey = [frame.reformat(format="gray") for frame in islice(container.decode(video=0), 100)]
    made = [frame_of(change(planes_of(frame), 0), frame) for frame in grey]
    found = measured(*(planes_of(frame).planes[0] for frame in made))
    rows = video(100, **dict(zip(WEAVES, found.T, strict=True)), field_order=np.zeros(100, np.int32))
    faults = Interlace()._kinds(rows)[:, 0]
    said = np.array(idet(made))
    assert len(said) == 100
    assert (said == name).sum() >= 80
    assert ((faults == fault) & (said == name)).sum() >= 0.93 * (said == name).sum()


@pytest.mark.parametrize(
    ("fields", "order"), [("none", PROGRESSIVE), ("top", TOP_FIRST), ("bottom", BOTTOM_FIRST)]
)
@pytest.mark.parametrize("codec", ["libx264", "mpeg2video"])
def test_what_a_stream_says_of_its_fields(tmp_path, codec, fields, order):
    made = tmp_path / "made.ts"
    encode = Encode(codec=codec, fields=fields)
    inject(generated_clip(seconds=1, size=(160, 96), layout=None), made, [], encode=encode)
    reader = FieldOrder()
    with av.open(str(made)) as container:
        assert [reader.of(frame) for frame in container.decode(video=0)] == [order] * 25


def woven(*pieces, flag=PROGRESSIVE):
    """Rows of pictures: ``T`` and ``B`` two fields, top or bottom first, ``P`` one moment, ``S`` still; small letters
    repeat that field, ``n`` is not compared. Each piece is a pattern, how often, and its flag if it has its own."""
    values = {
        "T": (1, 3, 1, 2, 2), "B": (3, 1, 1, 2, 2), "P": (3, 3, 1, 2, 2), "S": (1, 1, 1, 0, 0),
        "t": (1, 3, 1, 0, 2), "b": (1, 3, 1, 2, 0), "n": (np.nan,) * 5,
    }  # fmt: skip
    text = "".join(pattern * times for pattern, times, *_ in pieces)
    flags = [value for pattern, times, *own in pieces for value in [own[0] if own else flag] * len(pattern * times)]
    columns = np.array([values[letter] for letter in text], float).reshape(-1, 5).T
    return video(len(text), **dict(zip(WEAVES, columns, strict=True)), field_order=np.array(flags, np.int32))


@pytest.mark.parametrize("order", ["T", "B"])
def test_combing_is_told_where_it_is(order):
    events = judged(Interlace(), [woven(("P", 50), (order, 50), ("P", 100))])
    assert closed(events) == [(2.0, 4.0, "combing")]
    assert (events[-1].peak, events[-1].unit, events[-1].severity) == (1.0, "share", "warning")


def test_film_at_3_2_is_told_by_name():
    events = judged(Interlace(), [woven(("P", 50), ("PtTbP", 20), ("P", 100))])
    assert [(cause, round(start), round(end)) for start, end, cause in closed(events)] == [("telecine", 2, 6)]
    assert "film" in events[-1].message


@pytest.mark.parametrize(("said", "other"), [(TOP_FIRST, "B"), (BOTTOM_FIRST, "T")])
def test_the_other_order_is_told(said, other):
    right = {"T": "B", "B": "T"}[other]
    events = judged(Interlace(), [woven((right, 50), (other, 50), (right, 100), flag=said)])
    assert closed(events) == [(2.0, 4.0, "field_order")]


@pytest.mark.parametrize(
    ("pieces", "flag"),
    [
        ([("T", 200)], TOP_FIRST), ([("B", 200)], BOTTOM_FIRST), ([("P", 200)], TOP_FIRST), ([("T", 200)], UNSAID),
        ([("B", 200)], UNSAID), ([("PtTbP", 40)], TOP_FIRST), ([("S", 200)], PROGRESSIVE), ([("n", 200)], PROGRESSIVE),
        ([("P", 50), ("T", 7), ("P", 50)], PROGRESSIVE), ([("TPBPPPPP", 30)], PROGRESSIVE),
    ],
)  # fmt: skip
def test_what_is_no_fault(pieces, flag):
    assert judged(Interlace(), [woven(*pieces, flag=flag)]) == []


def test_still_pictures_between_tell_nothing():
    events = judged(Interlace(), [woven(("P", 20), ("TSS", 20), ("P", 80))])
    assert [cause for *_, cause in closed(events)] == ["combing"]
    assert events[-1].peak > 0.9


def test_a_stream_that_changes_its_mind_is_judged_by_what_it_says():
    events = judged(Interlace(), [woven(("T", 60, TOP_FIRST), ("T", 60, PROGRESSIVE), ("T", 80, TOP_FIRST))])
    assert closed(events) == [(2.4, 4.8, "combing")]


@settings(max_examples=80, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["T", "B", "P", "S", "n", "PtTbP", "TP", "TSB"]), st.sampled_from([1, 3, 9, 30, 100]),
            st.sampled_from([PROGRESSIVE, TOP_FIRST, BOTTOM_FIRST, UNSAID]),
        ),
        min_size=1, max_size=8,
    ),
    st.lists(st.integers(1, 90), max_size=30),
)  # fmt: skip
def test_any_split_gives_the_same_events(pieces, sizes):
    check_splits(Interlace(InterlaceThresholds(hold_seconds=0.5)), [woven(*pieces)], sizes)
