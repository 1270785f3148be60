"""What is made of decoders that do not answer, by how they began and whether their cell has its place still."""

from types import SimpleNamespace

import pytest

from actors.hosted import Report
from cluster.places import Cell, Decoder, Seat
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

    watch = Watch(SimpleNamespace(of=lambda stream: None), Supervision(), None)
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


def test_a_cell_in_which_a_decoder_has_not_begun_in_time_is_a_dud_for_a_while_or_until_it_is_gone(monkeypatch, ended):
    from cluster import watching as module

    watching, now = watch(), [1000.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    watching.poll([HERE])
    now[0] += 121.0
    watching.poll([HERE])
    assert ended == [HERE.name]
    assert watching.duds([HERE.cell, "cell/fused/0"]) == {HERE.cell}
    now[0] += 599.0
    assert watching.duds([HERE.cell]) == {HERE.cell}
    now[0] += 2.0
    assert watching.duds([HERE.cell]) == set(), "it was only slow, perhaps"
    watching._duds[HERE.cell] = now[0]
    assert watching.duds(["cell/fused/0"]) == watching.duds([HERE.cell]) == set()


def test_one_that_had_begun_makes_none_where_it_falls_silent(monkeypatch, ended):
    from cluster import cell
    from cluster import watching as module

    watching, now = watch(), [1000.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(cell, "ask", lambda among, seconds: {HERE: [Report("one", pid=7)]})
    watching.poll([HERE])
    monkeypatch.setattr(cell, "ask", lambda among, seconds: dict.fromkeys(among))
    watching.poll([HERE])
    now[0] += 31.0
    watching.poll([HERE])
    assert ended == [HERE.name]
    assert watching.duds([HERE.cell]) == set()


@pytest.mark.parametrize(("lost", "after", "given_back"), [
    (True, 1.9, False), (True, 2.1, True), (False, 59.0, False), (False, 61.0, True),
])  # fmt: skip
def test_a_cell_that_has_lost_its_place_has_less_time_to_find_one_than_a_new_one(monkeypatch, lost, after, given_back):
    from cluster import cell
    from cluster.whole import Whole

    monkeypatch.setattr(cell, "names", list)
    whole, waits = Whole(Supervision()), Cell("fused", 0, 4, placed=False, lost=lost)
    assert whole.look([waits], {}, 100.0) == set()
    assert whole.look([waits], {}, 100.0 + after) == ({waits.name} if given_back else set())
