import io
import os
import re
import shutil
import threading

import av
import pytest

from actors.clock import TimeBase
from actors.limits import Limits
from actors.source import Break, Packet, SourceError, fingerprint, open_source, stream_name
from tests.senders import HttpServer, bytes_of, clip, coded, remuxed, status


def items(url, **options):
    """Everything but packets, packets by track, and the source afterwards."""
    with open_source(url, **options) as source:
        taken = list(source)
    others = [item for item in taken if not isinstance(item, Packet)]
    return others, [(item.track, item.packet.pts) for item in taken if isinstance(item, Packet)], source


def demuxed(path):
    """What PyAV alone gives."""
    with av.open(str(path), options={"correct_ts_overflow": "0"}) as container:
        streams = [*container.streams.video, *container.streams.audio]
        names = {stream.index: f"{stream.type[0]}:0" for stream in streams}
        return [(names[p.stream_index], p.pts) for p in container.demux(*streams) if p.size]


def refusal(url):
    with pytest.raises(SourceError) as caught, open_source(url):
        pass
    assert "\n" not in str(caught.value)
    return caught.value


@pytest.fixture
def server():
    with HttpServer() as running:
        yield running


@pytest.mark.parametrize("name", ["bikes.mp4", "bigbuckbunny.mp4", "carphone_distorted.mp4"])
def test_a_file_gives_its_packets_in_order(name):
    others, packets, source = items(clip(name))
    assert packets == demuxed(clip(name))
    assert len(packets) >= 120
    assert [item.reason for item in others] == ["start"]
    assert (source.status, source.reason, source.live) == ("completed", None, False)


@pytest.mark.parametrize("container", ["mpegts", "matroska", "flv", "mp4"])
def test_tracks_say_what_the_container_says(tmp_path, container):
    path = tmp_path / "clip"
    path.write_bytes(remuxed(clip("bigbuckbunny.mp4"), container))
    with open_source(path) as source:
        video, audio = source.tracks
        assert (video.id, video.kind, video.codec, video.language) == ("v:0", "video", "h264", None)
        assert (audio.id, audio.kind, audio.codec) == ("a:0", "audio", "aac")
        assert source.format.split(",")[0] == {"mp4": "mov"}.get(container, container)
        assert video.wraps is audio.wraps is (container == "mpegts")
        assert video.base == TimeBase.of(video.stream.time_base)
        assert video.start == video.stream.start_time


def test_transport_files_give_what_ffmpeg_reads_itself(tmp_path):
    path = tmp_path / "clip.ts"
    path.write_bytes(remuxed(clip("bigbuckbunny.mp4"), "mpegts"))
    assert items(path)[1] == demuxed(path)


def with_cover(tmp_path):
    picture = av.CodecContext.create("mjpeg", "w")
    picture.width, picture.height, picture.pix_fmt, picture.time_base = 64, 48, "yuvj420p", 1
    data = b"".join(bytes(packet) for packet in picture.encode(av.VideoFrame(64, 48, "yuvj420p")))
    target = io.BytesIO()
    with av.open(str(clip("bigbuckbunny.mp4"))) as source, av.open(target, "w", format="mp4") as sink:
        cover = sink.add_stream("mjpeg")
        cover.width, cover.height, cover.pix_fmt = 64, 48, "yuvj420p"
        cover.disposition = av.stream.Disposition.attached_pic
        copy = sink.add_stream_from_template(source.streams.audio[0])
        sink.start_encoding()
        still = av.Packet(data)
        still.stream, still.pts, still.dts = cover, 0, 0
        sink.mux(still)
        for packet in source.demux(source.streams.audio[0]):
            if packet.dts is not None:
                packet.stream = copy
                sink.mux(packet)
    path = tmp_path / "cover.mp4"
    path.write_bytes(target.getvalue())
    return path


def test_cover_art_is_no_video_track(tmp_path):
    path = with_cover(tmp_path)
    with av.open(str(path)) as container:
        assert [stream.type for stream in container.streams] == ["audio", "video"]
    others, packets, _ = items(path)
    assert [track.id for track in others[0].tracks] == ["a:0"]
    assert {track for track, _ in packets} == {"a:0"}


def test_what_cannot_be_read_is_one_clear_line(tmp_path, server):
    empty, text, subtitles = tmp_path / "empty.mp4", tmp_path / "notes.txt", tmp_path / "a.srt"
    empty.touch()
    text.write_text("no media\n" * 500)
    subtitles.write_text("1\n00:00:01,000 --> 00:00:02,000\nHello\n\n" * 20)
    server.routes.update({"/403": status(403), "/500": status(500), "/text": bytes_of(b"no" * 999)})
    closed = server.url("/").replace(server.url("/").split(":")[2], "9/")
    expected = {
        tmp_path / "none.mp4": "missing", tmp_path: "folder", empty: "empty", text: "not_media", subtitles: "not_media",
        "/dev/null": "not_a_file", server.url("/404"): "missing", server.url("/403"): "permission",
        server.url("/500"): "http", server.url("/text"): "not_media", closed: "refused", "http://": "unsupported",
        "udp://127.0.0.1": "unsupported", "udp://192.0.2.1:5000": "refused", "a\0b": "missing", "": "folder",
    }  # fmt: skip
    for url, kind in expected.items():
        error = refusal(url)
        assert error.kind == kind, (url, error)
        assert str(url).rstrip("\0b") in str(error)


