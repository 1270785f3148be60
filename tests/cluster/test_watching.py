"""What is made of decoders that do not answer, by how they began and whether their cell has its place still."""

import pytest

from actors.hosted import Report
from cluster.places import Decoder, Seat
from cluster.settings import Supervision

HERE = Decoder("cell/colocated/0", 1)


@pytest.fixture
def ended(monkeypatch):
    """The names of actors that are ended; all decoders are silent."""
    from cluster import cell

    names = []
    monkeypatch.setattr(cell, "ask", lambda among, seconds: dict.fromkeys(among))
    monkeypatch.setattr(cell, "end", names.append)
    return names


def watch(*, sits=True, reported=False):
    from cluster.watching import Watch

    watch = Watch(None, Supervision(), None)
    if sits:
        watch.of("one").seat = Seat(HERE.cell, HERE.slot, "one")
        watch.of("one").report = Report("one", pid=7, live=True, apart=False) if reported else None
    return watch


def test_what_has_not_begun_in_a_cell_that_lost_its_place_is_begun_anew_at_once(ended):
    watching = watch()
    assert watching.poll([HERE], {HERE.cell}) == ([], False)
    assert ended == [HERE.name]
    assert (watching.of("one").seat, watching.of("one").restarts) == (None, 1)


@pytest.mark.parametrize(("known", "lost"), [
    ({}, ()),
    ({}, ["cell/colocated/1"]),
    ({"reported": True}, [HERE.cell]),
    ({"sits": False}, [HERE.cell]),
])  # fmt: skip
def test_any_other_has_its_time(ended, known, lost):
    watching = watch(**known)
    seats, _ = watching.poll([HERE], lost)
    assert ended == []
    assert [seat.stream for seat in seats] == (["one"] if known.get("sits", True) else [])
