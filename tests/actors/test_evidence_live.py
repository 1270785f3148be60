"""Evidence of a live channel: of black while it lasts, and of a stall, when the last packets are all there is."""

import threading

import pytest

from actors.limits import Limits
from tests.actors.channel import BLACK, RATE, Channel
from tests.actors.witnessed import DEADLINE, Witnessed, is_black, until
from tests.senders import free_port

SETTINGS = {"black": {"minimum_seconds": 1.0}, "stalled": {"seconds": 1.0}}
QUICK = Limits(backoff_seconds=(0.05, 0.1), live_probe_seconds=0.5)
CUT = 8
"""Second of the channel at which nothing is sent any more, for a while."""


@pytest.fixture(scope="module")
def watched(tmp_path_factory):
    """A channel that is cut for a while, watched with evidence; and its incidents that opened, in order."""
    port, stop = free_port(), threading.Event()
    watch = Witnessed(
        f"udp://127.0.0.1:{port}", tmp_path_factory.mktemp("live"), ("black", "stalled"), SETTINGS, stop=stop,
        limits=QUICK,
    )  # fmt: skip
    thread = threading.Thread(target=watch.run, daemon=True)

    def opened(detector, count):
        return [e for e in watch.events if (e.kind, e.detector) == ("opened", detector)][count - 1 :]

    with Channel(port) as channel:
        thread.start()
        until(lambda: opened("black", 1))
        early = until(lambda: list((watch.folder / "evidence").glob("*.jpg")))
        channel.at(CUT)
        channel.cut()
        until(lambda: opened("stalled", 1))
        channel.mend()
        until(lambda: opened("black", 2))
        channel.at(channel.seconds + 1)
        stop.set()
        thread.join(DEADLINE)
    return watch, [e for e in watch.events if e.kind == "opened"], early


def test_it_is_written_while_the_stream_runs(watched):
    watch, opened, early = watched
    assert [path.stem for path in early] == [opened[0].id(watch.stream)]
    assert [event.detector for event in opened] == ["black", "stalled", "black"]
    assert set(watch.files) == {f"{e.id(watch.stream)}.{kind}" for e in opened for kind in ("mkv", "jpg")}
    assert watch.notes == []


def test_black_is_black(watched):
    watch, opened, _ = watched
    for event in (opened[0], opened[2]):
        _, lumas, _ = watch.clip(event.id(watch.stream))
        dark = [is_black(luma) for luma in lumas]
        assert sum(dark) >= RATE - 1
        assert is_black(watch.picture(event.id(watch.stream)), level=5)
    _, lumas, _ = watch.clip(opened[0].id(watch.stream))
    assert not any(is_black(luma) for luma in lumas[: BLACK[0][0] * RATE - RATE])


def test_a_stall_shows_the_last_that_came(watched):
    watch, opened, _ = watched
    id_ = opened[1].id(watch.stream)
    counts, lumas, times = watch.clip(id_)
    assert counts["v"] == pytest.approx(CUT * RATE, abs=RATE)
    assert times["v"][-1][0] == pytest.approx(CUT * 1000, abs=1000)
    assert not is_black(watch.picture(id_))
    shown = watch.picture(id_).astype(float)
    off = [abs(shown - (luma.astype(float) - 16) * 255 / 219).mean() for luma in lumas]
    assert min(off) < 3
    assert off.index(min(off)) >= len(off) - RATE // 2, "sound may have come less far than pictures"


def test_the_next_part_begins_anew(watched):
    watch, opened, _ = watched
    _, lumas, times = watch.clip(opened[2].id(watch.stream))
    assert len(lumas) < 15 * RATE
    assert times["v"][0][0] < 1000
    assert not [t for t in threading.enumerate() if t.name.startswith("sightline")]
