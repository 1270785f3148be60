"""`sightline up` and `down`, as a user runs them, and the API through Ray Serve."""

import base64
import io
import json
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import av
import httpx
import pytest
import schemathesis
import standardwebhooks
from hypothesis import HealthCheck, given, settings

from actors.verify import verify
from tests.actors.channel import Channel
from tests.senders import free_port
from tests.serve.running import COMMAND, DEADLINE, ENVIRONMENT, ROOT, broken, good

pytestmark = [pytest.mark.ray, pytest.mark.timeout(600)]

QUICK = {"SIGHTLINE_LOOK_SECONDS": "0.2", "SIGHTLINE_DECODER_CPUS": "0.1"}


class Up:
    """A cluster that `sightline up` started, and commands that find it."""

    def __init__(self, folder, port):
        self.results, self.port = folder / "results", port
        self.url = f"http://127.0.0.1:{port}"
        self.environment = {**ENVIRONMENT, **QUICK, "XDG_STATE_HOME": str(folder / "state"), "TMPDIR": "/tmp"}
        self.environment.pop("RAY_ADDRESS", None)

    def run(self, *arguments, status=0):
        done = subprocess.run(
            [*COMMAND, *map(str, arguments)], env=self.environment, cwd=self.results.parent, capture_output=True,
            text=True, timeout=DEADLINE, check=False,
        )  # fmt: skip
        assert "Traceback" not in done.stderr, done.stderr
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout

    def get(self, path, **query):
        answer = httpx.get(f"{self.url}{path}", params=query, timeout=120)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def processes(self):
        """Living processes of the cluster, by their mark."""
        mark = f"SIGHTLINE_HEAD={json.loads((self.results.parent / 'state/sightline/up.json').read_text())['mark']}"
        return marked(mark)


def marked(mark):
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and mark.encode() in (entry / "environ").read_bytes().split(b"\0"):
                found.append(int(entry.name))
        except OSError:
            continue
    return found


@pytest.fixture(scope="module")
def up(tmp_path_factory):
    made = Up(tmp_path_factory.mktemp("up"), free_port())
    said = made.run("up", "--results", made.results, "--port", made.port, "--cpus", 4)
    assert made.url in said
    mark = made.processes()
    assert len(mark) > 5
    yield made
    named = f"SIGHTLINE_HEAD={json.loads((made.results.parent / 'state/sightline/up.json').read_text())['mark']}"
    made.run("down")
    assert marked(named) == []
    assert not (made.results.parent / "state/sightline/up.json").exists()
    assert verify(str(made.results)) == []


def test_up_twice_is_refused_and_says_where_it_is(up):
    up.run("up", "--results", up.results, status=1)
    assert up.get("/healthz") == up.get("/readyz") == {"status": "ok"}


def test_only_this_machine_can_reach_any_of_it(up):
    pids = set(up.processes())
    listening = subprocess.run(["ss", "-ltnpH"], capture_output=True, text=True, check=True).stdout
    lines = [line for line in listening.splitlines() if pids & {int(p) for p in re.findall(r"pid=(\d+)", line)}]
    ours = [line.split()[3] for line in lines]
    assert len(ours) >= 10
    assert {re.sub(r":\d+$", "", address) for address in ours} <= {"127.0.0.1", "[::ffff:127.0.0.1]"}


def test_ray_asks_for_a_token_that_only_its_user_can_read(up):
    state = json.loads((up.results.parent / "state/sightline/up.json").read_text())
    assert Path(state["token"]).stat().st_mode & 0o077 == 0
    assert httpx.get(f"{state['dashboard']}/api/jobs/", timeout=120).status_code == 401
    wrong = {"Authorization": "Bearer " + "0" * 64}
    assert httpx.get(f"{state['dashboard']}/api/jobs/", headers=wrong, timeout=120).status_code == 403
    right = {"Authorization": f"Bearer {Path(state['token']).read_text()}"}
    assert httpx.get(f"{state['dashboard']}/api/jobs/", headers=right, timeout=120).status_code == 200


def test_files_are_submitted_waited_for_and_listed(up):
    job = json.loads(up.run("submit", good(), broken(), "--wait", "--json"))
    assert (job["status"], [stream["status"] for stream in job["streams"]]) == ("completed", ["completed"] * 2)
    named = [stream["stream"] for stream in job["streams"]]
    incidents = up.get("/v1/incidents", stream=named[1])["items"]
    assert {"black", "freeze", "silence"} <= {i["detector"] for i in incidents if i["status"] == "closed"}
    assert up.get("/v1/incidents", stream=named[0], severity="critical")["items"] == []
    rows = up.get("/v1/measurements", stream=named[1], table="video", metric="black_share", limit=1000)["items"]
    assert len(rows) == 150
    assert sum(row["metrics"]["black_share"] >= 0.98 for row in rows) == pytest.approx(62, abs=1)
    state = up.get(f"/v1/streams/{named[1]}")
    assert (state["status"], state["frames"], state["job"]) == ("completed", 150, job["id"])
    assert job["id"] in up.run("ls")


def test_a_missing_file_fails_with_its_reason(up):
    job = json.loads(up.run("submit", up.results / "nothing.mp4", "--wait", "--json", status=1))
    assert job["status"] == "failed"
    assert "no such file" in job["streams"][0]["error"]


class Told:
    """A receiver of webhooks on the loopback that is down for as long as it is told to be."""

    def __init__(self, secret):
        self.down, self.refused, self.events, outer = True, 0, [], self
        checked = standardwebhooks.Webhook(secret)

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                if outer.down:
                    outer.refused += 1
                    self.send_error(503)
                    return
                checked.verify(body, dict(self.headers))
                outer.events.append((self.headers["webhook-id"], json.loads(body)))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *said):
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"


