"""Where a webhook's connection goes: to an address that was vetted for this very attempt, and by the right name."""

import asyncio
import shutil
import ssl
import subprocess

import pytest

from actors.networks import Networks
from tests.serve.listener import NOON, Listener, receiver

BODY = '{"a": 1}'


def _post(url, **options):
    async def post():
        target = receiver(url, **options)
        try:
            return await target.post("id-1", BODY, NOON)
        finally:
            await target.close()

    return asyncio.run(post())


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "localhost", "2130706433", "0x7f000001", "127.1", "[::1]", "[::ffff:127.0.0.1]",
        "0.0.0.0", "[::]",
    ],
)  # fmt: skip
def test_the_loopback_is_not_reached_by_any_name(host):
    async def post():
        async with Listener(address="127.0.0.1") as listener:
            target = receiver(f"http://{host}:{listener.port}/", networks=Networks())
            answer = await target.post("id-1", BODY, NOON)
            await target.close()
            return answer, listener.came

    answer, came = asyncio.run(post())
    assert "may not be reached" in answer.reason
    assert host.strip("[]") not in answer.reason
    assert came == []


@pytest.mark.parametrize(
    "found",
    [
        ["10.0.0.1"], ["192.168.0.1"], ["169.254.169.254"], ["fe80::1%2"], ["100.64.0.1"], ["::ffff:169.254.169.254"],
        ["64:ff9b::a9fe:a9fe"], ["2002:a9fe:a9fe::"], ["224.0.0.1"], ["93.184.216.34", "127.0.0.1"],
    ],
)  # fmt: skip
def test_one_bad_address_of_a_host_is_enough(found):
    """Also among good ones: nothing is connected to."""
    answer = _post("http://receiver.test/", resolve=lambda host, port: found, networks=Networks(), answer_seconds=1)
    assert answer.reason == "the host has an address in a network that may not be reached"


def test_metadata_is_not_reached_even_where_all_is_allowed():
    everything = Networks.parse(["0.0.0.0/0", "::/0"])
    answer = _post("http://169.254.169.254/latest/meta-data", networks=everything, answer_seconds=1)
    assert "may not be reached" in answer.reason


def test_a_redirect_to_the_inside_is_not_followed():
    async def post():
        async with Listener(address="127.0.0.1") as inside:
            redirect = f"HTTP/1.1 307 X\r\nlocation: {inside.url}\r\ncontent-length: 0\r\n\r\n".encode()
            async with Listener(redirect, address="127.0.0.2") as outside:
                target = receiver(outside.url, networks=Networks.parse(["127.0.0.0/8"]))
                answer = await target.post("id-1", BODY, NOON)
                await target.close()
                return answer, len(outside.came), len(inside.came)

    answer, outside, inside = asyncio.run(post())
    assert answer.reason == "the receiver answered 307; redirects are not followed"
    assert (outside, inside) == (1, 0)


def test_a_name_that_changes_its_address_gains_nothing():
    """DNS rebinding: each attempt asks once, and connects to what was vetted."""
    asked = []

    def resolve(host, port):
        asked.append(host)
        return ["127.0.0.2"] if len(asked) % 2 else ["127.0.0.1"]

    async def post():
        outside = Listener(address="127.0.0.2")
        async with outside, Listener(address="127.0.0.1", port=outside.port) as inside:
            url = f"http://rebinding.test:{outside.port}/"
            target = receiver(url, networks=Networks.parse(["127.0.0.2"]), resolve=resolve)
            answers = [(await target.post(f"id-{number}", BODY, NOON)).outcome for number in range(6)]
            await target.close()
            return answers, outside, inside

    answers, outside, inside = asyncio.run(post())
    assert answers == ["delivered", "failed"] * 3
    assert asked == ["rebinding.test"] * 6
    assert [taken.headers["host"] for taken in outside.came] == [f"rebinding.test:{outside.port}"] * 3
    assert (inside.port, inside.connections) == (outside.port, 0)


def test_the_next_address_is_tried_where_one_does_not_answer():
    async def post():
        async with Listener() as listener:
            resolve = lambda host, port: ["127.0.0.9", "::1", "127.0.0.1"]  # noqa: E731
            target = receiver(f"http://receiver.test:{listener.port}/", resolve=resolve)
            answer = await target.post("id-1", BODY, NOON)
            await target.close()
            return answer.outcome, len(listener.came)

    assert asyncio.run(post()) == ("delivered", 1)


def test_a_host_that_is_not_known_is_a_failure():
    def unknown(host, port):
        raise OSError("canary")

    for resolve in (unknown, lambda host, port: []):
        assert _post("http://receiver.test/", resolve=resolve).reason == "the host is not known"
    assert _post(f"http://{'a' * 70}.test/").reason == "the host is not known"


def test_tls_is_checked_against_the_name_at_the_vetted_address(tmp_path):
    """The server is asked for by name (SNI, Host), and must have a certificate for it."""
    if not shutil.which("openssl"):
        pytest.skip("the openssl command is not installed")
    names = ("-subj", "/CN=receiver.test", "-addext", "subjectAltName=DNS:receiver.test")
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", "key.pem")
    command = ("openssl", "req", "-x509", *key, "-out", "cert.pem", "-days", "2", *names)
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    asked = []
    server.sni_callback = lambda socket, name, context: asked.append(name)
    trust = ssl.create_default_context(cafile=str(tmp_path / "cert.pem"))

    async def post(name, **options):
        async with Listener(tls=server) as listener:
            url = f"https://{name}:{listener.port}/hook"
            target = receiver(url, resolve=lambda host, port: ["127.0.0.1"], **options)
            answer = await target.post("id-1", BODY, NOON)
            await target.close()
            return answer, [taken.headers["host"] == f"{name}:{listener.port}" for taken in listener.came]

    assert asyncio.run(post("receiver.test", trust=trust))[1] == [True]
    wrong, came = asyncio.run(post("other.test", trust=trust))
    assert "cannot connect ([SSL: CERTIFICATE_VERIFY_FAILED]" in wrong.reason
    assert came == []
    assert asyncio.run(post("receiver.test"))[0].outcome == "failed"
    assert asked == ["receiver.test", "other.test", "receiver.test"]
