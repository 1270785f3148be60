"""The span machine against a slow one that goes row by row."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from actors.incident import UPDATE_SECONDS
from actors.spans import IDLE, close, follow, sought
from tests.actors.rows import BASE, FRAME, cut, video

MINIMUM = 5 * FRAME

runs = st.lists(st.tuples(st.booleans(), st.integers(1, 30)), max_size=30)


def slow(rows, held):
    """(kind, start, end, peak) by the words of the module's docstring."""
    moments, start, end, opened, peak = [], None, 0, False, 0.0
    grid = BASE.ceil(UPDATE_SECONDS)
    for time, duration, holds, level in zip(
        rows.columns["time"].tolist(), rows.columns["duration"].tolist(), held.tolist(),
        rows.columns["black_share"].tolist(), strict=True,
    ):  # fmt: skip
        if holds:
            if start is None:
                start, end, opened, peak = time, time, False, -np.inf
            before, end = end, max(end, time + duration)
            peak = level if np.isnan(peak) else peak if np.isnan(level) else max(peak, level)
            if not opened and end - start >= MINIMUM:
                opened = True
                moments.append(("opened", start, end, peak))
            elif opened and end // grid != before // grid:
                moments.append(("updated", start, end, peak))
        elif start is not None:
            if opened:
                moments.append(("closed", start, end, peak))
            start = None
    if start is not None and opened:
        moments.append(("closed", start, end, peak))
    return moments


def made(lengths, back):
    held = np.repeat([holds for holds, _ in lengths], [count for _, count in lengths]).astype(np.bool_)
    n = len(held)
    time = np.arange(n, dtype=np.int64) * 11 * FRAME
    for index in back:
        time[index:] -= 15 * FRAME if index < n else 0
    level = np.random.default_rng(n).choice([0.1, 0.5, 0.9, np.nan], n)
    return video(n, time=time, black_share=level), held


def told(moments):
    return [(moment.kind, moment.span.start, moment.span.end, moment.span.peak) for moment in moments]


@given(runs, st.sets(st.integers(1, 200), max_size=3), st.lists(st.integers(1, 40), max_size=20))
def test_any_split_gives_what_the_slow_machine_gives(lengths, back, sizes):
    rows, held = made(lengths, back)
    span, moments, first = IDLE, [], 0
    for part in cut([rows], sizes):
        span, found = follow(span, part, held[first : first + len(part)], part.columns["black_share"], MINIMUM)
        moments += found
        first += len(part)
    moments += close(span)
    assert told(moments) == slow(rows, held)
    ats = [moment.at for moment in moments]
    assert ats == sorted(ats)
    if len(rows):
        until = (rows.columns["time"] + rows.columns["duration"]).max()
        assert all(at <= until for at in ats)


def test_nothing_is_remembered_of_no_rows():
    rows = video(0)
    assert follow(IDLE, rows, np.empty(0, np.bool_), np.empty(0), MINIMUM) == (IDLE, [])


@given(runs, runs, st.sets(st.integers(1, 200), max_size=3), st.lists(st.integers(1, 40), max_size=20))
def test_what_is_sought_here_and_there_gives_what_is_looked_at_everywhere(first, second, back, sizes):
    rows, one = made(first, back)
    other = np.resize(made(second, ())[1], len(one)) if second else ~one
    both, asked, place = np.stack([one, other]), [], 0
    everywhere, sparsely = [IDLE, IDLE], [IDLE, IDLE]
    for part in cut([rows], sizes):
        full = both[:, place : place + len(part)]
        held = sought(part, MINIMUM, lambda places, full=full: asked.append(len(places)) or full[:, places])
        level = part.columns["black_share"]
        for number in range(2):
            everywhere[number], wanted = follow(everywhere[number], part, full[number], level, MINIMUM)
            sparsely[number], found = follow(sparsely[number], part, held[number], level, MINIMUM)
            assert (told(found), told(close(sparsely[number]))) == (told(wanted), told(close(everywhere[number])))
        place += len(part)
    assert sum(asked) <= len(rows)


def test_what_never_holds_is_looked_at_twice_in_the_least_time_that_it_would_have_to():
    rows, asked = video(1000), []
    held = sought(rows, 50 * FRAME, lambda places: asked.extend(places) or np.zeros((3, len(places)), np.bool_))
    assert (held.shape, held.any()) == ((3, 1000), False)
    assert len(asked) == 41
