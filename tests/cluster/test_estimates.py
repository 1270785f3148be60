"""Plans before anything is run: bytes as the pictures have them, money in proportion, every number an estimate."""

from decimal import Decimal
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.probe import Pictures
from cluster.asking import Asked, ask
from cluster.clones import ways
from cluster.cost import bill, total
from cluster.estimate import ASSUMED, CARRIES, MEASURED, METERS, estimate
from cluster.explain import document, explain, text
from cluster.prices import load
from cluster.settings import Placement
from cluster.shape import Placed
from cluster.subsets import parts, split

SHEET = load()
RUNNABLE = list(get_args(Placed))
CLOSE = Decimal("1e-6")
PARTS = split(parts(1.0), 0.8)
"""Of meters that take a processor, on nodes with 0.8 of one for them: two detectors."""
LARGE, SMALL = (part.cpus for part in PARTS)
FIRST, SECOND = (", ".join(part.groups) for part in PARTS)
CLONE, EACH = ways(1, SHEET), "USD an hour for a stream of 1920x1080 25/s"

some = st.builds(
    Pictures, st.integers(16, 8192), st.integers(16, 8192), st.just("yuv420p"), st.integers(400, 10**8),
    st.sampled_from([5.0, 23.976, 25.0, 50.0, 60.0]),
)  # fmt: skip
asked_ones = st.lists(
    st.builds(Asked, st.just("/a.ts"), st.lists(some, min_size=1, max_size=2).map(tuple), st.sampled_from(["", "why"])),
    min_size=1, max_size=4,
)  # fmt: skip


def near(left, right):
    return abs(left - right) <= CLOSE * max(abs(left), abs(right), Decimal("1e-6"))


def test_every_shape_that_can_be_run_has_costs_and_ways():
    assert set(RUNNABLE) <= MEASURED.keys() & CARRIES.keys()


@given(asked_ones)
def test_bytes_are_those_of_all_pictures_on_the_ways_of_the_shape(asked):
    rate = round(sum(track.bytes_per_second for one in asked for track in one.pictures))
    for one in explain(asked, "auto", Placement(), 0.0, SHEET):
        ways = {"fused": (), "colocated": ("bytes_object_store",), "spread": ("bytes_object_store", "bytes_network")}
        if one.plan.shape in ways:
            assert one.bytes_per_second == dict.fromkeys(ways[one.plan.shape], rate)
        assert one.money == sum(money for _, _, money in one.lines) > 0


@given(some, st.sampled_from(RUNNABLE), st.integers(2, 9))
def test_a_stream_hour_costs_the_same_in_company(pictures, shape, count):
    alone, many = (total(bill(estimate(shape, [pictures] * n), SHEET)) for n in (1, count))
    assert near(alone, many)


@given(some, st.sampled_from(RUNNABLE))
def test_larger_pictures_never_cost_less(pictures, shape):
    larger = Pictures(pictures.width, pictures.height, "", pictures.bytes_each * 2, pictures.per_second)
    cost, more = (total(bill(estimate(shape, [one]), SHEET)) for one in (pictures, larger))
    assert more >= cost


def test_the_assumed_channel_in_fused_costs_what_was_measured():
    usage = estimate("fused", [ASSUMED])
    costs = MEASURED["fused"]
    per_second = (costs.decode + costs.picture) * 25 + costs.other
    assert sum(usage.cpu_seconds.values()) == pytest.approx(per_second * 3600)
    spread = estimate("spread", [ASSUMED])
    assert spread.bytes_network == spread.bytes_object_store == 3_110_400 * 25 * 3600


def test_the_assumed_channel_in_staged_has_a_chunk_a_second():
    usage = estimate("staged", [ASSUMED])
    asked = usage.requests_bucket
    assert (usage.transitions, usage.functions) == ((METERS + 2) * 3600, (METERS + 1) * 3600)
    assert (asked.get, asked.put) == (2 * (2 * METERS + 1) * 3600, (5 + 2 + METERS + 1) * 3600)
    assert total(bill(usage, SHEET)) > 10 * total(bill(estimate("fused", [ASSUMED]), SHEET))


def test_no_streams_are_no_estimate():
    with pytest.raises(ValueError, match="there are none"):
        estimate("fused", [])


@given(asked_ones, st.sampled_from(["auto", *RUNNABLE]))
def test_the_text_names_every_shape_and_marks_the_jobs(asked, shape):
    explained = explain(asked, shape, Placement(), 0.0, SHEET)
    said = text(asked, explained, shape, SHEET)
    assert [one.plan.shape for one in explained] == RUNNABLE
    (mine,) = [line for line in said.splitlines() if "(this job's" in line]
    assert mine.startswith("fused" if shape == "auto" else shape)
    assert said.count("estimate ") == 2 * len(RUNNABLE)
    assert said.count("assumed for /a.ts: why") == sum(one.assumed == "why" for one in asked)
    assert "Nothing was submitted" in said
    assert "Bundles are as set" in said
    whole = document(asked, explained, SHEET)
    assert [one["shape"] for one in whole["shapes"] if one["chosen"]] == ["fused" if shape == "auto" else shape]
    assert whole["estimate"] is True
    assert {one["sizes"] for one in whole["shapes"]} == {"settings"}


