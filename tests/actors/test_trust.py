"""What is read for others is judged as it is opened: no name, answer or playlist leads to a server inside."""

import shutil
import ssl
import subprocess

import pytest

from actors.limits import Limits
from actors.networks import Networks
from actors.source import SourceError, fingerprint, open_source
from actors.trust import Trust
from tests.actors.trusted import INSIDE, METADATA, OUTSIDE, TRUST, Names, denial, read, servers
from tests.actors.witnessed import Witnessed
from tests.senders import bytes_of, clip, coded, remuxed, status

QUICK = Limits(backoff_seconds=(0.05, 0.1), connect_seconds=2.0)
LISTED = "#EXTM3U\n#EXT-X-TARGETDURATION:1\n{}\n"
SEGMENT = "#EXTINF:1,\n{}\n"


@pytest.fixture
def names(monkeypatch):
    return Names(monkeypatch)


@pytest.fixture
def sides():
    with servers() as (outside, inside):
        for server in (outside, inside):
            server.routes.update({
                "/a.ts": bytes_of(coded("mpeg2video")),
                "/a.mp4": bytes_of(coded("mpeg4", container="mp4")),
            })
        yield outside, inside


def test_a_name_is_resolved_once_and_its_server_called_by_that_name(sides, names):
    outside, inside = sides
    names.set("host.test", OUTSIDE, INSIDE)
    packets, source = read(outside.url("/a.ts", "user:pw@host.test"))
    assert (len(packets), source.status) == (25, "completed")
    assert names.asked == ["host.test"]
    assert (outside.hosts, inside.asked) == ([f"host.test:{outside.port}"], [])


@pytest.mark.parametrize("answer", [INSIDE, METADATA, f"{OUTSIDE} {INSIDE}", "::ffff:169.254.169.254", "0.0.0.0"])
def test_a_name_that_has_come_to_lead_inside_is_denied(sides, names, answer):
    """It gave a good address when it was submitted, and for the fingerprint."""
    outside, inside = sides
    names.set("host.test", OUTSIDE, answer)
    url = outside.url("/a.ts?token=s3cr3t&x=1", "user:s3cr3t@host.test")
    assert fingerprint(url, Limits(), TRUST)
    said = denial(url)
    assert said.startswith(f"http://***@host.test:{outside.port}/a.ts?token=***&x=1: its server is ")
    assert ("SIGHTLINE_ALLOWED_NETWORKS" in said) is (INSIDE in answer)
    assert ("nobody can allow" in said) is (INSIDE not in answer)
    assert inside.asked == []
    with pytest.raises(SourceError, match="its server is"):
        fingerprint(url, Limits(), TRUST)


@pytest.mark.parametrize("host", [INSIDE, "localhost", "2130706433", "0x7f000001", "127.1", "[::ffff:127.0.0.1]"])
def test_the_loopback_is_not_reached_by_any_name(sides, host):
    outside, inside = sides
    denial(outside.url("/a.ts", host))
    assert inside.asked == []


@pytest.mark.parametrize("to", ["http://{}/a.ts", f"http://{METADATA}/latest", "/twice", "file:///etc/passwd"])
def test_a_redirect_to_the_inside_is_denied(sides, names, to):
    outside, inside = sides
    location = to.format(f"{INSIDE}:{inside.port}")
    outside.routes["/away"] = status(302, location)
    outside.routes["/twice"] = status(302, inside.url("/a.ts"))
    said = denial(outside.url("/away"))
    assert ": leads to " in said
    assert inside.asked == []


def test_a_name_that_changes_between_a_redirect_and_its_target_is_denied(sides, names):
    outside, inside = sides
    names.set("one.test", OUTSIDE)
    names.set("two.test", INSIDE)
    outside.routes["/away"] = status(302, outside.url("/a.ts", "two.test"))
    assert "http://two.test" in denial(outside.url("/away", "one.test"))
    assert inside.asked == []


@pytest.mark.parametrize(
    ("text", "taken"),
    [
        (SEGMENT.format("http://{}/a.ts") + "#EXT-X-ENDLIST\n", 0),
        (SEGMENT.format("http://rebound.test:{0.port}/a.ts") + "#EXT-X-ENDLIST\n", 0),
        (SEGMENT.format("a.ts") + SEGMENT.format("http://{}/a.ts") + SEGMENT.format("a.ts") + "#EXT-X-ENDLIST\n", 25),
        (SEGMENT.format("a.ts") + SEGMENT.format("away") + SEGMENT.format("a.ts") + "#EXT-X-ENDLIST\n", 25),
        (SEGMENT.format("a.ts") + SEGMENT.format("file:///etc/passwd") + "#EXT-X-ENDLIST\n", 25),
        ('#EXT-X-MAP:URI="http://{}/a.mp4"\n' + SEGMENT.format("a.ts") + "#EXT-X-ENDLIST\n", 0),
        ("#EXT-X-STREAM-INF:BANDWIDTH=1\nhttp://{}/list.m3u8\n", 0),
        (SEGMENT.format("a.ts") + SEGMENT.format("http://{}/a.ts"), 25),
    ],
    ids=["segment", "name", "second", "redirect", "file", "map", "variant", "live"],
)
def test_a_playlist_that_names_the_inside_ends_the_source(sides, names, text, taken):
    outside, inside = sides
    names.set("rebound.test", INSIDE)
    named = text.replace("{}", f"{INSIDE}:{inside.port}").replace("{0.port}", str(outside.port))
    outside.routes["/list.m3u8"] = bytes_of(LISTED.format(named).encode())
    outside.routes["/away"] = status(302, inside.url("/a.ts"))
    if not taken:
        denial(outside.url("/list.m3u8"), limits=QUICK)
    else:
        packets, source = read(outside.url("/list.m3u8"), limits=QUICK)
        assert (len(packets), source.status) == (taken, "denied")
        assert ": leads to " in source.reason
    assert inside.asked == []


