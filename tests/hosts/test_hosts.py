"""`ray up` as users run it: the README's five commands, doors that are closed, hosts lost and back, growth.

One cluster goes through all of it, in this order; what it has found is in the end what an undisturbed run finds.
"""

import json
import os
import re
import subprocess
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.hosts.namespaces import Net
from tests.hosts.raised import DASHBOARD, RESULTS, ROOT, VENV, Cluster, until
from tests.serve.defective import defective

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(600)]

HELD = ("lost.ts", "wrap.ts", "flipped.ts", "jump.ts")
EXAMPLE, IN_ITS_PLACE = "https://example.com/news.m3u8", "back.ts"
FROM_OUTSIDE, BY_A_JOB, MORE, WAITING = "short.mp4", "gaps.mp4", "jump.ts?more", "wrap.ts?waiting"
CLIPS = (*HELD, IN_ITS_PLACE, FROM_OUTSIDE, BY_A_JOB, MORE, WAITING)
FIVE = re.findall(r"```sh\n(ray up .*?)```", (ROOT / "README.md").read_text(), re.DOTALL)[0].splitlines()
LEAST = {"video": 1500, "audio": 600, "packets": 3500, "silence": 6, "black": 5, "incidents": 35}
DOORS = {"sshd": 2, "gcs_server": 1, "raylet": 2, "ray::DashboardA": 4, "ray::RuntimeEnv": 1, "ray::ProxyActor": 2}
"""Ports that a program may have open to other machines; an actor's process has one, and asks for the token there."""
COMPARE = f"""
import os, sys
from actors.verify import verify
from tests.equal import assert_equal, unexplained
assert verify(sys.argv[1]) == [] and unexplained(sys.argv[1]) == {{}}
print(assert_equal(*sys.argv[1:], **{LEAST}).text(), flush=True)
os._exit(0)
"""
"""Ends as commands do: threads that have read from S3 can abort an interpreter that is taken down."""


@pytest.fixture(scope="module")
def cluster():
    with Net() as net:
        raised = Cluster(net, [defective(name) for name in CLIPS if "?" not in name], ["w1", "w2"])
        yield raised
        raised.close()


@pytest.fixture(scope="module")
def undisturbed(cluster):
    """Begins to analyse all that the cluster is to watch, on a machine of its own; gives the results in time."""
    results = cluster.net.folder / "undisturbed"
    line = f"sightline analyze {' '.join(map(cluster.url, CLIPS))} --results {results}"
    with ThreadPoolExecutor(1) as beside:
        run = beside.submit(cluster.command, line)
        yield lambda: run.result() and results


@pytest.fixture(scope="module")
def held(cluster):
    """Submits streams that last as long as the tests want; gives the names of their sources."""
    cluster.pace("slow")
    cluster.sightline(f"submit {' '.join(map(cluster.url, HELD))} --shape colocated")
    until(lambda: all(item["frames"] for item in watched(cluster, HELD)))


def run(cluster, line):
    """A command of the README, for the file with these hosts, and a clip that is there."""
    named = line.replace("ray-cluster.yaml", str(cluster.file)).replace(EXAMPLE, cluster.url(IN_ITS_PLACE))
    return cluster.command(named)


def watched(cluster, clips):
    """What the API says of the streams of clips; while the supervisor is away, it has nothing to say."""
    items, _ = until(cluster.streams, 60)
    return [item for item in items for clip in clips if item["source"].endswith(clip)]


def decoders(cluster, host):
    return cluster.processes(host, "DecoderActor")


def seat(cluster):
    """The host on which all that is held is decoded, and another."""
    return sorted(("w1", "w2"), key=lambda host: len(decoders(cluster, host)), reverse=True)


def moved(cluster, host):
    """Whether all that is held is decoded on a host, and has come to results there."""
    return len(decoders(cluster, host)) >= len(HELD) and all(item["frames"] for item in watched(cluster, HELD))


def whole(cluster, off=()):
    """Wait until every host that is not switched off is in the cluster; gives after how many seconds it is."""
    names = {cluster.net.hosts[name].address: name for name in ("head", *cluster.workers) if name not in off}
    try:
        return until(lambda: cluster.alive().keys() == names.keys())[1]
    except AssertionError as error:
        missing = [name for address, name in names.items() if address not in cluster.alive()]
        raise AssertionError(f"{missing} not in the cluster\n{cluster.started()}") from error


