"""What is found in transport packets, where, and that it does not depend on how the bytes come."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.media import CLOCK, Carried
from actors.multiplex import Multiplex
from actors.transport import PACKET
from tests.actors.multiplexed import association, packet, program, stream

VIDEO, SOUND = 0x100, 0x101


def starts(packets, pid):
    """Positions at which packets of the track begin."""
    places, at = [], 0
    for one in packets:
        if one[0] == 0x47 and (one[1] & 0x1F) << 8 | one[2] == pid and one[1] & 0x40:
            places.append(at)
        at += len(one)
    return places


def taken(packets, sizes=()):
    """What the packets of both tracks carried, in the order of the stream: [(PID, ordinal, Carried)]."""
    data, multiplex, at = b"".join(packets), Multiplex(), 0
    for size in (*sizes, len(data)):
        multiplex.feed(data[at : at + size])
        at += size
    multiplex.begin([VIDEO, SOUND])
    asked = sorted((place, pid, number) for pid in (VIDEO, SOUND) for number, place in enumerate(starts(packets, pid)))
    return [(pid, number, multiplex.take(pid, place)) for place, pid, number in asked]


def faults(packets):
    """(PID, ordinal of the packet after it, what) of each loss or flag."""
    found = []
    for pid, number, carried in taken(packets):
        found += [(pid, number, name) for name in ("continuity", "flagged", "unsynced") if getattr(carried, name)]
    return found


def places(packets, pid):
    return [at for at, one in enumerate(packets) if (one[1] & 0x1F) << 8 | one[2] == pid]


def test_a_clean_stream_has_no_faults_and_its_times_are_exact():
    found = taken(stream(2))
    assert len(found) == 100
    assert faults(stream(2)) == []
    clean = [carried for pid, _, carried in found if pid == VIDEO]
    assert {carried.clock for carried in clean[1:]} == {CLOCK // 25}
    assert max(carried.association for carried in clean) <= CLOCK * 4 // 25
    assert {carried.association for pid, _, carried in found if pid == SOUND} == {None}


def test_a_lost_packet_is_found_with_the_next_one_of_its_track():
    packets = stream(2)
    del packets[places(packets, VIDEO)[3 * 20 + 1]]
    assert faults(packets) == [(VIDEO, 21, "continuity")]


def test_losses_of_what_is_no_track_are_told_on_the_first_one():
    packets = stream(2)
    del packets[places(packets, 0)[5]]
    assert [fault[::2] for fault in faults(packets)] == [(VIDEO, "continuity")]


def test_what_the_standard_allows_is_no_loss():
    packets = stream(2)
    one = places(packets, VIDEO)[31]
    packets.insert(one + 1, packets[one])  # sent twice
    two = places(packets, SOUND)[20]
    packets[two] = packet(SOUND, 9, start=True, restarts=True)  # announced
    later = [at for at in places(packets, SOUND) if at > two]
    for number, at in enumerate(later):
        packets[at] = packet(SOUND, 10 + number, start=True)
    packets.insert(later[3], packet(VIDEO, packets[places(packets[: later[3]], VIDEO)[-1]][3] & 15, payload=False))
    packets.insert(later[4], packet(0x1FFF, 3))
    packets.insert(later[5], packet(0x1FFF, 3))
    assert faults(packets) == []


def test_a_packet_sent_three_times_is_a_fault():
    packets = stream(1)
    one = places(packets, VIDEO)[31]
    packets[one:one] = [packets[one]] * 2
    assert [fault[::2] for fault in faults(packets)] == [(VIDEO, "continuity")]


def test_a_flagged_packet_is_one_fault_and_breaks_no_chain():
    packets = stream(1)
    at = places(packets, VIDEO)[31]
    packets[at] = packets[at][:1] + bytes([packets[at][1] | 0x80]) + packets[at][2:]
    assert faults(packets) == [(VIDEO, 11, "flagged")]


def test_a_wrong_sync_byte_and_a_lost_grid():
    packets = stream(1)
    wrong, short = places(packets, VIDEO)[31:33]
    packets[wrong] = b"\x00" + packets[wrong][1:]
    assert (VIDEO, 11, "unsynced") in faults(packets)
    packets = stream(1)
    packets[short] = packets[short][:100]
    found = faults(packets)
    assert (VIDEO, 11, "unsynced") in found
    assert {fault[2] for fault in found} == {"unsynced", "continuity"}


@pytest.mark.parametrize(("kind", "pid"), [("association", 0), ("map", 0x1000)])
def test_the_age_of_a_table_grows_until_it_comes_again(kind, pid):
    packets = stream(3)
    gone = [at for at in places(packets, pid) if 100 < at < 250]
    assert len(gone) == 10
    for at in reversed(gone):
        del packets[at]
    ages = [getattr(carried, kind) / CLOCK for number, _, carried in taken(packets) if number == VIDEO]
    assert max(ages) == pytest.approx(0.12 * (len(gone) + 1), abs=0.05)
    assert ages[ages.index(max(ages)) - 3] == pytest.approx(max(ages) - 3 * 0.04, abs=0.05)
    assert ages[-1] < 0.2
    lost = [carried.lost_table / CLOCK for number, _, carried in taken(packets) if number == VIDEO]
    assert [age for age in lost if age] == [pytest.approx(max(ages), abs=0.05)]
    for number, at in enumerate(places(packets, pid)):
        packets[at] = association(number) if pid == 0 else program(number)
    left_out = [carried for number, _, carried in taken(packets) if number == VIDEO]
    assert max(getattr(carried, kind) for carried in left_out) / CLOCK == max(ages)
    assert {(carried.lost_table, carried.continuity) for carried in left_out} == {(0, 0)}


def test_a_clock_that_jumps_begins_anew_and_one_that_pauses_is_late():
    before, after = stream(4), stream(1)
    assert max(carried.clock or 0 for _, _, carried in taken(stream(1, clock=7))) == CLOCK * 7 // 25
    assert max(carried.clock or 0 for _, _, carried in taken(before + after)) == CLOCK // 25


def test_scrambling_is_told_of_the_track_as_long_as_it_lasts():
    packets = stream(1)
    for at in places(packets, VIDEO)[30:45]:
        packets[at] = packets[at][:3] + bytes([packets[at][3] | 0xC0]) + packets[at][4:]
    told = [(pid, number) for pid, number, carried in taken(packets) if carried.scrambled]
    assert told == [(VIDEO, number) for number in range(10, 16)]


def test_what_was_not_ours_to_lose_is_no_fault():
    data = b"".join(stream(1))
    multiplex = Multiplex()
    multiplex.feed(data[: 40 * PACKET])
    multiplex.forget()
    multiplex.feed(data[50 * PACKET :])
    multiplex.begin([VIDEO, SOUND])
    assert multiplex.take(VIDEO, len(data)).continuity == 0
    assert multiplex.take(VIDEO, None) == Carried()


CHANGE = st.tuples(st.integers(0, 200), st.sampled_from(["drop", "twice", "flag", "cut", "zero", "hide"]))


@settings(max_examples=60, deadline=None)
@given(st.lists(CHANGE, max_size=8), st.lists(st.integers(1, 3000), max_size=40))
def test_any_cut_of_the_bytes_gives_the_same(changes, sizes):
    packets = stream(2)
    for at, change in changes:
        if at < len(packets):
            one = packets[at]
            packets[at] = {
                "drop": b"", "twice": one + one, "flag": one[:1] + bytes([one[1] | 0x80]) + one[2:] if one else b"",
                "cut": one[:77], "zero": bytes(len(one)), "hide": one[:3] + b"\x90" + one[4:] if one else b"",
            }[change]  # fmt: skip
    data, asked = b"".join(packets), list(range(0, 400 * PACKET, 3000))
    whole, parted, at = Multiplex(), Multiplex(), 0
    whole.feed(data)
    for size in sizes:
        parted.feed(data[at : at + size])
        at += size
    parted.feed(data[at:])
    for multiplex in (whole, parted):
        multiplex.begin([VIDEO, SOUND])
    assert [parted.take(VIDEO, place) for place in asked] == [whole.take(VIDEO, place) for place in asked]
    assert len(asked) > 20
