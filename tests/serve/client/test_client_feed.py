"""Reading events (SSE): cut anywhere, nothing is lost and nothing comes twice."""

import contextlib
import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serve.client import following
from serve.client.client import RefusedError, UnreachableError
from serve.client.following import Block, backlog, blocks, follow
from serve.terminal.exits import CommandFailedError
from tests.serve.calling import seeded

INCIDENTS = [one.model_dump(mode="json") for one in seeded(60)]
EVENTS = [
    {"id": f"0.{number // 3 + 1}.{number % 3 + 1}", "kind": "opened", "job": one["job"], "stream": one["stream"],
     "incident": {**one, "message": f"line\u2028\u0085{number}\r\n"}}
    for number, one in enumerate(INCIDENTS)
]  # fmt: skip
IDS = [event["id"] for event in EVENTS]


def told(event):
    return f"event: {event['kind']}\nid: {event['id']}\ndata: {json.dumps(event, ensure_ascii=False)}\n\n".encode()


@pytest.fixture(autouse=True)
def waits(monkeypatch):
    """How long was waited, without waiting."""
    waited = []
    monkeypatch.setattr(following.time, "sleep", waited.append)
    return waited


class Log:
    """A server of events whose connections break as they are told to. ``asked``: the places that were asked for."""

    url = "http://127.0.0.1:1"

    def __init__(self, *endings, events=EVENTS, draw=None):
        self.endings = list(endings)
        self.events = events
        self.asked = []
        self.draw = draw or random.Random(1)

    @contextlib.contextmanager
    def following(self, params, after, silence_seconds):
        self.asked.append(after)
        ending = self.endings.pop(0) if self.endings else None
        if isinstance(ending, Exception):
            raise ending
        place = after if after is not None else self.events[-1]["id"] if self.events else "0.0.0"
        ids = [event["id"] for event in self.events]
        first = ids.index(place) + 1 if place in ids else 0
        body = f"retry: 2000\nid: {place}\n\n".encode() + b": nothing new\n\n"
        body += b"".join(told(event) for event in self.events[first:])
        yield self.pieces(body, ending)

    def pieces(self, body, ending):
        """The body in pieces of any size; ``ending`` is how many bytes of it come."""
        body = body if ending is None else body[:ending]
        while body:
            size = self.draw.randint(1, 700)
            yield body[:size]
            body = body[size:]
        if ending is None:
            raise KeyboardInterrupt  # the test has all that it wanted
        raise UnreachableError("broke")


def followed(log, after="0.0.0", notes=None):
    """The ids of all events that come before the test has all that it wanted."""
    found = []
    with contextlib.suppress(KeyboardInterrupt):
        for event in follow(log, {}, after, (notes if notes is not None else []).append):
            found.append(event.id)
    return found


@settings(max_examples=60, deadline=None)
@given(cuts=st.lists(st.integers(0, 9000), max_size=60), seed=st.integers(0, 1000))
def test_whatever_breaks_each_event_comes_once_and_in_order(cuts, seed):
    log = Log(*cuts, draw=random.Random(seed))
    assert followed(log) == IDS
    assert log.asked[0] == "0.0.0"


def test_a_feed_from_now_that_is_cut_before_its_first_event_goes_on_from_there(waits):
    log = Log(40, events=EVENTS[:30])
    events = follow(log, {}, None, lambda text: log.events.append(EVENTS[30]) if "lost" in text else None)
    assert next(events).id == IDS[30]
    assert log.asked == [None, IDS[29]]
    assert len(waits) == 1


def test_it_says_once_that_the_connection_is_lost_and_once_that_it_is_back(waits):
    refused = RefusedError("busy (503)", 503, 7.0)
    log = Log(2000, UnreachableError("refused"), UnreachableError("refused"), refused, None)
    notes = []
    assert followed(log, notes=notes) == IDS
    assert [note.split(",")[0] for note in notes] == [
        "lost the feed of events (broke); trying again until it is back",
        "connected to http://127.0.0.1:1 again",
    ]
    assert len(waits) == 4
    assert 1 <= waits[0] <= 2  # as the server asks
    assert 3.5 <= waits[3] <= 30


def test_waiting_grows_to_a_bound():
    assert all(
        following.MOST_WAIT_SECONDS / 2 <= following.wait_seconds(n, 2.0) <= following.MOST_WAIT_SECONDS
        for n in (6, 20, 5000)
    )
    assert following.wait_seconds(1, 1e9) <= following.MOST_WAIT_SECONDS


@pytest.mark.parametrize("error", [UnreachableError("no"), RefusedError("no", 503), RefusedError("no", 401)])
def test_the_first_connection_must_succeed(error, waits):
    with pytest.raises(type(error)):
        next(follow(Log(error), {}, None, print))
    assert not waits


def test_a_server_that_refuses_for_good_ends_it():
    log = Log(2000, RefusedError("this key is revoked", 401))
    with pytest.raises(RefusedError, match="revoked"):
        list(follow(log, {}, "0.0.0", lambda text: None))


def test_the_backlog_ends_with_the_newest_event():
    assert [event.id for event in backlog(Log(), "0.0.0", print)] == IDS
    assert [event.id for event in backlog(Log(None, 3000, 9000), IDS[10], lambda text: None)] == IDS[11:]
    assert list(backlog(Log(), IDS[-1], print)) == []
    assert list(backlog(Log(events=[]), "0.0.0", print)) == []
    assert [event.id for event in backlog(Log(), "0.999.1", print)] == IDS  # of another log: all of this one


@settings(max_examples=100, deadline=None)
@given(
    end=st.sampled_from([b"\n", b"\r\n", b"\r"]),
    texts=st.lists(st.text(st.characters(exclude_characters="\r\n\0", codec="utf-8"), min_size=1), max_size=4),
    seed=st.integers(0, 1000),
)
def test_blocks_are_read_however_they_are_cut(end, texts, seed):
    draw = random.Random(seed)
    body = b"".join(b": hi" + end + b"data: " + text.encode() + end + b"data:2" + end + end for text in texts)
    body += b"data: cut off"
    cuts = sorted(draw.randint(0, len(body)) for _ in range(draw.randint(0, 20)))
    pieces = [body[a:b] for a, b in zip([0, *cuts], [*cuts, len(body)], strict=True)]
    assert [block.data for block in blocks(iter(pieces))] == [f"{text}\n2" for text in texts]


def test_a_block_in_parts():
    assert list(blocks(iter([b"retry: 50\nid: 0.1.2\nfoo: x\nevent\n\n"]))) == [Block("0.1.2", "", 0.05)]
    assert list(blocks(iter([b"retry: soon\n\n"]))) == [Block(None, "", None)]


@pytest.mark.parametrize(
    "body",
    [
        b"id: 1\ndata: {}\n\n", b"id: 0.1.1\x1b[2J\ndata: {}\n\n", b"data: {\n\n", b"data: []\n\n", b"data: {}\n\n",
        b'data: {"id": "0.1.1", "kind": 5}\n\n', b"data: " + b"[" * 100_000 + b"\n\n", b"x" * (5 << 20),
        (b"data: " + b"x" * 1000 + b"\n") * 5000, b"data: \xff\n\n", b'data: {"id": NaN}\n\n',
    ],
)  # fmt: skip
def test_what_is_no_feed_is_said_to_be_none(body):
    class Odd(Log):
        def following(self, params, after, silence_seconds):
            return contextlib.nullcontext(iter([body]))

    with pytest.raises(CommandFailedError, match=r"understood|without an end"):
        list(follow(Odd(), {}, "0.0.0", print))
