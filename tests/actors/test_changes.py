"""What changes between two judgements."""

import pytest

from actors.changes import changes

BLACK = {
    "id": "1", "detector": "black", "track": "v:0", "start_seconds": 1.0, "end_seconds": 3.0, "severity": "critical",
    "cause": "", "explained_by": None,
}  # fmt: skip


def test_the_same_is_no_change():
    found = changes([BLACK], [dict(BLACK, peak=2.0)])
    assert not found.any
    assert found.same == 1


@pytest.mark.parametrize(
    "change", [{"end_seconds": 4.0}, {"end_seconds": None}, {"severity": "warning"}, {"cause": "x"}]
)
def test_another_extent_is_a_move(change):
    assert changes([BLACK], [BLACK | change]).moved == [(BLACK, BLACK | change)]


def test_another_start_is_a_move_where_they_overlap_and_else_not():
    near, far = BLACK | {"id": "2", "start_seconds": 2.0}, BLACK | {"id": "2", "start_seconds": 3.0, "end_seconds": 4.0}
    assert changes([BLACK], [near]).moved == [(BLACK, near)]
    found = changes([BLACK], [far])
    assert (found.gone, found.appeared, found.moved) == ([BLACK], [far], [])


@pytest.mark.parametrize("other", [{"track": "v:1"}, {"detector": "freeze"}])
def test_another_track_or_detector_is_another_incident(other):
    found = changes([BLACK], [BLACK | {"id": "2"} | other])
    assert (len(found.gone), len(found.appeared)) == (1, 1)


def test_one_that_is_split_moves_once_and_appears_once():
    first, second = BLACK | {"end_seconds": 2.0}, BLACK | {"id": "2", "start_seconds": 2.5}
    found = changes([BLACK], [first, second])
    assert (found.moved, found.appeared, found.gone) == ([(BLACK, first)], [second], [])


def test_a_cause_that_has_moved_is_none_that_has_changed():
    freeze = BLACK | {"id": "f", "detector": "freeze", "explained_by": "1"}
    later = BLACK | {"id": "2", "start_seconds": 1.5}
    found = changes([BLACK, freeze], [later, freeze | {"explained_by": "2"}])
    assert found.moved == [(BLACK, later)]
    assert found.same == 1
    found = changes([BLACK, freeze], [freeze | {"explained_by": None}])
    assert (found.gone, [was["id"] for was, _ in found.moved]) == ([BLACK], ["f"])
