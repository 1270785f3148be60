import io

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.feed import Cut, Missing, Pipe
from actors.transport import PACKET, cut_programs, is_transport
from actors.url import SourceError
from tests.senders import clip, coded, remuxed


@pytest.fixture(scope="module")
def first():
    return coded("libx264")


@pytest.fixture(scope="module")
def second():
    return coded("mpeg2video")


def pieces(data, size):
    return (data[at : at + size] for at in range(0, len(data), size))


def codec_and_packets(data):
    with av.open(io.BytesIO(data)) as container:
        return container.streams.video[0].codec_context.name, sum(p.size > 0 for p in container.demux())


@pytest.mark.parametrize("size", [1, 100, 188, 1316, 65536])
def test_a_stream_that_goes_on_is_not_touched(first, size):
    items = list(cut_programs(pieces(first * 2, size)))
    assert all(isinstance(item, bytes) for item in items)
    assert b"".join(items) == first * 2


@pytest.mark.parametrize("size", [188, 1000, 65536])
def test_a_cut_stands_before_the_new_program_map(first, second, size):
    items = list(cut_programs(pieces(first + second + first, size)))
    assert [item for item in items if isinstance(item, Cut)] == [Cut("program")] * 2
    parts = [b""]
    for item in items:
        if isinstance(item, Cut):
            parts.append(b"")
        else:
            parts[-1] += item
    assert [codec_and_packets(part)[0] for part in parts] == ["h264", "mpeg2video", "h264"]
    assert sum(codec_and_packets(part)[1] for part in parts) == 75
    assert len(b"".join(parts)) == len(first + second + first) + 2 * PACKET


def test_a_damaged_program_map_does_not_cut(first):
    at = next(n for n in range(0, len(first), PACKET) if first[n + 1 : n + 3] == b"\x50\x00")
    for offset in range(20, 40):
        damaged = bytearray(first * 2)
        damaged[len(first) + at + offset] ^= 0x10
        assert not any(isinstance(item, Cut) for item in cut_programs(iter([bytes(damaged)])))


def test_sync_is_found_again_after_lost_bytes(first, second):
    items = list(cut_programs(iter([first[100:300] + first, b"\x47" + second])))
    assert Cut("program") in items


def test_marks_pass_through(first):
    feed = [first[:500], Cut("discontinuity"), first, Missing(2.0, "gone")]
    items = list(cut_programs(iter(feed)))
    assert [item for item in items if not isinstance(item, bytes)] == [Cut("discontinuity"), Missing(2.0, "gone")]


@given(st.lists(st.binary(max_size=400), max_size=20))
def test_any_bytes_pass_unchanged(chunks):
    assert b"".join(item for item in cut_programs(iter(chunks)) if isinstance(item, bytes)) == b"".join(chunks)


def test_other_bytes_are_no_transport_stream(first):
    assert is_transport(first)
    assert not is_transport(first[:300])
    assert not is_transport(clip("bikes.mp4").read_bytes())


def test_a_pipe_ends_at_the_cut_and_goes_on_in_the_next():
    feed = iter([b"abc", Missing(1.0, "gone"), b"def", Cut("program"), b"ghi"])
    one = Pipe(feed, rewinds=True)
    assert one.ready()
    assert (one.read(2), one.read(9), one.read(9), one.read(9)) == (b"ab", b"c", b"def", b"")
    assert (one.cut, one.missing, one.ended) == (Cut("program"), [Missing(1.0, "gone")], False)
    two = Pipe(feed, rewinds=True)
    assert (two.read(9), two.read(9), two.cut, two.ended) == (b"ghi", b"", None, True)


def test_a_pipe_can_be_read_again_until_it_settles():
    pipe = Pipe(iter([b"abc", b"def", b"ghi"]), rewinds=True)
    assert pipe.read(3) + pipe.read(3) == b"abcdef"
    assert pipe.seek(1) == 1
    pipe.settle()
    assert pipe.seek(0) == -1
    assert pipe.seek(0, 2) == -1
    assert [pipe.read(4), pipe.read(4), pipe.read(4)] == [b"bcde", b"f", b"ghi"]
    assert pipe.tell() == 9


def test_an_error_of_the_feed_is_kept():
    def broken():
        yield b"abc"
        raise SourceError("x: gone", "io")

    pipe = Pipe(broken(), rewinds=False)
    assert (pipe.read(9), pipe.read(9)) == (b"abc", b"")
    assert pipe.error is not None
    assert not pipe.seekable()


def test_several_tracks_and_their_packets_survive_the_pipe():
    data = remuxed(clip("bigbuckbunny.mp4"), "mpegts")
    pipe = Pipe(cut_programs(pieces(data, 1316)), rewinds=True)
    with av.open(pipe) as piped, av.open(io.BytesIO(data)) as whole:
        pipe.settle()
        ours, theirs = ([(p.stream_index, p.pts, p.dts, p.size) for p in c.demux()] for c in (piped, whole))
    assert ours == theirs
    assert len(ours) > 300