def test_a_key_is_not_fetched(sides):
    outside, inside = sides
    key = f'#EXT-X-KEY:METHOD=AES-128,URI="{inside.url("/key")}"\n'
    outside.routes["/list.m3u8"] = bytes_of(LISTED.format(key + SEGMENT.format("a.ts")).encode())
    with pytest.raises(SourceError, match="encrypted"), open_source(outside.url("/list.m3u8"), trust=TRUST):
        pass
    assert inside.asked == []


def test_a_seek_connects_anew_and_is_judged_anew(sides, names):
    """The index of this file is at its end: FFmpeg goes there and back."""
    outside, inside = sides
    data = remuxed(clip("bigbuckbunny.mp4"), "mp4")
    for server in sides:
        server.routes["/b.mp4"] = bytes_of(data)
    names.set("host.test", OUTSIDE)
    assert len(read(outside.url("/b.mp4", "host.test"))[0]) > 132
    asked = len(names.asked)
    assert asked > 1
    names.set("host.test", OUTSIDE, INSIDE)
    denial(outside.url("/b.mp4", "host.test"))
    assert inside.asked == []


def cut_off(data):
    """A live answer that breaks after some bytes."""

    def answer(request):
        request.send_response(200)
        request.send_header("Transfer-Encoding", "chunked")
        request.end_headers()
        if request.command != "HEAD":
            request.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        request.close_connection = True

    return answer


def test_a_live_source_that_reconnects_after_its_name_has_changed_ends(sides, names):
    outside, inside = sides
    outside.routes["/live.ts"] = inside.routes["/live.ts"] = cut_off(coded("mpeg2video", frames=100))
    names.set("host.test", OUTSIDE, OUTSIDE, INSIDE)
    packets, source = read(outside.url("/live.ts", "host.test"), limits=QUICK)
    assert source.live
    assert len(packets) > 150
    assert source.status == "denied"
    assert source.reason.startswith(f"http://host.test:{outside.port}/live.ts: its server is on a loopback network")
    assert (len(outside.asked), inside.asked) == (2, [])


@pytest.mark.parametrize("first", ["fingerprint", "opening", "reconnecting"])
def test_the_stream_has_failed(sides, names, tmp_path, first):
    outside, _inside = sides
    outside.routes["/live.ts"] = cut_off(coded("mpeg2video", frames=100))
    good = {"fingerprint": 0, "opening": 1, "reconnecting": 2}[first]
    names.set("host.test", *[OUTSIDE] * good, METADATA)
    task = {"trust": TRUST, "limits": QUICK, "evidence": False}
    document = Witnessed(outside.url("/live.ts", "a:s3cr3t@host.test"), tmp_path, ("black",), **task).run().document
    assert document["status"] == "failed"
    assert document["error"].startswith("http://***@host.test:")
    assert document["error"].endswith("which nobody can allow")
    assert bool(document["coverage"]) is (first == "reconnecting")
    names.set("host.test", OUTSIDE)
    outside.routes["/live.ts"] = bytes_of(coded("mpeg2video"))
    again = Witnessed(outside.url("/live.ts", "a:s3cr3t@host.test"), tmp_path, ("black",), **task).run().document
    assert again["status"] == "completed"


def test_proxies_of_the_environment_are_not_asked(sides, names, monkeypatch):
    outside, inside = sides
    monkeypatch.setenv("http_proxy", inside.url(""))
    names.set("host.test", OUTSIDE)
    assert len(read(outside.url("/a.ts", "host.test"))[0]) == 25
    assert inside.asked == []


def test_the_next_address_is_tried_where_one_does_not_answer(sides, names):
    outside, _ = sides
    names.set("host.test", f"127.0.0.9 {OUTSIDE}")
    trust = Trust((), Networks.parse(["127.0.0.9", OUTSIDE]))
    assert len(read(outside.url("/a.ts", "host.test"), trust)[0]) == 25


def test_a_host_that_is_not_known_is_not_denied(names):
    with pytest.raises(SourceError) as caught, open_source(f"http://{'a' * 70}.test/", trust=TRUST):
        pass
    assert caught.value.kind == "refused"


def test_tls_is_checked_against_the_name_at_the_judged_address(tmp_path, names, monkeypatch):
    if not shutil.which("openssl"):
        pytest.skip("the openssl command is not installed")
    named = ("-subj", "/CN=host.test", "-addext", "subjectAltName=DNS:host.test")
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", "key.pem")
    command = ("openssl", "req", "-x509", *key, "-out", "cert.pem", "-days", "2", *named)
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
    names.set("host.test", OUTSIDE)
    names.set("other.test", OUTSIDE)
    with servers(tls) as (outside, _):
        outside.routes["/a.ts"] = bytes_of(coded("mpeg2video"))
        url = outside.url("/a.ts", "host.test").replace("http:", "https:")
        assert len(read(url)[0]) == 25
        with pytest.raises(SourceError, match="CERTIFICATE_VERIFY_FAILED"), open_source(
            url.replace("host.test", "other.test"), trust=TRUST
        ):
            pass
        assert outside.hosts == [f"host.test:{outside.port}"]


def test_at_the_keyboard_any_host_that_is_named_is_trusted(sides, names):
    _outside, inside = sides
    names.set("host.test", INSIDE)
    assert len(read(inside.url("/a.ts", "host.test"), None)[0]) == 25
    assert names.asked == ["host.test"]
    assert len(inside.asked) == 1
