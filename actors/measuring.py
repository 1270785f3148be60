"""Batches to rows: what the stream's owner measures itself, and what a meter measures wherever it runs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from actors import schema
from actors import state as states
from actors.measure import Columns, Metric, Rows
from actors.measure import packets as packet_meter
from actors.measure.picture import PictureMeter
from actors.measure.sound import SoundMeter, SoundState
from actors.media import AudioBatch, AudioBlock, AudioFormat, Batch, Frame, PacketBatch, Table

FRAME_METRICS = (
    Metric("coded", "ticks", "int64", "duration that the container gives the frame, 0 where none"),
    Metric("key", "", "bool", "needs no other picture"),
    Metric("corrupt", "", "bool", "flagged by the decoder, or a picture that it needs has not come"),
    Metric("suspect", "", "bool", "the decoder complained about its packet, or bytes were lost before"),
    Metric("packet_bytes", "bytes", "int32", "size of the packet that began it, 0 where unknown"),
    Metric("field_order", "", "int32", "by the stream: 0 progressive; fields, 1 top first, 2 bottom first, 3 unsaid"),
)
CARRY = Metric("carry", "", "string", "the sound meter's state after the last row of a window")

METRICS: dict[Table, tuple[Metric, ...]] = {
    "video": (*FRAME_METRICS, *PictureMeter.metrics),
    "audio": (*SoundMeter.metrics, CARRY),
    "packets": packet_meter.METRICS,
}
"""The columns of each table of measurements with a column for each metric."""


def schemas(*, models: bool) -> dict[str, pa.Schema]:
    """Schemas of the tables of measurements, in the order of their commits.

    Args:
        models: Whether that of users' models is among them.
    """
    wide: dict[str, pa.Schema] = {table: schema.measured(metrics) for table, metrics in METRICS.items()}
    return {"metrics": schema.long(), **wide} if models else wide


def ready(*, pictures: bool) -> None:
    """Load the kernels for sound, and for 8-bit pictures, so that a source on air does not wait for them."""
    from actors.measure.picture import cpu as picture
    from actors.measure.sound import cpu as sound

    sound.kernel()
    if pictures:
        picture.load(8)


def compile_all() -> None:
    """Compile every kernel that is not kept yet, so that no process that is measured has to."""
    from actors.measure.picture import cpu as picture
    from actors.measure.sound import cpu as sound

    sound.kernel()
    for depth in (8, 10, 16):
        picture.load(depth)


def measure_video(meter: PictureMeter, batch: Batch, wanted: frozenset[str]) -> Rows:
    """Rows of a batch of frames. Pure: the same wherever it runs."""
    (rows,) = measure_videos(meter, [batch], wanted)
    return rows


def measure_videos(meter: PictureMeter, batches: Sequence[Batch], wanted: frozenset[str]) -> list[Rows]:
    """Rows of several batches of one format, measured in one pass: those of each are what it gives alone."""
    measured = meter.measure_many(batches, wanted)
    return [_rows(batch, columns) for batch, columns in zip(batches, measured, strict=True)]


def _rows(batch: Batch, measured: Columns) -> Rows:
    frames = batch.frames
    columns = stamps(frames) | {
        "coded": np.array([frame.coded for frame in frames], np.int64),
        "key": np.array([frame.key for frame in frames], np.bool_),
        "corrupt": np.array([frame.corrupt for frame in frames], np.bool_),
        "suspect": np.array([frame.suspect for frame in frames], np.bool_),
        "packet_bytes": np.array([frame.packet_bytes for frame in frames], np.int32),
        "field_order": np.array([frame.field_order for frame in frames], np.int32),
    }
    columns |= measured
    return Rows("video", batch.track, batch.base, batch.format.text, batch.first_row, batch.window, columns)


def measure_packets(batch: PacketBatch) -> Rows:
    """Rows of a batch of packets, in the order of decoding."""
    packets = batch.packets
    columns: Columns = {
        "epoch": np.array([packet.stamp.epoch for packet in packets], np.int64),
        "wrap": np.array([packet.stamp.wrap for packet in packets], np.int64),
        "pts": np.array([packet.stamp.pts for packet in packets], np.int64),
        "time": np.array(batch.times, np.int64),
        "duration": np.array([packet.duration for packet in packets], np.int64),
    }
    columns |= packet_meter.measure(batch)
    return Rows("packets", batch.track, batch.base, batch.format, batch.first_row, batch.window, columns)


class Ear:
    """Measures the sound of one track in sequence: the meter and the state that it carries."""

    def __init__(self, wanted: frozenset[str]) -> None:
        self._meter = SoundMeter()
        self._wanted = wanted
        self._state: SoundState | None = None
        self._format: AudioFormat | None = None

    def measure(self, batch: AudioBatch) -> Rows:
        """Rows of the next batch; its last row carries the state."""
        if self._state is None or self._format != batch.format:
            self._state, self._format = self._meter.start(batch.format), batch.format
        self._state, columns = self._meter.measure(self._state, batch, self._wanted)
        carry = np.full(len(batch.blocks), None, np.object_)
        carry[-1] = f"{batch.format.text}\n{states.dump(self._state)}"
        columns = stamps(batch.blocks) | columns | {CARRY.name: carry}
        return Rows("audio", batch.track, batch.base, batch.format.text, batch.first_row, batch.window, columns)

    def restore(self, carry: str) -> None:
        """Go on after the row that carried this."""
        text, _, state = carry.partition("\n")
        self._format = AudioFormat.parse(text)
        self._state = states.load(SoundState, state)


def stamps(items: tuple[Frame, ...] | tuple[AudioBlock, ...]) -> Columns:
    """The columns that all rows have: key, time and duration of frames or blocks, a row each."""
    return {
        "epoch": np.array([item.stamp.epoch for item in items], np.int64),
        "wrap": np.array([item.stamp.wrap for item in items], np.int64),
        "pts": np.array([item.stamp.pts for item in items], np.int64),
        "time": np.array([item.stamp.time for item in items], np.int64),
        "duration": np.array([item.duration for item in items], np.int64),
    }
