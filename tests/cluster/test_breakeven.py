"""Decoding again or sending frames: the points where they meet are where they cost the same, and move the right way."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from cluster.breakeven import Frames, breakeven, cpu_second, sent_byte
from cluster.prices import load

CLOSE = Decimal("1e-18")
CARRIERS = st.sampled_from(["object_store", "network"])
NOWHERE = 10**30

rates = st.sampled_from([0.2, 1.0, 12.5, 25.0, 29.97, 50.0, 60.0])
frames = st.builds(
    Frames, decoded_per_second=rates, sent_per_second=rates, bytes_per_frame=st.integers(10**4, 10**8),
    decode_cpu_seconds_per_frame=st.integers(1, 10**5).map(lambda us: us / 10**6),
    copy_cpu_seconds_per_byte=st.integers(1, 10**4).map(lambda ps: ps / 10**12),
)  # fmt: skip
detectors = st.integers(1, 64)
prices_cpu = st.integers(1, 10**4).map(lambda n: Decimal(n) / 10**7)
prices_byte = st.just(Decimal(0)) | st.integers(1, 10**4).map(lambda n: Decimal(n) / 10**13)
more = st.sampled_from([1.5, 2, 10])


def near(left, right):
    return abs(left - right) <= CLOSE * max(abs(left), abs(right))


def ordered(less, greater):
    return less <= greater * (1 + CLOSE)


def number(found):
    """Of how many detectors sending pays; a number beyond all where it never does."""
    return NOWHERE if found.detectors is None else found.detectors


@given(frames, detectors, CARRIERS, prices_cpu, prices_byte)
def test_both_ways_cost_the_same_where_they_meet(one, n, carrier, cpu, byte):
    found = breakeven(one, n, carrier, cpu, byte)
    assert near(found.send / Decimal(str(one.bytes_per_frame)) * found.bytes_per_frame, found.decode_again)
    assert near(found.send / Decimal(str(one.sent_per_second)) * found.sent_per_second, found.decode_again)


@given(frames, detectors, CARRIERS, prices_cpu, prices_byte)
def test_from_that_many_detectors_on_sending_is_not_dearer(one, n, carrier, cpu, byte):
    def sending_is_dearer(count):
        there = breakeven(one, count, carrier, cpu, byte)
        assume(not near(there.send, there.decode_again))
        return there.send > there.decode_again

    found = breakeven(one, n, carrier, cpu, byte)
    if found.detectors is None:
        assert sending_is_dearer(10**6)
    else:
        assert not sending_is_dearer(found.detectors)
        assert found.detectors == 1 or sending_is_dearer(found.detectors - 1)


@given(frames, detectors, CARRIERS, prices_cpu, prices_byte, more)
def test_larger_pictures_favour_decoding_again(one, n, carrier, cpu, byte, times):
    small, large = (
        breakeven(replace(one, bytes_per_frame=size), n, carrier, cpu, byte)
        for size in (one.bytes_per_frame, one.bytes_per_frame * times)
    )
    assert small.decode_again == large.decode_again
    assert small.send < large.send
    assert number(small) <= number(large)
    assert ordered(large.sent_per_second, small.sent_per_second)


@given(frames, detectors, CARRIERS, prices_cpu, prices_byte, more)
def test_looking_at_more_frames_favours_decoding_again(one, n, carrier, cpu, byte, times):
    few, many = (
        breakeven(replace(one, sent_per_second=rate), n, carrier, cpu, byte)
        for rate in (one.sent_per_second, one.sent_per_second * times)
    )
    assert few.decode_again == many.decode_again
    assert few.send < many.send
    assert number(few) <= number(many)
    assert ordered(many.bytes_per_frame, few.bytes_per_frame)


@given(frames, detectors, CARRIERS, prices_cpu, prices_byte, more)
def test_at_a_higher_frame_rate_more_is_at_stake_and_nothing_else_changes(one, n, carrier, cpu, byte, times):
    fast = replace(
        one, decoded_per_second=one.decoded_per_second * times, sent_per_second=one.sent_per_second * times
    )  # fmt: skip
    slow_found, fast_found = (breakeven(it, n, carrier, cpu, byte) for it in (one, fast))
    rise = Decimal(str(fast.decoded_per_second)) / Decimal(str(one.decoded_per_second))
    assert near(fast_found.decode_again, slow_found.decode_again * rise)
    assert fast_found.send > slow_found.send


@given(frames, detectors, prices_cpu, prices_byte, prices_byte)
def test_dearer_transfer_favours_decoding_again_and_does_not_touch_the_object_store(one, n, cpu, first, second):
    cheap, dear = (breakeven(one, n, "network", cpu, byte) for byte in sorted((first, second)))
    assert cheap.send <= dear.send
    assert number(cheap) <= number(dear)
    assert dear.bytes_per_frame <= cheap.bytes_per_frame
    assert dear.sent_per_second <= cheap.sent_per_second
    assert breakeven(one, n, "object_store", cpu, first) == breakeven(one, n, "object_store", cpu, second)


@given(frames, detectors, CARRIERS, prices_cpu, prices_byte, st.integers(2, 10))
def test_dearer_processors_favour_sending(one, n, carrier, cpu, byte, times):
    cheap, dear = (breakeven(one, n, carrier, price, byte) for price in (cpu, cpu * times))
    assert near(dear.decode_again, cheap.decode_again * times)
    assume(cheap.detectors is None or not near(cheap.send, cheap.decode_again))
    assert number(dear) <= number(cheap)
    assert ordered(cheap.bytes_per_frame, dear.bytes_per_frame)


@given(frames, detectors, prices_cpu, prices_byte)
def test_the_network_is_never_cheaper_than_the_object_store(one, n, cpu, byte):
    near_by, far = (breakeven(one, n, carrier, cpu, byte) for carrier in ("object_store", "network"))
    assert near_by.send < far.send
    assert number(near_by) <= number(far)


def test_an_example():
    """A frame of 1 MB, 4 ms to decode, 1 ms to copy; 5 times as dear to send as to copy."""
    one = Frames(
        decoded_per_second=25, sent_per_second=25, bytes_per_frame=10**6, decode_cpu_seconds_per_frame=0.004,
        copy_cpu_seconds_per_byte=1e-9,
    )  # fmt: skip
    store = breakeven(one, 2, "object_store", Decimal("0.00001"), Decimal(0))
    assert (store.decode_again, store.send) == (Decimal("0.0072"), Decimal("0.0009"))
    assert (store.detectors, store.bytes_per_frame, store.sent_per_second) == (1, 8_000_000, 200)
    network = breakeven(one, 2, "network", Decimal("0.00001"), Decimal("0.00000000000001"))
    assert network.send == Decimal("0.0009") + 2 * Decimal("0.0018")
    assert network.detectors == 1
    far = breakeven(one, 2, "network", Decimal("0.00001"), Decimal("0.00000000000005"))
    assert far.detectors is None


def test_nothing_is_paid_where_nothing_costs():
    one = Frames(
        decoded_per_second=25, sent_per_second=25, bytes_per_frame=10**6, decode_cpu_seconds_per_frame=0.004,
        copy_cpu_seconds_per_byte=1e-9,
    )  # fmt: skip
    found = breakeven(one, 1, "network", Decimal(0), Decimal(0))
    assert (found.decode_again, found.send, found.bytes_per_frame, found.sent_per_second) == (0, 0, None, None)


def test_prices_come_from_the_sheet():
    sheet = load()
    assert near(cpu_second(sheet) * 3600, Decimal("0.08096"))
    on_instances = sheet.model_copy(update={"packing": sheet.packing.model_copy(update={"host": "instance"})})
    assert near(cpu_second(on_instances) * 3600, Decimal("0.09371"))
    assert near(sent_byte(sheet) * 2**30, Decimal("0.02"))


@pytest.mark.parametrize("wrong", [0, -1, float("nan"), float("inf")])
def test_frames_that_cannot_be_are_refused(wrong):
    with pytest.raises(ValueError, match="sent_per_second must be more than 0"):
        Frames(
            decoded_per_second=25, sent_per_second=wrong, bytes_per_frame=1, decode_cpu_seconds_per_frame=1,
            copy_cpu_seconds_per_byte=1,
        )  # fmt: skip


def test_without_detectors_there_is_nothing_to_compare():
    one = Frames(
        decoded_per_second=25, sent_per_second=25, bytes_per_frame=1, decode_cpu_seconds_per_frame=1,
        copy_cpu_seconds_per_byte=1,
    )  # fmt: skip
    with pytest.raises(ValueError, match="without a detector"):
        breakeven(one, 0, "network", Decimal(1), Decimal(1))