def test_any_bytes_may_be_a_name(tmp_path):
    path = tmp_path / os.fsdecode(b"\xff\x1b[31m\n.mp4")
    shutil.copy(clip("bikes.mp4"), path)
    assert len(items(path)[1]) == 250
    assert re.match(r"^[a-z0-9][a-z0-9_-]{0,62}$", stream_name(str(path)))
    path.write_text("no media")
    assert "\\x1b" in str(refusal(path))


def test_a_file_without_permission(tmp_path, monkeypatch):
    path = tmp_path / "locked.mp4"
    path.write_bytes(b"x")
    real = type(path).open

    def denied(self, *args, **kwargs):
        if self == path:
            raise PermissionError(13, "Permission denied")
        return real(self, *args, **kwargs)

    monkeypatch.setattr(type(path), "open", denied)
    assert refusal(path).kind == "permission"


def test_secrets_do_not_leave_in_errors(server):
    url = server.url("/none.mp4?token=s3cr3t").replace("http://", "http://user:s3cr3t@")
    assert "s3cr3t" not in str(refusal(url))


def index_first():
    return remuxed(clip("bikes.mp4"), "mp4", {"movflags": "faststart"})


@pytest.mark.parametrize("container", ["mp4", "mpegts", "matroska", "flv"])
def test_a_file_cut_short_is_partial_and_says_so(tmp_path, container):
    data = index_first() if container == "mp4" else remuxed(clip("bikes.mp4"), container)
    path = tmp_path / "clip"
    path.write_bytes(data)
    assert items(path)[2].status == "completed"
    path.write_bytes(data[: len(data) * 6 // 10 + 1])
    _, packets, source = items(path)
    assert 50 < len(packets) < 249
    assert source.status == "partial"
    assert "cut short" in source.reason


def test_an_mp4_without_its_index_fails_and_says_why(tmp_path):
    path = tmp_path / "clip.mp4"
    path.write_bytes(remuxed(clip("bikes.mp4"), "mp4")[:200_000])
    error = refusal(path)
    assert error.kind == "truncated"
    assert "'mdat' box" in str(error)


def test_a_program_that_changes_begins_a_new_part(tmp_path):
    """FFmpeg alone keeps the first codec for ever."""
    path = tmp_path / "both.ts"
    path.write_bytes(coded("libx264") + coded("mpeg2video", size=(256, 144)))
    others, packets, source = items(path)
    assert [(item.reason, [t.codec for t in item.tracks]) for item in others] == [
        ("start", ["h264"]), ("program", ["mpeg2video"]),
    ]  # fmt: skip
    assert len(packets) == 50
    assert source.tracks[0].stream.width == 256
    assert source.status == "completed"


def test_streams_of_a_part_live_until_after_the_next_break(tmp_path):
    path = tmp_path / "both.ts"
    path.write_bytes(coded("libx264") + coded("mpeg2video"))
    contexts, frames = [], 0
    with open_source(path) as source:
        for item in source:
            if isinstance(item, Break):
                frames += sum(len(context.decode(None)) for context in contexts)
                contexts = [track.stream.codec_context for track in item.tracks]
            elif isinstance(item, Packet):
                frames += len(contexts[0].decode(item.packet))
        frames += len(contexts[0].decode(None))
    assert frames == 50


def test_a_server_is_read_by_ranges(server):
    server.routes["/clip.mp4"] = bytes_of(remuxed(clip("bikes.mp4"), "mp4"))
    others, packets, source = items(server.url("/clip.mp4"))
    assert packets == demuxed(clip("bikes.mp4"))
    assert source.status == "completed"
    assert len(server.asked) >= 3
    assert len(others) == 1


def test_a_server_that_ends_early_leaves_a_partial_source(server):
    data = index_first()

    def short(request):
        asked = request.headers.get("Range", "bytes=0-")
        first = int(asked.removeprefix("bytes=").rstrip("-"))
        request.send_response(206)
        request.send_header("Content-Length", str(len(data) - first))
        request.end_headers()
        request.wfile.write(data[first : len(data) // 2])
        request.close_connection = True

    server.routes["/clip.mp4"] = short
    _, packets, source = items(server.url("/clip.mp4"), limits=Limits(read_seconds=1))
    assert 50 < len(packets) < 249
    assert source.status == "partial"


def test_a_transport_stream_on_a_server(server):
    data = remuxed(clip("bikes.mp4"), "mpegts")
    server.routes["/clip.ts"] = bytes_of(data)
    _, packets, source = items(server.url("/clip.ts"))
    assert (len(packets), source.status, source.live) == (250, "completed", False)


def test_stopping(tmp_path):
    stop = threading.Event()
    with open_source(clip("bikes.mp4"), stop=stop) as source:
        for count, _ in enumerate(source):
            if count == 20:
                stop.set()
        assert count <= 21
        assert source.status == "stopped"


def test_fingerprints_follow_the_content(tmp_path, server):
    path = tmp_path / "clip"
    path.write_bytes(b"a" * 3_000_000)
    first = fingerprint(str(path), Limits())
    assert first == fingerprint(str(path), Limits())
    path.write_bytes(b"a" * 2_999_999 + b"b")
    assert fingerprint(str(path), Limits()) != first
    server.routes["/a"] = bytes_of(b"one")
    one = fingerprint(server.url("/a"), Limits())
    server.routes["/a"] = bytes_of(b"two")
    assert one is not None
    assert one != fingerprint(server.url("/a"), Limits())
    server.routes["/b"] = status(200)
    assert fingerprint(server.url("/b"), Limits()) is None
    assert fingerprint(server.url("/none"), Limits()) is None
    assert fingerprint("udp://127.0.0.1:5000", Limits()) is None
    with pytest.raises(SourceError):
        fingerprint(str(tmp_path / "none"), Limits())
