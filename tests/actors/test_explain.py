"""What explains what, and that nothing but the events themselves decides it."""

from dataclasses import replace
from fractions import Fraction
from graphlib import TopologicalSorter
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors import state as states
from actors.clock import TimeBase
from actors.explain import CAUSES, RANKS, ExplainState, explain
from actors.incident import Event

MS = TimeBase(1, 1000)
STREAM = "s"


def event(kind, detector, start, at, end=None, *, track="v:0", cause="", base=MS):
    return Event(
        kind=kind, detector=detector, version=1, track=track, part="", base=base, at=at, start_epoch=0, start_wrap=0,
        start_pts=start, start=start, end=end, severity="warning", peak=None, unit="", cause=cause, message="",
    )  # fmt: skip


def incident(detector, start, end, opened, closed=None, **more):
    shut = event("closed", detector, start, closed or end, end, **more)
    return [event("opened", detector, start, opened, **more), shut]


def settled(*groups):
    return explain(ExplainState(), [event for group in groups for event in group], None, STREAM)[1]


def explained(events, detector):
    return [event.explained_by for event in events if event.detector == detector][-1]


def test_black_explains_a_freeze_on_its_track():
    black, freeze = incident("black", 1000, 5000, 3000), incident("freeze", 1000, 5000, 3000)
    given_ = settled(freeze, black)
    assert explained(given_, "freeze") == black[0].id(STREAM)
    assert explained(given_, "black") is None
    other = incident("black", 1000, 5000, 3000, track="v:1")
    assert explained(settled(freeze, other), "freeze") is None


@pytest.mark.parametrize(("end", "fits"), [(3000, True), (2999, False)])
def test_half_of_it_must_overlap(end, fits):
    black, freeze = incident("black", 0, end, 2000), incident("freeze", 1000, 5000, 3000)
    assert (explained(settled(black, freeze), "freeze") is not None) is fits


def test_a_stall_explains_on_every_track_and_comes_first():
    stall = incident("stalled", 1000, 9000, 1000, 1000, track="a:0")
    black, freeze = incident("black", 1000, 5000, 3000), incident("freeze", 1000, 5000, 3000)
    silence = incident("silence", 2000, 6000, 4000, track="a:1")
    events = settled(freeze, silence, black, stall)
    for name in ("black", "freeze", "silence"):
        assert explained(events, name) == stall[0].id(STREAM)


def test_a_loss_explains_a_freeze_only_if_that_is_why_it_froze():
    errors = incident("decode_errors", 1000, 5000, 1000, 7000)
    frozen = incident("freeze", 1000, 5000, 3000, cause="decode_failure")
    still = incident("freeze", 1000, 5000, 3000, cause="still_picture")
    assert explained(settled(errors, frozen), "freeze") == errors[0].id(STREAM)
    assert explained(settled(errors, still), "freeze") is None


@pytest.mark.parametrize(("opened", "revised"), [(6900, True), (7000, True), (7001, False)])
def test_a_cause_that_is_known_a_little_later_is_said_in_one_more_revision(opened, revised):
    freeze, black = incident("freeze", 1000, 5000, 3000), incident("black", 1000, 9000, opened)
    events = settled(freeze, black)
    found = [event for event in events if event.detector == "freeze"]
    assert [event.kind for event in found] == ["opened", "closed", *(["updated"] if revised else [])]
    if revised:
        assert (found[-1].explained_by, found[-1].end, found[-1].at) == (black[0].id(STREAM), 5000, opened)
    else:
        assert found[-1].explained_by is None


def test_events_wait_until_every_track_has_come_so_far():
    freeze = incident("freeze", 1000, 5000, 3000)
    state, first = explain(ExplainState(), freeze, Fraction(4), STREAM)
    assert [event.kind for event in first] == ["opened"]
    state, second = explain(state, [], Fraction(5), STREAM)
    assert second == []
    assert [event.kind for event in explain(state, [], Fraction(5001, 1000), STREAM)[1]] == ["closed"]


def test_a_stall_does_not_wait():
    state, events = explain(ExplainState(), incident("stalled", 9, 99, 9, 9), Fraction(-1), STREAM)
    assert [event.kind for event in events] == ["opened", "closed"]
    assert state.pending == ()


def test_what_is_remembered_is_bounded():
    state = ExplainState()
    for number in range(3000):
        start = number * 5000
        black, freeze = ("black", start, start + 2500, start + 2000), ("freeze", start, start + 9, start + 2100)
        made = [*incident(*black), *incident(*freeze)]
        state, _ = explain(state, made, Fraction(start, 1000) + 4, STREAM)
        assert len(state.known) + len(state.pending) + len(state.waiting) < 40


def test_causes_are_ranked_and_never_explain_each_other_in_a_ring():
    """By what each incident is itself caused. A leading track is explained by none that it leads."""
    kinds = {"", *(kind for causes in CAUSES.values() for cause in causes for kind in (*cause.only, *cause.because))}
    graph = {}
    for effect, causes in CAUSES.items():
        for cause in causes:
            leads = cause.where == "leading"
            assert RANKS[cause.detector] < RANKS.get(effect, len(RANKS)) or leads or cause.only
            for kind in cause.only or kinds if not leads else ():
                graph.setdefault((effect, kind), set()).update((cause.detector, k) for k in cause.because or kinds)
    assert len(list(TopologicalSorter(graph).static_order())) > len(CAUSES)


