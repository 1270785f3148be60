"""The guard of users' models, and the hop with them beside it, with models that are played."""

import os
from collections import deque

import numpy as np
import pytest

from actors.hop import Direct
from actors.models.guarded import Died, Guarded
from actors.models.hop import WithModels
from actors.models.mark import Mark, own_bytes
from actors.models.scores import PASSED_OVER, Answer, Fault, Hello
from tests.actors.modelled import batch, model


class Played:
    """A model's process that does what a list says: for each batch an answer, a fault, or 'dies', 'hangs', 'idle'."""

    def __init__(self, acts):
        self.mark, self.pid, self.killed, self._acts = Mark.make(), 0, False, acts
        self._said = deque([Hello(("mean",))])

    def send(self, parcel):
        act = self._acts.popleft() if self._acts else None
        self._said.append((act, parcel))

    def heard(self, seconds):
        if not self._said:
            return None
        said = self._said[0]
        if isinstance(said, Hello):
            return self._said.popleft()
        act, parcel = said
        if act == "dies":
            self.mark.enter(parcel.first_row + 1, 1)
            self.mark.note(0, np.array([[0.25]]))
            raise Died("ended its process (SIGKILL)")
        if act == "idle":
            return None
        self._said.popleft()
        values = np.full((len(parcel.frames), 1), 0.5)
        if isinstance(act, Fault):
            return Answer(values[:1], act, 0.0, 0)
        return Answer(values, None, 0.5, 7)

    def kill(self):
        self.killed = True
        self.mark.unlink()


class Stage:
    """Where models are played; ``acts`` are those of each process in turn."""

    def __init__(self, *acts):
        self._acts, self.started, self.kept = deque(map(deque, acts)), [], []

    def start(self, spec):
        self.started.append(Played(self._acts.popleft()))
        return self.started[-1]

    def put(self, batch, moved):
        moved.copies += 1
        return batch

    def free(self, parcel):
        pass

    def keep(self, runner):
        self.kept.append(runner)


def run(stage, *, live=False, batches=3):
    notes = []
    hop = WithModels(Direct(frozenset()), stage, [model()], {}, notes.append, live=live)
    rows = [one for number in range(batches) for one in hop.send(batch(number * 5, 5))]
    rows += hop.drain()
    hop.close()
    assert [r.first_row for r in rows if r.table == "video"] == [5 * n for n in range(batches)]
    mine = [r for r in rows if r.table == "metrics"]
    assert [r.first_row for r in mine] == [5 * n for n in range(batches)]
    assert len({id(r.columns["bright.mean"]) for r in mine}) == batches
    return (
        np.concatenate([r.columns["bright.mean"] for r in mine]).tolist(),
        np.concatenate([r.columns["bright.why"] for r in mine]).tolist(), notes, hop,
    )  # fmt: skip


def test_a_sound_model_is_kept_for_the_next_stream():
    stage = Stage([])
    values, why, notes, hop = run(stage)
    assert values == [0.5] * 15
    assert why == [""] * 15
    assert notes == []
    assert (hop.traffic.copies, hop.traffic.cpu_seconds, hop.traffic.peak_memory_bytes) == (3, 1.5, 7)
    assert stage.kept == stage.started
    assert not stage.started[0].killed


def test_one_that_dies_twice_of_one_picture_is_cut_off_there_and_what_it_had_given_is_kept():
    values, why, notes, _ = run(Stage([None, "dies"], ["dies"]))
    assert values[:6] == [0.5] * 5 + [0.25]
    assert np.isnan(values[6:]).all()
    assert why == [""] * 6 + ["crashed: ended its process (SIGKILL)"] * 9
    assert len(notes) == 1


def test_one_that_dies_of_three_pictures_is_cut_off_at_the_third():
    values, why, notes, _ = run(Stage(["dies"], [None, "dies"], [None, "dies"]), batches=4)
    assert len(notes) == 2
    assert why.count("") == 11
    assert np.isnan(values[11:]).all()


@pytest.mark.parametrize("kind", ["not_finite", "wrong_shape"])
def test_an_answer_that_is_none_ends_it_at_once(kind):
    stage = Stage([Fault(kind, "gave nan")])
    values, why, notes, _ = run(stage)
    assert (values[0], notes) == (0.5, [])
    assert why == [""] + [f"{kind}: gave nan"] * 14
    assert stage.started[0].killed


def test_a_live_source_does_not_wait_and_says_what_was_passed_over(monkeypatch):
    """The model is stuck for nine batches; five wait for it, four are passed over, and then it goes on."""
    stage = Stage(["idle"])
    hop = WithModels(Direct(frozenset()), stage, [model(timeout_seconds=600)], {}, print, live=True)
    rows = [one for number in range(9) for one in hop.send(batch(number * 5, 5))]
    assert [r.table for r in rows] == ["video"] * 9
    stage.started[0]._said[0] = (None, stage.started[0]._said[0][1])
    mine = [r for r in hop.drain() if r.table == "metrics"]
    why = [set(r.columns["bright.why"].tolist()) for r in mine]
    assert why == [{""}] * 5 + [{PASSED_OVER}] * 4
    hop.close()


def test_a_model_that_an_earlier_run_has_cut_off_is_not_started():
    guarded = Guarded(model(), Stage().start, print, "raised: x")
    sent = guarded.send(None, 0, 3)
    assert (sent.why, np.isnan(sent.values).all()) == ("raised: x", True)


def test_memory_of_ones_own_is_told_of_a_process_that_is_there():
    assert own_bytes(os.getpid()) > 10 << 20
    assert own_bytes(2**22 + 1) == 0