def test_five_commands_bring_it_up_and_watch_a_stream(cluster, undisturbed):
    assert len(FIVE) == 5
    cluster.fail("w2")
    _, took = until(lambda: run(cluster, FIVE[0]))
    print(f"`ray up` returns after {took:.0f} s")
    run(cluster, FIVE[1])
    _, more = until(lambda: "freeze" in cluster.ask(f"{cluster.api}/v1/incidents", cluster.key)[1])
    print(f"first incident {took + more:.0f} s after `ray up` began")
    assert "freeze" in run(cluster, FIVE[3])
    assert "submitted" in run(cluster, FIVE[2])
    assert until(lambda: watched(cluster, [IN_ITS_PLACE])[0]["status"] == "completed")


def test_a_host_outside_submits_and_is_told(cluster):
    assert cluster.ask(f"{cluster.api}/healthz")[0] == 200
    assert cluster.ask(f"{cluster.api}/v1/streams", cluster.key)[0] == 200
    newest = json.loads(cluster.sightline("events --json"))["items"][-1]["id"]
    command = [str(VENV / "bin/sightline"), "events", "--follow", "--after", newest, "--json", "--url", cluster.api]
    listening = subprocess.Popen(
        cluster.ctl.inside("timeout", "120", *command), env={**os.environ, "SIGHTLINE_API_KEY": cluster.key},
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert "completed" in cluster.sightline(f"submit {cluster.url(FROM_OUTSIDE)} --wait")
        assert any(json.loads(line)["incident"]["detector"] == "black" for line in listening.stdout)
    finally:
        listening.kill()
        listening.stdout.close()
        listening.wait()


def test_a_ray_job_submits_too_with_the_token_only(cluster):
    forward = ["-i", str(cluster.net.folder / "key"), "-o", "StrictHostKeyChecking=no", "-N"]
    dashboard = ["-L", "8265:127.0.0.1:8265", f"root@{cluster.head.address}"]
    tunnel = subprocess.Popen(cluster.ctl.inside("ssh", *forward, *dashboard), stderr=subprocess.DEVNULL)
    try:
        until(lambda: "8265" in cluster.ctl.run("ss", "-Hltn"))
        job = f"ray job submit --address {DASHBOARD} --working-dir . --"
        said = cluster.command(f"{job} python -m serve submit {cluster.url(BY_A_JOB)} --wait")
        assert re.search(r"job [0-9a-f]{32}: completed", said)
        assert [cluster.ask(f"{DASHBOARD}/api/jobs/", token)[0] for token in ("", "0" * 64)] == [401, 403]
        wrong = cluster.net.folder / "wrong"
        wrong.write_text("0" * 64)
        with pytest.raises(AssertionError, match="InvalidAuthToken"):
            cluster.command(f"ray status --address {cluster.head.address}:6379", token=wrong)
    finally:
        tunnel.kill()
        tunnel.wait()


def test_only_doors_that_are_meant_to_be_open_are(cluster):
    for path in ("jobs", "streams", "incidents", "events", "measurements", "detectors"):
        for key in ("", f"slk_{'0' * 12}.{'A' * 43}"):
            assert cluster.ask(f"{cluster.api}/v1/{path}", key)[0] == 401
    for host in (cluster.head, cluster.net.hosts["w1"]):
        agent = f"http://{host.address}:52365/api/job_agent/jobs/"
        assert (cluster.ask(agent)[0], cluster.ask(agent, "0" * 64)[0]) == (401, 403)
        listed = host.run("ss", "-Hltnp")
        doors = set(re.findall(r"(\S+):(\d+) +\S+ +users:\(\(\"([^\"]+)\",pid=(\d+)", listed))
        outside = Counter((name, pid) for _, _, name, pid in doors - loopback(doors) if "python" not in name)
        assert not {(name, count) for (name, _), count in outside.items() if count > DOORS.get(name, 1)}
        assert {name for name, _ in outside if not name.startswith("ray::")} <= DOORS.keys()


def test_a_key_is_good_on_every_machine_that_serves_the_api_until_it_is_revoked(cluster):
    other, *_ = until(cluster.serving)[0].values()
    key = cluster.shell(cluster.head, "sightline keys add more").strip()
    assert until(lambda: cluster.ask(f"{other}/v1/streams", key)[0] == 200, 10)
    cluster.shell(cluster.head, f"sightline keys revoke {key[4:16]}")
    assert until(lambda: cluster.ask(f"{other}/v1/streams", key)[0] == 401, 10)
    assert cluster.ask(f"{other}/v1/streams", cluster.key)[0] == 200


def test_a_host_on_which_ray_failed_to_start_has_joined(cluster):
    whole(cluster)
    assert cluster.failed("w2")
    assert until(lambda: "/5.0 CPU" in cluster.status()), "two kinds of workers, none of it on the head"


def loopback(doors):
    return {door for door in doors if "127.0.0.1" in door[0]}


def test_streams_go_on_elsewhere_when_their_host_loses_its_power(cluster, held):
    lost, other = seat(cluster)
    cluster.net.hosts[lost].power_off()
    _, took = until(lambda: moved(cluster, other))
    print(f"power off: new results of all streams after {took:.1f} s")
    cluster.net.hosts[lost].switch_on()
    print(f"the host is back {whole(cluster):.0f} s after it was switched on")


def test_streams_go_on_elsewhere_when_their_host_is_cut_off(cluster, held):
    lost, other = seat(cluster)
    cluster.net.hosts[lost].cut_off()
    _, took = until(lambda: moved(cluster, other))
    print(f"cut off: new results of all streams after {took:.1f} s")
    assert len(decoders(cluster, lost)) == len(HELD), "they do not know yet"
    cluster.net.hosts[lost].join()
    assert until(lambda: not decoders(cluster, lost))
    whole(cluster)


def test_what_thaws_ends_itself_and_streams_have_gone_on_elsewhere(cluster, held):
    lost, other = seat(cluster)
    before = decoders(cluster, lost)
    cluster.net.hosts[lost].freeze()
    _, took = until(lambda: moved(cluster, other))
    print(f"frozen: new results of all streams after {took:.1f} s")
    cluster.net.hosts[lost].thaw("ray::DecoderActor")
    assert until(lambda: not before & decoders(cluster, lost)), "while the rest of the host is frozen"


def test_streams_go_on_while_the_head_is_away_and_a_host_more_takes_what_waited(cluster, held):
    cluster.sightline(f"submit {cluster.url(MORE)} --shape colocated")
    cluster.sightline(f"submit {cluster.url(WAITING)} --shape fused")
    assert until(lambda: "pending placement group" in cluster.status())
    host, frozen = seat(cluster)
    before = decoders(cluster, host)
    other, *_ = until(cluster.serving)[0].values()
    cluster.shell(cluster.head, "pkill -9 -f ray::ProxyActor")
    assert cluster.ask(f"{cluster.api}/healthz")[0] == 0
    asked = [cluster.ask(f"{other}/v1/{path}", cluster.key)[0] for path in ("streams", "incidents", "jobs") * 3]
    assert asked == [200] * 9
    cluster.head.power_off()
    assert [cluster.ask(f"{other}/v1/{path}", cluster.key)[0] for path in ("incidents", "streams")] == [200, 503]
    cluster.net.hosts[frozen].thaw()
    cluster.workers.append("w3")
    cluster.net.add("w3", 4)
    cluster.describe()
    cluster.head.switch_on()
    _, took = until(lambda: run(cluster, FIVE[0]))
    print(f"the head lost its power: `ray up` has all of it back after {took:.0f} s")
    assert {item["status"] for item in until(lambda: watched(cluster, HELD))[0]} == {"running"}
    assert decoders(cluster, host) == before
    _, more = until(lambda: all(item["frames"] for item in watched(cluster, [MORE, WAITING])))
    print(f"what had no room is under way {took + more:.0f} s after `ray up` with a host more began")


def test_a_host_that_is_drained_is_left(cluster, held):
    drained, _ = seat(cluster)
    cluster.drain(drained)
    _, took = until(lambda: not decoders(cluster, drained))
    print(f"drained: streams have left after {took:.1f} s")
    cluster.net.hosts[drained].power_off()
    assert until(lambda: all(item["frames"] for item in watched(cluster, HELD)))
    whole(cluster, off=[drained])


def test_the_last_command_ends_it_and_leaves_results_as_of_an_undisturbed_run(cluster, held, undisturbed):
    cluster.pace("fast")
    done = ["completed"] * len(CLIPS)
    until(lambda: [item["status"] for item in watched(cluster, CLIPS)] == done)
    run(cluster, FIVE[4])
    assert not cluster.processes("head", "")
    script = cluster.net.folder / "compare.py"
    script.write_text(COMPARE)
    print(cluster.command(f"python {script} {RESULTS} {undisturbed()}", **cluster.aws()))
