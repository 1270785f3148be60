"""Facts about packets as measurements: nothing is computed, so that judges can ask anything of them again."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from actors.measure import Columns, Metric
from actors.media import MISSING, PacketBatch

_CARRIED = (
    ("continuity", "packets", "transport packets whose counter did not go on, since the packet before"),
    ("flagged", "packets", "transport packets flagged as damaged, since the packet before"),
    ("scrambled", "", "1 where a transport packet was scrambled since the packet before, else 0"),
    ("unsynced", "losses", "losses of the grid of transport packets, since the packet before; of one track"),
    ("association", "ticks of 27 MHz", "longest that a program association had not come; of one track"),
    ("map", "ticks of 27 MHz", "longest that a program map had not come; of one track"),
    ("clock", "ticks of 27 MHz", "longest step between two clock references; of one track"),
    ("lost_table", "ticks of 27 MHz", "longest that a table had not come of which one was lost; of one track"),
)
METRICS = (
    Metric("pts_time", "ticks", "int64", "presentation time on the timeline"),
    Metric("dts_time", "ticks", "int64", "decoding time on the timeline; null where the source gives none"),
    Metric("bytes", "bytes", "int32", "size"),
    Metric("key", "", "bool", "begins a picture that needs no other"),
    Metric("corrupt", "", "bool", "flagged by the demuxer"),
    Metric("error", "", "string", "kind of the decoder's message, empty where it had nothing to say"),
    Metric("samples", "samples", "int32", "decoded of it in each channel, 0 where it gave no sound"),
    Metric("rate", "Hz", "int32", "sample rate of its sound, 0 where it gave none"),
    Metric("captions", "byte pairs", "int64", "in its pictures, -1 where they carry no such data; null without any"),
    Metric("encrypted", "", "bool", "nothing of it can be decoded; of 0 bytes: a stretch of which no packet came"),
    *(Metric(name, unit, "int64", f"{meaning}; null where not seen") for name, unit, meaning in _CARRIED),
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
        "samples": np.array([packet.samples for packet in packets], np.int32),
        "rate": np.array([packet.rate for packet in packets], np.int32),
        "captions": np.array([MISSING if (n := packet.captions) is None else n for packet in packets], np.int64),
        "encrypted": np.array([packet.encrypted for packet in packets], np.bool_),
        **{name: _carried(batch, name) for name, _, _ in _CARRIED},
    }  # fmt: skip


def _carried(batch: PacketBatch, name: str) -> NDArray[np.int64]:
    found = (None if packet.carried is None else getattr(packet.carried, name) for packet in batch.packets)
    return np.array([MISSING if value is None else int(value) for value in found], np.int64)
