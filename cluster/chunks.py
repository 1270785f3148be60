"""What lies in the bucket: pictures, sound and rows as Arrow IPC streams, and back, exactly. Pure.

A picture's planes are written as they are in memory, without their padding, a frame to a record batch, so that nothing
is gathered first. Context frames come first: who measures a chunk needs no other.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from actors.clock import Stamp, TimeBase
from actors.measure import Columns, Rows
from actors.media import AudioBatch, AudioBlock, AudioFormat, Batch, Frame, Pixels, Plane, VideoFormat

Compression = Literal["lz4", "zstd", "none"]

CHUNK_BYTES, CHUNK_SECONDS = 96 << 20, 1
"""Of pictures in one chunk, at most and at least: a second of 1080p25 is 78 MB."""

_STAMP = [(name, pa.int64()) for name in ("epoch", "wrap", "pts", "time")]
_FRAME = [
    *_STAMP, ("duration", pa.int64()), ("coded", pa.int64()), ("packet_bytes", pa.int64()), ("key", pa.bool_()),
    ("corrupt", pa.bool_()), ("clean", pa.bool_()), ("suspect", pa.bool_()), ("field_order", pa.int64()),
]  # fmt: skip
_BLOCK = [*_STAMP, ("duration", pa.int64()), ("hop", pa.int64()), ("clean", pa.bool_()), ("samples", pa.large_binary())]


class PictureChunk:
    """Batches of pictures that follow each other, with the context of the first. Written as they come, and not held."""

    def __init__(self, batch: Batch, compression: Compression) -> None:
        """Begin with a batch.

        Raises:
            ValueError: Its frames are not of one size.
        """
        self._batch = replace(batch, frames=(), context=())
        self._shape = _shape(batch.frames[0])
        self._sizes = [height * width * np.dtype(dtype).itemsize for height, width, dtype in self._shape]
        fields = [*_FRAME, *((f"plane{n}", pa.binary(size)) for n, size in enumerate(self._sizes))]
        about = _about(batch) | {"context": len(batch.context), "planes": self._shape}
        self._schema = pa.schema(fields, metadata={"sightline": json.dumps(about)})
        self._sink = pa.BufferOutputStream()
        self._writer = pa.ipc.new_stream(self._sink, self._schema, options=_options(compression))
        self._bytes, self._rows, self._epoch = 0, 0, batch.frames[0].stamp.epoch
        self._ticks = 0
        self._write(batch.context)
        self.add(batch)

    @property
    def is_full(self) -> bool:
        """Whether it lasts long enough."""
        return self._ticks >= self._batch.base.ceil(CHUNK_SECONDS)

    def takes(self, batch: Batch) -> bool:
        """Whether a batch can be added: it goes on where this ends, and is not too much."""
        same = replace(batch, frames=(), context=(), first_row=self._batch.first_row) == self._batch
        goes_on = batch.first_row == self._batch.first_row + self._rows and bool(batch.context)
        goes_on = goes_on and batch.frames[0].stamp.epoch == self._epoch
        return same and goes_on and self._bytes + _bytes(batch) <= CHUNK_BYTES

    def add(self, batch: Batch) -> None:
        """Write a batch that this takes.

        Raises:
            ValueError: Its frames are not of one size.
        """
        self._write(batch.frames)
        self._rows += len(batch.frames)
        self._bytes += _bytes(batch)
        self._ticks += sum(frame.duration for frame in batch.frames)

    def packed(self) -> pa.Buffer:
        """All of it; nothing can be added any more."""
        self._writer.close()
        return self._sink.getvalue()

    def _write(self, frames: Sequence[Frame]) -> None:
        if any(_shape(frame) != self._shape for frame in frames):
            raise ValueError("a chunk holds pictures of one size")
        for frame in frames:
            self._writer.write_batch(_frame_row(frame, self._schema, self._sizes))


def _bytes(batch: Batch) -> int:
    return sum(plane.nbytes for frame in batch.frames for plane in frame.planes)


def unpack_pictures(data: pa.Buffer) -> Batch:
    """Read back a :class:`PictureChunk` as one batch. Planes lie in the unpacked data, and cannot be written to."""
    about, rows = _read(data)
    frames = tuple(_frame(row, about["planes"]) for row in rows)
    own = about["context"]
    return Batch(
        about["track"], _base(about), VideoFormat.parse(about["format"]), frames[own:], frames[:own],
        about["first_row"], about["window"],
    )  # fmt: skip


def pack_sound(batch: AudioBatch, compression: Compression) -> pa.Buffer:
    """A batch of sound."""
    schema = pa.schema(_BLOCK, metadata={"sightline": json.dumps(_about(batch))})
    return _written(schema, [_blocks(batch, schema)], compression)


def unpack_sound(data: pa.Buffer) -> AudioBatch:
    """Read back what :func:`pack_sound` wrote. Samples cannot be written to."""
    about, parts = _read(data)
    fmt = AudioFormat.parse(about["format"])
    blocks = tuple(block for part in parts for block in _sounds(part, fmt.channels))
    return AudioBatch(about["track"], _base(about), fmt, blocks, about["first_row"], about["window"])


def pack_rows(parts: Sequence[Rows], compression: Compression) -> pa.Buffer:
    """Measurements, whatever their columns: a schema and a record batch for each value."""
    return _joined([_written(*_columns(rows), compression) for rows in parts])


def unpack_rows(data: pa.Buffer) -> list[Rows]:
    """Read back what :func:`pack_rows` wrote."""
    with pa.BufferReader(data) as source:
        return [_rows(pa.ipc.open_stream(source)) for _ in iter(lambda: source.tell() < data.size, False)]


def _about(batch: Batch | AudioBatch) -> dict[str, Any]:
    return {
        "track": batch.track, "base": asdict(batch.base), "format": batch.format.text, "first_row": batch.first_row,
        "window": batch.window,
    }  # fmt: skip


def _base(about: Mapping[str, Any]) -> TimeBase:
    return TimeBase(**about["base"])


def _options(compression: Compression) -> pa.ipc.IpcWriteOptions:
    return pa.ipc.IpcWriteOptions(compression=None if compression == "none" else compression, use_threads=False)


def _written(schema: pa.Schema, batches: Iterable[pa.RecordBatch], compression: Compression) -> pa.Buffer:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, schema, options=_options(compression)) as writer:
        for batch in batches:
            writer.write_batch(batch)
    return sink.getvalue()


def _read(data: pa.Buffer) -> tuple[dict[str, Any], Iterator[pa.RecordBatch]]:
    reader = pa.ipc.open_stream(data, options=pa.ipc.IpcReadOptions(use_threads=False))
    return json.loads(reader.schema.metadata[b"sightline"]), iter(reader)


def _shape(frame: Frame) -> list[list[Any]]:
    """(lines, pixels, type) of each plane."""
    return [[plane.height, plane.width, plane.lines.dtype.name] for plane in frame.planes]


def _frame_row(frame: Frame, schema: pa.Schema, sizes: Sequence[int]) -> pa.RecordBatch:
    values = [
        *_stamp(frame.stamp), frame.duration, frame.coded, frame.packet_bytes, frame.key, frame.corrupt, frame.clean,
        frame.suspect, frame.field_order,
    ]  # fmt: skip
    arrays = [pa.array([value], kind) for value, (_, kind) in zip(values, _FRAME, strict=True)]
    for plane, size in zip(frame.planes, sizes, strict=True):
        pixels = np.ascontiguousarray(plane.pixels)
        arrays.append(pa.Array.from_buffers(pa.binary(size), 1, [None, pa.py_buffer(pixels.view(np.uint8))]))
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _frame(row: pa.RecordBatch, shapes: Sequence[Sequence[Any]]) -> Frame:
    epoch, wrap, pts, time, duration, coded, packet_bytes, key, corrupt, clean, suspect, field_order = (
        row.column(n)[0].as_py() for n in range(len(_FRAME))
    )
    stamp, planes = Stamp(epoch, wrap, pts, time), tuple(
        _plane(row.column(len(_FRAME) + n), *shape) for n, shape in enumerate(shapes)
    )
    return Frame(stamp, duration, planes, key, corrupt, packet_bytes, clean, coded, suspect, field_order)


def _plane(column: pa.Array, height: int, width: int, dtype: str) -> Plane:
    lines: Pixels = np.frombuffer(column.buffers()[1], np.dtype(dtype), height * width).reshape(height, width)
    lines.flags.writeable = False
    return Plane(lines, width)


def _stamp(stamp: Stamp) -> tuple[int, int, int, int]:
    return stamp.epoch, stamp.wrap, stamp.pts, stamp.time


def _blocks(batch: AudioBatch, schema: pa.Schema) -> pa.RecordBatch:
    rows = [
        (*_stamp(block.stamp), block.duration, block.hop, block.clean, np.ascontiguousarray(block.samples).tobytes())
        for block in batch.blocks
    ]
    columns = zip(*rows, strict=True)
    arrays = [pa.array(values, kind) for values, (_, kind) in zip(columns, _BLOCK, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _sounds(part: pa.RecordBatch, channels: int) -> Iterator[AudioBlock]:
    *columns, samples = (part.column(n) for n in range(part.num_columns))
    for number, (epoch, wrap, pts, time, duration, hop, clean) in enumerate(
        zip(*(column.to_pylist() for column in columns), strict=True)
    ):
        sound = np.frombuffer(samples[number].as_buffer(), np.float32).reshape(channels, -1)
        sound.flags.writeable = False
        yield AudioBlock(Stamp(epoch, wrap, pts, time), duration, sound, hop, clean)


def _columns(rows: Rows) -> tuple[pa.Schema, list[pa.RecordBatch]]:
    about = {
        "table": rows.table, "track": rows.track, "base": asdict(rows.base), "format": rows.format,
        "first_row": rows.first_row, "window": rows.window,
        "columns": {name: [values.dtype.str, list(values.shape[1:])] for name, values in rows.columns.items()},
    }  # fmt: skip
    arrays = {name: _array(values) for name, values in rows.columns.items()}
    fields = [(name, array.type) for name, array in arrays.items()]
    schema = pa.schema(fields, metadata={"sightline": json.dumps(about)})
    return schema, [pa.RecordBatch.from_arrays(list(arrays.values()), schema=schema)]


def _array(values: NDArray[np.generic]) -> pa.Array:
    """A column; one of lists is written as its numbers, row by row."""
    if values.dtype == np.object_:
        return pa.array(values.tolist(), pa.string())
    if values.ndim == 1:
        return pa.array(values, from_pandas=False)
    size = values.shape[1] * values.dtype.itemsize
    flat = pa.py_buffer(np.ascontiguousarray(values).view(np.uint8).reshape(-1))
    return pa.Array.from_buffers(pa.binary(size), len(values), [None, flat])


def _rows(reader: pa.RecordBatchReader) -> Rows:
    about = json.loads(reader.schema.metadata[b"sightline"])
    batch = reader.read_next_batch()
    for _ in reader:  # to the end of this stream, where the next one begins
        raise ValueError("rows are one record batch")
    columns: Columns = {
        name: _values(batch.column(n), np.dtype(dtype), shape)
        for n, (name, (dtype, shape)) in enumerate(about["columns"].items())
    }
    return Rows(
        about["table"], about["track"], _base(about), about["format"], about["first_row"], about["window"], columns
    )  # fmt: skip


def _values(column: pa.Array, dtype: np.dtype[np.generic], shape: Sequence[int]) -> NDArray[np.generic]:
    if dtype == np.object_:
        return np.array(column.to_pylist(), np.object_)
    if not shape:
        return np.asarray(column.to_numpy(zero_copy_only=False)).astype(dtype)
    count = len(column) * shape[0]
    flat = np.frombuffer(column.buffers()[1], dtype, count) if count else np.empty(0, dtype)
    return flat.reshape(len(column), *shape).copy()


def _joined(parts: Sequence[pa.Buffer]) -> pa.Buffer:
    return parts[0] if len(parts) == 1 else pa.py_buffer(b"".join(map(bytes, parts)))
