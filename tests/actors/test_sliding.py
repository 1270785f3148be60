"""Extremes of stretches that slide along values."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from actors.detectors.sliding import slide

values = st.one_of(st.integers(-9, 9).map(float), st.just(float("nan")))


@given(st.lists(values, min_size=1, max_size=70), st.data())
def test_each_is_the_extreme_of_its_stretch(given_values, data):
    width = data.draw(st.integers(1, len(given_values)))
    stretches = np.lib.stride_tricks.sliding_window_view(np.array(given_values), width)
    for extreme in (np.minimum, np.maximum):
        found = slide(extreme, np.array(given_values), width)
        assert np.array_equal(found, extreme.reduce(stretches, axis=1), equal_nan=True)
