"""The ring of encoded packets: its bounds, where it begins, and that packets live as long as they are kept."""

import gc
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

import av
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.clock import Stamp, TimeBase
from actors.media import PacketFacts
from actors.ring import PACKET_BYTES, RING_BYTES, RING_SECONDS, Ring
from actors.source import Packet, open_source
from tests.actors.ringed import ringed
from tests.clips import generated_clip

BASES = {"v:0": TimeBase(1, 90_000), "v:1": TimeBase(1, 12_800), "a:0": TimeBase(1, 48_000)}
MOST = 200_000


@dataclass(frozen=True)
class Track:
    id: str

    @property
    def kind(self):
        return "video" if self.id[0] == "v" else "audio"


def begun(*tracks, most=MOST):
    ring = Ring(most_bytes=most)
    ring.begin([Track(name) for name in tracks], BASES)
    return ring


def facts(track, at, size=1000, *, key=False, pts=None):
    """A packet decoded at a time, and shown then or at another time; both in seconds."""
    dts, time = (BASES[track].ceil(seconds) for seconds in (at, at if pts is None else pts))
    return PacketFacts(Stamp(0, 0, time, time), dts, BASES[track].ceil(0.04), size, key, False, "")


def at(held):
    return BASES[held.track].exact(held.facts.dts_time)


def fill(ring, packets):
    """Add packets that are no packets but their number."""
    for number, (track, fact) in enumerate(packets):
        ring.add(track, number, fact)
    return [one.packet for one in ring.held()]


def channel(seconds, gop=2.0, sizes=1000, begin=0.0):
    """25 pictures and 50 packets of sound a second; a key frame every ``gop`` seconds."""
    for tick in range(round(seconds * 50)):
        now = begin + tick / 50
        if tick % 2 == 0:
            yield "v:0", facts("v:0", now, sizes, key=tick % round(gop * 50) == 0)
        yield "a:0", facts("a:0", now, 100)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(sorted(BASES)), st.sampled_from([0.0, 0.04, 0.5, 3.0, 9.0, -0.9]), st.booleans(),
        st.one_of(st.integers(1, 5000), st.integers(1, 2 * MOST)),
    ),
    max_size=120,
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(STEPS, st.sampled_from([("v:0", "v:1", "a:0"), ("v:0", "a:0"), ("a:0",)]))
def test_bounds_hold_whatever_comes(steps, tracks):
    ring, now, led = begun(*tracks), 0.0, None
    for number, (track, step, key, size) in enumerate(steps):
        if track not in tracks:
            continue
        now = max(now + step, 0.0)
        ring.add(track, number, facts(track, now, size, key=key or track == "a:0"))
        held = ring.held()
        assert sum(one.facts.bytes + PACKET_BYTES for one in held) <= ring.bytes <= MOST
        assert [one.packet for one in held] == sorted(one.packet for one in held)
        led = now if track == "v:0" or led is None else led
        if not held or tracks == ("a:0",):
            continue
        silent = now - led > RING_SECONDS or at(held[-1]) < led
        assert silent or held[0].facts.key


@pytest.mark.parametrize("gop", [0.04, 0.48, 2.0, 10.0, 20.0])
@pytest.mark.parametrize("seconds", [5.0, 33.3, 61.0])
def test_it_spans_fifteen_seconds_and_less_than_one_group_more(gop, seconds):
    packets = list(channel(seconds, gop))
    ring = begun("v:0", "a:0", most=RING_BYTES)
    for number, (track, fact) in enumerate(packets):
        ring.add(track, number, fact)
        if number % 7:
            continue
        held = ring.held()
        span = at(held[-1]) - at(held[0])
        assert (held[0].track, held[0].facts.key) == ("v:0", True)
        assert span < RING_SECONDS + gop + 0.021
        assert span >= min(RING_SECONDS, number / 75 - 0.04)
        assert held[-1].packet == number
        assert len(held) == held[-1].packet - held[0].packet + 1, "nothing in between is missing"


def test_the_oldest_groups_go_first_when_bytes_run_out():
    kept = fill(begun("v:0"), [("v:0", facts("v:0", n / 25, 10_000, key=n % 4 == 0)) for n in range(40)])
    assert kept == list(range(24, 40)), "four groups of four packets of 11 kB fit into 200 kB"


def test_a_group_that_is_too_large_is_kept_from_its_key_frame_as_far_as_it_fits():
    ring = begun("v:0", "a:0")
    packets = [("v:0", facts("v:0", n / 25, 10_000, key=n in (0, 60))) for n in range(70)]
    assert fill(ring, packets[:60]) == list(range(18))
    assert fill(ring, packets[60:]) == list(range(10)), "the next group takes its place"


