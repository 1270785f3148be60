"""Models beside a live channel: one that is too slow and one that hangs make nothing late but themselves."""

from collections import Counter

import pytest

from actors import stored
from actors.measuring import schemas
from actors.models.scores import PASSED_OVER
from actors.owner import Owner
from actors.recorder import Recorder
from actors.source import stream_name
from actors.task import Task
from actors.verify import verify
from tests.actors.channel import Channel
from tests.actors.modelled import model
from tests.actors.test_pipeline_live import DETECTORS, QUICK, SETTINGS, Watch, until
from tests.senders import free_port


class Modelled(Watch):
    """The owner of a channel, with models."""

    def __init__(self, uri, port, *models):
        super().__init__(uri, port)
        self.recorder = Recorder(uri, schemas(models=True))
        fence = self.recorder.claim([self.stream])[self.stream]
        known = stored.load(self.recorder, [self.stream]).get(self.stream)
        task = Task(
            stream_name(self.url), self.url, DETECTORS, SETTINGS, fence, known, limits=QUICK, models=tuple(models)
        )
        self.owner = Owner(task, self.recorder, lambda table, where: self.recorder.read(table, where=where), self.stop)


@pytest.mark.slow
def test_a_slow_model_is_passed_over_and_one_that_hangs_is_cut_off(tmp_path):
    uri, port = str(tmp_path / "results"), free_port()
    models = model("Slow"), model("Hangs", timeout_seconds=2)
    with Channel(port, speed=1) as channel, Modelled(uri, port, *models) as watch:
        black = watch.committed("opened", "black")
        failed = watch.committed("opened", "detector_failed")
        until(lambda: channel.seconds > 40 or None)
        document = watch.end()
    assert document["status"] == "completed"
    assert {one["state"] for one in document["coverage"] if one["track"] == "v:0"} == {"analysed"}
    assert black["start"] >= 0
    assert failed["cause"] == "timed_out"
    assert [one["detector"] for one in document["incidents"]].count("black") == 2
    rows = watch.recorder.read("metrics").to_pylist()
    pictures = watch.recorder.read("video").num_rows
    slow = Counter(row["why"] for row in rows if row["metric"] == "slow.mean")
    assert slow.total() == pictures > 700
    assert slow.keys() == {None, PASSED_OVER}
    assert slow[None] >= 5
    hangs = Counter(row["why"] for row in rows if row["metric"] == "hangs.mean")
    assert hangs.total() == pictures
    assert hangs["timed_out: did not answer within 2 s"] > 0
    assert hangs.keys() <= {None, PASSED_OVER, "timed_out: did not answer within 2 s"}
    assert verify(uri) == []
