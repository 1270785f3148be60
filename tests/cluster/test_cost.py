"""Bills: additive, in proportion to what was measured, the same however long the run was, and never below nothing."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.document import NO_USAGE
from cluster import spent
from cluster.cost import Line, Requests, Usage, bill, gb_seconds, ratio, total
from cluster.prices import load

SHEET = load()
HOSTED = ("fused", "colocated", "spread")
CLOSE = Decimal("1e-18")

seconds = st.integers(0, 10**7).map(lambda ms: ms / 1000)
counts = st.integers(0, 10**6)
sizes = st.integers(0, 10**13)
usages = st.builds(
    Usage,
    shape=st.sampled_from((*HOSTED, "staged")),
    media_seconds=st.integers(1, 10**7).map(lambda ms: ms / 1000),
    cpu_seconds=st.dictionaries(st.sampled_from(["decode", "meters", "judge", "record"]), seconds),
    peak_memory_bytes=st.integers(0, 10**11), gpu_seconds=st.just(0.0) | seconds,
    bytes_direct=sizes, bytes_object_store=sizes, bytes_network=sizes, bytes_bucket=sizes,
    requests_bucket=st.builds(Requests, counts, counts, counts, counts), transitions=counts,
    functions=counts, function_gb_seconds=seconds,
)  # fmt: skip


def near(left, right):
    return abs(left - right) <= CLOSE * max(abs(left), abs(right))


def hosted_on(host, utilisation="0.5"):
    packing = SHEET.packing.model_copy(update={"host": host, "utilisation": Decimal(utilisation)})
    return SHEET.model_copy(update={"packing": packing})


def twice(usage):
    """Two runs of the same, one after the other: memory is not more for that."""
    asked = usage.requests_bucket
    return replace(
        usage, media_seconds=usage.media_seconds * 2, gpu_seconds=usage.gpu_seconds * 2,
        cpu_seconds={stage: burnt * 2 for stage, burnt in usage.cpu_seconds.items()},
        bytes_network=usage.bytes_network * 2, bytes_bucket=usage.bytes_bucket * 2,
        requests_bucket=Requests(asked.put * 2, asked.get * 2, asked.list * 2, asked.delete * 2),
        transitions=usage.transitions * 2, functions=usage.functions * 2,
        function_gb_seconds=usage.function_gb_seconds * 2,
    )  # fmt: skip


@given(usages)
def test_lines_are_decimal_not_negative_and_add_up(usage):
    lines = bill(usage, SHEET)
    assert lines
    for line in lines:
        assert type(line.money) is Decimal
        assert line.money == line.amount * line.price >= 0
    assert total(lines) == sum(line.money for line in lines)


@given(usages, st.sampled_from(["container", "instance"]))
def test_a_stream_hour_costs_the_same_however_long_it_was_measured(usage, host):
    sheet = hosted_on(host)
    assert near(total(bill(usage, sheet)), total(bill(twice(usage), sheet)))


@given(usages, st.sampled_from(["container", "instance"]), st.data())
def test_more_of_anything_is_never_cheaper(usage, host, data):
    sheet, asked = hosted_on(host), usage.requests_bucket
    more = data.draw(
        st.sampled_from([
            {"cpu_seconds": {**usage.cpu_seconds, "more": 5.5}}, {"peak_memory_bytes": usage.peak_memory_bytes + 2**30},
            {"bytes_network": usage.bytes_network + 2**30}, {"bytes_bucket": usage.bytes_bucket + 2**30},
            {"requests_bucket": replace(asked, put=asked.put + 9)},
            {"requests_bucket": replace(asked, get=asked.get + 9)},
            {"transitions": usage.transitions + 9}, {"functions": usage.functions + 9},
            {"function_gb_seconds": usage.function_gb_seconds + 0.5},
        ])
    )  # fmt: skip
    assert total(bill(replace(usage, **more), sheet)) >= total(bill(usage, sheet))


@given(usages)
def test_dearer_prices_raise_the_bill_in_proportion(usage):
    def dearer(part):
        if "price" in type(part).model_fields:
            return part.model_copy(update={"price": part.price * 3})
        parts = {name: getattr(part, name) for name in type(part).model_fields}
        return part.model_copy(update={n: dearer(p) for n, p in parts.items() if hasattr(p, "model_copy")})

    assert near(total(bill(usage, dearer(SHEET))), 3 * total(bill(usage, SHEET)))


@given(usages)
def test_only_who_sends_pays_for_the_network_and_only_staged_for_functions(usage):
    kinds = {line.kind for line in bill(usage, SHEET)}
    parted = usage.shape == "colocated" and usage.bytes_network > 0
    assert ("transfer" in kinds) == (usage.shape == "spread" or parted)
    expected = {"compute", "requests", "transitions", "storage"}
    assert (kinds == expected) == (usage.shape == "staged")


@given(usages)
def test_shapes_that_measured_the_same_differ_by_the_network_alone(usage):
    fused, colocated, spread = (bill(replace(usage, shape=shape), SHEET) for shape in HOSTED)
    assert fused == spread[:-1]
    assert colocated == (spread if usage.bytes_network else fused)


@given(usages, st.sampled_from(["container", "instance"]))
def test_half_as_full_costs_at_most_twice_as_much(usage, host):
    usage = replace(usage, shape="fused")
    full, half = (total(bill(usage, hosted_on(host, share))) for share in ("0.8", "0.4"))
    assert full <= half <= 2 * full * (1 + CLOSE)


@given(usages)
def test_deleting_is_free(usage):
    asked = replace(usage.requests_bucket, delete=usage.requests_bucket.delete + 10**6)
    assert bill(replace(usage, requests_bucket=asked), SHEET) == bill(usage, SHEET)


def test_a_fused_stream_hour_in_a_container():
    usage = Usage(shape="fused", media_seconds=60, cpu_seconds={"decode": 6.0, "meters": 3.0}, peak_memory_bytes=2**30)
    processors, memory = bill(usage, SHEET)
    assert (processors.amount, processors.unit) == (Decimal("0.3"), "vCPU-hour")
    assert processors.money == Decimal("0.3") * Decimal("0.04048")
    assert (memory.amount, memory.unit) == (1, "GB-hour")
    assert total((processors, memory)) == Decimal("0.016589")


def test_a_container_has_the_memory_that_is_sold_with_its_processors():
    usage = Usage(shape="fused", media_seconds=60, cpu_seconds={"decode": 60.0}, peak_memory_bytes=2**20)
    assert bill(usage, SHEET)[1].amount == 4


@pytest.mark.parametrize(
    ("cpu_seconds", "memory", "share"), [(6.0, 2**20, "0.05"), (6.0, 2**31, "0.25"), (120.0, 2**20, "1")]
)
def test_of_an_instance_the_scarcest_part_counts(cpu_seconds, memory, share):
    usage = Usage(shape="colocated", media_seconds=60, cpu_seconds={"all": cpu_seconds}, peak_memory_bytes=memory)
    (line,) = bill(usage, hosted_on("instance"))
    assert (line.what, line.unit, line.amount) == ("c8i.xlarge", "instance-hour", Decimal(share))


def test_a_gpu_is_rented_with_its_machine():
    usage = Usage(
        shape="colocated", media_seconds=60, cpu_seconds={"decode": 6.0}, peak_memory_bytes=2**30, gpu_seconds=15.0
    )
    (line,) = bill(usage, SHEET)
    assert (line.what, line.amount, line.money) == ("g4dn.xlarge", Decimal("0.5"), Decimal("0.263"))


def test_a_staged_stream_hour():
    usage = Usage(
        shape="staged", media_seconds=3600, cpu_seconds={"all": 9.0}, peak_memory_bytes=0, bytes_bucket=730 * 2**30,
        requests_bucket=Requests(put=1000, get=5000, list=1000, delete=9), transitions=2000,
        functions=2, function_gb_seconds=float(gb_seconds(0.0011, 1024) + gb_seconds(1.0, 2048)),
    )  # fmt: skip
    priced = {(line.kind, line.what): line for line in bill(usage, SHEET)}
    assert priced["compute", "functions"].amount == Decimal("2.002")
    assert priced["requests", "functions"].money == Decimal("0.0000004")
    assert priced["requests", "bucket, put and list"].money == Decimal("0.01")
    assert priced["requests", "bucket, get"].money == Decimal("0.002")
    assert priced["transitions", "state machine"].money == Decimal("0.05")
    assert near(priced["storage", "bucket"].money, Decimal("0.023"))


def test_spread_pays_for_each_gigabyte():
    usage = Usage(
        shape="spread", media_seconds=1800, cpu_seconds={}, peak_memory_bytes=0, bytes_network=50 * 2**30
    )  # fmt: skip
    assert bill(usage, SHEET)[-1].money == 2


def test_ratio_is_of_totals():
    fused = (Line("compute", "a", Decimal(2), "hour", Decimal("0.5")),)
    assert ratio((*fused, *fused, *fused), fused) == 3
    with pytest.raises(ValueError, match="costs nothing"):
        ratio(fused, ())


@pytest.mark.parametrize("media", [0.0, -1.0, float("nan")])
def test_no_media_no_bill(media):
    usage = Usage(shape="fused", media_seconds=media, cpu_seconds={}, peak_memory_bytes=0)
    with pytest.raises(ValueError, match="seconds of media"):
        bill(usage, SHEET)


def test_a_bill_is_made_of_what_is_stored():
    stored = spent.Usage.model_validate({
        **NO_USAGE, "shape": "staged", "media_seconds": 3600.0, "cpu_seconds": 9.0, "cpu_decode_seconds": 5.0,
        "cpu_picture_seconds": 3.5, "cpu_other_seconds": 0.5, "peak_memory_bytes": 7, "requests_bucket": 10,
        "requests_put": 1, "requests_get": 2, "requests_list": 3, "requests_delete": 4, "transitions": 5,
        "functions": 6, "function_gb_seconds": 0.5, "bytes_bucket": 730 * 2**30, "bytes_network": 8,
    })  # fmt: skip
    usage = Usage.of(stored)
    assert sum(usage.cpu_seconds.values()) == stored.cpu_seconds
    assert usage.requests_bucket == Requests(put=1, get=2, list=3, delete=4)
    assert (usage.peak_memory_bytes, usage.bytes_network) == (7, 8)
    amounts = [(line.kind, line.amount) for line in bill(usage, SHEET)][:-1]
    assert amounts == [
        ("compute", Decimal("0.5")), ("requests", 6), ("requests", 4), ("requests", 2), ("transitions", 5),
    ]  # fmt: skip


@given(seconds, st.integers(128, 10240))
def test_a_function_is_sold_by_the_millisecond_begun(run_seconds, memory_mb):
    sold, least = gb_seconds(run_seconds, memory_mb), Decimal(str(run_seconds)) * memory_mb / 1024
    assert least <= sold < least + Decimal(memory_mb) / 1024 / 1000
