"""Sizes of cells: within a floor and a node, near what was measured, and at rest while little changes."""

import logging
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.spending import Burnt
from cluster.places import Cell
from cluster.settings import Placement
from cluster.shape import plan
from cluster.sizing import FLOOR, HEADROOM, HYSTERESIS, LEAST_SECONDS, Cost, Sizes, Sizing, cost, sized

cpus = st.floats(0.001, 64.0)
befores = st.builds(Sizes, cpus, cpus)
costs = st.lists(st.builds(Cost, st.floats(0.0, 8.0), st.floats(0.0, 8.0)), min_size=1, max_size=8)
streams = st.integers(1, 256)
nodes = st.one_of(st.just(math.inf), st.floats(0.5, 256.0))


@given(befores, costs, streams, nodes)
def test_never_below_a_floor_nor_above_a_node(before, measured, slots, node):
    now = sized(before, measured, slots, node)
    if now != before:
        assert min(now.decoder_cpus, now.detector_cpus) >= FLOOR
        whole = now.decoder_cpus * slots + now.detector_cpus
        assert whole <= node + 1e-6 or (now.decoder_cpus, now.detector_cpus) == (FLOOR, FLOOR)
    else:
        assert before.decoder_cpus * slots + before.detector_cpus <= node + 1e-6 or node < FLOOR * (slots + 1) + 1e-6


@given(befores, costs, streams, nodes)
def test_the_same_costs_move_it_once(before, measured, slots, node):
    once = sized(before, measured, slots, node)
    assert sized(once, measured, slots, node) == once


@given(costs, streams, st.floats(-HYSTERESIS / 4, HYSTERESIS / 4))
def test_a_little_more_or_less_moves_nothing(measured, slots, part):
    some = [Cost(one.decoder + 0.2, one.detector + 0.2) for one in measured]
    rest = sized(Sizes(1000.0, 1000.0), some, slots, math.inf)
    near = [Cost(one.decoder * (1 + part), one.detector * (1 + part)) for one in some]
    assert rest.streams == len(measured)
    assert sized(rest, near, slots, math.inf) == rest


@given(befores, costs, streams)
def test_what_is_measured_has_room_in_it(before, measured, slots):
    now = sized(before, measured, slots, math.inf)
    decoder = sum(one.decoder for one in measured) / len(measured)
    detector = slots * sum(one.detector for one in measured) / len(measured)
    if now != before:
        assert now.decoder_cpus >= HEADROOM * decoder - 1e-6
        assert now.detector_cpus >= HEADROOM * detector - 1e-6
    assert now.decoder_cpus * (1 + HYSTERESIS) >= HEADROOM * decoder - 1e-6


@given(befores, streams, nodes)
def test_nothing_measured_changes_nothing(before, slots, node):
    assert sized(before, [], slots, node) == before


def test_a_stream_is_measured_between_two_looks_that_are_apart():
    first = Burnt(3.0, 1.0, 10.0)
    assert cost(first, Burnt(9.0, 2.0, 10.0 + LEAST_SECONDS - 0.1)) is None
    assert cost(first, Burnt(7.0, 2.0, 50.0)) == Cost(0.1, 0.025)


def looked(sizing, stream, shape, decoder, detector, *, live=True):
    """Note 60 s of a stream that burns so much, after a start that costs 5 s."""
    for media in (0.0, 4.0, 30.0, 64.0):
        sizing.note(stream, shape, Burnt(5.0 + decoder * media, detector * media, media), live=live)


def test_new_cells_are_sized_by_what_streams_of_their_shape_take():
    sizing = Sizing(Placement(streams_per_cell=4))
    made = plan("colocated", Placement(streams_per_cell=4), 0.0)
    assert sizing.plan(made, [8.0]) == made
    looked(sizing, "a", "colocated", 0.30, 0.05)
    looked(sizing, "b", "colocated", 0.50, 0.07)
    looked(sizing, "c", "fused", 0.02, 0.0)
    now = sizing.plan(made, [8.0])
    assert now.bundles == [{"CPU": 0.5}] * 4 + [{"CPU": 0.3}]
    assert sizing.plan(made, [2.0, 8.0]) == now
    assert sizing.plan(plan("fused", Placement(streams_per_cell=4), 0.0), [8.0]).bundles == [{"CPU": 0.03}] * 4


def test_a_cell_is_never_larger_than_the_largest_node():
    sizing = Sizing(Placement(streams_per_cell=4))
    looked(sizing, "a", "colocated", 3.0, 0.5)
    now = sizing.plan(plan("colocated", Placement(streams_per_cell=4), 0.0), [1.0, 2.0])
    assert sum(bundle["CPU"] for bundle in now.bundles) == pytest.approx(2.0, abs=0.06)
    assert sum(bundle["CPU"] for bundle in now.bundles) <= 2.0


def test_spread_keeps_the_settings_sizes():
    sizing = Sizing(Placement())
    looked(sizing, "a", "spread", 3.0, 0.5)
    made = plan("spread", Placement(), 0.0)
    assert sizing.plan(made, [8.0]) == made


def test_whose_figure_it_was_is_told(caplog):
    sizing = Sizing(Placement(streams_per_cell=2, decoder_cpus=0.2))
    made = plan("fused", Placement(streams_per_cell=2), 0.0)
    with caplog.at_level(logging.INFO, logger="cluster.sizing"):
        sizing.plan(made, [8.0])
        looked(sizing, "a", "fused", 0.4, 0.0)
        sizing.plan(made, [8.0])
    assert [record.getMessage() for record in caplog.records] == [
        "a new cell of the shape fused: 0.2 processors for each of 2 decoders (the settings')",
        "a new cell of the shape fused: 0.5 processors for each of 2 decoders (measured of 1 stream)",
    ]
    assert sizing.of("a", 0.2).model_dump() == {"reserved": 0.2, "by": "settings", "taken": 0.4, "detector": 0.0}
    assert sizing.of("a", 0.5).by == "measured"
    assert sizing.of("unseen", 0.5).taken is None


def test_a_live_stream_that_takes_more_than_is_reserved_is_told_once():
    sizing = Sizing(Placement())
    looked(sizing, "heavy", "fused", 0.31, 0.0)
    looked(sizing, "light", "fused", 0.1, 0.0)
    looked(sizing, "file", "fused", 0.9, 0.0, live=False)
    reserved = dict.fromkeys(("heavy", "light", "file", "unseen"), 0.2)
    assert sizing.beyond(reserved) == ["heavy: takes 0.31 processors; 0.2 are reserved for it in its cell"]
    assert sizing.beyond(reserved) == []


def test_a_stream_that_is_begun_anew_is_measured_anew():
    sizing = Sizing(Placement())
    looked(sizing, "a", "fused", 0.4, 0.0)
    sizing.note("a", "fused", Burnt(9.0, 0.0, 1.0), live=True)
    assert sizing.of("a", 0.2).taken is None
    sizing.note("a", "fused", Burnt(13.0, 0.0, 41.0), live=True)
    assert sizing.of("a", 0.2).taken == 0.1


@pytest.mark.parametrize(("shape", "each"), [("fused", 0.35), ("colocated", 0.35), ("staged", 0.35), ("spread", 0.2)])
def test_a_cell_tells_what_it_has_for_each_decoder(shape, each):
    made = plan(shape, Placement(decoder_cpus=0.35 if shape != "spread" else 0.2), 0.0)
    cell = Cell.parse(f"cell/{shape}/0", made.bundles, 0.2, placed=True)
    assert (cell.decoder_cpus, cell.slots) == (each, made.decoders)
