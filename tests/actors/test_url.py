import re
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.url import SourceError, join, network, permitted, redact, stream_name

NAME = re.compile(r"^[a-z0-9][a-z0-9_-]{0,62}$")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("rtsp://user:s3cr3t@camera/live", "rtsp://***@camera/live"),
        ("http://user:p@ss@host/a?b=1", "http://***@host/a?b=1"),
        ("[Errno 111] Connection refused: 'rtsp://u:s3cr3t@h:1/x'", "[Errno 111] Connection refused: 'rtsp://***@h:1/x'"),
        ("https://h/a.m3u8?token=s3cr3t&t=5", "https://h/a.m3u8?token=***&t=5"),
        ("https://h/a?X-Amz-Signature=s3cr3t#f", "https://h/a?X-Amz-Signature=***#f"),
        ("https://h/a?e=s3cr3ts3cr3ts3cr3ts3cr3t", "https://h/a?e=***"),
        ("https://h/watch?channel=first-public-channel&w=1280", "https://h/watch?channel=first-public-channel&w=1280"),
        ("/tmp/user@home/a.mp4", "/tmp/user@home/a.mp4"),
    ],
)
def test_redact_takes_out_what_is_secret_and_no_more(text, shown):
    assert redact(text) == shown
    assert "s3cr3t" not in redact(text)


def test_a_source_error_never_holds_a_secret():
    error = SourceError("http://user:s3cr3t@host/x?key=s3cr3t: refused", "refused")
    assert "s3cr3t" not in str(error)
    assert "s3cr3t" not in repr(error)


@given(st.text(max_size=200))
def test_every_path_gives_a_valid_stream_name(text):
    assert NAME.match(stream_name(f"/{text}"))


@given(st.from_regex(r"http://[a-z.]{1,30}/[^\x00]{0,99}", fullmatch=True))
def test_every_url_gives_a_valid_stream_name(url):
    assert NAME.match(stream_name(url))


@pytest.mark.parametrize("url", ["http://[", "file://[/a", "http://h:port/x", "udp://h:99999"])
def test_what_is_no_url_is_said_clearly(url):
    for function in (stream_name, network):
        with pytest.raises(SourceError, match="not a valid URL"):
            function(url)


def test_stream_names_tell_sources_apart_and_outlive_passwords():
    assert stream_name("http://a:b@host/live/one.ts") == stream_name("http://c:d@host/live/one.ts")
    assert stream_name("http://host/x.ts?token=aaa") == stream_name("http://host/x.ts?token=bbb")
    assert stream_name("/a/one.ts") != stream_name("/b/one.ts")
    assert stream_name("/a/Große Datei.TS").startswith("gro-e-datei-ts-")
    assert "secret" not in stream_name("http://secret:secret@host/one.ts")


@pytest.mark.parametrize(
    ("parent", "name", "whole"),
    [
        ("http://h/a/b.m3u8", "c.ts", "http://h/a/c.ts"),
        ("http://h/a/b.m3u8", "/c.ts", "http://h/c.ts"),
        ("http://h/a/b.m3u8", "https://k/c.ts", "https://k/c.ts"),
        ("/a/b.m3u8", "c%20d.ts", "/a/c d.ts"),
        ("/a/b.m3u8", "/e/c.ts", "/e/c.ts"),
        ("file:///a/b.m3u8", "c.ts", "/a/c.ts"),
        ("/a/b.m3u8", "http://h/c.ts", "http://h/c.ts"),
    ],
)
def test_join(parent, name, whole):
    assert join(parent, name) == whole


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("http://127.0.0.1/x", "loopback"),
        ("http://[::1]:8000/x", "loopback"),
        ("http://0.0.0.0/x", "loopback"),
        ("http://[::ffff:127.0.0.1]/x", "loopback"),
        ("http://2130706433/x", "loopback"),
        ("http://10.1.2.3/x", "private"),
        ("http://100.64.0.1/x", "private"),
        ("http://224.0.0.1/x", "private"),
        ("http://169.254.169.254/latest", "link-local"),
        ("https://93.184.216.34/x", "public"),
        ("/etc/passwd", "file"),
        ("file:///etc/passwd", "file"),
        ("subfile,,start,0,end,9,,:/etc/passwd", "file"),
    ],
)
def test_network(url, kind):
    assert network(url) == kind


def test_a_host_with_several_addresses_counts_as_the_least_public(monkeypatch):
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, 0)) for ip in ("93.184.216.34", "10.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: found)
    assert network("http://both.example/x") == "private"


@pytest.mark.parametrize(
    ("url", "parent"),
    [
        ("/etc/passwd", "http://93.184.216.34/a.m3u8"),
        ("file:///etc/passwd", "http://127.0.0.1/a.m3u8"),
        ("http://127.0.0.1/x", "http://93.184.216.34/a.m3u8"),
        ("http://10.0.0.1/x", "http://93.184.216.34/a.m3u8"),
        ("http://169.254.169.254/x", "http://10.0.0.1/a.m3u8"),
        ("http://127.0.0.1/x", "/a.m3u8"),
        ("concat://a|b", "http://127.0.0.1/a.m3u8"),
        ("tcp://127.0.0.1:80", "http://127.0.0.1/a.m3u8"),
        ("gopher://127.0.0.1:80", "/a.m3u8"),
    ],
)
def test_a_playlist_may_not_lead_elsewhere(url, parent):
    with pytest.raises(SourceError) as caught:
        permitted(url, parent)
    assert caught.value.kind in ("forbidden", "unsupported")


def test_a_playlist_may_lead_to_its_own_kind():
    permitted("http://127.0.0.1:81/x", "http://127.0.0.1/a.m3u8")
    permitted("/a/x.ts", "/a/b.m3u8")
