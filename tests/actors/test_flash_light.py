"""Codes become light as the standards say, in whole numbers, and the same ones from every kernel."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.detectors.flash import Flash
from actors.measure.picture import PictureMeter, cpu, reference
from actors.measure.picture.light import BLUE, GREEN, RED, WHITE, colour, colour_of, linear
from tests.actors.planes import make_planes
from tests.actors.test_picture import make_batch, make_format, make_frame

WANTED = frozenset(Flash.metrics)
METER = PictureMeter()


def lit(planes, colour_):
    """Luminance and red, of 1, of one pixel, by the meter: all of it is new beside black."""
    black = tuple(np.full((2, 2), code, np.uint8) for code in (16, 128, 128))
    fmt = make_format(2, 2, planes=3, matrix=colour_)
    frames = [make_frame(0, *black), make_frame(1, *(np.full((2, 2), code, np.uint8) for code in planes))]
    found = METER.measure(make_batch(replace(fmt, chroma_x=0, chroma_y=0), frames), WANTED)
    return found["flash_after"][1], found["red_after"][1] / 320


def test_weights_and_curve_are_whole():
    assert RED + GREEN + BLUE == 1 << 16
    assert (linear()[0], linear()[255], len(linear())) == (0, WHITE, 256)


@pytest.mark.parametrize("matrix", ["bt601", "bt709", "bt2020"])
def test_codes_become_light_as_the_formulas_say(matrix):
    kr, kb = {"bt601": (0.299, 0.114), "bt709": (0.2126, 0.0722), "bt2020": (0.2627, 0.0593)}[matrix]
    checked = 0
    for rgb in product((0.0, 0.5, 0.8, 1.0), repeat=3):
        red, green, blue = rgb
        luma = kr * red + (1 - kr - kb) * green + kb * blue
        codes = (16 + 219 * luma, 128 + 112 * (blue - luma) / (1 - kb), 128 + 112 * (red - luma) / (1 - kr))
        light = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in rgb]
        luminance = 0.2126 * light[0] + 0.7152 * light[1] + 0.0722 * light[2]
        saturated = light[0] - light[1] - light[2] if light[0] >= 4 * (light[1] + light[2]) else 0.0
        found = lit([round(code) for code in codes], matrix)
        assert found[0] == pytest.approx(luminance, abs=0.02), rgb
        assert found[1] == pytest.approx(saturated, abs=0.03), rgb
        checked += 1
    assert checked == 64


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32), depth=st.sampled_from([8, 10, 12, 16]), width=st.integers(1, 400),
    height=st.integers(1, 40), chroma=st.sampled_from([None, (0, 0), (1, 1)]),
    matrix=st.sampled_from(["bt601", "bt709", "bt2020"]), full=st.booleans(), spread=st.none() | st.integers(0, 255),
)  # fmt: skip
def test_the_kernel_is_the_arbiter_in_every_colour(seed, depth, width, height, chroma, matrix, full, spread):
    rng = np.random.default_rng(seed)
    then, now = (make_planes(rng, width, height, depth, chroma, 3, spread) for _ in range(2))
    found, expected = (
        kernel.sums(now, then, depth, frozenset({"flash"}), colour(matrix, full)).flash for kernel in (cpu, reference)
    )
    assert len(found) == 12
    assert found == expected


def test_an_unsaid_matrix_goes_by_the_size():
    assert colour_of(make_format(1280, 720)) == colour("bt709", full=False)
    assert colour_of(make_format(720, 576, range="full")) == colour("bt601", full=True)
    assert colour_of(make_format(720, 576, matrix="bt2020")) == colour("bt2020", full=False)
