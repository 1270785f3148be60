"""Plans of shapes: what a cell asks for, and who shares a bundle or a node with whom."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster.settings import Placement
from cluster.shape import plan

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
    assert spread.detector_bundle == 1
    for shape in ("fused", "colocated"):
        packed = plan(shape, placement, 0.0)
        assert (packed.strategy, packed.nodes) == ("STRICT_PACK", 1)
        assert len({packed.decoder_bundle(slot) for slot in range(packed.decoders)}) == packed.decoders
        assert packed.detector_bundle == packed.decoders


def test_auto_is_colocated_where_there_is_a_gpu_and_never_spread():
    assert [plan("auto", Placement(), gpus).shape for gpus in (0.0, 1.0)] == ["fused", "colocated"]


@given(placements, st.sampled_from([0.0, 2.0]))
def test_staged_reserves_nothing_for_meters(placement, gpus):
    made = plan("staged", placement, gpus)
    assert (made.strategy, made.nodes, made.detectors) == ("STRICT_PACK", 1, 0)
    assert made.bundles == [{"CPU": placement.decoder_cpus}] * placement.streams_per_cell