def test_bundles_are_said_as_they_are_asked_for():
    asked = [Asked("/a.ts", (ASSUMED,), "")]
    said = text(asked, explain(asked, "spread", Placement(streams_per_cell=3), 1.0, SHEET), "spread", SHEET)
    assert "1 x (0.6 CPU) + 1 x (0.2 CPU 0.25 GPU) on 2 nodes (STRICT_SPREAD), for 3 streams" in said
    assert "3 x (0.2 CPU) + 1 x (0.2 CPU 0.25 GPU) on one node (STRICT_PACK), for 3 streams" in said
    assert "77.8 MB/s in all" in said


def test_sources_that_cannot_be_asked_are_assumed_and_say_why(tmp_path):
    (tmp_path / "no.mp4").write_bytes(b"no media")
    sources = ["udp://239.1.1.1:5000?key=hidden", str(tmp_path / "gone.mp4"), str(tmp_path / "no.mp4")]
    live, gone, bad = ask(sources)
    assert [one.pictures for one in (live, gone, bad)] == [(ASSUMED,)] * 3
    assert live.assumed == "it is not asked, as it is on air"
    assert gone.assumed == "no such file; check the path"
    assert bad.assumed
    assert "hidden" not in live.source


def test_parted_meters_are_said_with_what_is_sent_to_each():
    asked = [Asked("/a.ts", (ASSUMED,), "")]
    placement = Placement(streams_per_cell=3, detector_cpus=1.0, node_detector_cpus=0.8, clones="frames")
    explained = explain(asked, "colocated", placement, 0.0, SHEET)
    said = text(asked, explained, "colocated", SHEET)
    assert f"1. {FIRST}: {LARGE:g} CPU" in said
    assert f"2. {SECOND}: {SMALL:g} CPU" in said
    assert f"1 x ({0.6 + LARGE:g} CPU) + 1 x ({SMALL:g} CPU) on 2 nodes (STRICT_SPREAD), for 3 streams" in said
    three = f"1 x (0.6 CPU) + 1 x ({LARGE:g} CPU) + 1 x ({SMALL:g} CPU) on 3 nodes (STRICT_SPREAD), for 3 streams"
    assert three in said
    assert said.count(f"clones     are sent frames, {CLONE.frames:.4f} {EACH}; ") == 2
    assert said.count("sent every frame") == 4
    assert "all on one node; parted, on 2 nodes" in said
    billed = {one.plan.shape: [money for _, what, money in one.lines if what == "between zones"] for one in explained}
    assert (len(billed["colocated"]), len(billed["spread"]), len(billed["fused"])) == (1, 1, 0)
    assert billed["spread"][0] == pytest.approx(2 * billed["colocated"][0])
    rates = {one.plan.shape: one.bytes_per_second.get("bytes_network", 0) for one in explained}
    assert rates == {"fused": 0, "colocated": 77_760_000, "spread": 2 * 77_760_000, "staged": 0}
    assert document(asked, explained, SHEET)["shapes"][1]["subsets"][1]["groups"] == PARTS[1].groups
    assert [one["clones"] for one in document(asked, explained, SHEET)["shapes"]] == [None, "frames", "frames", None]


def test_clones_that_decode_files_again_are_said_and_billed_so():
    """A live source among the files has its frames sent all the same."""
    asked = [Asked("/a.ts", (ASSUMED,), ""), Asked("udp://127.0.0.1:5000", (ASSUMED,), "why")]
    placement = Placement(streams_per_cell=3, detector_cpus=1.0, node_detector_cpus=0.8)
    explained = explain(asked, "colocated", placement, 0.0, SHEET)
    said = text(asked, explained, "colocated", SHEET)
    assert said.count(f"clones     decode files again, {CLONE.decode:.4f} {EACH}; ") == 2
    assert said.count(f"2. {SECOND}: {SMALL:g} CPU; decodes again; sent frames of live sources") == 2
    assert f"1 x ({0.6 + LARGE:g} CPU) + 1 x ({0.6 + SMALL:g} CPU) on 2 nodes (STRICT_SPREAD), for 3 streams" in said
    assert [one["clones"] for one in document(asked, explained, SHEET)["shapes"]] == [None, "decode", "decode", None]
    rates = {one.plan.shape: one.bytes_per_second.get("bytes_network", 0) for one in explained}
    assert rates == {"fused": 0, "colocated": 77_760_000, "spread": 3 * 77_760_000, "staged": 0}
    sent = explain(asked, "colocated", placement.model_copy(update={"clones": "frames"}), 0.0, SHEET)
    assert explained[1].cpu - sent[1].cpu == pytest.approx(Decimal(str(MEASURED["fused"].decode * 25 / 2)))
    files = explain(asked[:1], "colocated", placement, 0.0, SHEET)[1]
    assert files.bytes_per_second == {"bytes_object_store": 77_760_000}
    assert not [what for _, what, _ in files.lines if what == "between zones"]


def test_where_transfer_is_free_clones_are_sent_frames():
    free = SHEET.model_copy(update={"transfer": SHEET.transfer.model_copy(update={"price": Decimal(0)})})
    asked = [Asked("/a.ts", (ASSUMED,), "")]
    made = explain(asked, "colocated", Placement(detector_cpus=1.0, node_detector_cpus=0.8), 0.0, free)[1]
    assert not made.plan.decodes_again
    assert "clones     are sent frames, 0.0" in text(asked, [made], "colocated", free)
