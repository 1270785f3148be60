"""Posting to one webhook: signed, to a vetted address, and no further than its first answer."""

from __future__ import annotations

import asyncio
import base64
import logging
import ssl
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Literal
from urllib.parse import urlsplit

import httpx
import standardwebhooks
from pydantic import SecretStr
from standardwebhooks.webhooks import EmptyWebhookSecretError

from actors.networks import Networks, Resolve, addresses
from actors.url import redact
from cluster.job import Webhook
from serve.webhook.cloudevent import MEDIA_TYPE

ANSWER_SECONDS = 10.0
"""For a whole attempt: finding the host, connecting, sending, and the head of the answer."""

ANSWER_BYTES = 1024
"""Of an answer's body; one that is longer, or does not say how long it is, is not read at all."""

LONGEST_RETRY_AFTER_SECONDS = 86_400.0
"""As long as a receiver's ``Retry-After`` is honoured."""

_ADDRESSES = 4
_TEXT = 200

logging.getLogger("httpcore").setLevel(logging.INFO)
# Below that it writes down whole answers, and a redirect's answer repeats the URL.


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of an attempt. ``retry_after_seconds``: how long the receiver asks to be left alone."""

    outcome: Literal["delivered", "failed", "gone"]
    reason: str = ""
    retry_after_seconds: float | None = None


class _Unreachable(Exception):
    pass


class Receiver:
    """A webhook's URL and secret, and the connections to it.

    At each attempt the host is resolved anew, every address vetted, and the connection made to one of those: what the
    name leads to a moment later has no say. Redirects are not followed, and proxies of the environment not used.
    """

    def __init__(
        self,
        webhook: Webhook,
        networks: Networks,
        *,
        resolve: Resolve = addresses,
        answer_seconds: float = ANSWER_SECONDS,
        trust: ssl.SSLContext | None = None,
    ) -> None:
        """Connect to nothing yet.

        Args:
            webhook: URL and secret.
            networks: What may be reached.
            resolve: Finds addresses, in a thread of this receiver's own.
            answer_seconds: For a whole attempt.
            trust: Whose certificates are good; by default those that httpx trusts, and SSL_CERT_FILE's.

        Raises:
            ValueError: The URL or the secret cannot be used. Neither is in the message.
        """
        self._url = _parsed(webhook.url)
        self._signer = _signer(webhook.secret)
        self._networks = networks
        self._resolve = resolve
        self._seconds = answer_seconds
        self._host = self._url.raw_host.decode("ascii")
        self._port = self._url.port or {"http": 80, "https": 443}[self._url.scheme]
        self._login = _login(self._url)
        self._resolver = ThreadPoolExecutor(max_workers=1, thread_name_prefix="webhook-dns")
        verify = trust or (httpx.create_ssl_context() if self._url.scheme == "https" else False)
        # Not httpx.Client, which writes whole URLs to its log and takes proxies and passwords from the environment.
        self._transport = httpx.AsyncHTTPTransport(verify=verify)
        self.name = f"{self._url.scheme}://{self._url.netloc.decode('ascii')}"
        """Scheme, host and port: as much of the URL as is no secret."""

    async def post(self, id: str, body: str, now: datetime) -> Answer:
        """Make one attempt to deliver a body under an id. Whatever goes wrong is in the answer."""
        try:
            async with asyncio.timeout(self._seconds):
                response = await self._send(self._headers(id, body, now), body.encode())
        except _Unreachable as error:
            return Answer("failed", str(error))
        except (TimeoutError, httpx.TimeoutException):
            return Answer("failed", f"no answer within {self._seconds:g} s")
        except httpx.ConnectError as error:
            return Answer("failed", f"cannot connect ({redact(str(error))[:_TEXT]})")
        except httpx.HTTPError as error:
            return Answer("failed", f"the connection broke ({type(error).__name__})")
        await _finish(response)
        return _judged(response, now)

    async def close(self) -> None:
        """End the connections."""
        self._resolver.shutdown(wait=False, cancel_futures=True)
        await self._transport.aclose()

    def _headers(self, id: str, body: str, now: datetime) -> dict[str, str]:
        return {
            "host": self._url.netloc.decode("ascii"),
            "user-agent": "sightline",
            "content-type": MEDIA_TYPE,
            "webhook-id": id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": self._signer.sign(id, now.astimezone(UTC), body),
            **self._login,
        }

    async def _send(self, headers: dict[str, str], content: bytes) -> httpx.Response:
        """Try the host's addresses in turn until one takes the connection."""
        *others, last = found = await self._vetted()
        timeout = httpx.Timeout(self._seconds, connect=self._seconds / len(found)).as_dict()
        extensions = {"timeout": timeout, "sni_hostname": self._host}

        def to(address: str) -> httpx.Request:
            url = self._url.copy_with(host=address)
            return httpx.Request("POST", url, headers=headers, content=content, extensions=extensions)

        for address in others:
            with suppress(httpx.ConnectError, httpx.ConnectTimeout):
                return await self._transport.handle_async_request(to(address))
        return await self._transport.handle_async_request(to(last))

    async def _vetted(self) -> Sequence[str]:
        loop = asyncio.get_running_loop()
        try:
            found = await loop.run_in_executor(self._resolver, self._resolve, self._host, self._port)
        except (OSError, UnicodeError):
            found = ()
        if not found:
            raise _Unreachable("the host is not known")
        if not all(self._networks.permits(address) for address in found):
            raise _Unreachable("the host has an address in a network that may not be reached")
        return found[:_ADDRESSES]


