"""/v1/events: replay from any id, order, nothing lost under load, and nothing held once the reader has left."""

import asyncio
import random

import pytest

from serve.api.values import EventId
from tests.serve.calling import call, calling, following, open_api, pointers, problem, seeded


def filled(backend, commits, rows=3):
    """Commit after commit of several rows; the ids of all."""
    held = iter(seeded(commits * rows))
    return [str(id) for _ in range(commits) for id in backend.commit([("opened", next(held)) for _ in range(rows)])]


def test_replay_from_every_id_gives_exactly_what_follows():
    app, backend = open_api()
    ids = filled(backend, 20)
    assert ids[:4] == ["0.1.1", "0.1.2", "0.1.3", "0.2.1"]

    async def from_each():
        compared = 0
        for place, last in enumerate(["0.0.0", *ids]):
            async with following(app, last=last) as stream:
                assert (await stream.block())["id"] == last
                rest = ids[place:]
                assert [event.id for event in await stream.events(len(rest))] == rest
                compared += len(rest)
        return compared

    assert asyncio.run(from_each()) == 60 * 61 // 2
    assert backend.followers == 0


def test_without_an_id_the_feed_begins_now_and_says_where_that_is():
    app, backend = open_api()

    async def follow():
        async with following(app) as stream:
            assert stream.headers["content-type"].startswith("text/event-stream")
            assert stream.headers["cache-control"] == "no-store"
            assert await stream.block() == {"retry": "2000", "id": "0.0.0"}
        before = filled(backend, 2)
        async with following(app) as stream:
            assert (await stream.block())["id"] == before[-1]
            ids = filled(backend, 2)
            assert [event.id for event in await stream.events(len(ids))] == ids

    asyncio.run(follow())


def test_a_place_of_another_log_gives_everything():
    app, backend = open_api()
    ids = filled(backend, 3)

    async def follow():
        for last in ("0.4.0", "0.9223372036854775807.1", "1.1.1"):
            async with following(app, last=last) as stream:
                assert [event.id for event in await stream.events(len(ids))] == ids

    asyncio.run(follow())


@pytest.mark.parametrize(
    "last", ["1", "0.1", "0.1.1.1", "-1.1.1", "0.1.x", "0.\u0661.1", "0.9999999999999999999.1", "9999999999.1.1", " "]
)
def test_what_is_no_id_is_refused(last):
    response = call(open_api()[0], "GET", "/v1/events", headers={b"last-event-id": last.encode()})
    assert pointers(response) == [("header", "/last-event-id")]


def test_filters():
    app, backend = open_api()
    for one in (*seeded(3), *seeded(3, "clipping", "channel-b", "job-2"), *seeded(3, "scene", "channel-c", "job-2")):
        backend.commit([("closed", one)])

    async def found(query, count):
        async with following(app, f"/v1/events?{query}", last="0.0.0") as stream:
            events = await stream.events(count)
            with pytest.raises(TimeoutError):
                await stream.event(0.05)
            return {(event.job, event.stream, event.incident.severity) for event in events}

    one, two, three = (
        ("job-1", "channel-a", "critical"), ("job-2", "channel-b", "warning"), ("job-2", "channel-c", "info"),
    )  # fmt: skip
    assert asyncio.run(found("stream=channel-b", 3)) == {two}
    assert asyncio.run(found("job=job-2", 6)) == {two, three}
    assert asyncio.run(found("severity=critical&severity=info", 6)) == {one, three}
    assert asyncio.run(found("job=job-1&severity=warning", 0)) == set()
    for wrong in ("severity=bad", "stream=A", "job=", "after=0.0.0"):
        response = call(app, "GET", f"/v1/events?{wrong}")
        assert pointers(response)[0][1].startswith(f"/{wrong.partition('=')[0]}")


COMMITS, WRITERS, READERS = 150, 4, 16


