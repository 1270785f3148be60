"""Plans of shapes: what a cell asks for, and who shares a bundle or a node with whom."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster.places import Cell
from cluster.settings import Placement
from cluster.shape import plan
from cluster.subsets import TooSmall

PLANNED = ("fused", "colocated", "spread")
placements = st.builds(
    Placement, streams_per_cell=st.integers(1, 256), decoder_cpus=st.integers(1, 640).map(lambda tenths: tenths / 10),
    detector_cpus=st.integers(1, 640).map(lambda tenths: tenths / 10), detector_gpus=st.sampled_from([0.0, 0.25, 1.0]),
)  # fmt: skip


@given(st.sampled_from(PLANNED), placements, st.sampled_from([0.0, 2.0]))
def test_a_cell_asks_for_what_its_actors_take(shape, placement, gpus):
    made = plan(shape, placement, gpus)
    cpus = placement.decoder_cpus * placement.streams_per_cell + placement.detector_cpus * made.detectors
    assert sum(bundle["CPU"] for bundle in made.bundles) == pytest.approx(cpus)
    held = sum(bundle.get("GPU", 0.0) for bundle in made.bundles)
    assert held == (placement.detector_gpus if gpus and shape != "fused" else 0.0)
    assert made.detectors == (shape != "fused")


@given(placements)
def test_spread_has_decoders_and_detectors_on_different_nodes_and_the_others_have_not(placement):
    spread = plan("spread", placement, 0.0)
    assert (spread.strategy, spread.nodes) == ("STRICT_SPREAD", 2)
    decoders = {spread.decoder_bundle(slot) for slot in range(spread.decoders)}
    assert decoders == {0}
    assert spread.detector_bundle() == 1
    for shape in ("fused", "colocated"):
        packed = plan(shape, placement, 0.0)
        assert (packed.strategy, packed.nodes) == ("STRICT_PACK", 1)
        assert len({packed.decoder_bundle(slot) for slot in range(packed.decoders)}) == packed.decoders
        assert packed.detector_bundle() == packed.decoders


def test_auto_is_colocated_where_there_is_a_gpu_and_never_spread():
    assert [plan("auto", Placement(), gpus).shape for gpus in (0.0, 1.0)] == ["fused", "colocated"]


@given(placements, st.sampled_from([0.0, 2.0]))
def test_staged_reserves_nothing_for_meters(placement, gpus):
    made = plan("staged", placement, gpus)
    assert (made.strategy, made.nodes, made.detectors) == ("STRICT_PACK", 1, 0)
    assert made.bundles == [{"CPU": placement.decoder_cpus}] * placement.streams_per_cell


@given(st.sampled_from(["colocated", "spread"]), placements, st.floats(0.69, 0.99))
def test_what_is_too_much_for_one_node_is_parted_among_more(shape, placement, share):
    room = round(placement.detector_cpus * share, 4)
    made = plan(shape, placement.model_copy(update={"node_detector_cpus": room}), 0.0)
    assert made.detectors == len(made.subsets) == 2
    assert made.strategy == "STRICT_SPREAD"
    assert made.nodes == len(made.bundles) == (2 if shape == "colocated" else 3)
    taken = [made.detector(number) for number in range(made.detectors)]
    assert max(taken) <= room
    cpus = placement.decoder_cpus * placement.streams_per_cell + sum(taken)
    assert sum(bundle["CPU"] for bundle in made.bundles) == pytest.approx(cpus, abs=1e-3)
    for number, cpu in enumerate(taken):
        assert made.bundles[made.detector_bundle(number)]["CPU"] >= cpu
    cell = Cell.parse(f"cell/{shape}/3", made.bundles, placement.decoder_cpus, placed=True, beside=made.beside)
    assert cell == Cell(shape, 3, placement.streams_per_cell, True)


def test_a_meter_that_no_node_can_hold_is_refused():
    with pytest.raises(TooSmall, match=r"the meter \w+ alone takes .* processors, and a node has"):
        plan("colocated", Placement(detector_cpus=1.0, node_detector_cpus=0.05), 0.0)
    assert plan("fused", Placement(detector_cpus=1.0, node_detector_cpus=0.05), 0.0).detectors == 0


@given(st.sampled_from(["colocated", "spread"]), placements, st.floats(0.69, 0.99), st.sampled_from([0.0, 2.0]))
def test_bundles_of_clones_that_decode_again_have_room_for_that(shape, placement, share, gpus):
    room = {"node_detector_cpus": round(placement.detector_cpus * share, 4)}
    sent = plan(shape, placement.model_copy(update={**room, "clones": "frames"}), gpus)
    again = plan(shape, placement.model_copy(update={**room, "clones": "decode"}), gpus)
    assert again.decodes_again == (gpus == 0.0)
    more = [own["CPU"] - one["CPU"] for own, one in zip(again.bundles, sent.bundles, strict=True)]
    each = 0.0 if gpus else placement.decoder_cpus * placement.streams_per_cell
    assert more == pytest.approx([0.0] * (len(more) - 1) + [each])
    assert again.clones == sent.clones == 1
    assert not plan(shape, placement.model_copy(update={"clones": "decode"}), gpus).decodes_again
