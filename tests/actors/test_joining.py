"""Which calls go together: bounds hold, nobody overtakes its like, and each one's turn comes."""

from hypothesis import given
from hypothesis import strategies as st

from actors.joining import Waiting, together

calls = st.lists(st.builds(Waiting, st.sampled_from("abc"), st.integers(0, 100)), min_size=1, max_size=30)
bytes_ = st.integers(0, 250)
counts = st.integers(1, 8)


@given(calls, bytes_, counts)
def test_the_oldest_goes_with_others_of_its_kind_within_bounds(waiting, most_bytes, most_calls):
    taken = together(waiting, most_bytes, most_calls)
    assert taken[0] == 0
    assert len(taken) <= most_calls
    assert {waiting[place].kind for place in taken} == {waiting[0].kind}
    assert len(taken) == 1 or sum(waiting[place].bytes for place in taken) <= most_bytes


@given(calls, bytes_, counts)
def test_those_left_of_its_kind_came_later_and_the_next_did_not_fit(waiting, most_bytes, most_calls):
    taken = together(waiting, most_bytes, most_calls)
    alike = [place for place, call in enumerate(waiting) if call.kind == waiting[0].kind]
    assert taken == alike[: len(taken)]
    if len(alike) > len(taken) and len(taken) < most_calls:
        assert sum(waiting[place].bytes for place in alike[: len(taken) + 1]) > most_bytes


@given(calls, bytes_, counts)
def test_each_is_measured_once(waiting, most_bytes, most_calls):
    left, seen = list(enumerate(waiting)), []
    while left:
        taken = together([call for _, call in left], most_bytes, most_calls)
        seen += [left[place][0] for place in taken]
        left = [one for place, one in enumerate(left) if place not in taken]
    assert sorted(seen) == list(range(len(waiting)))


def test_none_waits_and_none_goes():
    assert together([]) == []
