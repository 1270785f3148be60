"""Every bound bites: each of these tests fails when the name of its option is misspelt."""

import io
import socket
import struct
import time

import av
import pytest

from actors.limits import FORMATS, Limits, guard
from actors.source import Packet, SourceError, open_source
from tests.senders import HttpServer, bytes_of, clip, coded, raw_server, remuxed, status

SMALL = Limits(max_pixels=128 * 96 - 1)
QUICK = Limits(connect_seconds=0.4, read_seconds=0.4)


def packets(path, limits=None):
    with open_source(path, limits=limits) as source:
        return [item for item in source if isinstance(item, Packet)], source


def refusal(url, limits=None):
    with pytest.raises(SourceError) as caught, open_source(url, limits=limits):
        pass
    return caught.value


@pytest.fixture
def server():
    with HttpServer() as running:
        yield running


@pytest.fixture
def saved(tmp_path):
    def save(data, name="clip.bin"):
        path = tmp_path / name
        path.write_bytes(data)
        return path

    return save


def test_formats_are_all_known_to_ffmpeg():
    for name in FORMATS.split(","):
        assert av.format.ContainerFormat(name, "r").is_input


@pytest.mark.parametrize(("codec", "container"), [("mpeg2video", "mp4"), ("mpeg4", "matroska"), ("libx264", "mpegts")])
def test_too_large_a_picture_is_refused_when_opened(saved, codec, container):
    path = saved(coded(codec, container=container))
    assert len(packets(path, Limits(max_pixels=128 * 96))[0]) == 25
    assert refusal(path, SMALL).kind == "too_large"


@pytest.mark.parametrize("container", ["mpegts", "matroska", "mp4"])
def test_max_pixels_reaches_the_decoder_of_the_probe(saved, container):
    """The probe may not decode what is too large: the pixel format, which only decoding gives, stays unknown."""
    path = saved(coded("mpeg2video", container=container))
    for limits, known in ((Limits(max_pixels=128 * 96), True), (SMALL, False)):
        with av.open(f"file:{path}", options=limits.container_options()) as opened:
            assert (opened.streams.video[0].codec_context.pix_fmt is not None) is known


def test_too_large_a_picture_is_refused_by_the_guarded_decoder(saved):
    path = saved(coded("mpeg2video", container="mp4"))
    for limits, decoded in ((Limits(max_pixels=128 * 96), 24), (SMALL, 0)):
        frames, errors = 0, 0
        with open_source(path) as source:
            context = source.tracks[0].stream.codec_context
            guard(context, limits)
            for item in source:
                if isinstance(item, Packet):
                    try:
                        frames += len(context.decode(item.packet))
                    except av.FFmpegError:
                        errors += 1
        assert (frames, errors) == (decoded, 0 if decoded else 25)


def test_guard_leaves_one_thread():
    context = av.CodecContext.create("h264", "r")
    guard(context, Limits())
    assert context.thread_count == 1
    assert context.options["max_pixels"] == "35389440"


def test_probe_bytes_and_seconds_are_honoured(saved):
    """With few bytes the size of the picture is not found, with little time the rate."""
    path = saved(remuxed(clip("bigbuckbunny.mp4"), "mpegts"))
    found = []
    for limits in (Limits(), Limits(probe_bytes=2048), Limits(probe_seconds=0.000001)):
        with av.open(f"file:{path}", options=limits.container_options()) as opened:
            found.append((opened.streams.video[0].width, opened.streams.video[0].average_rate))
    assert found == [(1280, 25), (0, None), (1280, None)]


def wave_tracks(count):
    target = io.BytesIO()
    with av.open(target, "w", format="matroska") as sink:
        streams = [sink.add_stream("pcm_s16le", rate=8000) for _ in range(count)]
        for stream in streams:
            frame = av.AudioFrame("s16", "mono", 800)
            frame.rate, frame.pts = 8000, 0
            frame.planes[0].update(bytes(1600))
            for packet in stream.encode(frame):
                sink.mux(packet)
    return target.getvalue()


def test_more_streams_than_max_streams_are_not_opened(saved):
    path = saved(wave_tracks(5))
    many, few = (packets(path, Limits(max_streams=count))[1] for count in (6, 4))
    assert (len(many.tracks), many.notes) == (5, ())
    assert len(few.tracks) == 4
    assert "first 4" in few.notes[0]
    assert refusal(clip("bigbuckbunny.mp4"), Limits(max_streams=1)).kind == "too_large"


def test_timestamps_do_not_depend_on_where_the_source_was_opened(saved):
    """Without correct_ts_overflow=0 FFmpeg makes the timestamps before a wrap negative."""
    wrap = (1 << 33) / 90_000
    target = io.BytesIO()
    with av.open(target, "w", format="mpegts") as sink, av.open(str(clip("bikes.mp4"))) as source:
        stream = sink.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(source.streams.video[0]):
            if packet.dts is not None:
                late = round((wrap - 3) / packet.time_base)
                packet.pts, packet.dts, packet.stream = packet.pts + late, packet.dts + late, stream
                sink.mux(packet)
    found, source = packets(saved(target.getvalue()))
    times = [item.packet.dts for item in found]
    assert source.tracks[0].wraps
    assert min(times) >= 0
    assert max(times) < 1 << 33
    assert times[0] > times[-1]


