"""A live stream that falls behind: what is passed over, where it goes on, and what is said of it."""

import time
from collections import Counter
from itertools import pairwise
from types import SimpleNamespace

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.batches import FILE, VideoBatcher
from actors.hop import Direct
from actors.lag import CAUGHT_UP_SECONDS, MOST_PACKETS, REASON, Lag
from actors.source import Packet
from tests.actors.channel import BLACK, Channel, pts_at
from tests.actors.decoding import decode
from tests.actors.test_pipeline_live import QUICK, Watch, events, unbroken
from tests.equal import summaries, unexplained
from tests.senders import free_port

LIMIT = 3.0
PATIENT = {"black": {"minimum_seconds": 1.0}, "stalled": {"seconds": 20.0}}
"""A machine that stands still for some seconds, its sender too, is no stall of the channel."""
VIDEO = frozenset({"v:0", "v:1"})


def packet(track="v:0", late=0.0, key=False):
    return Packet(track, SimpleNamespace(is_keyframe=key), late)


packets = st.lists(
    st.builds(packet, st.sampled_from(("v:0", "v:1", "a:0")), st.floats(0, 2 * LIMIT), st.booleans()), max_size=60
)


@given(packets)
def test_every_packet_comes_out_once_and_in_order(given_packets):
    lag = Lag(LIMIT)
    out = [one for taken in given_packets for one in lag.take(taken, VIDEO)] + lag.release()
    assert [id(one) for one, _ in out] == [id(one) for one in given_packets]
    assert all(decode for one, decode in out if one.track == "a:0")


@given(packets)
def test_what_is_passed_over_ends_at_a_key_frame_of_its_track(given_packets):
    lag = Lag(LIMIT)
    out = [one for taken in given_packets for one in lag.take(taken, VIDEO)] + lag.release()
    for track in VIDEO:
        before = True
        for one, wanted in (each for each in out if each[0].track == track):
            assert before or not wanted or one.packet.is_keyframe
            before = wanted


@given(st.lists(st.builds(packet, st.sampled_from(("v:0", "a:0")), st.floats(0, LIMIT), st.booleans())))
def test_nothing_is_passed_over_before_the_limit(given_packets):
    lag = Lag(LIMIT)
    assert [one for taken in given_packets for one in lag.take(taken, VIDEO)] == [(one, True) for one in given_packets]


def test_it_goes_on_from_the_newest_key_frame_of_what_waits():
    late = np.linspace(LIMIT + 1, CAUGHT_UP_SECONDS - 0.01, 100)
    given_packets = [packet(late=seconds, key=number % 30 == 0) for number, seconds in enumerate(late)]
    lag = Lag(LIMIT)
    out = [one for taken in given_packets for one in lag.take(taken, frozenset({"v:0"}))]
    assert [decode for _, decode in out] == [False] * 90 + [True] * 10


def test_without_key_frames_it_goes_on_all_the_same():
    lag, video = Lag(LIMIT), frozenset({"v:0"})
    assert lag.take(packet(late=LIMIT + 1), video)[0][1] is False
    assert not any(lag.take(packet(), video)[0][1] for _ in range(MOST_PACKETS))
    assert lag.take(packet(), video)[0][1] is True


def test_not_more_is_held_than_it_may():
    lag, video = Lag(LIMIT), frozenset({"v:0"})
    out = lag.take(packet(late=LIMIT + 1, key=True), video)
    for _ in range(MOST_PACKETS):
        out += lag.take(packet(late=LIMIT), video)
    assert len(out) >= MOST_PACKETS
    assert not any(decode for _, decode in out)


@pytest.fixture(scope="module")
def open_gops(tmp_path_factory):
    """Noise in groups of pictures whose first ones, as they are shown, need the group before."""
    path, rng = tmp_path_factory.mktemp("gops") / "open.ts", np.random.default_rng(1)
    options = {"x264-params": "open-gop=1:bframes=3:b-adapt=0:keyint=12:scenecut=0:log=-1"}
    with av.open(str(path), "w") as sink:
        video = sink.add_stream("libx264", rate=25, options=options)
        video.width, video.height, video.pix_fmt = 128, 96, "yuv420p"
        for number in range(100):
            frame = av.VideoFrame.from_ndarray(rng.integers(16, 235, (144, 128), np.uint8), "yuv420p")
            frame.pts = number
            sink.mux(video.encode(frame))
        sink.mux(video.encode(None))
    return path


def numbered(path):
    """What a file's packets give, and which of them are key frames."""
    _, whole = decode(path)
    return whole, [number for number, each in enumerate(whole) if each.facts and each.facts.key]


