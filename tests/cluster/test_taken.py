"""What a live stream takes is measured while it runs, and told beside what is reserved for it."""

import pytest

from tests.actors.channel import Channel
from tests.senders import free_port

pytestmark = [pytest.mark.ray, pytest.mark.timeout(600)]


def test_a_live_stream_is_measured_as_it_runs(cluster):
    from serve.replica import states

    port = free_port()
    job = cluster.submit({"source": f"udp://127.0.0.1:{port}", "name": "channel"}, shape="colocated")
    with Channel(port) as channel:
        cluster.wait(lambda: channel.seconds > 4, 180)
        seen = cluster.wait(lambda: (w := cluster.call("watched")["channel"]) and w.processors and w)
        assert (seen.processors.reserved, seen.processors.taken) == (0.1, None)
        channel.at(50)
        seen = cluster.wait(lambda: (w := cluster.call("watched")["channel"]).processors.taken and w, 180)
        cluster.call("change", job.id, "stopped", None)
    shown = states.stream(job, "channel", seen, 0.0).processors
    print(shown)
    assert (shown.reserved, shown.by) == (0.1, "settings")
    assert 0 < shown.detector < shown.taken < 2
