"""Where the API is that a command talks to, and with which key."""

from __future__ import annotations

import ipaddress
import os
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from pydantic import SecretStr

from cluster.sources import UsageError
from serve.client import local_state
from serve.terminal.exits import CommandFailedError

_KEY = re.compile(r"[!-~]+")


@dataclass(frozen=True, slots=True)
class Address:
    """Where ``/v1`` stands, without a slash at the end, and what is sent in ``Authorization``."""

    url: str
    key: SecretStr | None = None


def known(url: str | None) -> Address:
    """The address that is named, or else that of what ``sightline up`` started.

    The key is ``SIGHTLINE_API_KEY``, or else the one of that cluster, which is sent nowhere else.

    Args:
        url: From ``--url`` or ``SIGHTLINE_URL``.

    Raises:
        UsageError: It is no address, or no key.
        CommandFailedError: None is named, and none is up.
    """
    text = os.environ.get("SIGHTLINE_API_KEY", "").strip()
    key = SecretStr(text) if text else None
    if key is not None and not _KEY.fullmatch(text):
        raise UsageError("SIGHTLINE_API_KEY holds no key: there are blanks or characters in it that no key has")
    if url is not None:
        return Address(checked(url), key)
    state = local_state.read()
    if state is None:
        raise CommandFailedError("no cluster is up; start one with `sightline up`, or name one with --url")
    return Address(checked(state.url), key or state.key)


def checked(url: str) -> str:
    """An address without a slash at the end.

    Raises:
        UsageError: It is none, or has a user or password in it.
    """
    try:
        parts = urlsplit(url)
        good = parts.scheme in {"http", "https"} and bool(parts.hostname) and not (parts.query or parts.fragment)
        _ = parts.port
    except ValueError:
        good = False
    if not good or not re.fullmatch(r"[!-~]+", url):
        raise UsageError(f"--url {url}: write it as http://HOST:PORT or https://HOST")
    if parts.username is not None or parts.password is not None:
        raise UsageError("--url: give it without user and password; the key stands in SIGHTLINE_API_KEY")
    return url.rstrip("/")


def is_loopback(url: str) -> bool:
    """Whether an address is this machine, which no proxy need know of."""
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
