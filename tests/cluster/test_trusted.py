"""What may be read goes with the order to the decoder, which judges as it opens; a refusal is final."""

import pytest

from actors.networks import Networks
from actors.trust import Trust
from tests.actors.trusted import INSIDE, METADATA, OUTSIDE, servers
from tests.cluster import harness
from tests.senders import bytes_of, coded, free_port, status

pytestmark = [pytest.mark.ray, pytest.mark.timeout(600)]

FILE = "this file is outside the allowed folders; the operator sets SIGHTLINE_ALLOWED_ROOTS"
NETWORK = "its server is on a loopback network; the operator sets SIGHTLINE_ALLOWED_NETWORKS"


@pytest.fixture
def media(tmp_path):
    for name in ("media", "private"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.ts").write_bytes(coded("mpeg2video"))
    return tmp_path / "media"


@pytest.fixture
def trusting(own_ray, tmp_path, media):
    """A cluster that trusts one folder, and one server."""
    trust = Trust((str(media),), Networks.parse([OUTSIDE]))
    made = harness.Cluster(own_ray, tmp_path / "results", trust)
    yield made
    made.close()


@pytest.fixture
def sides():
    with servers() as (outside, inside):
        listed = f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\na.ts\n#EXTINF:1,\n{inside.url('/a.ts')}\n"
        for server in (outside, inside):
            server.routes["/a.ts"] = bytes_of(coded("mpeg2video"))
        outside.routes.update({
            "/away": status(302, inside.url("/a.ts")),
            "/metadata": status(302, f"http://{METADATA}/latest"),
            "/live.m3u8": bytes_of(listed.encode()),
        })
        yield outside, inside


@pytest.mark.parametrize("shape", [pytest.param("fused", marks=pytest.mark.slow), "colocated"])
def test_what_may_not_be_read_fails_and_is_not_tried_again(trusting, media, sides, shape):
    outside, inside = sides
    (media / "link.ts").symlink_to(media.parent / "private" / "a.ts")
    named = {
        "file": str(media / "a.ts"), "server": outside.url("/a.ts"), "link": str(media / "link.ts"),
        "rebound": inside.url("/a.ts", "localhost"), "away": outside.url("/away", f"a:s3cr3t@{OUTSIDE}"),
        "metadata": outside.url("/metadata"), "live": outside.url("/live.m3u8"),
    }  # fmt: skip
    job = trusting.ended(trusting.submit(*({"source": url, "name": name} for name, url in named.items()), shape=shape))
    ended = {name: (outcome.status, outcome.error) for name, outcome in job.outcomes.items()}
    assert [ended[name] for name in ("file", "server")] == [("completed", None)] * 2
    assert ended["link"] == ("failed", f"{media}/link.ts: {FILE}")
    assert ended["rebound"] == ("failed", f"{named['rebound']}: {NETWORK}")
    away = f"http://***@{OUTSIDE}:{outside.port}/away: leads to {inside.url('/a.ts')}: {NETWORK}"
    assert ended["away"] == ("failed", away)
    assert ended["metadata"][0] == "failed"
    assert ended["metadata"][1].endswith("which nobody can allow")
    assert ended["live"] == ("failed", f"{outside.url('/live.m3u8')}: leads to {inside.url('/a.ts')}: {NETWORK}")
    watched = trusting.call("watched")
    assert {name: watched[name].restarts for name in named} == dict.fromkeys(named, 0)
    assert inside.asked == []


def test_another_trust_replaces_the_supervisor_and_its_decoders(own_ray, trusting, sides):
    job = trusting.submit({"source": f"udp://127.0.0.1:{free_port()}", "name": "silent"})
    before = trusting.wait(lambda: trusting.report("silent"))
    pid = trusting.call("pid")
    same = harness.Cluster(own_ray, trusting.uri, trusting.call("trust"))
    assert same.call("pid") == pid
    assert same.report("silent").pid == before.pid
    wider = harness.Cluster(own_ray, trusting.uri, Trust((), Networks.of(("loopback",))))
    assert wider.call("pid") != pid
    wider.wait(lambda: (report := wider.report("silent")) and report.pid != before.pid)
    assert wider.job(job).open == ["silent"]
    other = wider.submit({"source": sides[1].url("/a.ts", INSIDE), "name": "inside"})
    assert wider.ended(other).outcomes["inside"].status == "completed"


def test_a_supervisor_that_is_started_again_is_waited_for(own_ray, trusting):
    trust, pid = trusting.call("trust"), trusting.call("pid")
    own_ray.kill(trusting.supervisor, no_restart=False)
    same = harness.Cluster(own_ray, trusting.uri, trust)
    assert same.call("pid") != pid
