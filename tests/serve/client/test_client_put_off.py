"""A server that puts a command off (429): it waits as it is told, says so once, and gives up after a while."""

import json
from itertools import accumulate

import httpx
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from serve.client import client
from serve.client.address import Address
from serve.client.client import MOST_WAIT_SECONDS, Client, RefusedError
from tests.serve.served import documents, refused, run

URL = "http://127.0.0.1:1"
NOTE = f"sightline: {URL} can take no more just now; waiting as it says, 30 s at most"
NOTHING = {"items": [], "next": None}
JOB = {
    "id": "job-1", "status": "pending", "created_at": "2026-01-01", "shape": "auto", "tags": {}, "streams": [],
}  # fmt: skip


def put_off(after):
    headers = {} if after is None else {"Retry-After": after}
    return httpx.Response(429, json={"detail": "too much is asked at once"}, headers=headers)


class Putting:
    """A transport that gives answers in turn, the last one again and again. It never waits: ``waits`` are noted."""

    def __init__(self, monkeypatch, *answers):
        self.answers, self.asked, self.waits = list(answers), [], []
        monkeypatch.setattr(httpx.HTTPTransport, "handle_request", lambda transport, request: self.answer(request))
        monkeypatch.setattr(client.time, "sleep", self.waits.append)

    def answer(self, request):
        self.asked.append((request.method, request.url.path, request.read()))
        made = self.answers[0] if len(self.answers) == 1 else self.answers.pop(0)
        return made() if callable(made) else made


def test_it_waits_as_it_is_told_and_says_so_once(monkeypatch):
    page = {"items": [JOB], "next": "more"}
    server = Putting(
        monkeypatch, put_off("3"), put_off("2"), httpx.Response(200, json=page), put_off("7"),
        httpx.Response(200, json=NOTHING),
    )  # fmt: skip
    done = run(URL, "ls", "--json")
    assert done.exit_code == 0
    assert [job["id"] for job in json.loads(done.stdout)["items"]] == ["job-1"]
    assert done.stderr.splitlines() == [NOTE]
    assert server.waits == [3.0, 2.0, 7.0]


def test_what_was_put_off_is_submitted_whole(monkeypatch):
    server = Putting(monkeypatch, put_off("1"), httpx.Response(201, json=JOB))
    done = run(URL, "submit", "https://h/x")
    assert done.exit_code == 0
    assert done.stderr.splitlines() == [NOTE]
    first, second = server.asked
    assert first == second
    assert first[:2] == ("POST", "/v1/jobs")
    assert json.loads(first[2])["streams"] == [{"source": "https://h/x"}]


def test_a_server_that_puts_off_for_too_long_is_said_to(monkeypatch):
    server = Putting(monkeypatch, lambda: put_off("8"))
    done = run(URL, "ls")
    assert done.exit_code == 1
    assert done.stdout == ""
    told = "sightline: too much is asked at once; waited 24 s in vain; try again in 8 s (429)"
    assert done.stderr.splitlines() == [NOTE, told]
    assert server.waits == [8.0] * 3
    assert len(server.asked) == 4


@pytest.mark.parametrize(("after", "told"), [("100", "; try again in 100 s"), (None, ""), ("soon", "")])
def test_nothing_is_waited_for_that_would_not_help(monkeypatch, after, told):
    server = Putting(monkeypatch, put_off(after))
    assert refused(URL, "ls") == f"too much is asked at once{told} (429)"
    assert server.waits == []
    assert len(server.asked) == 1


def test_only_what_is_put_off_is_asked_for_again(monkeypatch):
    server = Putting(monkeypatch, httpx.Response(503, json={"detail": "gone"}, headers={"Retry-After": "5"}))
    assert refused(URL, "ls") == "gone; try again in 5 s (503)"
    assert server.waits == []


def test_a_feed_of_events_is_put_off_too(monkeypatch):
    kind = {"content-type": "text/event-stream"}
    server = Putting(monkeypatch, put_off("10"), httpx.Response(200, content=b"id: 0.0.0\n\n", headers=kind))
    assert documents(URL, "events") == []
    assert server.waits == [10.0]


@settings(max_examples=200, deadline=None)
@example(told=[30])
@example(told=[31])
@example(told=[0] * 31)
@given(told=st.lists(st.integers(0, 40), max_size=60))
def test_whatever_it_is_told_the_wait_is_bounded(told):
    with pytest.MonkeyPatch.context() as patch:
        server = Putting(patch, *(put_off(str(seconds)) for seconds in told), httpx.Response(200, json=NOTHING))
        with Client(Address(URL)) as asking:
            needed = [max(seconds, 1.0) for seconds in told]
            if sum(needed) <= MOST_WAIT_SECONDS:
                assert list(asking.jobs()) == []
            else:
                with pytest.raises(RefusedError, match=r"try again in \d+ s \(429\)"):
                    list(asking.jobs())
        assert server.waits == needed[: len(server.waits)]
        assert len(server.waits) == sum(whole <= MOST_WAIT_SECONDS for whole in accumulate(needed))