async def write(backend, number, held):
    """Commits of one or two events each, now and then with a pause."""
    draw = random.Random(number)
    for step in range(COMMITS):
        first = (number * COMMITS + step) * 2
        backend.commit([("opened", one) for one in held[first : first + draw.randint(1, 2)]])
        await asyncio.sleep(draw.choice((0, 0, 0.001)))


async def read(app, number):
    """Visits of random length, each from the last id, until the event that closes."""
    draw, got, visits = random.Random(100 + number), [], 0
    await asyncio.sleep(number * 0.01)
    while not got or got[-1].kind != "closed":
        visits += 1
        async with following(app, last=got[-1].id if got else "0.0.0") as stream:
            for _ in range(draw.randint(1, 120)):
                got.append(await stream.event())
                if got[-1].kind == "closed":
                    break
    return [event.id for event in got], visits


def test_nothing_is_lost_and_all_is_in_order_under_concurrent_commits():
    app, backend = open_api()
    held = seeded(COMMITS * WRITERS * 2)

    async def everything():
        writing = asyncio.gather(*(write(backend, number, held) for number in range(WRITERS)))
        reading = asyncio.gather(*(read(app, number) for number in range(READERS)))
        await writing
        backend.commit([("closed", held[-1])])
        return await reading

    results = asyncio.run(everything())
    ids, visits = [event.id for _, event in backend.log], sum(visits for _, visits in results)
    print(f"{len(ids)} events to each of {READERS} readers in {visits} visits")
    assert (len(ids), len(results)) == (886, READERS)
    for got, _ in results:
        assert got == ids
    assert visits > READERS * 5
    assert backend.followers == 0
    assert not app.state.readers


def test_a_heartbeat_is_sent_where_nothing_happens_and_events_go_on_after_it():
    app, backend = open_api(heartbeat_seconds=0.02)

    async def follow():
        async with following(app) as stream:
            await stream.block()
            assert [await stream.block() for _ in range(5)] == [{"": "nothing new"}] * 5
            filled(backend, 1)
            assert (await stream.event()).id == "0.1.1"

    asyncio.run(follow())


def test_a_reader_that_leaves_frees_all_at_once():
    app, backend = open_api()

    async def follow():
        for _ in range(20):
            async with following(app) as stream:
                await stream.block()
                while backend.followers == 0:
                    await asyncio.sleep(0)
                assert (backend.followers, len(app.state.readers)) == (1, 1)
            assert (backend.followers, len(app.state.readers)) == (0, 0)
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(follow())


def test_a_server_that_stops_frees_all_at_once():
    app, backend = open_api()

    async def cut():
        reading = asyncio.create_task(calling(app, "GET", "/v1/events"))  # httpx waits for the end
        while backend.followers == 0:
            await asyncio.sleep(0.001)
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        assert (backend.followers, len(app.state.readers)) == (0, 0)
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(cut())


def test_a_backend_that_fails_ends_the_feed_and_a_new_one_is_told_so():
    app, backend = open_api()

    async def follow():
        async with following(app) as stream:
            await stream.block()
            with backend.failing({"results": "no answer"}):
                filled(backend, 1)
                with pytest.raises(TimeoutError):
                    await stream.event(0.1)
                assert backend.followers == 0
                problem(await calling(app, "GET", "/v1/events"), 503)

    asyncio.run(follow())


def test_one_reader_too_many_is_told_to_come_back():
    app, backend = open_api(most_readers=2)

    async def follow():
        async with following(app) as one, following(app):
            await one.block()
            response = await calling(app, "GET", "/v1/events")
            assert "2 readers" in problem(response, 429)["detail"]
            assert response.headers["retry-after"] == "10"
        async with following(app) as again:
            assert again.status == 200

    asyncio.run(follow())
    assert backend.followers == 0


def test_ids_are_shard_version_row():
    assert str(EventId.parse("2.0030.4")) == "2.30.4"
