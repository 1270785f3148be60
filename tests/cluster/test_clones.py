"""Sending frames to clones or decoding again: the cheaper way at the sheet's prices."""

from dataclasses import replace
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from cluster.clones import settled, ways
from cluster.prices import load
from cluster.settings import Placement

SHEET = load()


@given(st.integers(1, 8), st.integers(0, 200))
def test_clones_decode_again_where_sending_is_dearer(clones, cents):
    transfer = SHEET.transfer.model_copy(update={"price": Decimal(cents) / 1000})
    found = ways(clones, SHEET.model_copy(update={"transfer": transfer}))
    one = ways(1, SHEET.model_copy(update={"transfer": transfer}))
    assert abs(found.decode - clones * one.decode) < Decimal("1e-15")
    assert abs(found.frames - clones * one.frames) < Decimal("1e-15")
    assert (found.cheaper == "decode") == (found.decode < found.frames)


def test_between_zones_they_decode_again_and_within_one_they_are_sent_frames():
    assert ways(1, SHEET).cheaper == "decode"
    free = SHEET.model_copy(update={"transfer": SHEET.transfer.model_copy(update={"price": Decimal(0)})})
    assert ways(1, free).cheaper == "frames"
    assert replace(ways(1, free), decode=ways(1, free).frames).cheaper == "frames"


@given(st.sampled_from(["auto", "frames", "decode"]), st.sampled_from([Decimal(0), Decimal("0.01")]))
def test_prices_decide_only_where_they_are_asked(clones, price):
    sheet = SHEET.model_copy(update={"transfer": SHEET.transfer.model_copy(update={"price": price})})
    placement = Placement(streams_per_cell=7, clones=clones)
    chosen = settled(placement, sheet)
    assert chosen.clones == (clones if clones != "auto" else "decode" if price else "frames")
    assert chosen.model_copy(update={"clones": clones}) == placement
