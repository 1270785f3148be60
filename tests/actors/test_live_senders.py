"""Live sources against real senders on the loopback: stalls, recoveries, stops."""

import socket
import threading
import time

import pytest

from actors.feed import Missing
from actors.limits import Limits
from actors.live import udp_socket
from actors.source import Break, Packet, Recovered, SourceError, Stalled, open_source
from tests.senders import HttpServer, UdpSender, bytes_of, clip, coded, free_port, raw_server, remuxed, status

QUICK = Limits(
    stall_seconds=0.4, backoff_seconds=(0.05, 0.1), connect_seconds=2, read_seconds=0.5, live_probe_seconds=0.5
)  # fmt: skip
DEADLINE = 90.0
"""A test that got nowhere by then fails instead of waiting for ever."""


@pytest.fixture(scope="module")
def sound_and_picture():
    return remuxed(clip("bigbuckbunny.mp4"), "mpegts")


@pytest.fixture
def server():
    with HttpServer() as running:
        yield running


class Watched:
    """Items of a source up to a deadline, with counts."""

    def __init__(self, source):
        self.source = source
        self.others = []
        self.packets = 0

    def until(self, enough):
        """Read until ``enough(self)``."""
        began = time.monotonic()
        for item in self.source.items:
            if isinstance(item, Packet):
                self.packets += 1
            else:
                self.others.append(item)
            if enough(self):
                return self
            assert time.monotonic() - began < DEADLINE, self.others
        raise AssertionError(f"ended: {self.source.status} {self.source.reason} {self.others}")

    def seen(self, kind):
        return [item for item in self.others if isinstance(item, kind)]


@pytest.fixture
def watch():
    """Opens sources, and closes them also when the test fails."""
    opened = []

    def begin(url, limits=QUICK, **options):
        source = open_source(url, limits=limits, **options)
        source.items = iter(source)
        opened.append(source)
        return Watched(source)

    yield begin
    for source in opened:
        source.close()


def test_udp_stalls_and_recovers(watch, sound_and_picture):
    port = free_port()
    with UdpSender(sound_and_picture, 5.3, port) as sender:
        watched = watch(f"udp://127.0.0.1:{port}").until(lambda w: w.packets >= 30)
        assert watched.source.live
        assert [track.id for track in watched.source.tracks] == ["v:0", "a:0"]
        assert all(track.wraps for track in watched.source.tracks)
        sender.pause()
        watched.until(lambda w: len(w.seen(Stalled)) >= 2)
        sender.resume()
        before = watched.packets
        watched.until(lambda w: w.packets >= before + 30)
        watched.source.close()
        assert list(watched.source.items) == []
    first, second = watched.seen(Stalled)[:2]
    assert QUICK.stall_seconds <= first.seconds < second.seconds
    assert first.began == second.began
    (recovered,) = watched.seen(Recovered)
    assert recovered.began == first.began
    assert recovered.ended > second.began + second.seconds
    assert [item.reason for item in watched.seen(Break)] == ["start", "reopened"]
    assert watched.source.status == "stopped"


def test_udp_that_begins_late(watch, sound_and_picture):
    port = free_port()
    watched = watch(f"udp://127.0.0.1:{port}").until(lambda w: w.seen(Stalled))
    assert watched.source.tracks == ()
    with UdpSender(sound_and_picture, 5.3, port):
        watched.until(lambda w: w.packets >= 10)
    assert len(watched.seen(Recovered)) == 1
    assert [item.reason for item in watched.seen(Break)] == ["start"]


def test_udp_where_another_codec_comes_back(watch, sound_and_picture):
    port = free_port()
    with UdpSender(sound_and_picture, 5.3, port):
        watched = watch(f"udp://127.0.0.1:{port}").until(lambda w: w.packets >= 10)
    watched.until(lambda w: w.seen(Stalled))
    with UdpSender(coded("mpeg2video", frames=50), 2.0, port):
        before = watched.packets
        watched.until(lambda w: w.packets > before + 5)
    assert [track.codec for track in watched.source.tracks] == ["mpeg2video"]


def test_udp_that_is_no_media_is_silence(watch):
    port = free_port()
    with UdpSender(bytes(range(256)) * 2000, 1.0, port):
        watched = watch(f"udp://127.0.0.1:{port}", Limits(**{**QUICK.model_dump(), "probe_bytes": 20_000}))
        watched.until(lambda w: w.seen(Stalled))
    assert watched.packets == 0


def test_a_udp_port_that_is_taken():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(SourceError, match="cannot be listened on"), open_source(f"udp://127.0.0.1:{taken.getsockname()[1]}"):
            pass


def test_udp_joins_a_multicast_group():
    port = free_port()
    with udp_socket(f"udp://@239.255.77.1:{port}?localaddr=127.0.0.1", Limits()) as listening:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
            out.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("127.0.0.1"))
            out.sendto(b"hello", ("239.255.77.1", port))
        listening.settimeout(5)
        assert listening.recv(100) == b"hello"


