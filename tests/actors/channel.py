"""A channel for tests: a transport stream with black in it, in segments, or sent over UDP faster than it is shown."""

import contextlib
import io
import socket
import threading
import time
from functools import cache

import av
import numpy as np

from tests.senders import DATAGRAM

RATE = 25
SECONDS = 60
BLACK = ((3, 5), (13, 40))
"""From when to when, in seconds, the channel is black."""
SPEED = 4
NULL = b"\x47\x1f\xff\x10" + bytes(184)


@cache
def recorded():
    """The channel as bytes of a transport stream."""
    target = io.BytesIO()
    record(target, "mpegts", SECONDS)
    return target.getvalue()


def record(target, container, seconds, options=None):
    """Write the first seconds of the channel: a moving texture and a tone."""
    ramp = np.add.outer(np.arange(96), np.arange(128))
    with av.open(target, "w", format=container, options=options or {}) as sink:
        video = sink.add_stream("mpeg2video", rate=RATE, options={"sc_threshold": "1000000000"})
        video.width, video.height, video.pix_fmt, video.gop_size = 128, 96, "yuv420p", 12
        sound = sink.add_stream("mp2", rate=48000, layout="stereo")
        for number in range(seconds * RATE):
            black = any(start <= number / RATE < end for start, end in BLACK)
            luma = np.full_like(ramp, 16) if black else 40 + (ramp + 7 * number) % 160
            picture = np.concatenate([luma.reshape(-1), np.full(2 * 64 * 48, 128)]).astype(np.uint8)
            frame = av.VideoFrame.from_ndarray(picture.reshape(144, 128), "yuv420p")
            frame.pts = number
            sink.mux(video.encode(frame))
            tone = np.sin(2 * np.pi * 440 * np.arange(1920 * number, 1920 * (number + 1)) / 48000) / 4
            block = av.AudioFrame.from_ndarray((np.stack([tone, tone]) * 32767).astype(np.int16), "s16p", "stereo")
            block.sample_rate, block.pts = 48000, 1920 * number
            sink.mux(sound.encode(block))
        sink.mux(video.encode(None))
        sink.mux(sound.encode(None))


@cache
def pts_at(second):
    """The PTS of the picture that is shown at a second of the channel."""
    with av.open(io.BytesIO(recorded())) as container:
        first = min(packet.pts for packet in container.demux(video=0) if packet.pts is not None)
    return first + second * 90_000


class Channel:
    """Sends the channel to a port of the loopback once somebody listens there. While it is cut time goes on."""

    def __init__(self, port, until=SECONDS, speed=SPEED, data=None):
        self._data, self._port, self._until, self._speed = data or recorded(), port, until, speed
        self._ended, self._cut = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._send, daemon=True)
        self.seconds = 0.0

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *error):
        self._ended.set()
        self._thread.join()

    def cut(self):
        """Send nothing."""
        self._cut.set()

    def mend(self):
        """Send again, from where the channel is by now."""
        self._cut.clear()

    def at(self, second):
        """Wait until the channel has come to a second."""
        while self.seconds < second and self._thread.is_alive():
            time.sleep(0.01)

    def _send(self):
        data = self._data
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
            out.connect(("127.0.0.1", self._port))
            self._wait(out)
            began = time.monotonic()
            for at in range(0, len(data), DATAGRAM):
                self.seconds = at / len(data) * SECONDS
                self._ended.wait(max(began + self.seconds / self._speed - time.monotonic(), 0))
                if self._ended.is_set() or self.seconds >= self._until:
                    return
                if not self._cut.is_set():
                    with contextlib.suppress(ConnectionRefusedError):
                        out.send(data[at : at + DATAGRAM])

    def _wait(self, out):
        """Wait for a listener: three null packets in a row that are not refused."""
        heard = 0
        while heard < 3 and not self._ended.wait(0.05):
            try:
                out.send(NULL)
                heard += 1
            except ConnectionRefusedError:
                heard = 0