@pytest.mark.parametrize("late", ["association", "map", "clock"])
@pytest.mark.parametrize(("detector", "cause"), [("transport", "continuity"), ("timestamps", "gap")])
def test_tables_and_clocks_that_are_late_are_explained_by_a_loss_and_by_a_gap_but_explain_neither(
    late, detector, cause
):
    tables = [replace(one, part="tables") for one in incident("transport", 4500, 6000, 4500, 8000, cause=late)]
    other = incident(detector, 4000, 6040, 6040, 8040, cause=cause)
    for order in ((tables, other), (other, tables)):
        told = {(one.detector, one.part): one.explained_by for one in settled(*order)}
        assert told[("transport", "tables")] == other[0].id(STREAM)
        assert told[(detector, "")] is None


def test_a_loss_explains_late_tables_sooner_than_the_gap_that_comes_of_it_and_a_jump_does_not():
    tables = [replace(one, part="tables") for one in incident("transport", 4500, 6000, 4500, 8000, cause="map")]
    loss = incident("transport", 4000, 6040, 6040, 8040, cause="unsynced")
    gap = incident("timestamps", 4000, 6000, 6000, 8000, cause="gap")
    told = {(one.detector, one.part): one.explained_by for one in settled(tables, gap, loss)}
    first = loss[0].id(STREAM)
    assert told == {("transport", "tables"): first, ("timestamps", ""): first, ("transport", ""): None}
    jump = incident("timestamps", 4000, 6000, 6000, 8000, cause="jump")
    assert {one.explained_by for one in settled(tables, jump)} == {None}


def test_late_tables_explain_no_loss_on_another_track():
    tables = [replace(one, part="tables") for one in incident("transport", 4000, 6000, 4500, 8000, cause="map")]
    loss = incident("transport", 4500, 5000, 5000, 7000, cause="continuity", track="a:0")
    assert {one.explained_by for one in settled(tables, loss)} == {None}


def test_a_failure_explains_the_warning_that_came_before_it():
    warning = [replace(event, cause="warning", part="warning") for event in incident("flash", 1000, 5000, 2000, 6000)]
    failure = [replace(event, cause="extended", part="failure") for event in incident("flash", 1000, 5000, 5000, 6000)]
    released = settled(warning, failure)
    closed = {event.part: event.explained_by for event in released if event.kind == "closed"}
    assert closed == {"failure": None, "warning": failure[0].id(STREAM)}


def test_of_one_jump_on_several_tracks_the_first_explains_the_others():
    jumps = {
        track: incident("timestamps", start, start + 40, start + 40, start + 2100, track=track, cause="jump")
        for track, start in (("a:1", 4100), ("a:0", 3900), ("v:1", 4010), ("v:0", 4000))
    }
    for order in (list(jumps), list(jumps)[::-1]):
        events = settled(*(jumps[track] for track in order))
        found = {track: [e.explained_by for e in events if e.track == track][-1] for track in jumps}
        first = jumps["v:0"][0].id(STREAM)
        assert found["v:0"] is None
        assert found["v:1"] == found["a:0"] == found["a:1"] == first


def test_what_a_decoder_says_is_explained_by_the_jump_of_the_first_track():
    jumps = [
        incident("timestamps", start, start + 40, start + 40, start + 2040, track=track, cause="jump")
        for track, start in (("a:0", 3990), ("v:0", 4000))
    ]
    damage = incident("decode_errors", 3900, 3940, 3940, 5990)
    assert explained(settled(*jumps, damage), "decode_errors") == jumps[1][0].id(STREAM)


@pytest.mark.parametrize(("start", "fits"), [(3600, True), (4000, True), (3400, False)])
def test_what_a_decoder_says_of_damage_that_is_seen_is_explained_by_it(start, fits):
    seen = incident("corruption", 4000, 6000, 4040, 6040)
    said = incident("decode_errors", start, start + 100, start + 40, start + 2100)
    events = settled(said, seen)
    assert explained(events, "corruption") is None
    assert explained(events, "decode_errors") == (seen[0].id(STREAM) if fits else None)


@pytest.mark.parametrize(("at", "fits"), [(3900, True), (4230, True), (4300, False), (3700, False)])
def test_a_click_where_the_format_changes_is_explained_by_the_marker(at, fits):
    mark = replace(incident("format_change", 4000, 4000, 4040, 4040)[0], kind="marker", end=4000)
    click = incident("click", at, at + 10, at + 110, at + 1110, track="a:0")
    assert (explained(settled([mark], click), "click") == mark.id(STREAM)) is fits


def test_a_click_where_a_channel_turns_over_is_explained_although_it_is_over_before():
    phase = incident("phase", 4000, 7000, 6000, 7100, track="a:0")
    click = incident("click", 3990, 4000, 4100, 5000, track="a:0")
    assert explained(settled(phase, click), "click") == phase[0].id(STREAM)


