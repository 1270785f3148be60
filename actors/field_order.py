"""What a stream says of a picture's fields: whether it has two of different moments, and which of them is first."""

from __future__ import annotations

import av
import av.filter

PROGRESSIVE, TOP_FIRST, BOTTOM_FIRST, UNSAID = range(4)
"""One moment; two, the even lines' first; two, the odd lines' first; two, and it is not said in which order."""


class FieldOrder:
    """Reads it from decoded pictures of one track, as players do.

    PyAV does not hand out which field is first. FFmpeg's filter ``select`` knows: it lets a picture through whose top
    field is, without a copy of its pixels.
    """

    def __init__(self) -> None:
        self._graph: av.filter.Graph | None = None
        self._of = ""

    def of(self, frame: av.VideoFrame) -> int:
        """One of the four; ``UNSAID`` where FFmpeg does not tell, as of pictures in a GPU's memory."""
        if not frame.interlaced_frame:
            return PROGRESSIVE
        if frame.format.name == "cuda":
            return UNSAID
        shape = (
            f"video_size={frame.width}x{frame.height}:pix_fmt={frame.format.name}:time_base=1/1000"
            f":colorspace={int(frame.colorspace)}:range={int(frame.color_range)}"
        )
        try:
            if self._graph is None or shape != self._of:
                self._graph, self._of = _top_first_only(shape), shape
            self._graph.push(frame)
            self._graph.pull()
        except av.BlockingIOError:
            return BOTTOM_FIRST
        except av.FFmpegError:
            return UNSAID
        return TOP_FIRST


def _top_first_only(shape: str) -> av.filter.Graph:
    graph = av.filter.Graph()
    chain = graph.add("buffer", shape), graph.add("select", "eq(interlace_type\\,TOPFIRST)"), graph.add("buffersink")
    graph.link_nodes(*chain).configure()
    return graph
