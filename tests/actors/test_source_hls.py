import pytest

from actors.source import Missing, Packet, SourceError, open_source
from tests.senders import HttpServer, bytes_of, clip, coded, remuxed, status

PLAYLIST = "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXT-X-MEDIA-SEQUENCE:7\n{}#EXT-X-ENDLIST\n"


def items(url, **options):
    """Everything but packets, packets by track, and the source afterwards."""
    with open_source(url, **options) as source:
        taken = list(source)
    others = [item for item in taken if not isinstance(item, Packet)]
    return others, [(item.track, item.packet.pts) for item in taken if isinstance(item, Packet)], source


@pytest.fixture
def server():
    with HttpServer() as running:
        yield running


def hls(server, segments, *tags):
    lines = "".join(f"{tags[n] if n < len(tags) else ''}#EXTINF:10.0,\ns{n}.ts\n" for n in range(len(segments)))
    server.routes["/live.m3u8"] = bytes_of(PLAYLIST.format(lines).encode())
    for number, data in enumerate(segments):
        server.routes[f"/s{number}.ts"] = status(404) if data is None else bytes_of(data)
    return server.url("/live.m3u8")


def segment(number):
    return remuxed(clip("bikes.mp4"), "mpegts", offset_seconds=10.0 * number)


def test_hls_is_one_part_while_time_goes_on(server):
    others, packets, source = items(hls(server, [segment(0), segment(1)]))
    assert [item.reason for item in others] == ["start"]
    assert len(packets) == 500
    assert (source.status, source.live, source.format) == ("completed", False, "mpegts")


def test_hls_discontinuity_begins_a_new_part(server):
    url = hls(server, [segment(0), coded("mpeg2video"), segment(0)], "", *["#EXT-X-DISCONTINUITY\n"] * 2)
    others, packets, _ = items(url)
    assert [(item.reason, item.tracks[0].codec) for item in others] == [
        ("start", "h264"), ("discontinuity", "mpeg2video"), ("discontinuity", "h264"),
    ]  # fmt: skip
    assert len(packets) == 525


def test_hls_segment_that_is_gone_is_missing_and_the_source_partial(server):
    others, packets, source = items(hls(server, [segment(0), None, segment(2)]))
    missing = next(item for item in others if isinstance(item, Missing))
    assert missing.seconds == 10.0
    assert "404" in missing.reason
    assert len(packets) == 500
    assert source.status == "partial"
    assert "404" in source.reason


def test_hls_without_any_segment_fails(server):
    with pytest.raises(SourceError) as caught, open_source(hls(server, [None, None])):
        pass
    assert caught.value.kind == "missing"


def test_hls_from_a_folder(tmp_path):
    (tmp_path / "s0.ts").write_bytes(segment(0))
    (tmp_path / "list.m3u8").write_text(PLAYLIST.format("#EXTINF:10,\ns0.ts\n"))
    assert len(items(tmp_path / "list.m3u8")[1]) == 250


def test_hls_of_mp4_fragments(server):
    data = remuxed(clip("bikes.mp4"), "mp4", {"movflags": "frag_keyframe+empty_moov+default_base_moof"})
    cut = data.index(b"moof") - 4
    server.routes["/init.mp4"], server.routes["/s0.m4s"] = bytes_of(data[:cut]), bytes_of(data[cut:])
    server.routes["/all.mp4"] = bytes_of(data)
    for body in (
        '#EXT-X-MAP:URI="init.mp4"\n#EXTINF:10,\ns0.m4s\n',
        f'#EXT-X-MAP:URI="all.mp4",BYTERANGE="{cut}@0"\n'
        f"#EXTINF:10,\n#EXT-X-BYTERANGE:{len(data) - cut}@{cut}\nall.mp4\n",
    ):
        server.routes["/a.m3u8"] = bytes_of(PLAYLIST.format(body).encode())
        _, packets, source = items(server.url("/a.m3u8"))
        assert len(packets) == 250
        assert source.format.startswith("mov")
