"""A judgement that comes again: its receiver is told of what is new in it, and of nothing that it knows."""

import asyncio
from datetime import timedelta

import pytest

from actors.tables import Table, exists
from cluster.analysis import analyse
from cluster.job import Analysis, JobSpec
from cluster.jobs import new
from serve.webhook.outbox import BEGINNING, Outbox, Position
from serve.webhook.retold import Retold, Telling
from tests.serve.listener import LOOPBACK, SECRET, WANTED, Listener, Log, notifier_to
from tests.serve.running import broken

HOLD = timedelta(seconds=2)
EVERYTHING = Telling(BEGINNING, Position(10**6, 0), WANTED)


class Judged(Log):
    """A log of which parts are of later judgements."""

    judgement = run = 0

    def add(self, kind, incident=0, seconds=0.0, **changes):
        super().add(kind, incident, seconds, **changes)
        self.rows[-1] |= {"judgement": self.judgement, "run": self.run}
        return self

    def again(self):
        self.judgement += 1
        return self

    def of(self, judgement):
        return [row for row in self.rows if row["judgement"] == judgement]


def news(log, tellings=(EVERYTHING,)):
    """What is new in a log's last judgement: kinds and numbers of incidents."""
    retold = Retold(HOLD)
    (judgement,) = retold.unknown(log.of(log.judgement))
    retold.learn(judgement, [row for row in log.rows if row["judgement"] < log.judgement], tellings)
    assert retold.unknown(log.rows[-1:]) == []
    return [(row["kind"], row["start_pts"]) for row in log.of(log.judgement) if retold.is_news(row)]


def test_what_is_said_again_is_no_news_and_what_was_not_known_is():
    log = Judged().incidents(3).again().incidents(4)
    assert news(log) == [("opened", 3), ("closed", 3), ("updated", 3)]


def test_another_end_is_told_without_opening_it_again():
    log = Judged().add("opened").add("closed", seconds=9).add("opened", 1, 20).add("closed", 1, 29)
    log.again().add("opened", seconds=60).add("closed", seconds=60, end=77).add("opened", 1, 60).add("closed", 1, 60)
    assert news(log) == [("closed", 0)]


def test_one_that_was_open_is_told_when_it_closes():
    log = Judged().add("opened").again().add("opened", seconds=60).add("closed", seconds=60)
    assert news(log) == [("closed", 0)]


def test_an_explanation_that_is_another_is_told_once():
    log = Judged().add("opened").add("closed", seconds=9).add("updated", seconds=10, explained_by="cause")
    log.again().add("opened", seconds=60).add("closed", seconds=60).add("updated", seconds=60, explained_by="cause")
    assert news(log) == []
    log.again().add("opened", seconds=90).add("closed", seconds=90, explained_by="other")
    assert news(log) == [("closed", 0)]


def test_what_was_explained_and_so_not_told_is_told_when_nothing_explains_it_any_more():
    log = Judged().add("opened").add("updated", seconds=1, explained_by="cause")
    log.add("closed", seconds=2, explained_by="cause")
    log.again().add("opened", seconds=60).add("closed", seconds=60)
    assert news(log) == [("opened", 0), ("closed", 0)]


def test_what_an_earlier_judgement_did_not_find_again_is_known_all_the_same():
    log = Judged().incidents(2).again().add("opened", 1, 60).add("closed", 1, 60).again().incidents(2)
    assert news(log) == []


@pytest.mark.parametrize(
    "telling",
    [
        Telling(Position(3, 0), Position(10**6, 0), WANTED),  # of a job that was submitted later
        Telling(BEGINNING, BEGINNING, WANTED),  # that has not come so far
        Telling(BEGINNING, Position(10**6, 0), ("warning",)),  # that tells of others only
        Telling(BEGINNING, Position(10**6, 0), WANTED, [Position(place, 0) for place in range(4)]),  # that gave up
    ],
)
def test_what_was_not_told_to_this_receiver_is_news(telling):
    log = Judged().add("opened").add("closed", seconds=9).add("opened", 1, 20).add("closed", 1, 29)
    log.again().add("opened", seconds=60).add("closed", seconds=60)
    assert news(log, [telling]) == news(log, []) == [("opened", 0), ("closed", 0)]
    assert news(log, [telling, EVERYTHING]) == []


