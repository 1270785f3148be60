"""Decoding a source once more: the batches of its owner, known by their marks, and a word where they are not."""

import weakref
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.again import MARKED_LINES, Again, Unlike, batches, mark
from actors.clock import Stamp, TimeBase
from actors.detectors import DETECTORS
from actors.hop import Direct
from actors.limits import Limits
from actors.measure.picture import PictureMeter
from actors.measuring import METRICS, measure_video
from actors.media import Batch, Frame, VideoFormat
from actors.networks import Networks
from actors.owner import Owner
from actors.recorder import Recorder
from actors.schema import measured
from actors.source import open_source
from actors.task import Task
from actors.trust import Trust
from tests.actors.planes import make_planes
from tests.clips import generated_clip, real_clip
from tests.senders import HttpServer, bytes_of, free_port, remuxed
from tests.serve.defective import DEFECTS, defective

WANTED = frozenset(metric.name for metric in PictureMeter.metrics)
FORMAT = VideoFormat("h264", 32, 200, "yuv420p", 8, 1, 1, 3, "limited", "sdr")


def again(source, trust=None, wanted=WANTED):
    return Again(str(source), Limits(), trust, wanted)


def analysed(source, folder, hop):
    """Have an owner analyse a source through a hop."""
    recorder = Recorder(str(folder), {table: measured(metrics) for table, metrics in METRICS.items()})
    task = Task("again", str(source), tuple(DETECTORS), {}, recorder.claim(["again"])["again"])
    return Owner(task, recorder, lambda table, where: recorder.read(table, where=where), hop=hop).run()


@pytest.mark.parametrize("name", [*DEFECTS, "bikes.mp4", "bigbuckbunny.ts"])
def test_rows_are_those_that_the_owner_measures(name, tmp_path):
    """Of damaged clips too, and of those whose decoders give what they held at a cut or at the end."""
    source = defective(name) if name in DEFECTS else real_clip("bikes.mp4")
    if name == "bigbuckbunny.ts":
        source = tmp_path / name
        source.write_bytes(remuxed(real_clip(), "mpegts"))
    other, compared = again(source), []

    class Compared(Direct):
        def send(self, batch):
            for rows in super().send(batch):
                there = other.measure(batch.track, batch.first_row, mark(batch))
                for column in rows.columns.keys() & there.columns.keys():
                    np.testing.assert_array_equal(rows.columns[column], there.columns[column], err_msg=column)
                compared.append((len(batch.frames), len(rows.columns.keys() & there.columns.keys())))
                yield rows

    document = analysed(source, tmp_path / "results", Compared)
    assert document["status"] in ("completed", "partial")
    assert sum(frames for frames, _ in compared) >= 90
    assert len(compared) >= 2
    assert min(columns for _, columns in compared) > 10


def test_what_is_recorded_is_passed_over_before_anything_is_asked_for():
    source = generated_clip(seconds=130, size=(64, 48), rate=5, layout=None)
    with open_source(source) as opened:
        whole = list(batches(opened, Limits()))
    assert {batch.window for batch in whole} == {0, 1, 2}
    rest = [batch for batch in whole if batch.window > 0]
    here = again(source)
    here.ready({"video/v:0": 0, "video/v:1": 7, "audio/a:0": 9})
    asked = [here.measure(batch.track, batch.first_row, mark(batch)) for batch in rest]
    assert [rows.first_row for rows in asked] == [batch.first_row for batch in rest]
    assert sum(len(rows.columns["pts"]) for rows in asked) >= 340
    context = measure_video(PictureMeter(), rest[0], WANTED).columns["difference"]
    np.testing.assert_array_equal(asked[0].columns["difference"], context)
    assert not np.isnan(context).any()


def test_what_is_not_asked_for_is_passed_over_for_good():
    with open_source(defective("plain.mp4")) as opened:
        whole = list(batches(opened, Limits()))
    assert len(whole) >= 4
    here = again(defective("plain.mp4"))
    assert here.measure("v:0", whole[2].first_row, mark(whole[2])).first_row == whole[2].first_row
    with pytest.raises(Unlike, match=f"picture {whole[1].first_row} of v:0 begins no batch"):
        here.measure("v:0", whole[1].first_row, mark(whole[1]))


