"""Streams of one process, each on a thread of its own: results as of streams alone, and who may begin beside whom."""

import time

import pytest

from actors import stored
from actors.breadcrumb import CRASHES, Breadcrumb
from actors.clock import Stamp, TimeBase
from actors.hop import Direct
from actors.hosted import Hosted, Order
from actors.measuring import METRICS
from actors.recorder import Recorder
from actors.schema import measured
from actors.sharing import Process
from actors.url import stream_name
from actors.verify import verify
from cluster.analysis import analyse
from cluster.job import Analysis
from tests.equal import assert_equal, unexplained
from tests.senders import free_port
from tests.serve.defective import defective

CLIPS = ("plain.mp4", "lost.ts", "wrap.ts", "flipped.ts")
DETECTORS = ("black", "freeze", "silence", "decode_errors", "timestamps")
LEAST = {"video": 700, "audio": 300, "packets": 2000, "black": 2, "silence": 3, "freeze": 2, "decode_errors": 2}


class Recording:
    """A recorder as an owner sees it through its actor."""

    def __init__(self, uri):
        self.uri = str(uri)
        self._recorder = Recorder(self.uri, {table: measured(metrics) for table, metrics in METRICS.items()})
        self.commit = self._recorder.commit

    def claim(self, stream):
        return self._recorder.claim([stream])[stream], stored.load(self._recorder, [stream]).get(stream)

    def host(self, process, stream, source, *, apart=False):
        order = Order(stream, str(source), DETECTORS, {}, None, apart=apart)
        return Hosted(order, self.uri, self, Direct, process)


def ended(hosted, seconds=60):
    until = time.monotonic() + seconds
    while not all(one.report().outcome for one in hosted):
        assert time.monotonic() < until
        time.sleep(0.02)
    return [one.report() for one in hosted]


def test_streams_of_one_process_give_what_each_gives_alone(tmp_path):
    sources = [str(defective(name)) for name in CLIPS]
    alone, together, process = str(tmp_path / "alone"), Recording(tmp_path / "together"), Process()
    assert len(list(analyse(sources, Analysis(results=alone, detectors=DETECTORS, jobs=1)))) == len(CLIPS)
    began = time.process_time()
    hosted = [together.host(process, stream_name(source), source) for source in sources]
    for one in hosted:
        one.beside(others=True)
    reports = ended(hosted)
    whole = time.process_time() - began
    assert [report.outcome for report in reports] == ["done"] * len(CLIPS)
    assert sum(report.frames for report in reports) >= LEAST["video"]
    assert assert_equal(together.uri, alone, **LEAST).streams == len(CLIPS)
    assert verify(together.uri) == []
    assert unexplained(together.uri) == {}
    burnt = [report.document["usage"]["cpu_seconds"] for report in reports]
    assert min(burnt) > 0.02
    assert 0.5 * whole < sum(burnt) < whole + 0.02


def test_a_live_stream_that_nothing_came_of_is_live(tmp_path):
    source = f"udp://127.0.0.1:{free_port()}"
    silent = Recording(tmp_path).host(Process(), stream_name(source), source)
    until = time.monotonic() + 30
    while not silent.report().live:
        assert time.monotonic() < until
        time.sleep(0.02)
    silent.stop()
    (report,) = ended([silent])
    assert (report.live, report.frames, report.outcome) == (True, 0, "done")


@pytest.mark.parametrize("deaths", [0, 1, 2])
def test_after_two_deaths_a_stream_begins_only_apart(tmp_path, deaths):
    recording, process = Recording(tmp_path / "results"), Process()
    for _ in range(deaths):
        Breadcrumb(recording.uri, "one")
    (report,) = ended([recording.host(process, "one", defective("short.mp4"))])
    assert (report.outcome, report.apart) == (("apart", True) if deaths == 2 else ("done", False))
    (report,) = ended([recording.host(process, "one", defective("short.mp4"), apart=True)])
    assert (report.outcome, report.apart, report.document["status"]) == ("done", True, "completed")


def test_put_aside_is_who_died_at_one_place_the_last_time_alone(tmp_path):
    recording, process = Recording(tmp_path / "results"), Process()
    outcomes = []
    for _ in range(2):
        for times in range(CRASHES):
            trace = Breadcrumb(recording.uri, "one")
            trace.beside(times < 2 or not outcomes)
            trace.leave("v:0", TimeBase(1, 90_000), Stamp(0, 0, 90_000, 90_000))
        outcomes += ended([recording.host(process, "one", defective("short.mp4"), apart=True)])
    assert [report.outcome for report in outcomes] == ["done", "quarantined"]
    assert "crashed 3 times at 1.000 s" in outcomes[1].document["error"]