def test_the_first_judgement_of_a_new_run_is_told_whole():
    log = Judged().incidents(2)
    log.run = 1
    log.incidents(2)
    retold = Retold(HOLD)
    assert retold.unknown(log.rows) == []
    assert all(map(retold.is_news, log.rows))


def test_what_is_pending_is_told_after_a_restart_whatever_was_told_meanwhile(tmp_path):
    """An event that was news once stays to be delivered."""
    log = Judged().add("opened").again().add("closed", seconds=60).add("closed", 1, 60)

    async def tell():
        outbox = Outbox(str(tmp_path), "job-1")
        outbox.add(log.ids()[1], Position(1, 0))
        async with (
            Listener() as listener,
            notifier_to(listener.url, outbox, is_news=lambda row: not row["judgement"]) as notifier,
        ):
            await notifier.push(log.rows)
            await notifier.drained()
            return [taken.id for taken in listener.came]

    assert asyncio.run(tell()) == [log.ids()[1]]


class Cluster:
    """What a notifier asks of the supervisor and the recorder, over tables that `analyze` writes."""

    def __init__(self, uri, monkeypatch):
        self.uri, self.jobs = uri, {}
        monkeypatch.setattr("serve.webhook.notify.call", self.call)

    def submit(self, url, **settings):
        """A job with a webhook, run to its end; and what it has found, by detector."""
        streams = [{"source": str(broken()), "settings": settings}]
        hook = {"url": url, "secret": SECRET, "severities": WANTED}
        job = new(JobSpec.model_validate({"streams": streams, "webhook": hook}), told_from=self.newest())
        (document,) = analyse([str(broken())], Analysis(results=self.uri, jobs=1, settings=settings))
        assert document["stream"] in job.streams
        self.jobs[job.id] = job.model_copy(update={"desired": "stopped"})
        return job, {incident["detector"]: incident for incident in document["incidents"]}

    def rows(self):
        if not exists(self.uri, "events"):
            return []
        rows = [row for row in Table(self.uri, "events").read().to_pylist() if row["kind"] != "checkpoint"]
        return sorted(rows, key=lambda row: (row["commit"], row["place"]))

    def newest(self):
        return max(((row["commit"], row["place"]) for row in self.rows()), default=BEGINNING)

    async def call(self, actor, method, *arguments, **named):
        if method == "jobs":
            return self.jobs
        after, _, most = arguments
        return [row for row in self.rows() if (row["commit"], row["place"]) > after][:most]

    async def told(self, listener, job):
        """What the receiver is told by a job's webhook: kinds of events, and detectors."""
        from serve.webhook.notify import tell

        before = len(listener.came)
        await asyncio.wait_for(tell(self.uri, LOOPBACK, job), 60)
        return {(taken.event["type"].rpartition(".")[2], taken.event["subject"]) for taken in listener.came[before:]}


def test_a_job_with_other_settings_tells_its_receiver_nothing_twice(tmp_path, monkeypatch):
    """From tables as they are written; silence holds for 2.5 s."""
    import serve.webhook.notify  # noqa: F401 - it is there to be patched

    cluster = Cluster(str(tmp_path), monkeypatch)

    async def submitted():
        async with Listener() as one, Listener() as other:
            first, found = cluster.submit(one.url, silence={"minimum_seconds": 5.0})
            assert "silence" not in found
            told = [await cluster.told(one, first)]
            second, again = cluster.submit(one.url, silence={"minimum_seconds": 1.0})
            assert again["black"] == found["black"]
            assert {row["judgement"] for row in cluster.rows()} == {0, 1}
            told.append(await cluster.told(one, second))
            third, _ = cluster.submit(other.url, silence={"minimum_seconds": 1.5})
            told.append(await cluster.told(other, third))
            return told

    first, second, third = asyncio.run(submitted())
    assert {("opened", "black"), ("closed", "black")} <= first
    assert second == {("opened", "silence"), ("closed", "silence")}
    assert third == first | second
