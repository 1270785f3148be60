import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.feed import Cut, Missing
from actors.fetch import Fetcher
from actors.limits import Limits
from actors.live import Halt
from actors.playlist import Hls, Slice, parse
from actors.trust import Gate
from actors.url import SourceError

BASE = "http://127.0.0.1/live/list.m3u8"
HEAD = "#EXTM3U\n#EXT-X-TARGETDURATION:6\n"
LINES = st.sampled_from(
    ["#EXTINF:5,", "#EXTINF:", "a.ts", "#EXT-X-DISCONTINUITY", "#EXT-X-MEDIA-SEQUENCE:9", "#EXT-X-MEDIA-SEQUENCE:x",
     "#EXT-X-BYTERANGE:10@5", "#EXT-X-BYTERANGE:10", "#EXT-X-BYTERANGE:@", '#EXT-X-MAP:URI="i.mp4"', "#EXT-X-MAP:", "#",
     "#EXT-X-STREAM-INF:BANDWIDTH=1", "#EXT-X-STREAM-INF:BANDWIDTH=", "#EXT-X-KEY:METHOD=NONE", "#EXT-X-GAP", "",
     "#EXT-X-TARGETDURATION:0", "#EXT-X-ENDLIST", "http://[", "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",URI=\"b\""]
)  # fmt: skip


def test_segments():
    text = HEAD + (
        "#EXT-X-MEDIA-SEQUENCE:45\n#EXT-X-DISCONTINUITY-SEQUENCE:3\n#EXTINF:5.005,title\na.ts\n"
        "#EXT-X-DISCONTINUITY\n#EXTINF:4,\n../b.ts\n#EXT-X-GAP\n#EXTINF:1,\nhttp://127.0.0.1:81/c.ts\n#EXT-X-ENDLIST\n"
    )
    playlist = parse(text, BASE)
    one, two, three = playlist.segments
    assert (one.number, one.period, one.seconds, one.body.url) == (45, 3, 5.005, "http://127.0.0.1/live/a.ts")
    assert (two.number, two.period, two.body.url) == (46, 4, "http://127.0.0.1/b.ts")
    assert (three.period, three.gap, three.body.url) == (4, True, "http://127.0.0.1:81/c.ts")
    assert playlist.ended
    assert playlist.target_seconds == 6


def test_byte_ranges_and_maps():
    text = HEAD + (
        '#EXT-X-MAP:URI="a.mp4",BYTERANGE="700@0"\n#EXT-X-BYTERANGE:100@700\n#EXTINF:1,\na.mp4\n'
        "#EXT-X-BYTERANGE:50\n#EXTINF:1,\na.mp4\n#EXTINF:1,\nb.mp4\n"
    )
    url = "http://127.0.0.1/live/a.mp4"
    segments = parse(text, BASE).segments
    assert [segment.body for segment in segments[:2]] == [Slice(url, 700, 100), Slice(url, 800, 50)]
    assert segments[2].body == Slice("http://127.0.0.1/live/b.mp4")
    assert segments[0].init == Slice(url, 0, 700)


def test_variants():
    text = (
        '#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="apart",URI="sound.m3u8"\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="in"\n'
        '#EXT-X-STREAM-INF:BANDWIDTH=900,CODECS="avc1,mp4a",AUDIO="apart"\nbig.m3u8\n'
        '#EXT-X-STREAM-INF:BANDWIDTH=500,AUDIO="in"\nsmall.m3u8\n'
    )
    playlist = parse(text, BASE)
    assert [(bits, url.rpartition("/")[2], group) for bits, url, group in playlist.variants] == [
        (900, "big.m3u8", "apart"), (500, "small.m3u8", "in"),
    ]  # fmt: skip
    assert playlist.audio_groups == {"apart"}


@pytest.mark.parametrize(
    ("text", "kind"),
    [("", "not_media"), ("hello\n", "not_media"), (HEAD + '#EXT-X-KEY:METHOD=AES-128,URI="k"\n', "encrypted")],
)
def test_what_is_refused(text, kind):
    with pytest.raises(SourceError) as caught:
        parse(text, BASE)
    assert caught.value.kind == kind


@given(st.lists(LINES | st.text(max_size=30), max_size=30))
def test_any_lines_give_a_playlist_or_a_clear_error(lines):
    try:
        segments = parse("\n".join(["#EXTM3U", *lines]), BASE).segments
    except SourceError:
        segments = ()
    assert all(segment.seconds >= 0 for segment in segments)
    assert [segment.number for segment in segments] == sorted({segment.number for segment in segments})