def test_a_name_that_is_not_text_does_not_end_the_source(saved):
    data = remuxed(clip("bikes.mp4"), "matroska")
    name = b"Lavf"
    path = saved(data.replace(name, b"\xff\xfe\xfd\xfc"))
    with pytest.raises(UnicodeDecodeError), av.open(str(path)) as container:
        list(container.metadata)
    assert len(packets(path)[0]) == 250


@pytest.mark.parametrize("name", ["concat:{}|{}", "subfile,,start,0,end,0,,:{}", "cache:{}", "async:{}", "data:,{}"])
def test_protocols_of_ffmpeg_are_names_of_files(saved, name):
    path = saved(coded("mpeg4", container="mp4"))
    assert refusal(name.format(path, path)).kind == "missing"


@pytest.mark.parametrize("scheme", ["tcp", "rtsp", "rtmp", "ftp", "gopher", "tls", "concat", "srt"])
def test_other_schemes_are_refused_with_what_is_allowed(scheme):
    assert "http://" in str(refusal(f"{scheme}://127.0.0.1:9/x"))


def test_protocol_whitelist_keeps_ffmpeg_from_the_network(server):
    server.routes["/a.mp4"] = bytes_of(coded("mpeg4", container="mp4"))
    with pytest.raises((av.FFmpegError, OSError)):
        av.open(server.url("/a.mp4"), options=Limits().container_options(), timeout=(5, 5))
    assert server.asked == []


def test_formats_that_open_other_files_are_refused(saved):
    path = saved(coded("mpeg4", container="mp4"), "a.mp4")
    listed = saved(f"ffconcat version 1.0\nfile {path.name}\n".encode(), "b.ffconcat")
    with av.open(str(listed)) as container:
        assert container.streams.video
    assert refusal(listed).kind == "not_media"


def test_a_playlist_does_not_leave_its_class_of_network(server, saved):
    playlist = "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{}\n#EXT-X-ENDLIST\n"
    secret = saved(coded("mpeg2video"), "secret.ts")
    server.routes["/a.ts"] = bytes_of(coded("mpeg2video"))
    server.routes["/a.m3u8"] = bytes_of(playlist.format(f"file://{secret}").encode())
    assert refusal(server.url("/a.m3u8")).kind in ("missing", "forbidden")
    refusal(saved(playlist.format(server.url("/a.ts")).encode(), "b.m3u8"))
    assert server.asked == ["/a.m3u8"]
    server.routes["/a.m3u8"] = bytes_of(playlist.format("a.ts").encode())
    assert len(packets(server.url("/a.m3u8"))[0]) == 25


def test_redirects_are_followed_to_the_limit_and_not_into_another_network(server):
    server.routes["/0"] = bytes_of(coded("mpeg4", container="mp4"))
    for number in range(1, 6):
        server.routes[f"/{number}"] = status(302, f"/{number - 1}")
    assert len(packets(server.url("/3"))[0]) == 25
    assert "redirects" in str(refusal(server.url("/4")))
    server.routes["/away"] = status(302, "http://169.254.169.254/")
    assert refusal(server.url("/away")).kind == "forbidden"


def test_a_playlist_over_its_limit_is_refused(server):
    text = b"#EXTM3U\n" + b"#EXTINF:1,\na.ts\n" * 100 + b"#EXT-X-ENDLIST\n"
    server.routes["/a.m3u8"] = bytes_of(text)
    assert refusal(server.url("/a.m3u8"), Limits(playlist_bytes=len(text) - 1)).kind == "too_large"
    assert refusal(server.url("/a.m3u8"), Limits(playlist_bytes=len(text))).kind == "missing"


def silent(connection, ended):
    ended.wait(90)


def dripping_headers(connection, ended):
    for byte in b"HTTP/1.1 200 OK\r\n" + b"x-a: b\r\n" * 200:
        connection.sendall(bytes([byte]))
        if ended.wait(0.1):
            return


def silent_body(connection, ended):
    connection.recv(4096)
    connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n")
    ended.wait(90)


def dripping_body(connection, ended):
    connection.recv(4096)
    connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n")
    while not ended.wait(0.1):
        connection.sendall(b"\0")


@pytest.mark.parametrize("serve", [silent, dripping_headers, silent_body, dripping_body])
def test_a_server_that_gives_nothing_is_given_up(serve):
    began = time.monotonic()
    with raw_server(serve) as url:
        assert refusal(f"{url}/a.mp4", QUICK).kind == "timeout"
    assert time.monotonic() - began < 60


def test_a_server_that_cannot_be_reached_is_given_up():
    began = time.monotonic()
    with socket.socket() as full:
        full.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        try:
            for one in waiting:
                one.setblocking(False)
                one.connect_ex(full.getsockname())
            assert refusal(f"http://127.0.0.1:{full.getsockname()[1]}/x", QUICK).kind == "timeout"
        finally:
            for one in waiting:
                one.close()
    assert time.monotonic() - began < 60
