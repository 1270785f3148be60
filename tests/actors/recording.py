"""Rows, units and a writer for the tests of the recorder: `python -m tests.actors.recording URI WINDOWS`."""

import json
import sys

import numpy as np
import pyarrow as pa

from actors import recorder, schema
from actors.measure import Metric
from actors.recorder import Recorder, Unit, application, pack

METRICS = (
    Metric("level", "", "float64", "a number with holes"),
    Metric("count", "", "int64", "a whole number"),
    Metric("flag", "", "bool", "a condition"),
    Metric("blocks", "", "int32", "a list", width=4),
)
SCHEMAS = {name: schema.measured(METRICS) for name in ("video", "audio", "packets")}
PER_WINDOW = 20
TICKS = 40
COMPACT_EVERY = 15
STREAMS = ("one", "two", "three")


def rows(stream, window, *, track="v:0", run=0, per_window=PER_WINDOW):
    """The rows of one window; their values follow from the row's number."""
    row = np.arange(window * per_window, (window + 1) * per_window)
    constant = {
        "stream": stream, "run": run, "track": track, "epoch": 0, "wrap": 0, "window": window,
        "base_num": 1, "base_den": 1000, "format": "h264",
    }  # fmt: skip
    columns = {name: [value] * len(row) for name, value in constant.items()}
    columns |= {"pts": row * TICKS, "row": row, "time": row * TICKS, "duration": [TICKS] * len(row)}
    columns |= {"start_seconds": row * TICKS / 1000, "count": row * row, "flag": row % 3 == 0}
    columns |= {"level": [None if index % 5 == 0 else np.sin(index) for index in row.tolist()]}
    columns |= {"blocks": [[index, index + 1, index + 2, index + 3] for index in row.tolist()]}
    return pa.table(columns)


def measured(stream, window, fence, *, table="video", track="v:0", run=0, per_window=PER_WINDOW):
    """A unit of measurements."""
    body = rows(stream, window, track=track, run=run, per_window=per_window)
    return Unit(table, application(stream, run, track), pack(0, window), stream, fence, body)


def covered(stream, window, fence, *, track="v:0", run=0):
    """The unit of coverage that belongs to it."""
    body = pa.table({
        "stream": [stream], "run": [run], "track": [track], "epoch": [0], "window": [window],
        "start": [window * PER_WINDOW * TICKS], "end": [(window + 1) * PER_WINDOW * TICKS],
        "base_num": [1], "base_den": [1000], "state": ["analysed"], "reason": [""],
    })  # fmt: skip
    return Unit("coverage", application(stream, run, track), pack(0, window), stream, fence, body)


def checkpoint(stream, window, fence, *, run=0, judged=None):
    """The unit of events that follows from it: a checkpoint."""
    state = {"judged": {"video/v:0": (window + 1) * PER_WINDOW} if judged is None else judged}
    body = pa.table({
        "stream": [stream], "run": [run], "judgement": [0], "sequence": [window], "kind": ["checkpoint"],
        "state": [json.dumps(state)],
    })  # fmt: skip
    return Unit("events", application(stream, run), window, stream, fence, body)


def markers(stream, number, fence, count):
    """A unit of so many markers and a checkpoint: the stream's ``number``-th commit of events."""
    first = number * (count + 1)
    body = pa.table({
        "stream": [stream] * (count + 1), "run": [0] * (count + 1), "judgement": [0] * (count + 1),
        "sequence": list(range(first, first + count + 1)), "kind": ["marker"] * count + ["checkpoint"],
        "id": [f"{stream}-{first + n}" for n in range(count)] + [None],
        "state": [None] * count + [json.dumps({"judged": {}})],
    })  # fmt: skip
    return Unit("events", application(stream, 0), first + count, stream, fence, body)


def whole(stream, window, fence, *, run=0):
    """Everything that one window gives."""
    return [
        checkpoint(stream, window, fence, run=run),
        covered(stream, window, fence, run=run),
        measured(stream, window, fence, run=run),
    ]


def write(uri, windows):
    """Go on where the last writer was ended, and say when writing begins."""
    opened = Recorder(uri, SCHEMAS)
    fences = opened.claim(STREAMS)
    print("ready", flush=True)
    begin = {stream: opened.committed("events", application(stream, 0)) for stream in STREAMS}
    for window in range(min(-1 if last is None else last for last in begin.values()) + 1, windows):
        opened.commit([unit for stream in STREAMS for unit in whole(stream, window, fences[stream])])


if __name__ == "__main__":
    recorder.COMPACT_EVERY = COMPACT_EVERY
    write(sys.argv[1], int(sys.argv[2]))