@pytest.mark.parametrize(("cause", "fits"), [("drift", True), ("short", False)])
def test_sound_that_drifts_explains_that_it_is_off_its_pictures(cause, fits):
    skew = incident("av_skew", 3000, 9000, 3100, track="a:0", cause=cause)
    off = incident("av_sync", 4000, 8000, 6000, 8500, track="a:0", cause="marker")
    assert (explained(settled(skew, off), "av_sync") == skew[0].id(STREAM)) is fits


def test_other_faults_of_other_tracks_are_their_own():
    one = incident("timestamps", 4000, 4500, 4500, 6500, cause="gap")
    for start, end in ((4800, 5200), (3000, 3700), (4100, 6000)):
        other = incident("timestamps", start, end, end, end + 2000, track="a:0", cause="gap")
        assert explained(settled(one, other), "timestamps") is None


@pytest.mark.parametrize(("cause", "span", "errors", "fits"), [
    ("jump", (4000, 4040), (3900, 3940), True), ("jump", (4000, 4040), (4040, 4500), True),
    ("back", (4000, 4040), (4000, 5000), True), ("jump", (4000, 4040), (3000, 9000), False),
    ("jump", (4000, 4040), (4600, 4700), False), ("gap", (4000, 8000), (3920, 3960), True),
    ("gap", (4000, 4080), (3900, 4400), False),
])  # fmt: skip
@pytest.mark.parametrize("track", ["v:0", "a:0"])
def test_what_a_decoder_says_at_a_jump_or_beside_a_gap_is_explained_by_it(cause, span, errors, fits, track):
    """Where packets are lost, the gaps that they leave are shorter than the damage."""
    start, end = span
    jump = incident("timestamps", start, end, end, end + 2000, track=track, cause=cause)
    damage = incident("decode_errors", *errors, errors[0] + 40, max(errors[1] + 2000, end))
    for order in ((jump, damage), (damage, jump)):
        assert (explained(settled(*order), "decode_errors") == jump[0].id(STREAM)) is fits


DETECTORS = (("black", "v:0"), ("freeze", "v:0"), ("freeze", "v:1"), ("silence", "a:0"), ("channel_loss", "a:0"),
             ("decode_errors", "v:0"), ("timestamps", "v:0"), ("timestamps", "v:1"), ("timestamps", "a:0"),
             ("stutter", "v:0"), ("click", "a:0"), ("phase", "a:0"), ("transport", "v:0"),
             ("transport", "a:0"))  # fmt: skip
OWN_CAUSES = {"freeze": ["", "no_packets", "decode_failure"], "timestamps": ["gap", "jump", "back"],
              "transport": ["continuity", "clock"]}
BASES = {"v:0": MS, "v:1": TimeBase(1, 90), "a:0": TimeBase(1, 480)}


@st.composite
def histories(draw):
    """For each detector and track its events, in the order in which rows decide them."""
    made = []
    for detector, track in DETECTORS:
        base, now, events = BASES[track], 0, []
        for gap, length, delay in draw(
            st.lists(st.tuples(st.integers(1, 60), st.integers(1, 60), st.integers(0, 25)), max_size=4)
        ):
            start, end = now + gap, now + gap + length
            opened = start + draw(st.integers(0, length))
            cause = draw(st.sampled_from(OWN_CAUSES.get(detector, [""])))
            events += [
                replace(one, base=base, at=base.ceil(Fraction(one.at, 10)), start=base.ceil(Fraction(one.start, 10)),
                        start_pts=one.start, end=one.end and base.ceil(Fraction(one.end, 10)))
                for one in incident(detector, start, end, opened, end + delay, track=track, cause=cause)
            ]  # fmt: skip
            now = end + delay
        made.append(events)
    return made


@settings(max_examples=200, deadline=None)
@given(histories(), st.lists(st.integers(0, 400), max_size=20), st.randoms(use_true_random=False))
def test_calls_and_restarts_change_nothing(history, cuts, random):
    _, whole = explain(ExplainState(), [event for events in history for event in events], None, STREAM)
    state, given_ = ExplainState(), []
    marks = [Fraction(-1), *(Fraction(cut, 10) for cut in sorted(cuts)), None]
    for before, mark in pairwise(marks):
        fresh = []
        for events in history:
            at = [one.base.exact(one.at) for one in events]
            sent = next((place for place, when in enumerate(at) if when >= before), len(at))
            upto = len(at) if mark is None else next((place for place, when in enumerate(at) if when >= mark), len(at))
            fresh.append(events[sent:upto])
        random.shuffle(fresh)
        state = states.load(ExplainState, states.dump(state))
        state, found = explain(state, [event for events in fresh for event in events], mark, STREAM)
        given_ += found
    assert given_ == whole
    times = [one.base.exact(one.at) for one in whole if one.kind != "updated"]
    assert times == sorted(times)
    assert state.pending == ()


def test_the_property_above_compares_explanations():
    black, freeze = incident("black", 10, 500, 20), incident("freeze", 10, 400, 30)
    assert [event.explained_by is None for event in settled(black, freeze)] == [True, True, False, True]
