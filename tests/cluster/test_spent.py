"""Usage of many streams, what becomes of it in a job, and a detector's memory among its streams."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.document import NO_USAGE
from cluster.desired import Desired
from cluster.job import JobSpec
from cluster.jobs import JobStore, Outcome, new
from cluster.share import Share
from cluster.spent import Usage, after, together

COUNTS = [name for name, value in NO_USAGE.items() if isinstance(value, int)]
SECONDS = [name for name, value in NO_USAGE.items() if isinstance(value, float)]

usages = st.builds(
    lambda counts, seconds: Usage(**{**NO_USAGE, **counts, **seconds}),
    st.fixed_dictionaries({name: st.integers(0, 10**12) for name in COUNTS}),
    st.fixed_dictionaries({name: st.integers(0, 10**9).map(lambda us: us / 10**6) for name in SECONDS}),
)


def usage(**given):
    return Usage(**{**NO_USAGE, **given})


def test_it_has_the_keys_of_the_document():
    assert Usage.model_fields.keys() == NO_USAGE.keys()


@given(st.lists(usages, min_size=1, max_size=5))
def test_streams_add_up(given_):
    whole = together(given_)
    for name in COUNTS:
        assert getattr(whole, name) == sum(getattr(one, name) for one in given_)
    for name in SECONDS:
        assert getattr(whole, name) == pytest.approx(sum(getattr(one, name) for one in given_), abs=1e-5)


@given(usages, usages)
def test_memory_is_not_held_twice_by_a_stream_that_goes_on(first, second):
    both = after(first, second)
    assert both.peak_memory_bytes == max(first.peak_memory_bytes, second.peak_memory_bytes)
    assert both.batches == first.batches + second.batches


def test_no_streams_have_no_usage():
    assert together([]) is None


def test_a_job_keeps_the_usage_of_its_streams_through_stopping_and_going_on(tmp_path):
    desired = Desired(JobStore(str(tmp_path)))
    job = new(JobSpec.model_validate({"streams": [{"source": "/a.ts", "name": "a"}, {"source": "/b.ts", "name": "b"}]}))
    desired.submit(job)
    desired.conclude(job.id, "a", None, usage(batches=3, peak_memory_bytes=9))
    assert desired.of("a").open == ["a", "b"]
    desired.conclude(job.id, "a", Outcome(status="completed"), usage(batches=4, peak_memory_bytes=5))
    desired.conclude(job.id, "b", Outcome(status="failed"), usage(batches=10, peak_memory_bytes=1))
    (stored,) = JobStore(str(tmp_path)).all().values()
    assert stored.usage["a"].batches == 7
    whole = together(stored.usage.values())
    assert (whole.batches, whole.peak_memory_bytes) == (17, 10)


def test_a_job_of_before_usage_was_kept_has_none(tmp_path):
    store = JobStore(str(tmp_path))
    job = new(JobSpec.model_validate({"streams": [{"source": "/a.ts"}]}))
    store.put(job)
    path = tmp_path / "jobs" / f"{job.id}.json"
    text = json.loads(path.read_text())
    del text["usage"]
    path.write_text(json.dumps(text))
    assert store.all()[job.id].usage == {}


@given(st.lists(st.tuples(st.integers(0, 3), st.floats(0.001, 2)), min_size=1, max_size=50), st.integers(1, 10**10))
def test_a_detectors_memory_is_parted_among_its_streams(answers, peak):
    shares, parts, burnt = {}, {}, 0.0
    for stream, seconds in answers:
        burnt += seconds
        parts[stream] = shares.setdefault(stream, Share()).of(seconds, burnt, peak)
        assert 0 <= parts[stream] <= peak
    if len(parts) == 1:
        assert parts.popitem()[1] == pytest.approx(peak, rel=1e-6, abs=1)


def test_two_streams_at_one_time_have_half_each_and_a_new_detector_begins_anew():
    mine, other, burnt = Share(), Share(), 0.0
    for _ in range(100):
        burnt += 2.0
        half = [mine.of(1.0, burnt - 1.0, 1000), other.of(1.0, burnt, 1000)]
    assert half[0] == pytest.approx(500, abs=10)
    assert half[1] == pytest.approx(500, abs=10)
    assert other.of(1.0, 1.0, 400) == pytest.approx(500, abs=10)
