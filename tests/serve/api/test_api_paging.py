"""Lists are paged by key: nothing is lost and nothing comes twice, whatever is added meanwhile."""

import base64
import json
from datetime import timedelta

import pytest

from serve.api.backend import BadCursor
from serve.api.cursor import pack, unpack
from tests.serve.calling import MORNING, call, open_api, pointers, seeded, submitted

COUNT = 250


def pages(app, path, limit, between=lambda: None):
    """Every item, page by page; ``between`` runs before each page but the first."""
    items, cursor, count = [], None, 0
    while count == 0 or cursor is not None:
        if count:
            between()
        page = call(app, "GET", f"{path}limit={limit}" + (f"&cursor={cursor}" if cursor else "")).json()
        assert len(page["items"]) == limit or page["next"] is None
        items += page["items"]
        cursor, count = page["next"], count + 1
    assert count == -(-len(items) // limit)
    return items


@pytest.mark.parametrize("limit", [1, 7, 50, 125, 249, 250, 251])
def test_250_incidents_come_once_each_while_others_are_added(limit):
    app, backend = open_api()
    held = seeded(COUNT)
    # times that are equal: the id decides
    held = [one.model_copy(update={"opened_at": MORNING + timedelta(seconds=n // 5)}) for n, one in enumerate(held)]
    for one in held:
        backend.commit([("closed", one)])
    later = iter(seeded(10_000, "black"))

    def add():
        for _ in range(3):
            backend.commit([("opened", next(later).model_copy(update={"opened_at": MORNING + timedelta(days=1)}))])

    found = [one["id"] for one in pages(app, "/v1/incidents?", limit, add)]
    assert len(found) == len(set(found)) == COUNT
    assert set(found) == {one.id for one in held}
    assert found == [one.id for one in sorted(held, key=lambda one: (one.opened_at, one.id), reverse=True)]


def test_250_jobs_and_streams_come_once_each_while_others_are_added():
    app, _ = open_api()
    for number in range(COUNT):
        submitted(app, {"streams": [{"source": f"/{number}.mp4", "name": f"s{number:03}"}]})
    extra = iter(range(1000))

    def add():
        # before and behind every name there is
        for name in (f"a{next(extra)}", f"z{next(extra)}"):
            submitted(app, {"streams": [{"source": f"/{name}.mp4", "name": name}]})

    jobs = [job["streams"][0]["stream"] for job in pages(app, "/v1/jobs?", 40, add)]
    assert jobs == [f"s{number:03}" for number in reversed(range(COUNT))]
    streams = [stream["stream"] for stream in pages(app, "/v1/streams?", 40, add)]
    assert len(streams) == len(set(streams))
    assert [name for name in streams if name[0] == "s"] == [f"s{number:03}" for number in range(COUNT)]


def test_measurements_are_paged_by_row():
    app, backend = open_api()
    submitted(app)
    rows = pages(app, "/v1/measurements?stream=channel-a&table=audio&", 64, lambda: setattr(backend, "seconds", 61))
    assert [row["row"] for row in rows] == list(range(610))


def other_cursors():
    real = pack("incidents", (1.0, "a"))
    yield from (pack("jobs", (1.0, "a")), pack("incidents", ("a", 1.0)), pack("incidents", (1.0,)), "x", real[:-1])
    yield from (real + "A", real + "AAAA", base64.urlsafe_b64encode(b"[" * 500).decode().rstrip("="))
    for value in (
        None,
        [],
        {},
        "incidents",
        ["incidents", 1e999, "a"],
        ["incidents", True, "a"],
        ["incidents", 1.0, None],
    ):
        yield base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


@pytest.mark.parametrize("cursor", list(other_cursors()))
def test_a_cursor_that_is_none_of_ours_is_refused(cursor):
    app, backend = open_api()
    for one in seeded(3):
        backend.commit([("closed", one)])
    assert pointers(call(app, "GET", f"/v1/incidents?cursor={cursor}")) == [("query", "/cursor")]


def test_a_cursor_holds_its_key():
    for key in ((1.5, "a"), ("\N{SNOWMAN}", -3), ()):
        cursor = pack("list", key)
        assert unpack("list", cursor, *map(type, key)) == key
        with pytest.raises(BadCursor):
            unpack("lists", cursor, *map(type, key))
