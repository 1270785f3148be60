"""Rows to Arrow and back: bit for bit, with null where nothing was measured."""

from itertools import pairwise

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from actors import rows as arrow
from actors.clock import TimeBase
from actors.measure import Metric, Rows
from actors.media import MISSING

METRICS = (
    Metric("share", "", "float64", ""), Metric("cells", "", "uint16", "", 4), Metric("peaks", "", "float32", "", -1),
    Metric("dts_time", "ticks", "int64", ""), Metric("key", "", "bool", ""), Metric("error", "", "string", ""),
    Metric("absent", "", "float64", ""), Metric("absent_list", "", "float64", "", -1),
)  # fmt: skip


@given(st.integers(1, 20), st.data())
def test_round_trip(n, data):
    draw = data.draw
    columns = {name: draw(hnp.arrays(np.int64, n, elements=st.integers(-(2**40), 2**40))) for name in
               ("wrap", "pts", "time", "duration")}  # fmt: skip
    columns["wrap"] = columns["wrap"] % 7
    columns["epoch"] = np.full(n, 2, np.int64)
    columns |= {
        "share": draw(hnp.arrays(np.float64, n, elements=st.floats(allow_infinity=False))),
        "cells": draw(hnp.arrays(np.uint16, (n, 4))),
        "peaks": draw(hnp.arrays(np.float32, (n, 3), elements=st.floats(0, 1, width=32))),
        "dts_time": draw(hnp.arrays(np.int64, n, elements=st.sampled_from([MISSING, -5, 0, 2**50]))),
        "key": draw(hnp.arrays(np.bool_, n)),
        "error": np.array(draw(st.lists(st.sampled_from(["", "x"]), min_size=n, max_size=n)), np.object_),
    }
    rows = Rows("video", "v:0", TimeBase(1001, 30000), "h264 1x1", 17, 3, columns)
    table = arrow.to_arrow(rows, METRICS, "s", 1)
    assert table["share"].null_count == int(np.isnan(columns["share"]).sum())
    assert table["absent"].null_count == table["absent_list"].null_count == n
    (back,) = arrow.from_arrow(table, "video", METRICS)
    assert (back.track, back.base, back.format, back.first_row, back.window) == ("v:0", rows.base, "h264 1x1", 17, 3)
    for name, values in columns.items():
        assert back.columns[name].dtype == values.dtype
        np.testing.assert_array_equal(back.columns[name], values, err_msg=name)


def test_a_value_for_each_stretch_of_one_format_and_window():
    def part(first, window, fmt, epoch):
        columns = {name: np.zeros(2, np.int64) for name in ("wrap", "pts", "time", "duration")}
        columns["epoch"] = np.full(2, epoch, np.int64)
        return Rows("video", "v:0", TimeBase(1, 25), fmt, first, window, columns)

    parts = [part(0, 0, "a", 0), part(2, 0, "b", 0), part(4, 1, "b", 0), part(6, 1, "b", 1)]
    table = pa.concat_tables([arrow.to_arrow(p, (), "s", 0) for p in parts])
    back = list(arrow.from_arrow(table, "video", ()))
    assert [(r.first_row, r.window, r.format, int(r.columns["epoch"][0]), len(r)) for r in back] == [
        (0, 0, "a", 0, 2), (2, 0, "b", 0, 2), (4, 1, "b", 0, 2), (6, 1, "b", 1, 2),
    ]  # fmt: skip


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(1, 4), st.sampled_from([0, 3])), min_size=1, max_size=12))
def test_joined_rows_are_the_same_rows(given_parts):
    parts, first = [], 0
    for fmt, n, peaks in given_parts:
        columns = {name: np.arange(first, first + n) for name in ("wrap", "pts", "time", "duration", "epoch")}
        columns |= {"share": np.full(n, 0.5), "peaks": np.full((n, peaks), first, np.float32)}
        parts.append(Rows("video", "v:0", TimeBase(1, 25), fmt, first, 0, columns))
        first += n
    joined = arrow.joined(parts)
    alike = [(fmt, peaks) for fmt, _, peaks in given_parts]
    assert len(joined) == 1 + sum(one != other for one, other in pairwise(alike))
    tables = [pa.concat_tables([arrow.to_arrow(p, METRICS, "s", 1) for p in some]) for some in (parts, joined)]
    assert tables[0].equals(tables[1])
