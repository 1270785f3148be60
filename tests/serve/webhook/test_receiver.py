"""One attempt at a webhook: to a vetted address and no other, by its name, within bounds."""

import asyncio
import contextlib
import random
import time

import pytest

from actors.networks import Networks
from cluster.job import Webhook
from serve.webhook.delivery import LONGEST_SECONDS, backoff_seconds
from serve.webhook.receiver import LONGEST_RETRY_AFTER_SECONDS, Receiver
from tests.serve.listener import HANG, NOON, RESET, Listener, receiver

BODY = '{"a": 1}'


def _posted(answer, target="/hook", **options):
    """The outcome, and what came, of an attempt at a listener."""

    async def post():
        async with Listener(answer) as listener:
            to = receiver(f"http://127.0.0.1:{listener.port}{target}", **options)
            try:
                return await to.post("id-1", BODY, NOON), listener.came
            finally:
                await to.close()

    return asyncio.run(post())


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_any_success_is_delivered(status):
    answer, came = _posted(f"HTTP/1.1 {status} X\r\ncontent-length: 0\r\n\r\n".encode())
    assert (answer.outcome, len(came)) == ("delivered", 1)


@pytest.mark.parametrize(("status", "outcome"), [(301, "failed"), (400, "failed"), (503, "failed"), (410, "gone")])
def test_nothing_else_is(status, outcome):
    answer, _ = _posted(status)
    assert answer.outcome == outcome
    assert str(status) in answer.reason


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0), ("7", 7), ("999999999999", LONGEST_RETRY_AFTER_SECONDS), ("-5", None), ("soon", None), ("", None),
        ("1.5", None), ("Fri, 02 Jan 2026 12:01:30 GMT", 90), ("Thu, 01 Jan 2026 12:00:00 GMT", 0), ("9" * 400, 86400),
    ],
)  # fmt: skip
def test_retry_after_is_read(text, seconds):
    answer, _ = _posted(f"HTTP/1.1 503 X\r\nretry-after: {text}\r\ncontent-length: 0\r\n\r\n".encode())
    assert answer.retry_after_seconds == seconds


@pytest.mark.parametrize(
    ("answer", "reason"),
    [(HANG, "no answer within 0.2 s"), (RESET, "the connection broke"), (b"nonsense\r\n\r\n", "the connection broke")],
)
def test_what_is_no_answer_is_a_failure(answer, reason):
    assert reason in _posted(answer, answer_seconds=0.2)[0].reason


@contextlib.asynccontextmanager
async def _serving(handler):
    """A server of one connection; gives its URL."""
    tasks = []

    async def serve(reader, writer):
        tasks.append(asyncio.current_task())
        with contextlib.suppress(ConnectionError, asyncio.CancelledError):
            await handler(reader, writer)
        writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    server.close()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks)


def test_headers_that_drip_do_not_hold_an_attempt():
    """httpx times each read only; the attempt has one time for all."""

    async def drip(reader, writer):
        writer.write(b"HTTP/1.1 200 OK\r\n")
        while True:
            writer.write(b"x: y\r\n")
            await asyncio.sleep(0.02)

    async def post():
        async with _serving(drip) as url:
            target = receiver(url, answer_seconds=0.2)
            since = time.monotonic()
            answer = await target.post("id-1", BODY, NOON)
            seconds = time.monotonic() - since
            await target.close()
            return answer, seconds

    answer, seconds = asyncio.run(post())
    assert answer.reason == "no answer within 0.2 s"
    assert seconds < 2


def test_a_long_answer_is_not_read():
    """The outcome is known from its head: an endless body costs neither memory nor time."""
    sent = []

    async def flood(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b"x" * 65536)
            await writer.drain()
            sent.append(65536)

    async def post():
        async with _serving(flood) as url:
            target = receiver(url)
            answer = await target.post("id-1", BODY, NOON)
            await asyncio.sleep(0.05)
            await target.close()
            return answer

    assert asyncio.run(post()).outcome == "delivered"
    assert sum(sent) < 64 << 20  # what fits the buffers of both ends


def test_the_connection_is_used_again():
    async def post():
        async with Listener() as listener:
            target = receiver(listener.url)
            for number in range(5):
                await target.post(f"id-{number}", BODY, NOON)
            await target.close()
            return len(listener.came), listener.connections

    assert asyncio.run(post()) == (5, 1)


def test_no_proxy_and_no_netrc_of_the_environment_is_used(monkeypatch, tmp_path):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login a password b\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    answer, [taken] = _posted(200)
    assert answer.outcome == "delivered"
    assert "authorization" not in taken.headers


@pytest.mark.parametrize(
    "url", ["http://", "https://?token=canary", "http://a:99999/canary", "http://[canary/", "http://0177.0.0.1/"]
)
def test_a_url_that_cannot_be_used_is_refused_without_being_shown(url):
    with pytest.raises(ValueError, match="the webhook's URL") as error:
        receiver(url)
    assert "canary" not in str(error.value)


@pytest.mark.parametrize("secret", ["whsec_==", "whsec_ ======", "no base64!", "whsec_a-b_c-d_", "whsec_abcde"])
def test_a_secret_that_is_not_base64_is_refused_without_being_shown(secret):
    webhook = Webhook.model_construct(
        url="https://a.test/", secret=Webhook(url="https://a.test/", secret="12345678").secret
    )
    object.__setattr__(webhook, "secret", type(webhook.secret)(secret))
    with pytest.raises(ValueError, match=r"^the webhook's secret must be whsec_ and base64$"):
        Receiver(webhook, Networks())


def test_waits_grow_from_a_second_to_five_minutes():
    rng = random.Random(1)
    waits = [[backoff_seconds(attempts, rng) for _ in range(200)] for attempts in range(1, 30)]
    for attempts, some in enumerate(waits, 1):
        longest = min(2.0**attempts, LONGEST_SECONDS)
        assert longest / 2 <= min(some) < max(some) <= longest
    assert min(min(some) for some in waits) >= 1
