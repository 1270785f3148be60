"""The log of committed events: complete and in order from any position, from memory and from the table."""

import asyncio

import pytest

from actors.maintenance import compact
from actors.measuring import METRICS
from actors.recorder import Recorder
from actors.schema import measured
from cluster import eventlog
from cluster.eventlog import BEGINNING, EventLog, Position
from tests.actors.recording import markers

STREAMS, COMMITS = 3, 20


@pytest.fixture
def recorder(tmp_path):
    return Recorder(str(tmp_path), {table: measured(metrics) for table, metrics in METRICS.items()})


async def collected(log, position, most=7):
    """Everything after a position, in pages."""
    found = []
    while rows := await log.after(position, 0.01, most):
        found += rows
        position = Position(rows[-1]["commit"], rows[-1]["place"])
    return found


def filled(recorder):
    """Commit events of several streams, gathered and alone; gives how many."""
    count, commits = 0, [0] * STREAMS
    for number in range(COMMITS):
        units = []
        for n in range(STREAMS if number % 2 else 1):
            units.append(markers(f"s{n}", commits[n], 1, 2))
            commits[n] += 1
        recorder.commit(units)
        count += 2 * len(units)
    return count


@pytest.mark.parametrize("kept", [20_000, 10])
def test_every_event_once_and_in_order_from_any_position(recorder, monkeypatch, kept):
    monkeypatch.setattr(eventlog, "KEPT", kept)

    async def run():
        log = EventLog(recorder)
        recorder.on_events = log.add
        count = filled(recorder)
        everything = await collected(log, BEGINNING)
        assert len(everything) == count == 2 * (COMMITS // 2) * (STREAMS + 1)
        positions = [Position(row["commit"], row["place"]) for row in everything]
        assert positions == sorted(set(positions))
        for index in range(0, count, 9):
            assert await collected(log, positions[index]) == everything[index + 1 :]
        again = EventLog(recorder)
        assert again.newest == log.newest == positions[-1]
        assert await collected(again, positions[5]) == everything[6:]
        return everything

    everything = asyncio.run(run())
    compact(recorder._tables["events"])
    later = asyncio.run(collected(EventLog(recorder), Position(everything[3]["commit"], everything[3]["place"])))
    assert [row["id"] for row in later] == [row["id"] for row in everything[4:]]


def test_a_listener_is_told_at_once(recorder):
    async def run():
        log = EventLog(recorder)
        recorder.on_events = log.add
        waiting = asyncio.ensure_future(log.after(BEGINNING, 60.0, 100))
        await asyncio.sleep(0.05)
        assert not waiting.done()
        recorder.commit([markers("s", 0, 1, 2)])
        assert len(await asyncio.wait_for(waiting, 30)) == 2
        assert await log.after(log.newest, 0.01, 100) == []

    asyncio.run(run())