def test_while_it_decodes_it_holds_no_batch(monkeypatch):
    """A decoder that finds its memory given back later than at the owner makes other pictures of damaged bytes."""

    class Weak(Batch):
        """A batch that can be referred to weakly."""

    whole, marks, alive = made(np.random.default_rng(5), 2), [], []

    def given_back(source, limits):
        for number in range(8):
            facts = (whole.track, whole.base, whole.format, whole.frames, (), 2 * number, number // 3)
            batch = [Weak(*facts)]
            held = weakref.ref(batch[0])
            marks.append(mark(batch[0]))
            yield batch.pop()
            alive.append(held() is not None)

    monkeypatch.setattr("actors.again.batches", given_back)
    here = again(defective("plain.mp4"))
    here.ready({"video/v:0": 0})
    assert len(marks) == 4
    assert here.measure("v:0", 6, marks[3]).first_row == 6
    here.ready({"video/v:0": 1})
    assert here.measure("v:0", 12, marks[6]).first_row == 12
    with pytest.raises(Unlike, match="ends before picture 16"):
        here.measure("v:0", 16, "")
    assert alive == [False] * 8


def first(path):
    with open_source(path) as opened:
        return next(batches(opened, Limits()))


def test_another_file_under_its_name_is_noticed(tmp_path):
    batch = first(defective("plain.mp4"))
    with pytest.raises(Unlike, match="its pictures from 0 of v:0 on are others there"):
        again(defective("wrap.ts")).measure("v:0", 0, mark(batch))
    with pytest.raises(Unlike, match="it ends before picture 100000 of v:0 there"):
        again(defective("plain.mp4")).measure("v:0", 100_000, mark(batch))


def test_a_source_that_cannot_be_had_says_why_without_its_secrets(tmp_path):
    with pytest.raises(Unlike, match=r"it cannot be read there: .*gone.mp4: no such file"):
        again(tmp_path / "gone.mp4").measure("v:0", 0, "")
    here = again("http://me:hidden@127.0.0.1:1/clip.mp4?token=concealed")
    here.ready({})
    with pytest.raises(Unlike, match="it cannot be read there") as told:
        here.measure("v:0", 0, "")
    assert "127.0.0.1" in str(told.value)
    assert "hidden" not in str(told.value)
    assert "concealed" not in str(told.value)


def test_trust_is_the_owners():
    nothing = Trust(("/nowhere",), Networks.of(("public",)))
    with pytest.raises(Unlike, match="SIGHTLINE_ALLOWED_ROOTS"):
        again(defective("plain.mp4"), nothing).measure("v:0", 0, "")
    with HttpServer() as server:
        server.routes["/plain.mp4"] = bytes_of(defective("plain.mp4").read_bytes())
        here = again(server.url("/plain.mp4"), nothing)
        with pytest.raises(Unlike, match="SIGHTLINE_ALLOWED_NETWORKS"):
            here.measure("v:0", 0, "")
    assert server.asked == []


def test_what_is_on_air_is_not_decoded_again():
    with pytest.raises(Unlike, match="it is on air"):
        again(f"udp://127.0.0.1:{free_port()}").measure("v:0", 0, "")


def made(rng, count, first_row=0, context=0):
    frames = tuple(
        Frame(Stamp(0, 0, number, number), 1, make_planes(rng, 32, 200, 8, padding=4), False, False, 100 + number,
              number > 0, 1)
        for number in range(context + count)
    )  # fmt: skip
    return Batch("v:0", TimeBase(1, 25), FORMAT, frames[context:], frames[:context], first_row, 0)


@given(st.integers(0, 99), st.integers(1, 4), st.integers(0, 2))
def test_a_mark_is_of_what_is_in_a_batch_and_not_of_where_it_lies(seed, count, context):
    batch, other = (made(np.random.default_rng(seed), count, context=context) for _ in range(2))
    for frame in other.frames:
        for plane in frame.planes:
            plane.lines[:, plane.width :] += 1
    assert mark(batch) == mark(other)
    assert len(mark(batch)) == 32


@given(
    st.integers(0, 99), st.data(),
    st.sampled_from([
        {"stamp": Stamp(0, 0, 7, 7)}, {"stamp": Stamp(1, 0, 0, 0)}, {"duration": 9}, {"coded": 9}, {"key": True},
        {"corrupt": True}, {"packet_bytes": 99}, {"suspect": True},
    ]),
)  # fmt: skip
def test_a_fact_that_differs_shows_in_the_mark(seed, data, fact):
    batch = made(np.random.default_rng(seed), 3)
    at = data.draw(st.integers(0, 2))
    frames = tuple(replace(one, **fact) if number == at else one for number, one in enumerate(batch.frames))
    assert mark(replace(batch, frames=frames)) != mark(batch)


@given(st.integers(0, 99), st.integers(0, 2), st.integers(0, 2), st.integers(0, 2))
def test_a_pixel_of_a_line_that_is_looked_at_shows_in_the_mark(seed, frame, plane, line):
    batch = made(np.random.default_rng(seed), 3)
    before = mark(batch)
    lines = batch.frames[frame].planes[plane].lines
    lines[line * MARKED_LINES % len(lines) // MARKED_LINES * MARKED_LINES, 3] ^= 1
    assert mark(batch) != before


def test_what_is_around_a_batch_shows_in_the_mark():
    batch = made(np.random.default_rng(1), 3, context=2)
    others = [
        replace(batch, track="v:1"), replace(batch, first_row=1), replace(batch, window=1),
        replace(batch, context=batch.context[1:]), replace(batch, frames=batch.frames[:2]),
        replace(batch, format=replace(FORMAT, transfer="pq")), replace(batch, base=TimeBase(1, 50)),
    ]  # fmt: skip
    assert len({mark(one) for one in (batch, *others)}) == 1 + len(others)
