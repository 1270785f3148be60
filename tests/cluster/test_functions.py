"""What functions measure apart is what is measured at once; and for how long they are at work."""

from dataclasses import replace
from itertools import chain
from math import ceil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.measure.picture import PictureMeter
from actors.measuring import measure_video
from cluster.busy import Busy
from cluster.functions import LONGEST_SECONDS, MEMORY_MB, joined, meters
from tests.cluster.test_chunks import batch_of_grey, batches

NAMES = sorted(metric.name for metric in PictureMeter.metrics)


@given(st.frozensets(st.sampled_from([*NAMES, "of another meter"])))
def test_each_metric_has_one_meter(wanted):
    found = meters(wanted)
    assert sorted(chain(*found.values())) == sorted(wanted & set(NAMES))
    assert found
    assert all(found.values()) or found == {"frames": frozenset()}


@given(batches(), st.frozensets(st.sampled_from(NAMES)))
def test_meters_apart_give_what_one_gives(batch, wanted):
    meter = PictureMeter("reference")
    there = joined([measure_video(meter, batch, names) for names in meters(wanted).values()])
    here = measure_video(meter, batch, wanted)
    assert there.columns.keys() == here.columns.keys()
    assert replace(there, columns={}) == replace(here, columns={})
    for name, values in here.columns.items():
        np.testing.assert_array_equal(there.columns[name], values, err_msg=name)


def test_rows_of_two_batches_are_not_joined():
    batch = batch_of_grey()
    both = (batch, replace(batch, first_row=1))
    one, other = (measure_video(PictureMeter("reference"), each, frozenset()) for each in both)
    with pytest.raises(ValueError, match="of 1 on are joined to those of 0 on"):
        joined([one, other])


@given(st.lists(st.tuples(st.sampled_from(["converting", "aggregating", "waiting"]), st.integers(0, 2_000_000))))
def test_time_is_split(spans):
    now = [0]
    busy = Busy(lambda: now[0] / 1000)
    for what, milliseconds in spans:
        now[0] += milliseconds
        getattr(busy, what)()
    busy.ran(1.2345)
    runs, gb_seconds = busy.functions()
    converting, aggregating = ([ms for what, ms in spans if what == one] for one in ("converting", "aggregating"))
    assert runs == 1 + len(aggregating) + 1 + sum(converting) // (LONGEST_SECONDS * 1000)
    held = sum(converting) + sum(aggregating) + ceil(1234.5)
    assert gb_seconds == pytest.approx(held / 1000 * MEMORY_MB / 1024, abs=0.002 * (len(spans) + 2))
