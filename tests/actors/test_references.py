"""Pictures of H.264 that have not come, told by the numbers of those that have."""

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.references import STEADY, References
from tests.clips import generated_clip, real_clip


class Coded:
    """A packet, as far as its numbers are read."""

    def __init__(self, data, *, key=False, renewed=b""):
        self.data, self.is_keyframe, self.renewed = data, key, renewed

    def __bytes__(self):
        return self.data

    def has_sidedata(self, name):
        return name == "new_extradata" and bool(self.renewed)

    def get_sidedata(self, name):
        return self.renewed


def coded(path):
    """A clip's extradata and packets; a packet, and whether others are made from its picture."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        packets = [Coded(bytes(each), key=each.is_keyframe) for each in container.demux(stream) if each.size]
        assert stream.codec_context.name == "h264"
        return bytes(stream.codec_context.extradata), packets


def told(extradata, packets):
    follower = References("h264", extradata)
    return [number for number, packet in enumerate(packets) if follower.missing(packet)]


def needed(extradata, packet):
    """Whether others are made from a packet's picture, by the head of its slice."""
    data, length = packet.data, extradata[4] % 4 + 1 if extradata[0] == 1 else 0
    starts = []
    at = length
    while length and at < len(data):
        starts.append(at)
        at += int.from_bytes(data[at - length : at], "big") + length
    at = data.find(b"\0\0\1")
    while not length and at >= 0:
        starts.append(at + 3)
        at = data.find(b"\0\0\1", at + 3)
    heads = [data[start] for start in starts if data[start] & 31 in (1, 5)]
    return heads[0] >> 5 != 0


@pytest.mark.parametrize("suffix", [".mp4", ".ts"])
def test_each_picture_that_others_need_is_missed_and_no_other(suffix):
    extradata, packets = coded(generated_clip(seconds=2, size=(160, 90), layout=None, suffix=suffix, preset="veryfast"))
    assert told(extradata, packets) == []
    lost = {True: 0, False: 0}
    for number in range(STEADY, len(packets) - 1):
        follows = packets[number + 1]
        if packets[number].is_keyframe or follows.is_keyframe:
            continue
        needs = needed(extradata, packets[number])
        at = number if needs else None
        found = told(extradata, packets[:number] + packets[number + 1 :])
        wrapped = needs and not found
        assert found == ([at] if needs else []) or wrapped, number
        lost[needs] += not wrapped
    assert lost[True] >= 15
    assert lost[False] >= 10


@pytest.mark.parametrize("name", ["bigbuckbunny", "bikes", "carphone_pristine", "carphone_distorted"])
def test_real_clips_miss_none(name):
    extradata, packets = coded(real_clip(f"{name}.mp4"))
    assert len(packets) >= 120
    assert told(extradata, packets) == []


class Bits(list):
    """Bits of a NAL unit, written as H.264 7.3 and 9.1 say."""

    def put(self, value, count):
        self.extend(value >> place & 1 for place in reversed(range(count)))
        return self

    def golomb(self, *values):
        for value in values:
            self.put(value + 1, 2 * (value + 1).bit_length() - 1)
        return self

    def unit(self, head):
        padded = [*self, 1] + [0] * (-(len(self) + 1) % 8)
        data = bytes(int("".join(map(str, padded[at : at + 8])), 2) for at in range(0, len(padded), 8))
        return b"\0\0\1" + bytes([head]) + data


def sequence(*, gaps=0, order=(0, 0), scaling=False):
    """Parameters: numbers of 4 bits; the order of pictures by any of the three ways."""
    bits = Bits().put(100 if scaling else 66, 8).put(30, 16).golomb(0)
    if scaling:
        bits.golomb(1, 0, 0).put(0, 1).put(1, 1).put(1, 1)
        bits.golomb(*[1] * 16)  # a list of 16 steps by one
        bits.put(1, 1).golomb(16)  # one that ends at once, as 8 - 8 is 0
        bits.put(0, 6)
    bits.golomb(0)
    if order[0] == 1:
        bits.golomb(1).put(0, 1).golomb(0, 0, 2, 0, 0)
    else:
        bits.golomb(*order[: 2 - order[0] // 2])
    return bits.golomb(1).put(gaps, 1).unit(0x67) + Bits().golomb(0, 0).unit(0x68)


def numbered(*numbers, head=0x41):
    return [Coded(Bits().golomb(0, 5, 0).put(number, 4).put(0, 40).unit(head)) for number in numbers]


@pytest.mark.parametrize(
    "parameters", [sequence(), sequence(order=(1,)), sequence(order=(2,)), sequence(scaling=True)],
    ids=["counted", "in cycles", "as decoded", "scaling"],
)  # fmt: skip
def test_numbers_are_read_behind_any_parameters(parameters):
    assert told(parameters, numbered(*range(8), 10)) == [8]


def test_where_gaps_are_allowed_none_is_a_loss():
    assert told(sequence(gaps=1), numbered(*range(8), 10)) == []


def test_numbers_that_begin_anew_or_never_followed_are_no_loss():
    assert told(sequence(), numbered(*range(8), 0, 1, 2)) == []
    assert told(sequence(), numbered(*range(14), 1)) == []
    assert told(sequence(), numbered(*range(0, 30, 2))) == []
    assert told(sequence(), numbered(*range(3), 5)) == []


def test_a_gap_after_a_gap_is_one_too():
    assert told(sequence(), numbered(*range(12), 13, 15)) == [12, 13]


def test_after_packets_that_were_passed_over_nothing_is_missed():
    follower = References("h264", sequence())
    assert not any(follower.missing(packet) for packet in numbered(*range(8)))
    follower.forget()
    assert not any(follower.missing(packet) for packet in numbered(10, 11))


def test_parameters_may_change_on_the_way():
    packets = numbered(*range(8), 10)
    packets[4].renewed = sequence(gaps=1)
    assert told(sequence(), packets) == []


@given(st.binary(max_size=60), st.lists(st.binary(max_size=40), max_size=5))
def test_any_bytes_are_read(extradata, packets):
    whole = [b"\0\0\1" + data for data in packets]
    assert told(extradata, [Coded(data) for data in (*packets, *whole)]) in ([], told(extradata, []))
