"""`sightline doctor` from outside, and what it looks at."""

import json
import os
import socket
import subprocess
import sys
import urllib.request

import pytest

from cluster.bucketserver import BUCKET, bucket_server
from serve.api.auth import FileKeys, issue
from serve.client import local_state
from serve.doctor import gpu, rays, results, upload
from tests.cluster.bucketed import environment
from tests.senders import HttpServer, bytes_of, free_port, status
from tests.serve.running import ENVIRONMENT
from tests.serve.served import Served, run

STATES = {"ok", "warning", "problem", "skipped"}


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """A home of its own, without a cluster, and a folder that is not sent to Ray."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("RAY_AUTH_MODE", raising=False)
    monkeypatch.delenv("RAY_AUTH_TOKEN_PATH", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def findings(*arguments, served=None, **environment):
    """Exit status, and findings by check."""
    done = run(served, "doctor", "--json", *arguments, **environment)
    assert done.stderr == ""
    document = json.loads(done.stdout)
    assert document["schema"] == 1
    assert {one["state"] for one in document["findings"]} <= STATES
    found = {one["check"]: one for one in document["findings"]}
    assert len(found) == len(document["findings"]) >= 17
    bad = any(one["state"] == "problem" for one in found.values())
    assert done.exit_code == int(bad)
    return done.exit_code, found


def test_a_machine_on_which_all_is_well(home):
    code, found = findings("--port", free_port())
    assert code == 0, [one for one in found.values() if one["state"] == "problem"]
    for check in ("python", "packages", "codecs", "containers", "results", "port of the API", "keys of the API"):
        assert found[check]["state"] == "ok"
    assert found["server"]["state"] == found["clock"]["state"] == found["upload of a Ray job"]["state"] == "skipped"
    assert not (home / "sightline-results").exists()
    done = run(None, "doctor")
    assert done.exit_code == 0
    assert len(done.stdout.splitlines()) > len(found)
    assert done.stdout.splitlines()[-1].endswith("skipped")


def test_results_that_cannot_be_written(home):
    (home / "file").write_text("")
    code, found = findings("--results", home / "file" / "results")
    assert (code, found["results"]["state"]) == (1, "problem")
    assert found["results"]["remedy"] == "A file is in the way: remove it, or name another folder."
    done = run(None, "doctor", "--results", home / "file")
    assert done.exit_code == 1
    assert "a file is in the way".casefold() in done.stdout.casefold()


def test_a_read_only_folder(home):
    folder = home / "kept"
    folder.mkdir(mode=0o500)
    told = results.attempt(str(folder if os.geteuid() else "/sys/kernel"))  # root writes into the former
    assert told.failure is not None
    assert told.remedy == "it cannot be written: mend its permissions, or name another place"


def test_a_folder_that_cannot_be_looked_at(home):
    name = str(home / ("x" * 300))
    assert results.attempt(name).failure is not None
    assert [room.use for room in results.rooms(name)] == ["temporary files"]


def test_a_bucket(monkeypatch):
    pytest.importorskip("moto")
    with bucket_server() as server:
        for name, value in environment(server.port).items():
            monkeypatch.setenv(name, value)
        assert results.attempt(f"s3://{BUCKET}/results") == results.Tried(f"s3://{BUCKET}/results")
        with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/{BUCKET}", timeout=10) as listed:
            assert b"doctor" not in listed.read()
        missing = results.attempt("s3://missing/results")
        assert missing.remedy == "there is no such bucket: make it, or name another"
    assert results.attempt(f"s3://{BUCKET}/results").failure


def test_results_that_name_nothing():
    done = run(None, "doctor", "--results", "")
    assert (done.exit_code, done.stdout) == (2, "")


def test_a_port_that_is_taken():
    with socket.create_server(("127.0.0.1", 0)) as other:
        code, found = findings("--port", other.getsockname()[1])
    assert (code, found["port of the API"]["state"]) == (0, "warning")
    assert "--port" in found["port of the API"]["remedy"]


def test_others_reach_it_and_there_are_no_keys(home):
    code, found = findings("--host", "0.0.0.0", "--port", free_port())
    assert (code, found["keys of the API"]["state"]) == (1, "problem")
    folder = local_state.path().parent
    folder.mkdir(parents=True)
    issue(FileKeys(folder / "keys.json"), "read", "me")
    assert findings("--host", "0.0.0.0", "--port", free_port())[1]["keys of the API"]["state"] == "ok"


def test_a_token_that_others_may_read(home):
    token = home / ".ray" / "auth_token"
    token.parent.mkdir()
    token.write_text("c0ffee" * 10)
    token.chmod(0o644)
    _, found = findings(RAY_AUTH_MODE="token")
    assert (found["ray's token"]["state"], found["ray's token"]["remedy"]) == ("warning", f"Run: chmod 600 {token}")
    assert "c0ffee" not in json.dumps(found)
    token.chmod(0o600)
    assert findings(RAY_AUTH_MODE="token")[1]["ray's token"]["state"] == "ok"


def test_a_server_and_its_keys(home):
    keys = FileKeys(home / "keys.json")
    key = issue(keys, "read", "me")
    wrong = key[:-1] + ("A" if key[-1] != "A" else "B")
    with Served(keys=keys) as served:
        code, found = findings(served=served, SIGHTLINE_API_KEY=key)
        assert code == 0
        for check in ("server", "key", "version of the server", "clock"):
            assert found[check]["state"] == "ok", found[check]
        for given, told in ((wrong, "it is refused"), (None, "one is asked for, none is set")):
            code, found = findings(served=served, SIGHTLINE_API_KEY=given)
            assert (code, found["key"]["state"], found["key"]["found"]) == (1, "problem", told)
            assert key not in json.dumps(found)
            assert wrong not in json.dumps(found)
    code, found = findings(served=served)
    assert (code, found["server"]["state"]) == (1, "problem")


def test_another_server():
    with HttpServer() as other:
        other.routes["/openapi.json"] = bytes_of(b'{"info": {"version": "9"}}', "application/json")
        other.routes["/v1/jobs"] = status(302, "http://example.org/")
        code, found = findings(served=other.url("").rstrip("/"))
    assert (code, found["server"]["state"]) == (1, "problem")
    assert found["key"]["state"] == found["version of the server"]["state"] == "skipped"
    assert len(other.asked) == 3


def test_an_address_that_is_none():
    done = run(None, "doctor", "--url", "ftp://host")
    assert (done.exit_code, done.stdout) == (2, "")


@pytest.mark.parametrize(
    ("answer", "told"),
    [(status(401), "token"), (bytes_of(b'{"version": "4", "ray_version": "2.60.0"}'), "open"), (status(404), "other"),
     (bytes_of(b"[" * 50_000), "other")],
)  # fmt: skip
def test_how_a_dashboard_is_asked(answer, told):
    with HttpServer() as dashboard:
        dashboard.routes["/api/version"] = answer
        port = rays.port_of(dashboard.url(""))
        assert rays.look({port: frozenset({"127.0.0.1"})}, {port}) == [
            rays.Listener(port, frozenset({"127.0.0.1"}), told)
        ]
    assert rays.ask({"127.0.0.1"}, port) == "other"
    assert rays.look(None, {port}) is None


MEASURED = """
import json, sys
from pathlib import Path
from serve.doctor.upload import look
one = look(Path("."))
print(json.dumps([one.size, one.most, one.failure]))
"""


def test_what_a_job_would_send(home):
    """In a process of its own: Ray reads how to authenticate as it is imported."""
    assert upload.look(home) == upload.Upload(str(home))
    (home / ".rayignore").write_text("clips/\n")
    for name, size in {"one.bin": 1000, "clips/a.mp4": 5000, ".venv/b": 7000, "sub/c": 300}.items():
        (home / name).parent.mkdir(exist_ok=True)
        (home / name).write_bytes(bytes(size))
    done = subprocess.run(
        [sys.executable, "-c", MEASURED], cwd=home, env=ENVIRONMENT, capture_output=True, text=True, check=True
    )
    size, most, failure = json.loads(done.stdout)
    assert (size, failure) == (1000 + 300 + len("clips/\n"), None)
    assert most > 64 << 20


IMPORTED = """
import sys
from serve.cli import main
try:
    main()
except SystemExit:
    print(sorted({"ray", "torch", "fastapi"} & set(sys.modules)), file=sys.stderr)
"""


def test_it_imports_neither_ray_nor_torch_nor_the_server(home):
    done = subprocess.run(
        [sys.executable, "-c", IMPORTED, "doctor", "--json"], cwd=home, env=ENVIRONMENT, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    assert len(json.loads(done.stdout)["findings"]) >= 17
    assert done.stderr == ("['torch']\n" if gpu.DRIVER.is_file() else "[]\n")
