"""Measurements of users' models as the API gives them: a row for each picture, page by page."""

import numpy as np
import pytest

from actors.clock import TimeBase
from actors.measure import Rows
from actors.measuring import schemas
from actors.recorder import Recorder, Unit, application, pack
from actors.tabled import to_table
from serve.api.backend import Refused
from serve.api.values import MeasurementQuery
from serve.replica.results import Results

PICTURES = 25
NAMES = ("noise.mean", "noise.spread")


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """A stream of 25 pictures and two metrics; the last ten have no value."""
    uri = str(tmp_path_factory.mktemp("measured") / "results")
    recorder = Recorder(uri, schemas(models=True))
    fence = recorder.claim(["s"])["s"]
    number = np.arange(PICTURES)
    why = np.where(number < 15, "", "raised: ValueError").astype(np.object_)
    columns = {
        "epoch": np.zeros(PICTURES, np.int64), "wrap": np.zeros(PICTURES, np.int64), "pts": number * 40,
        "time": number * 40, "duration": np.full(PICTURES, 40), "noise.why": why,
        "noise.mean": np.where(number < 15, number / 2, np.nan), "noise.spread": np.where(number < 15, 1.0, np.nan),
    }  # fmt: skip
    rows = Rows("metrics", "v:0", TimeBase(1, 1000), "h264 2x2 yuv420p 8 000 limited sdr", 0, 0, columns)
    table = to_table(rows, "s", 0)
    recorder.commit([Unit("metrics", application("s", 0, "v:0"), pack(0, 0), "s", fence, table)])
    return Results(uri)


def pages(results, **asked):
    query = MeasurementQuery(table="metrics", stream="s", **asked)
    while True:
        page = results.measurements(query)
        yield page.items
        if page.next is None:
            return
        query = query.model_copy(update={"cursor": page.next})


@pytest.mark.parametrize("limit", [1, 4, 5, 24, 25, 100])
def test_every_picture_is_there_once_with_all_metrics(results, limit):
    parts = list(pages(results, limit=limit))
    assert [len(part) for part in parts[:-1]] == [limit] * (len(parts) - 1)
    found = [one for part in parts for one in part]
    assert [one.row for one in found] == list(range(PICTURES))
    assert [one.metrics["noise.mean"] for one in found] == [n / 2 if n < 15 else None for n in range(PICTURES)]
    assert {tuple(one.metrics) for one in found} == {NAMES}
    assert [one.start_seconds for one in found] == pytest.approx([n / 25 for n in range(PICTURES)])


def test_metrics_and_seconds_can_be_chosen(results):
    (found,) = pages(results, metric=("noise.spread",), from_seconds=0.2, to_seconds=0.4)
    assert [(one.row, one.metrics) for one in found] == [(n, {"noise.spread": 1.0}) for n in range(5, 10)]


def test_a_metric_that_there_is_not_is_refused_with_those_that_there_are(results):
    with pytest.raises(Refused, match=r"metrics has no metric 'noise.most'; it has noise.mean, noise.spread"):
        list(pages(results, metric=("noise.most",)))
    with pytest.raises(Refused, match="it has none of this stream"):
        results.measurements(MeasurementQuery(table="metrics", stream="other", metric=("noise.mean",)))