async def _finish(response: httpx.Response) -> None:
    """Read a short body, so that the connection can be used again; hang up on any other."""
    length = response.headers.get("content-length", "")
    try:
        if length.isdigit() and int(length) <= ANSWER_BYTES:
            with suppress(httpx.HTTPError, TimeoutError):
                async with asyncio.timeout(1.0):
                    async for _ in response.aiter_raw():
                        pass
    finally:
        await response.aclose()


def _judged(response: httpx.Response, now: datetime) -> Answer:
    code = response.status_code
    if 200 <= code < 300:
        return Answer("delivered")
    if code == 410:
        return Answer("gone", "the receiver answered 410 Gone")
    hint = "; redirects are not followed" if 300 <= code < 400 else ""
    return Answer("failed", f"the receiver answered {code}{hint}", _retry_after(response, now))


def _retry_after(response: httpx.Response, now: datetime) -> float | None:
    text = response.headers.get("retry-after", "").strip()
    try:
        seconds = float(text) if text.isdecimal() else (_aware(parsedate_to_datetime(text)) - now).total_seconds()
    except (ValueError, OverflowError):
        return None
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER_SECONDS)


def _aware(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def _parsed(text: str) -> httpx.URL:
    try:
        _ = urlsplit(text).port  # httpx takes ports and brackets that cannot be
        url = httpx.URL(text)
    except (ValueError, httpx.InvalidURL):
        raise ValueError("the webhook's URL is not valid") from None
    if url.scheme not in ("http", "https") or not url.host:
        raise ValueError("the webhook's URL must be of http or https, with a host")
    return url


def _signer(secret: SecretStr) -> standardwebhooks.Webhook:
    """The library alone would pass over characters that are not base64, where other libraries do not."""
    text = secret.get_secret_value().removeprefix("whsec_")
    try:
        return standardwebhooks.Webhook(base64.b64decode(text + "=" * (-len(text) % 4), validate=True))
    except (ValueError, EmptyWebhookSecretError):
        raise ValueError("the webhook's secret must be whsec_ and base64") from None


def _login(url: httpx.URL) -> dict[str, str]:
    """The header that stands for user and password of a URL."""
    if not url.userinfo:
        return {}
    request = next(httpx.BasicAuth(url.username, url.password).auth_flow(httpx.Request("POST", url)))
    return {"authorization": request.headers["authorization"]}
