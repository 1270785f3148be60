"""Facts about packets as measurements: nothing is computed, so that judges can ask anything of them again."""

from __future__ import annotations

import numpy as np

from actors.measure import Columns, Metric
from actors.media import MISSING, PacketBatch

METRICS = (
    Metric("pts_time", "ticks", "int64", "presentation time on the timeline"),
    Metric("dts_time", "ticks", "int64", "decoding time on the timeline; null where the source gives none"),
    Metric("bytes", "bytes", "int32", "size"),
    Metric("key", "", "bool", "begins a picture that needs no other"),
    Metric("corrupt", "", "bool", "flagged by the demuxer"),
    Metric("error", "", "string", "kind of the decoder's message, empty where it had nothing to say"),
)


def measure(batch: PacketBatch) -> Columns:
    """Columns of a batch of packets, one row each."""
    packets = batch.packets
    return {
        "pts_time": np.array([packet.stamp.time for packet in packets], np.int64),
        "dts_time": np.array(
            [MISSING if packet.dts_time is None else packet.dts_time for packet in packets], np.int64
        ),
        "bytes": np.array([packet.bytes for packet in packets], np.int32),
        "key": np.array([packet.key for packet in packets], np.bool_),
        "corrupt": np.array([packet.corrupt for packet in packets], np.bool_),
        "error": np.array([packet.error for packet in packets], np.object_),
    }  # fmt: skip
