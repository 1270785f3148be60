import re
import socket

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from actors import document
from actors.limits import Limits
from actors.source import open_source
from actors.url import SourceError, join, network, permitted, redact, shown, split, stream_name

NAME = re.compile(r"^[a-z0-9][a-z0-9_-]{0,62}$")


@pytest.mark.parametrize(
    ("text", "without"),
    [
        ("rtsp://user:s3cr3t@camera/live", "rtsp://***@camera/live"),
        ("http://user:p@ss@host/a?b=1", "http://***@host/a?b=1"),
        ("[Errno 111] Connection refused: 'rtsp://u:s3cr3t@h:1/x'", "[Errno 111] Connection refused: 'rtsp://***@h:1/x'"),
        ("https://h/a.m3u8?token=s3cr3t&t=5", "https://h/a.m3u8?token=***&t=5"),
        ("https://h/a?X-Amz-Signature=s3cr3t#f", "https://h/a?X-Amz-Signature=***#f"),
        ("https://h/a?e=s3cr3ts3cr3ts3cr3ts3cr3t", "https://h/a?e=***"),
        ("https://h/watch?channel=first-public-channel&w=1280", "https://h/watch?channel=first-public-channel&w=1280"),
        ("/tmp/user@home/a.mp4", "/tmp/user@home/a.mp4"),
        ("http://user:s3cr3t two@host/x", "http://***@host/x"),
        ("http://user:s3cr3t/ret@host/x", "http://***@host/x"),
        ("http://user:s3cr3t#r?t@host/x: refused", "http://***@host/x: refused"),
        ("opening 'http://u'ser:\"s3cr3t\"@host/x'", "opening 'http://***@host/x'"),
        ("http://s3cr3t s3cr3t@host/x", "http://***@host/x"),
        ("http://h/a.m3u8: names http://u:s3cr3t@g/x", "http://***@g/x"),
        ("http://host/clip@2x.mp4", "http://host/clip@2x.mp4"),
        ("http://me@host/clip@2x.mp4", "http://***@host/clip@2x.mp4"),
        ("http://me:a@s3cr3t/b@host/x", "http://***@host/x"),
        ("file://me@host/a http://u:s3cr3t@h/x", "file://***@host/a http://***@h/x"),
        ("file:///a/b:c/clip@2x.mp4: is empty", "file:///a/b:c/clip@2x.mp4: is empty"),
        ("C:/clip@2x.mp4", "C:/clip@2x.mp4"),
        ("s3://bucket/a@b", "s3://bucket/a@b"),
        ("http://u:s3cr3t@h/x\nb@c: no", "http://***@h/x\nb@c: no"),
    ],
)
def test_redact_takes_out_what_is_secret_and_no_more(text, without):
    assert redact(text) == without
    assert "s3cr3t" not in redact(text)


def test_a_source_error_never_holds_a_secret():
    error = SourceError("http://user:s3cr3t@host/x?key=s3cr3t: refused", "refused")
    assert "s3cr3t" not in str(error)
    assert "s3cr3t" not in repr(error)


CANARY = "Zq7w"
PIECE = st.one_of(
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8),
    st.lists(st.sampled_from([*"@:/?#'\" ()[]\\%&=;,\u2028", "://", "http://", "80/", "%2F", "?key="]), max_size=6)
    .map("".join),
)


@st.composite
def logins(draw):
    """``user:password`` as anybody may type them, with a canary in one of them."""
    before, after, other = draw(PIECE), draw(PIECE), draw(PIECE)
    telling = before + CANARY + after
    return f"{telling}:{other}" if draw(st.booleans()) else f"{other}:{telling}"


@settings(max_examples=200, deadline=None)
@given(
    logins(), st.sampled_from(["http", "https", "rtsp", "udp", "srt+x"]),
    st.sampled_from(["{}", "{}: refused", "[Errno 1] '{}'", "a b: {} and {}", "http://h:80/a: names {}, no"]),
    st.sampled_from(["", "/live.ts", "/a b.ts?x=1&token=2#f", ":81/x"]),
)
@example("a:Zq7w two", "http", "{}", "")
@example("0:80/Zq7w", "http", "{}", "/x")
@example("a:x http://Zq7w", "http", "{}", "")
@example(":@Zq7w/", "http", "{}", "")
@example("a:b@Zq7w/c", "http", "{}: refused", "/x")
def test_no_piece_of_a_login_is_ever_shown(login, scheme, message, rest):
    url = f"{scheme}://{login}@127.0.0.1{rest}"
    text = message.format(url, url)
    said = [shown(text), redact(text), str(SourceError(text, "io")), repr(SourceError(text, "io"))]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", unknown)
        for ask in (stream_name, network, split, lambda url: permitted(url, "http://h/"), opened):
            try:
                said.append(str(ask(url)) if ask is not split else "")
            except SourceError as error:
                said.append(str(error))
    said.append(document.failed("", url, text)["error"])
    assert not [each for each in said if CANARY.lower() in each.lower()]
    assert all(shown(each) == each for each in said)


def unknown(*args, **kwargs):
    raise socket.gaierror(-2, f"{args[0]}: Name or service not known")


def opened(url):
    """Open it as a source, which fails."""
    with open_source(url, limits=Limits(connect_seconds=0.2)):
        raise SourceError("it opened", "io")


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
