"""A clip sent over and over as a live transport stream, at the pace of its media."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import av

if TYPE_CHECKING:
    from av.container import OutputContainer

_SLICE_SECONDS = 0.1


class Channel:
    """Sends a clip to a UDP port of the loopback while it is an open context.

    Sound and picture each go on where they ended, so that no loop leaves a gap in either.
    """

    def __init__(self, clip: Path, port: int) -> None:
        self.url = f"udp://127.0.0.1:{port}"
        self._clip = clip
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._send, name=f"channel-{port}", daemon=True)
        self._offsets: dict[int, Fraction] = {}
        self.on_sent: Callable[[Fraction], None] = lambda seconds: None
        """Told of each picture once its packet is sent: its place in the stream, in seconds from the first."""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._ending.set()
        self._thread.join()

    def _send(self) -> None:
        options = {"flush_packets": "1"}
        with (
            av.open(str(self._clip)) as source,
            av.open(f"{self.url}?pkt_size=1316", "w", format="mpegts", options=options) as sink,
        ):
            media = [stream for stream in source.streams if stream.type in ("video", "audio")]
            streams = {stream.index: sink.add_stream_from_template(stream) for stream in media}
            began = time.monotonic()
            while not self._ending.is_set():
                source.seek(0)
                self._once(source.demux(media), streams, sink, began)

    def _once(self, packets: Any, streams: dict[int, Any], sink: OutputContainer, began: float) -> None:
        """One turn of the clip, a second of which is on its way ahead of its time."""
        ends: dict[int, Fraction] = {}
        first: dict[int, Fraction] = {}
        for packet in packets:
            if packet.dts is None or self._ending.is_set():
                continue
            index, base = packet.stream.index, packet.time_base
            first.setdefault(index, packet.dts * base)
            shift = self._offsets.get(index, Fraction(1)) - first[index]
            at = packet.dts * base + shift
            ends[index] = max(ends.get(index, at), at + (packet.duration or 0) * base)
            while not self._ending.is_set() and (early := began + float(at) - 1 - time.monotonic()) > 0:
                self._ending.wait(min(early, _SLICE_SECONDS))
            packet.pts, packet.dts = packet.pts + round(shift / base), packet.dts + round(shift / base)
            packet.stream = streams[index]
            shown = packet.pts * base - 1
            sink.mux(packet)
            if sink.streams[packet.stream.index].type == "video":
                self.on_sent(shown)
        self._offsets |= ends
