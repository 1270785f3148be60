"""Shapes side by side: bills that add up, ratios to `fused`, JPEG never dearer than what is larger, and break-evens."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster.breakeven import breakeven, cpu_second, sent_byte
from cluster.bucket import PART_BYTES
from cluster.comparison import KINDS, MOST_DETECTORS, Jpeg, as_jpeg, frames, hourly, meetings, priced
from cluster.cost import Requests, Usage, bill, exact, total
from cluster.shape import Placed
from tests.cluster.test_cost import SHEET, counts, near, seconds, sizes, twice, usages

SHAPES = ("fused", "colocated", "spread", "staged")

one_of_each = st.lists(st.sampled_from(SHAPES), min_size=1, max_size=4, unique=True).flatmap(
    lambda shapes: st.tuples(*(usages.map(lambda usage, shape=shape: replace(usage, shape=shape)) for shape in shapes))
)
jpegs = st.builds(Jpeg, sizes, counts)
burnt = st.integers(1, 10**6).map(lambda ms: ms / 1000)


def spent(shape, decode, other, sent=0):
    return Usage(
        shape=shape, media_seconds=60.0, cpu_seconds={"decode": decode, "other": other}, peak_memory_bytes=0,
        bytes_object_store=sent,
    )  # fmt: skip


def test_there_is_a_bill_for_every_shape_there_is():
    assert set(SHAPES) == set(Placed.__args__)


@given(one_of_each, st.none() | jpegs)
def test_bills_stand_in_the_order_of_the_runs_and_add_up_by_kind(runs, jpeg):
    found = priced(runs, SHEET, jpeg)
    twin = [usage.shape for usage in runs for _ in range(2 if usage.shape == "staged" and jpeg else 1)]
    assert [one.usage.shape for one in found] == twin
    for one in found:
        assert tuple(one.by_kind) == KINDS
        assert one.money == total(one.lines)
        assert near(sum(one.by_kind.values()), one.money)
    assert {one.stored for one in found if one.usage.shape != "staged"} <= {""}
    stored = [one.stored for one in found if one.usage.shape == "staged"]
    assert stored in ([], ["lossless"], ["lossless", "jpeg"])


@given(one_of_each)
def test_ratios_are_to_fused_and_there_are_none_without_it(runs):
    found = priced(runs, SHEET)
    fused = next((one.money for one in found if one.usage.shape == "fused"), Decimal(0))
    for one in found:
        assert (one.ratio is None) == (not fused)
        assert one.ratio is None or near(one.ratio * fused, one.money)


@given(usages)
def test_an_hour_of_it_is_the_same_however_long_it_was_measured(usage):
    assert hourly(usage.transitions, usage) == pytest.approx(hourly(usage.transitions * 2, twice(usage)))
    assert hourly(usage.media_seconds, usage) == pytest.approx(3600)


@given(usages, jpegs)
def test_jpeg_changes_bytes_and_requests_to_write_them_and_nothing_else(usage, jpeg):
    usage = replace(usage, shape="staged")
    changed = as_jpeg(usage, jpeg)
    assert changed.bytes_bucket == jpeg.bytes
    assert changed.requests_bucket.put >= min(usage.requests_bucket.put, jpeg.chunks)
    back = replace(changed, bytes_bucket=usage.bytes_bucket, requests_bucket=usage.requests_bucket)
    assert back == usage
    if jpeg.bytes <= usage.bytes_bucket:
        assert total(bill(changed, SHEET)) <= total(bill(usage, SHEET))
    assert as_jpeg(usage, replace(jpeg, bytes=usage.bytes_bucket)).requests_bucket == usage.requests_bucket


def test_a_chunk_that_is_no_longer_sent_in_parts_is_one_request():
    large = Usage(
        shape="staged", media_seconds=60.0, cpu_seconds={}, peak_memory_bytes=0, bytes_bucket=100 * 2 * PART_BYTES,
        requests_bucket=Requests(put=100 * 4 + 50, get=300),
    )  # fmt: skip
    changed = as_jpeg(large, Jpeg(100 * 1000, 100))
    assert changed.requests_bucket == Requests(put=100 + 50, get=300)


@given(burnt, burnt, burnt, st.integers(1, 10**9), st.integers(1, 10**5))
def test_frames_cost_what_both_runs_differ_by(decode, other, more, sent, count):
    fused, colocated = spent("fused", decode, other), spent("colocated", decode, other + more, sent)
    found = frames(fused, colocated, count)
    assert found.decode_cpu_seconds_per_frame * count == pytest.approx(decode)
    assert found.copy_cpu_seconds_per_byte * sent == pytest.approx(more, rel=1e-6)
    assert found.bytes_per_frame * count == pytest.approx(sent)
    assert found.decoded_per_second == found.sent_per_second == pytest.approx(count / 60)


@pytest.mark.parametrize(("fused", "colocated", "count"), [
    (spent("fused", 5.0, 1.0), spent("colocated", 5.0, 2.0, 0), 100),
    (spent("fused", 5.0, 1.0), spent("colocated", 5.0, 2.0, 999), 0),
    (spent("fused", 5.0, 1.0), spent("colocated", 4.0, 1.0, 999), 100),
    (spent("fused", 0.0, 1.0), spent("colocated", 4.0, 1.0, 999), 100),
])  # fmt: skip
def test_nothing_is_reckoned_from_runs_that_say_nothing(fused, colocated, count):
    assert frames(fused, colocated, count) is None


@given(burnt, burnt, st.integers(10**3, 10**10), seconds)
def test_ways_meet_as_the_break_even_says(decode, more, sent, other):
    found = frames(spent("fused", decode, other), spent("colocated", decode, other + more, sent), 1500)
    met = meetings(found, SHEET)
    assert [one.detectors for one in met] == list(range(1, MOST_DETECTORS + 1))
    for one in met:
        assert one.object_store.decode_again == one.network.decode_again
        assert near(one.object_store.decode_again, one.detectors * met[0].object_store.decode_again)
        again = breakeven(found, one.detectors, "network", cpu_second(SHEET), sent_byte(SHEET))
        assert one.network == again
        assert one.network.send > one.object_store.send
        paid = one.object_store.send <= one.object_store.decode_again
        assert paid == (one.detectors >= one.object_store.detectors) or near(
            one.object_store.send, one.object_store.decode_again
        )
    cpu = exact(found.decode_cpu_seconds_per_frame) * exact(found.decoded_per_second) * 3600 * cpu_second(SHEET)
    assert near(met[0].object_store.decode_again, cpu)