def test_a_packet_that_is_larger_than_the_ring_is_not_kept():
    ring = begun("v:0")
    assert fill(ring, [("v:0", facts("v:0", 0, MOST, key=True)), ("v:0", facts("v:0", 1))]) == []
    assert ring.bytes == 0
    assert fill(ring, [("v:0", facts("v:0", 2, key=True)), ("v:0", facts("v:0", 3))]) == [0, 1]


def test_nothing_is_kept_before_the_first_key_frame():
    packets = [("v:0", facts("v:0", 0)), ("a:0", facts("a:0", 0)), ("v:0", facts("v:0", 1, key=True))]
    assert fill(begun("v:0", "a:0"), packets) == [2]


def test_without_video_it_begins_at_any_packet():
    kept = fill(begun("a:0"), [("a:0", facts("a:0", n / 50)) for n in range(2000)])
    assert kept[-1] == 1999
    assert len(kept) == min(RING_SECONDS * 50, MOST // (1000 + PACKET_BYTES))


def test_sound_goes_on_when_the_video_has_died():
    packets = [*channel(10), *(("a:0", facts("a:0", 10 + n / 50, 100)) for n in range(3000))]
    ring = begun("v:0", "a:0", most=RING_BYTES)
    fill(ring, packets)
    held = ring.held()
    assert {one.track for one in held} == {"a:0"}
    assert at(held[-1]) - at(held[0]) == pytest.approx(RING_SECONDS, abs=0.03)
    fill(ring, channel(2, begin=70.0))
    assert {one.track for one in ring.held()} == {"a:0", "v:0"}


def test_a_part_begins_anew():
    ring = begun("v:0", "a:0")
    fill(ring, channel(4))
    ring.begin([Track("a:0")], BASES)
    assert (ring.held(), ring.bytes) == ((), 0)
    assert fill(ring, [("a:0", facts("a:0", 9))]) == [0]


def test_pictures_that_cannot_be_decoded_from_here_are_left_out():
    order = [
        ("v:0", 0, True, 0.2), ("v:0", 0.04, False, 0.1), ("v:1", 0.04, False, 0.04), ("v:0", 0.08, False, 0.15),
        ("v:0", 0.12, False, 0.3), ("v:0", 0.16, False, 0.19), ("v:1", 0.2, True, 0.2), ("v:1", 0.24, False, 0.24),
    ]  # fmt: skip
    packets = [(track, facts(track, dts, key=key, pts=pts)) for track, dts, key, pts in order]
    assert fill(begun("v:0", "v:1"), packets) == [0, 4, 5, 6, 7]


def test_a_presentation_time_that_is_far_off_does_not_empty_it():
    packets = list(channel(20))
    track, good = packets[900]
    packets[900] = track, PacketFacts(Stamp(0, 0, 1 << 40, 1 << 40), good.dts_time, 0, good.bytes, False, False, "")
    ring = begun("v:0", "a:0", most=RING_BYTES)
    fill(ring, packets)
    assert at(ring.held()[-1]) - at(ring.held()[0]) > RING_SECONDS


def test_it_knows_what_it_can_show():
    ring = begun("v:0", "a:0", most=RING_BYTES)
    fill(ring, channel(40))
    held = ring.held()
    end = BASES["a:0"].exact(held[-1].facts.stamp.time + held[-1].facts.duration)
    for start, found, expected in (
        (1, 3, False), (1, 30, True), (30, 32, True), (39, 39, True), (end, end, True), (end + 1, end + 2, False),
    ):  # fmt: skip
        assert ring.reaches(held, Fraction(start), Fraction(found)) is expected
    assert not ring.reaches((), Fraction(0), Fraction(90))


def clip(suffix):
    return generated_clip(seconds=21, size=(96, 64), suffix=suffix, gop=25)


@pytest.mark.parametrize("suffix", [".ts", ".mp4"])
def test_packets_outlive_the_demuxer_and_the_decoder(suffix):
    with open_source(clip(suffix)) as source:
        fresh = [bytes(item.packet) for item in source if isinstance(item, Packet)]
    with ringed(clip(suffix)) as (ring, _):
        pass
    gc.collect()
    held = [bytes(one.packet) for one in ring.held()]
    assert held == fresh[-len(held) :]
    times = [at for at in (one.facts.dts_time for one in ring.held() if one.track == "v:0")]
    assert len(times) >= RING_SECONDS * 25
    assert all(one < other for one, other in pairwise(times))


def living():
    gc.collect()
    return sum(isinstance(one, av.Packet) for one in gc.get_objects())


@pytest.mark.parametrize("suffix", [".ts", ".mp4"])
def test_packets_are_released_when_the_ring_turns(suffix):
    before = living()
    with ringed(clip(suffix)) as (ring, _):
        total = len(ring.held())
    assert living() - before <= total + 5 * 75, "what the ring does not hold is gone"
    ring.begin([], {})
    assert living() - before <= 1