def test_a_webhook_that_is_down_for_a_while_loses_nothing(up, tmp_path):
    secret = "whsec_" + base64.b64encode(bytes(range(24))).decode()
    told, clip = Told(secret), tmp_path / "hooked.mp4"
    clip.write_bytes(broken().read_bytes())
    up.environment["SIGHTLINE_WEBHOOK_SECRET"] = secret
    job = json.loads(up.run("submit", clip, "--webhook", told.url, "--wait", "--json"))
    until = time.monotonic() + 30
    while not told.refused:
        assert time.monotonic() < until, "nobody has called"
        time.sleep(0.1)
    told.down = False
    stream = job["streams"][0]["stream"]
    wanted = {i["id"] for i in up.get("/v1/incidents", stream=stream)["items"] if i["detector"] in ("black", "silence")}
    assert len(wanted) == 2
    while {e["data"]["id"] for _, e in told.events if e["type"].endswith("closed")} < wanted:
        assert time.monotonic() < until + 30, told.events
        time.sleep(0.1)
    told.server.shutdown()
    told.server.server_close()
    assert len({id_ for id_, _ in told.events}) == len(told.events)
    assert {e["source"] for _, e in told.events} == {f"/streams/{stream}"}
    assert secret not in "".join(p.read_text() for p in (up.results / "outbox").iterdir())


def events(url, count, seconds=120):
    """The next events as they arrive: (seconds since 1970 when it did, event)."""
    found = []
    with httpx.stream("GET", f"{url}/v1/events", timeout=seconds) as answer:
        for line in answer.iter_lines():
            if line.startswith("data: "):
                found.append((time.time(), json.loads(line[6:])))
                if len(found) == count:
                    return found
    return found


def test_a_live_channel_is_watched_and_its_incidents_are_pushed(up):
    port = free_port()
    job = json.loads(up.run("submit", f"udp://127.0.0.1:{port}", "--name", "channel", "--json"))
    with Channel(port) as channel:
        arrived = events(up.url, 2)
        kinds = {(event["kind"], event["incident"]["detector"]) for _, event in arrived}
        assert ("opened", "black") in kinds
        state = up.get("/v1/streams/channel")
        assert (state["status"], state["live"]) == ("running", True)
        assert state["newest_frame_age_seconds"] < 2
        channel.at(45)
    up.run("stop", job["id"])
    until = time.monotonic() + 20
    while up.get("/v1/incidents", stream="channel", status="open")["items"]:
        assert time.monotonic() < until, "incidents stay open"
        time.sleep(0.2)
    (first, second) = [i for i in up.get("/v1/incidents", stream="channel")["items"] if i["detector"] == "black"][::-1]
    assert (first["start_seconds"], first["end_seconds"]) == (pytest.approx(3, abs=0.05), pytest.approx(5, abs=0.05))
    assert second["start_seconds"] == pytest.approx(13, abs=0.05)
    picture = httpx.get(f"{up.url}/v1/incidents/{first['id']}/evidence.jpg", timeout=120)
    assert (picture.status_code, picture.headers["content-type"]) == (200, "image/jpeg")
    with av.open(io.BytesIO(picture.content)) as shown:
        luma = next(shown.decode(video=0)).reformat(format="gray").to_ndarray()
    assert luma.mean() < 10
    clip = httpx.get(f"{up.url}/v1/incidents/{first['id']}/evidence.mkv", timeout=120)
    with av.open(io.BytesIO(clip.content)) as packets:
        assert sum(1 for _ in packets.decode(video=0)) > 50
    assert up.get("/v1/streams/channel")["status"] == "stopped"


def test_watch_shows_lines_where_there_is_no_terminal(up):
    running = subprocess.Popen(
        [*COMMAND, "watch"], env=up.environment, cwd=up.results.parent, stdout=subprocess.PIPE, text=True
    )
    try:
        assert any("channel" in line for line in running.stdout)
        running.send_signal(signal.SIGINT)
        running.communicate(timeout=120)
    finally:
        running.kill()
    assert running.returncode == 0


def test_every_operation_answers_through_serve_as_its_document_says(up):
    """In-process tests ask far more; here it is Ray Serve's turn. The feed never ends, and is left out."""
    schema = schemathesis.openapi.from_url(f"{up.url}/openapi.json")
    answers = Counter()

    def ask(operation):
        @given(case=operation.as_strategy())
        @settings(max_examples=6, deadline=None, database=None, derandomize=True, suppress_health_check=[*HealthCheck])
        def one(case):
            response = case.call(timeout=120)
            documented = {str(status) for status in operation.responses.status_codes}
            assert str(response.status_code) in documented, (operation.label, response.status_code, response.text)
            answers[operation.label, response.status_code] += 1

        one()

    for found in schema.get_all_operations():
        operation = found.ok()
        if "/v1/events" not in operation.path:
            ask(operation)
    assert len({label for label, _ in answers}) >= 14
    assert sum(answers.values()) >= 60
    assert max(status for _, status in answers) < 500


@pytest.mark.slow
def test_a_ray_job_may_submit(up):
    """`ray job submit -- python -m serve submit`: a driver inside the cluster talks to the same API."""
    state = json.loads((up.results.parent / "state/sightline/up.json").read_text())
    known = {
        **up.environment, "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": state["token"],
        "RAY_API_SERVER_ADDRESS": state["dashboard"],
    }  # fmt: skip
    command = f"{sys.executable} -m serve submit {broken()} --name from-a-job --wait --url {up.url}"
    done = subprocess.run(
        [f"{Path(sys.executable).parent}/ray", "job", "submit", "--working-dir", str(ROOT), "--", *command.split()],
        env=known, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "completed" in done.stdout
    assert up.get("/v1/streams/from-a-job")["status"] == "completed"