@pytest.mark.parametrize("by", ["close", "event"])
def test_a_silent_source_stops_when_asked(by):
    stop, ended = threading.Event(), threading.Event()
    source = open_source(f"udp://127.0.0.1:{free_port()}", stop=stop)

    def read():
        assert list(source) == []
        ended.set()

    reading = threading.Thread(target=read, daemon=True)
    reading.start()
    (source.close if by == "close" else stop.set)()
    assert ended.wait(1.0)
    reading.join()
    source.close()
    assert source.status == "stopped"


def test_a_hanging_server_does_not_delay_the_stop(sound_and_picture):
    def serve(connection, ended):
        connection.recv(4096)
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n" + sound_and_picture[:200_000])
        ended.wait(60)

    with raw_server(serve) as url, open_source(f"{url}/live.ts", limits=QUICK) as source:
        for count, _ in enumerate(source):
            if count == 20:
                began = time.monotonic()
                source.close()
        assert time.monotonic() - began < 30
        assert source.status == "stopped"


def test_an_endless_answer_is_live_and_reconnects(watch, sound_and_picture):
    connections = []

    def serve(connection, ended):
        connections.append(connection.recv(4096))
        connection.sendall(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        for at in range(0, 400_000, 20_000):
            data = sound_and_picture[at : at + 20_000]
            connection.sendall(b"%x\r\n%s\r\n" % (len(data), data))
            if ended.wait(0.01):
                return

    with raw_server(serve) as url:
        watched = watch(f"{url}/live.ts").until(lambda w: len(w.seen(Break)) >= 2 and w.packets > 60)
        assert watched.source.live
        watched.source.close()
    assert len(connections) >= 2
    assert watched.seen(Break)[1].reason == "reopened"
    assert any("connection broke" in item.reason for item in watched.seen(Missing))


def test_an_answer_without_length_that_ends_well_is_complete(server, sound_and_picture):
    def whole(request):
        request.send_response(200)
        request.send_header("Connection", "close")
        request.end_headers()
        request.wfile.write(sound_and_picture)
        request.close_connection = True

    server.routes["/a.ts"] = whole
    with open_source(server.url("/a.ts"), limits=QUICK) as source:
        assert sum(isinstance(item, Packet) for item in source) > 300
        assert (source.live, source.status) == (True, "completed")


class Growing:
    """A live playlist: one more segment each time :meth:`grow` is called; the oldest leave."""

    def __init__(self, server, keep=3):
        self.server, self.keep, self.count, self.lines = server, keep, 0, []
        server.routes["/live.m3u8"] = self.answer

    def grow(self, data, tag=""):
        self.server.routes[f"/s{self.count}.ts"] = status(404) if data is None else bytes_of(data)
        self.lines.append(f"{tag}#EXTINF:0.2,\ns{self.count}.ts\n")
        self.count += 1
        return self

    def answer(self, request):
        first = max(self.count - self.keep, 0)
        head = f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-MEDIA-SEQUENCE:{first}\n"
        bytes_of((head + "".join(self.lines[first:])).encode())(request)


def part(number):
    return remuxed(clip("bikes.mp4"), "mpegts", offset_seconds=10.0 * number)


def test_a_growing_playlist(watch, server):
    growing = Growing(server).grow(part(0))
    watched = watch(server.url("/live.m3u8")).until(lambda w: w.packets >= 200)
    assert watched.source.live
    growing.grow(part(1)).grow(None).grow(coded("mpeg2video"), "#EXT-X-DISCONTINUITY\n")
    watched.until(lambda w: len(w.seen(Break)) == 2)
    watched.until(lambda w: w.seen(Stalled))
    assert watched.packets == 250 * 2 + 25
    assert watched.seen(Missing)[0].seconds == 0.2
    assert [item.reason for item in watched.seen(Break)] == ["start", "discontinuity"]
    growing.grow(part(5), "#EXT-X-DISCONTINUITY\n")
    watched.until(lambda w: w.seen(Recovered))
    watched.until(lambda w: w.packets > 250 * 2 + 25)
    assert [track.codec for track in watched.source.tracks] == ["h264"]


def test_a_playlist_that_runs_ahead_says_what_it_dropped(watch, server):
    growing = Growing(server, keep=1).grow(part(0))
    watched = watch(server.url("/live.m3u8")).until(lambda w: w.packets >= 200)
    growing.grow(part(1)).grow(part(2)).grow(part(3))
    watched.until(lambda w: w.seen(Missing))
    assert "2 segments left" in watched.seen(Missing)[0].reason


def test_a_playlist_that_is_gone_for_a_while(watch, server):
    growing = Growing(server).grow(part(0))
    watched = watch(server.url("/live.m3u8")).until(lambda w: w.packets >= 200)
    server.routes["/live.m3u8"] = status(503)
    watched.until(lambda w: w.seen(Stalled))
    assert any("503" in item.reason for item in watched.seen(Missing))
    growing.grow(part(1))
    server.routes["/live.m3u8"] = growing.answer
    watched.until(lambda w: w.seen(Recovered))
    watched.until(lambda w: w.packets >= 400)