def pictures(given_):
    return {p.stamp.pts: bytes(np.concatenate([plane.lines.reshape(-1) for plane in p.planes]))
            for each in given_ for p in each.pictures}  # fmt: skip


def test_pictures_that_need_what_was_passed_over_are_passed_over_too(open_gops):
    whole, keys = numbered(open_gops)
    key, until = keys[5], whole[keys[5]].facts.stamp.pts
    leading = [each for each in whole[key + 1 : key + 5] if each.facts.stamp.pts < until]
    assert leading, "the clip is not what it should be"
    _, parted = decode(open_gops, range(20, key))
    assert not [each.facts.error for each in parted if each.facts and each.facts.error]
    assert sum(each.skipped for each in parted) == key - 20 + len(leading)
    was, now = pictures(whole), pictures(parted)
    assert len([pts for pts in now if pts >= until]) > 30
    assert {pts: now[pts] for pts in now if pts >= until} == {pts: was[pts] for pts in was if pts >= until}
    assert all(now[pts] == was[pts] for pts in now)
    assert Counter(len(each.pictures) for each in parted if each.skipped)[0] >= key - 21
    assert not next(p for each in parted for p in each.pictures if p.stamp.pts >= until).clean


def test_no_picture_is_shown_while_others_are_passed_over(open_gops):
    _, keys = numbered(open_gops)
    tracks, parted = decode(open_gops, range(keys[2], keys[5]))
    batcher = VideoBatcher("v:0", tracks[0].base, FILE)
    given_ = [batch for each in parted for picture in each.pictures for batch in batcher.add(picture)]
    frames = [frame for batch in (*given_, *batcher.flush()) for frame in batch.frames]
    assert {frame.duration for frame in frames} == {3600}
    times = [frame.stamp.time for frame in frames]
    steps = Counter(after - before for before, after in pairwise(times))
    assert steps[3600] == len(frames) - 2 > 40
    assert max(steps) > (keys[5] - keys[2]) * 3600


class Slow(Direct):
    """Meters that stop for a while, once."""

    SECONDS = 2 * LIMIT
    waited = False

    def send(self, batch):
        if not self.waited and batch.base.seconds(batch.frames[0].stamp.time) > 6:
            self.waited = True
            time.sleep(self.SECONDS)
        yield from super().send(batch)


@pytest.fixture(scope="module")
def fallen_behind(tmp_path_factory):
    """The document of a channel whose meters stopped for longer than it may lag, and its summary."""
    port = free_port()
    limits = QUICK.model_copy(update={"max_lag_seconds": LIMIT, "stall_seconds": 20.0})
    told = []
    watch = Watch(str(tmp_path_factory.mktemp("lag")), port, Slow, limits, settings=PATIENT)
    with Channel(port) as channel, watch:
        watch.owner.on_progress = told.append
        channel.at(48)
        yield watch.end(), watch, told


def test_what_is_passed_over_stands_in_coverage(fallen_behind):
    document, _, _ = fallen_behind
    dropped = [c for c in document["coverage"] if c["state"] == "dropped"]
    assert {c["reason"] for c in dropped} == {REASON}
    assert {c["track"] for c in dropped} == {"v:0"}
    assert 2 < sum(c["end_seconds"] - c["start_seconds"] for c in dropped) < 45
    assert unbroken(document, "v:0")


def test_sound_is_heard_all_the_while(fallen_behind):
    document, _, _ = fallen_behind
    assert {c["state"] for c in document["coverage"] if c["track"] == "a:0"} == {"analysed"}


def test_the_ledger_balances_with_what_was_passed_over(fallen_behind):
    _, watch, told = fallen_behind
    ledger = summaries(watch.recorder.uri)[watch.stream]["ledger"]["v:0"]
    assert ledger["skipped"] == told[-1].dropped
    assert ledger["packets"] == ledger["decoded"] + ledger["errors"] + ledger["skipped"]
    assert not unexplained(watch.recorder.uri)
    assert told[-1].dropped > 40
    late = [progress.late_seconds for progress in told]
    assert max(late) > LIMIT
    assert min(late[late.index(max(late)) :]) < LIMIT, "and catches up"


def test_passing_over_is_no_defect_of_the_stream(fallen_behind):
    _, watch, _ = fallen_behind
    found = events(watch.recorder, kind="closed")
    assert found
    assert {event["detector"] for event in found} <= {"black", "freeze"}, "and a black picture does not move"
    for event in found:
        for edge in (event["start_pts"], event["start_pts"] + event["end"] - event["start"]):
            assert any(pts_at(of) <= edge <= pts_at(until) for of, until in BLACK), event
