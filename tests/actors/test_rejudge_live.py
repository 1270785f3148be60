"""A live channel that was black and fell silent, judged again once it has ended."""

from actors import document, rejudge
from actors.reader import Reader
from tests.actors.channel import Channel
from tests.actors.test_pipeline_live import Watch
from tests.senders import free_port


def test_a_live_channel_is_judged_as_it_was_on_air(tmp_path):
    uri, port = str(tmp_path / "live"), free_port()
    with Channel(port) as channel, Watch(uri, port) as watch:
        watch.committed("closed", "black")
        channel.cut()
        watch.committed("opened", "stalled")
        channel.mend()
        watch.committed("closed", "stalled")
        incidents = watch.end()["incidents"]
    reader = Reader(uri)
    ((stream, stored),) = reader.streams().items()
    assert stored.checkpoint.live is not None
    work, detectors = rejudge.wanted(stream, stored, None, {})
    assert work == stored.checkpoint.work
    again = rejudge.rejudge(stream, stored, work, detectors, reader.read)
    assert document.incidents(again.events, stream) == incidents
    assert {"black", "stalled"} <= {incident["detector"] for incident in incidents}
    assert rejudge.restarts(stored) == 0
    black = {"black": {"minimum_seconds": "30"}}
    work, detectors = rejudge.wanted(stream, stored, None, black)
    again = rejudge.rejudge(stream, stored, work, detectors, reader.read)
    found = {incident["detector"] for incident in document.incidents(again.events, stream)}
    assert "black" not in found
    assert "stalled" in found
