"""Whatever is wrong with the server or the key: one line, and what to do."""

import json
import os
import re

import pytest
import stamina

from serve.api.auth import FileKeys, issue
from serve.client import address, client, local_state
from serve.client.local_state import LocalState
from serve.terminal.exits import CommandFailedError
from tests.senders import HttpServer, bytes_of, free_port
from tests.serve.served import Served, answering, documents, printed, refused, run

READS = [
    ("ls",), ("ls", "--streams"), ("show", "channel-1"), ("events",), ("events", "--follow"), ("watch",),
    ("measurements", "channel-1"),
]  # fmt: skip
WRITES = [("stop", "job-1"), ("submit", "https://h/x")]


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    store = FileKeys(tmp_path_factory.mktemp("keys") / "keys.json")
    store.of = {scope: issue(store, scope, scope) for scope in ("read", "submit")}
    return store


@pytest.fixture(scope="module")
def served(keys):
    with Served(keys=keys) as served:
        served.submitted("channel-1")
        yield served


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """A home without a cluster."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


# keys


@pytest.mark.parametrize("command", [*READS, *WRITES], ids=" ".join)
def test_a_key_is_missing(served, command):
    assert refused(served, *command) == f"{served.url} asks for a key; set SIGHTLINE_API_KEY"


@pytest.mark.parametrize("command", [*READS, *WRITES], ids=" ".join)
def test_a_key_is_wrong(served, keys, command):
    wrong = keys.of["read"][:-1] + ("A" if keys.of["read"][-1] != "A" else "B")
    said = refused(served, *command, SIGHTLINE_API_KEY=wrong)
    assert said == f"{served.url} does not know this key; see SIGHTLINE_API_KEY"


def test_a_key_that_may_not(served, keys):
    said = refused(served, "submit", "https://h/x", SIGHTLINE_API_KEY=keys.of["read"])
    assert said == "this needs a key with the scope submit; yours has read (403)"


def test_a_key_that_may(served, keys):
    assert documents(served, "ls", SIGHTLINE_API_KEY=keys.of["read"] + "\n")
    assert "1 stream" in printed(served, "submit", "https://h/x", SIGHTLINE_API_KEY=keys.of["submit"])


@pytest.mark.parametrize("key", ["two words", "line\nbreak", "ключ", "nul\x07"])
def test_a_key_that_is_none_is_not_shown(served, key):
    said = refused(served, "ls", status=2, SIGHTLINE_API_KEY=key)
    assert said == "SIGHTLINE_API_KEY holds no key: there are blanks or characters in it that no key has"


# addresses


@pytest.mark.parametrize("command", [*READS, *WRITES], ids=" ".join)
def test_nobody_is_there(command):
    url = f"http://127.0.0.1:{free_port()}"
    with stamina.set_testing(True, attempts=2):
        said = refused(url, *command)
    assert said.startswith(f"{url} cannot be reached (")
    assert said.endswith("); start it with `sightline up`, or name another with --url")


def test_only_reads_are_tried_again(monkeypatch):
    tried = []
    monkeypatch.setattr(client.httpx.HTTPTransport, "handle_request", lambda self, request: _refuse(request, tried))
    refused("http://127.0.0.1:1", "ls")
    refused("http://127.0.0.1:1", "stop", "job-1")
    assert tried == ["GET"] * 4 + ["PATCH"]


def _refuse(request, tried):
    tried.append(request.method)
    raise client.httpx.ConnectError("refused")


def test_no_cluster_is_up():
    assert refused(None, "ls") == "no cluster is up; start one with `sightline up`, or name one with --url"


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("ftp://h", "write it as http://HOST:PORT"), ("127.0.0.1:8000", "write it as"), ("http://", "write it as"),
        ("http://h:99999", "write it as"), ("http://h/?a=b", "write it as"), ("http://h\n", "write it as"),
        ("http://[::1", "write it as"), ("http://user:hush@h", "without user and password"),
    ],
)  # fmt: skip
def test_what_is_no_address(url, words):
    done = run(None, "ls", "--url", url)
    assert done.exit_code == 2
    assert words in done.stderr
    assert "hush" not in done.output


def test_the_option_wins_over_the_environment_and_a_slash_at_its_end_is_nothing(served, keys):
    done = run("http://127.0.0.1:1", "ls", "--url", f"{served.url}/", SIGHTLINE_API_KEY=keys.of["read"])
    assert done.exit_code == 0


def test_what_up_has_left_is_used_with_its_key(served, keys):
    state = LocalState(url=served.url, results="/r", pid=os.getpid(), key=keys.of["read"])
    local_state.write(state)
    assert documents(None, "ls")
    assert "slk_" not in repr(local_state.read())
    assert local_state.path().stat().st_mode & 0o777 == 0o600
    assert [path.name for path in local_state.path().parent.iterdir()] == ["up.json"]
    local_state.remove()
    local_state.remove()
    assert local_state.read() is None


def test_its_key_is_sent_to_no_other_server(served, keys):
    local_state.write(LocalState(url="http://127.0.0.1:1", results="/r", pid=1, key=keys.of["read"]))
    assert "asks for a key" in refused(served, "ls")


def test_what_up_has_left_keeps_what_is_not_known_here():
    local_state.write(LocalState(url="http://h", results="/r", pid=1, dashboard="http://d"))
    assert local_state.read().dashboard == "http://d"
    assert json.loads(local_state.path().read_text())["key"] is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"url": 5}'])
def test_a_state_file_that_is_none(text):
    local_state.path().parent.mkdir(parents=True)
    local_state.path().write_text(text)
    assert "was not written by `sightline up`; delete it" in refused(None, "ls")


def test_a_state_file_that_others_may_change():
    local_state.write(LocalState(url="http://h", results="/r", pid=1))
    local_state.path().chmod(0o622)
    assert "so it is not trusted" in refused(None, "ls")


def test_a_state_file_that_cannot_be_written(tmp_path):
    (tmp_path / "state").write_text("a file where a folder should be")
    with pytest.raises(CommandFailedError, match="cannot be written"):
        local_state.write(LocalState(url="http://h", results="/r", pid=1))


# answers


@pytest.mark.parametrize(
    "body",
    [
        b"<html>hello</html>", b"", b"[]", b"{", b'{"items": 5, "next": null}', b'{"items": [5], "next": null}',
        b'{"items": [], "next": "\\ud800"}', b'{"items": [{"id": "x"}], "next": null}', b"[" * 100_000,
        b'{"items": NaN}', b'{"items": [1e999], "next": null}', b"\xff",
    ],
)  # fmt: skip
def test_an_answer_that_is_none(body):
    with answering({"/v1/jobs": body}) as url:
        done = run(url, "ls")
    assert done.exit_code == 1
    assert re.fullmatch(r"sightline: .*(understood|answers with no JSON object).*\n", done.stderr)


@pytest.mark.parametrize("command", [("events",), ("events", "--follow"), ("watch",)], ids=" ".join)
def test_a_feed_that_is_none(command):
    with HttpServer() as server:
        server.routes["/v1/streams"] = bytes_of(b'{"items": [], "next": null}')
        server.routes["/v1/events"] = bytes_of(b"<html>hello</html>", "text/html")
        assert "/v1/events gives no events; is this the API of Sightline?" in refused(server.url(""), *command)


@pytest.mark.parametrize(
    ("url", "here"),
    [
        ("http://localhost:1", True), ("http://127.9.9.9", True), ("http://[::1]:1", True), ("http://h", False),
        ("https://localhost.example.org", False), ("http://10.0.0.1", False),
    ],
)  # fmt: skip
def test_a_proxy_is_not_asked_for_this_machine(url, here, monkeypatch):
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert address.is_loopback(url) == here
    with client.Client(address.Address(url)) as made:
        assert bool(made._http._mounts) != here


def test_pages_that_never_end():
    with answering({"/v1/jobs": b'{"items": [], "next": "again"}'}) as url:
        assert "gives the same page again and again" in refused(url, "ls")


def test_an_answer_without_an_end(monkeypatch):
    monkeypatch.setattr(client, "MOST_BYTES", 1000)
    with answering({"/v1/jobs": b" " * 2000}) as url:
        assert "does not end" in refused(url, "ls")


def test_an_error_that_is_no_problem():
    with HttpServer() as server:
        assert "answers 404 without saying why; is this the API of Sightline?" in refused(server.url(""), "ls")


def test_a_redirect_is_not_followed(served, keys):
    def elsewhere(request):
        request.send_response(307)
        request.send_header("Location", f"{served.url}/v1/jobs")
        request.send_header("Content-Length", "0")
        request.end_headers()

    with HttpServer() as server:
        server.routes["/v1/jobs"] = elsewhere
        assert "redirect" in refused(server.url(""), "ls", SIGHTLINE_API_KEY=keys.of["read"])


def test_a_server_that_does_not_answer_in_time(monkeypatch):
    monkeypatch.setattr(client, "_TIMEOUT", client.httpx.Timeout(0.2))
    with HttpServer() as server:
        server.routes["/v1/jobs"] = lambda request: server.ended.wait(5)
        assert refused(server.url(""), "ls") == f"{server.url('')} does not answer in time; try again"


def test_it_cannot_work_now(served, keys):
    with served.backend.failing({"supervisor": "gone"}):
        said = refused(served, "ls", SIGHTLINE_API_KEY=keys.of["read"])
    assert said == "supervisor does not answer; try again in 5 s (503)"
    with served.backend.failing(broken="a secret"):
        said = refused(served, "ls", SIGHTLINE_API_KEY=keys.of["read"])
    assert said.endswith("(500)")
    assert "secret" not in said