def write(folder, **files):
    for name, content in files.items():
        (folder / name.replace("_", ".")).write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(folder / "list.m3u8")


def hls(path, live=None):
    halt = Halt()
    fetcher = Fetcher(Limits(), halt, Gate(None))
    with open(path, encoding="utf-8") as playlist:  # noqa: PTH123
        return Hls(fetcher, halt, playlist.read(), path, live)


def test_bytes_of_segments_with_their_marks(tmp_path):
    listed = (
        "#EXTINF:1,\na.ts\n#EXTINF:1,\nnone.ts\n#EXT-X-DISCONTINUITY\n#EXTINF:1,\nb.ts\n"
        "#EXT-X-GAP\n#EXTINF:3,\nc.ts\n#EXT-X-ENDLIST\n"
    )
    items = list(hls(write(tmp_path, a_ts=b"aaa", b_ts=b"bbb", list_m3u8=HEAD + listed)).feed())
    assert [item for item in items if not isinstance(item, Missing)] == [b"aaa", Cut("discontinuity"), b"bbb"]
    assert [item.seconds for item in items if isinstance(item, Missing)] == [1, 3]


def test_a_map_goes_before_its_segments_and_again_after_a_discontinuity(tmp_path):
    listed = (
        '#EXT-X-MAP:URI="i.mp4"\n#EXTINF:1,\na.mp4\n#EXTINF:1,\na.mp4\n#EXT-X-DISCONTINUITY\n#EXTINF:1,\na.mp4\n'
        '#EXT-X-MAP:URI="j.mp4"\n#EXTINF:1,\na.mp4\n#EXT-X-ENDLIST\n'
    )
    path = write(tmp_path, a_mp4=b"a", i_mp4=b"i", j_mp4=b"j", list_m3u8=HEAD + listed)
    cut = Cut("discontinuity")
    assert list(hls(path).feed()) == [b"i", b"a", b"a", cut, b"i", b"a", cut, b"j", b"a"]


def test_a_live_playlist_is_joined_near_its_end(tmp_path):
    listed = "".join(f"#EXTINF:6,\n{name}.ts\n" for name in "abcdef")
    files = {f"{name}_ts": name.encode() for name in "abcdef"}
    path = write(tmp_path, **files, list_m3u8=HEAD + listed)
    playing = hls(path)
    assert playing.live
    feed = playing.feed()
    assert [next(feed) for _ in range(3)] == [b"d", b"e", b"f"]
    assert b"".join(hls(path, live=False).feed()) == b"abcdef"


def test_a_playlist_that_starts_over_is_a_discontinuity(tmp_path):
    listed = "#EXT-X-MEDIA-SEQUENCE:{}\n#EXTINF:6,\na.ts\n"
    path = write(tmp_path, a_ts=b"a", list_m3u8=HEAD.replace("6", "1") + listed.format(500))
    playing = hls(path)
    feed = playing.feed()
    assert next(feed) == b"a"
    write(tmp_path, list_m3u8=HEAD + listed.format(3))
    assert [next(feed), next(feed)] == [Cut("discontinuity"), b"a"]


def test_several_failures_in_a_row_end_the_attempt(tmp_path):
    listed = "".join(f"#EXTINF:6,\n{name}.ts\n" for name in "abcdef") + "#EXT-X-ENDLIST\n"
    feed = hls(write(tmp_path, f_ts=b"f", list_m3u8=HEAD + listed)).feed()
    assert [type(next(feed)) for _ in range(2)] == [Missing, Missing]
    with pytest.raises(SourceError):
        next(feed)


def test_the_best_variant_with_its_sound_is_chosen(tmp_path):
    master = (
        '#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="apart",URI="sound.m3u8"\n'
        '#EXT-X-STREAM-INF:BANDWIDTH=900,AUDIO="apart"\nbig.m3u8\n'
        "{}"
    )
    media = HEAD + "#EXTINF:1,\na.ts\n#EXT-X-ENDLIST\n"
    both = master.format("#EXT-X-STREAM-INF:BANDWIDTH=100\nlow.m3u8\n#EXT-X-STREAM-INF:BANDWIDTH=500\nmid.m3u8\n")
    path = write(tmp_path, mid_m3u8=media, big_m3u8=media, a_ts=b"a", list_m3u8=both)
    assert hls(path).notes == ()
    write(tmp_path, list_m3u8=master.format(""))
    assert "not read" in hls(path).notes[0]
    write(tmp_path, big_m3u8=both)
    with pytest.raises(SourceError, match="another such list"):
        hls(path)
