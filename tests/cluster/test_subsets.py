"""Groups of metrics parted among detectors: each once, none over its node's room, and on no more nodes than needed."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.measure.picture.metrics import METRICS
from cluster.subsets import GROUP_SECONDS, Subset, TooSmall, needs, parts, split

NAMES = ("luma", "difference", "signature", "fourth", "fifth")
some = st.dictionaries(st.sampled_from(NAMES), st.integers(1, 5000).map(lambda n: n / 10_000), min_size=1)
rooms = st.integers(1, 9000).map(lambda n: n / 10_000)


def ticks(cpus):
    """In ten-thousandths, as Ray counts."""
    return round(cpus * 10_000)


@given(some, rooms)
def test_every_group_has_one_detector_that_has_room_for_it(need, room):
    if max(need.values()) > room:
        with pytest.raises(TooSmall, match="SIGHTLINE_NODE_DETECTOR_CPUS") as refused:
            split(need, room)
        named = str(refused.value).split()[2]
        assert need[named] == max(need.values())
        return
    found = split(need, room)
    assert sorted(group for subset in found for group in subset.groups) == sorted(need)
    for subset in found:
        assert subset.groups
        assert ticks(subset.cpus) == sum(ticks(need[group]) for group in subset.groups) <= ticks(room)
    assert split(dict(reversed(need.items())), room) == found


@given(some, rooms)
def test_fewer_detectors_would_not_do(need, room):
    if max(need.values()) > room:
        return
    fewer = len(split(need, room)) - 1
    for places in product(range(fewer), repeat=len(need)) if fewer else ():
        loads = [0] * fewer
        for place, cpus in zip(places, need.values(), strict=True):
            loads[place] += ticks(cpus)
        assert max(loads) > ticks(room)


@given(some, rooms, rooms)
def test_larger_nodes_never_take_more_of_them(need, room, other):
    small, large = sorted((room, other))
    if max(need.values()) <= small:
        assert len(split(need, large)) <= len(split(need, small))
    if sum(map(ticks, need.values())) <= ticks(large):
        assert len(split(need, large)) == 1


@given(st.integers(1, 640_000).map(lambda n: n / 10_000))
def test_parts_are_all_of_the_whole_and_no_more_than_rounding_adds(whole):
    found = parts(whole)
    assert found.keys() == GROUP_SECONDS.keys() == METRICS.keys()
    assert ticks(whole) <= sum(map(ticks, found.values())) <= ticks(whole) + len(found)


def test_needs_grow_with_the_frames():
    assert needs({"luma": 0.001, "signature": 0.00033}, 100) == {"luma": 0.1, "signature": 0.033}
    assert needs({"luma": 0.00001}, 1) == {"luma": 0.0001}


def test_a_subset_names_its_metrics():
    found = Subset(("signature", "difference"), 0.1).metrics
    assert found == {"signature", "difference", "luma_difference", "block_difference"}
