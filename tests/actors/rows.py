"""Rows made for tests of judges: columns as the meters give them, and clips measured by the plain picture meter."""

from dataclasses import replace

import numpy as np

from actors import state as states
from actors.clock import TimeBase
from actors.measure import Rows

BASE = TimeBase(1, 25000)
FRAME = 1000
"""Ticks of a frame at 25 Hz."""

FORMAT = "h264 320x180 yuv420p 8 113 limited sdr"

def stamps(n, *, time=None, duration=FRAME, epoch=0):
    """The columns that every row has; without ``time``, 25 Hz from 0."""
    time = np.arange(n, dtype=np.int64) * FRAME if time is None else np.asarray(time, np.int64)
    return {
        "epoch": np.full(n, epoch, np.int64), "wrap": np.zeros(n, np.int64), "pts": time + 7, "time": time,
        "duration": np.broadcast_to(np.asarray(duration, np.int64), n).copy(),
    }  # fmt: skip


def video(n, *, format=FORMAT, time=None, duration=FRAME, **columns):
    """Rows of pictures that do not move, with other columns as given."""
    still = {
        "black_share": np.zeros(n), "difference": np.zeros(n), "luma_difference": np.zeros(n),
        "block_difference": np.zeros(n), "signature": np.full((n, 144), 25600, np.uint16),
        "key": np.zeros(n, np.bool_), "corrupt": np.zeros(n, np.bool_), "packet_bytes": np.full(n, 20, np.int64),
        "suspect": np.zeros(n, np.bool_), "torn_blocks": np.zeros(n), "torn_between": np.zeros(n),
        "block_grid": np.ones(n), "block_step": np.zeros(n),
    }  # fmt: skip
    made = stamps(n, time=time, duration=duration) | still
    return Rows("video", "v:0", BASE, format, 0, 0, made | {name: np.asarray(value) for name, value in columns.items()})


def packets(n, *, time=None, duration=FRAME, epoch=0, dts=None, base=BASE, **columns):
    """Rows of packets, with other columns as given; the DTS is the time unless given."""
    made = stamps(n, time=time, duration=duration, epoch=epoch)
    made |= {
        "pts_time": made["time"].copy(),
        "dts_time": made["time"].copy() if dts is None else np.asarray(dts, np.int64),
        "bytes": np.full(n, 100, np.int64),
        "key": np.zeros(n, np.bool_), "corrupt": np.zeros(n, np.bool_), "error": np.full(n, "", np.object_),
    }  # fmt: skip
    made |= {name: np.asarray(value) for name, value in columns.items()}
    return Rows("packets", "v:0", base, "h264 320x180", 0, 0, made)


def joined(*parts):
    """Rows one after the other, as a judge is given them: a value per epoch and format, numbered on."""
    first, made = 0, []
    for part in parts:
        made.append(replace(part, first_row=first))
        first += len(part)
    return made


def cut(parts, sizes):
    """The same rows in calls of so many rows, and the rest."""
    sizes = list(sizes)
    for part in parts:
        first = 0
        while first < len(part):
            size = max(1, sizes.pop(0)) if sizes else len(part)
            yield part.slice(first, min(first + size, len(part)))
            first += size


def judged(detector, parts, *, store=False):
    """All events of a detector for rows that come in parts, to the end of the track."""
    state, events, last = detector.start(), [], None
    for rows in parts:
        if store:
            state = states.load(type(state), states.dump(state))
        state, found = detector.judge(state, rows)
        events += found
        last = rows
    return events + (detector.finish(state, last.slice(0, 0)) if last is not None else [])


def closed(events):
    """Start and end in seconds, and cause, of each incident."""
    return [
        (event.base.seconds(event.start), event.base.seconds(event.end), event.cause)
        for event in events if event.kind == "closed"
    ]  # fmt: skip


def check_order(events):
    """Events are decided in order, each incident is opened once and closed once, and updates fall on the grid."""
    ats = [event.at for event in events]
    assert ats == sorted(ats)
    keys = [(event.part, event.start_epoch, event.start_wrap, event.start_pts) for event in events]
    for one in {key for key, event in zip(keys, events, strict=True) if event.kind != "marker"}:
        kinds = [event.kind for key, event in zip(keys, events, strict=True) if key == one]
        assert kinds == ["opened", *["updated"] * (len(kinds) - 2), "closed"], kinds


def check_splits(detector, parts, sizes):
    """Any split into calls, with the state stored in between, gives the same events; returns them."""
    events = judged(detector, parts)
    assert judged(detector, list(cut(parts, sizes)), store=True) == events
    check_order(events)
    return events
