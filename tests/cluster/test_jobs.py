"""Jobs: what a specification becomes, how it lies in its store, and what may be changed of it."""

import json

import pytest

from actors.document import NO_USAGE
from actors.errors import SettingError, StorageError
from cluster.bucketserver import BUCKET, bucket_server
from cluster.desired import Desired
from cluster.job import JobSpec
from cluster.jobs import JobStore, Outcome, Unfit, changed, new
from cluster.spent import Usage
from tests.cluster.bucketed import environment

NOTHING = Usage(**NO_USAGE)
SECRET = "whsec_" + "c2VjcmV0c2VjcmV0"


def spec(*sources, **fields):
    return JobSpec.model_validate({"streams": [{"source": source} for source in sources], **fields})


@pytest.fixture
def store(tmp_path):
    return JobStore(str(tmp_path))


def test_streams_take_the_defaults_and_win_over_them():
    job = new(JobSpec.model_validate({
        "defaults": {"detectors": ["freeze"], "settings": {"freeze": {"noise": 0.1, "drift": 2}}, "tags": {"a": "1"}},
        "streams": [
            {"source": "/a.ts", "name": "one", "settings": {"freeze": {"drift": 3}}, "tags": {"b": "2"}},
            {"source": "/b.ts", "detectors": ["black"]},
        ],
    }))  # fmt: skip
    one, other = job.streams.values()
    assert next(iter(job.streams)) == "one"
    assert one.settings == {"freeze": {"noise": 0.1, "drift": 3}}
    assert (one.detectors, one.tags) == (("freeze",), {"a": "1", "b": "2"})
    assert (other.detectors, other.tags) == (("black",), {"a": "1"})


def test_a_job_is_read_back_as_it_was_and_only_its_file_holds_the_secret(store, tmp_path):
    job = new(spec("/a.ts", "udp://0.0.0.0:1", webhook={"url": "https://example.org", "secret": SECRET}), "key")
    store.put(job)
    (read,) = store.all().values()
    assert read == job
    assert read.spec.webhook.secret.get_secret_value() == SECRET
    (path,) = (tmp_path / "jobs").iterdir()
    assert SECRET in path.read_text()
    assert SECRET not in job.model_dump_json() + repr(job)


def test_a_draft_that_a_crash_left_is_no_job(store, tmp_path):
    store.put(new(spec("/a.ts")))
    (tmp_path / "jobs" / ".draft").write_text('{"half')
    assert len(store.all()) == 1


def test_a_job_of_another_version_is_an_error_that_names_it(store, tmp_path):
    job = new(spec("/a.ts"))
    store.put(job)
    path = tmp_path / "jobs" / f"{job.id}.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "schema_version": 2}))
    with pytest.raises(Exception, match=f"{job.id}.json: is no job of this version"):
        store.all()


def test_a_setting_that_does_not_exist_is_refused():
    with pytest.raises(SettingError, match="no setting 'nois'"):
        new(spec("/a.ts", defaults={"settings": {"freeze": {"nois": 1}}}))


def test_a_key_makes_a_job_once(store):
    desired = Desired(store)
    first, created = desired.submit(new(spec("/a.ts"), "k"))
    assert created
    again, created = desired.submit(new(spec("/a.ts"), "k"))
    assert (again.id, created) == (first.id, False)
    with pytest.raises(Unfit, match="idempotency key"):
        desired.submit(new(spec("/b.ts"), "k"))


def test_a_stream_is_watched_by_one_job_at_a_time(store):
    desired = Desired(store)
    first, _ = desired.submit(new(spec("/a.ts", "/b.ts")))
    with pytest.raises(Unfit, match=f"watched by the job {first.id} already"):
        desired.submit(new(spec("/b.ts")))
    desired.change(first.id, "stopped", None)
    second, _ = desired.submit(new(spec("/b.ts")))
    with pytest.raises(Unfit, match=f"watched by the job {second.id} already"):
        desired.change(first.id, "running", None)
    assert desired.forget(second.id)
    assert desired.change(first.id, "running", None).open == list(first.streams)


def test_what_failed_is_tried_again_and_what_is_done_is_not(store):
    desired = Desired(store)
    job, _ = desired.submit(new(spec("/a.ts", "/b.ts")))
    a, b = job.streams
    desired.conclude(job.id, a, Outcome(status="completed"), NOTHING)
    desired.conclude(job.id, b, Outcome(status="failed", error="no such file"), NOTHING)
    assert Desired(store).all()[job.id].open == []
    assert desired.change(job.id, "running", None).open == [b]
    desired.conclude(job.id, b, Outcome(status="completed"), NOTHING)
    with pytest.raises(Unfit, match="has completed"):
        desired.change(job.id, "running", None)


def test_tags_are_set_and_taken_away():
    job = new(spec("/a.ts", defaults={"tags": {"a": "1", "b": "2"}}))
    assert changed(job, None, {"a": None, "c": "3"}).tags == {"b": "2", "c": "3"}


def test_jobs_lie_in_a_bucket_too(monkeypatch):
    pytest.importorskip("moto")
    with bucket_server() as server:
        for name, value in environment(server.port).items():
            monkeypatch.setenv(name, value)
        store, job = JobStore(f"s3://{BUCKET}/results"), new(spec("/a.ts", "/b.ts"))
        store.put(job)
        assert store.all() == {job.id: job}
        store.delete(job.id)
        assert store.all() == {}


def test_jobs_are_read_as_soon_as_the_storage_answers():
    class Away:
        asked = 0

        def all(self):
            self.asked += 1
            if self.asked < 3:
                raise StorageError("s3://b: its jobs cannot be read")
            return {}

    store = Away()
    assert Desired.once_readable(store, 0.0).all() == {}
    assert store.asked == 3
