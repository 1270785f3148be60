"""Names of sources: what is secret in them, what they are called, and what one may lead to."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal
from urllib.parse import SplitResult, unquote, urljoin, urlsplit

from actors.networks import addresses, class_of

ErrorKind = Literal[
    "missing", "folder", "not_a_file", "empty", "permission", "not_media", "truncated", "no_tracks", "too_large",
    "unsupported", "encrypted", "forbidden", "denied", "refused", "http", "timeout", "io",
]  # fmt: skip
Network = Literal["file", "loopback", "link-local", "private", "public"]

_SCHEME = re.compile(r"^[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_NETWORK_URL = re.compile(r"(?<![a-z0-9+.-])(?!file:)[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_NOT_UNICODE = re.compile(r"[\ud800-\udfff]")
_LOGIN = re.compile(r"(?<=://)[^\s/?#'\"]*@")
_SECRET = re.compile(
    r"([?&;][^=&;\s]*(?:token|key|sig|pass|pwd|auth|secret|cred|policy|session|jwt)[^=&;\s]*=)[^&;#\s'\"]+",
    re.IGNORECASE,
)
_LOOKS_SECRET = re.compile(r"([?&;][^=&;\s]+=)(?=[^&;#\s'\"]*\d)(?=[^&;#\s'\"]*[A-Za-z])[\w.~+/%=-]{20,}")


_ENCODE = "; in a user name or password write a slash as %2F, a question mark as %3F, a hash as %23"


class SourceError(Exception):
    """A source that cannot be read, in one line that names it without its secrets, says why, and what to do.

    Characters that do not print (names of files are any bytes) are shown by their numbers.
    """

    def __init__(self, message: str, kind: ErrorKind) -> None:
        super().__init__("".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in shown(message)))
        self.kind = kind


def redact(text: str) -> str:
    """Text without the logins of URLs in it, and without query values that are secret by name or by look.

    People write any character into a password, so a login goes up to the last ``@`` of the line, unless nothing before
    that can be one: ``http://host/clip@2x.mp4`` and paths stay as they are.
    """
    return _without_secrets("\n".join(map(_without_login, text.split("\n"))))


def _without_secrets(text: str) -> str:
    return _LOOKS_SECRET.sub(r"\1***", _SECRET.sub(r"\1***", text))


def _without_login(line: str) -> str:
    """Decided on the line as it is: what is left once a part was taken out would not tell a password any more."""
    begin = _NETWORK_URL.search(line)
    login, at, rest = line[begin.end() :].rpartition("@") if begin else ("", "", "")
    if begin and at and (":" in login or {"/", "?", "#"}.isdisjoint(login)):
        line = f"{line[: begin.end()]}***@{rest}"
    return _LOGIN.sub("***@", line)


def details(url: str, error: Exception) -> str:
    """An error's own words, in brackets. They might quote from a mistyped login: then how to write that instead."""
    return f" ({error})" if _without_login(url) == _LOGIN.sub("***@", url) else _ENCODE


def shown(source: str) -> str:
    """A source as results name it: without secrets, and with numbers for bytes of a file's name that are no UTF-8."""
    return _NOT_UNICODE.sub(lambda byte: f"\\x{ord(byte[0]) & 0xFF:02x}", redact(source))


def is_url(text: str) -> bool:
    """Whether the text has a scheme and ``//``; anything else is a path, also ``concat:a`` and ``subfile,,:a``."""
    return _SCHEME.match(text) is not None


def split(url: str) -> SplitResult:
    """The parts of a URL.

    Raises:
        SourceError: It is none.
    """
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise SourceError(f"{url}: is not a valid URL{_ENCODE if '@' in url else ''}", "unsupported") from error
    return parts


def local_path(url: str) -> Path | None:
    """The file that a path or a ``file://`` URL names, or None for other URLs."""
    if not is_url(url):
        return Path(url)
    parts = split(url)
    return Path(unquote(parts.path)) if parts.scheme.lower() == "file" else None


def same_file(one: Path, other: Path) -> bool:
    """Whether two paths lead to one file, also through links; of files that are not there, whether they would."""
    try:
        return one.samefile(other)
    except (OSError, ValueError):
        return os.path.realpath(one) == os.path.realpath(other)


def join(parent: str, name: str) -> str:
    """The URL or path that ``name`` means inside the playlist ``parent``."""
    folder = local_path(parent)
    if folder is None:
        split(name)
        return urljoin(parent, name)
    return name if is_url(name) else str(folder.parent / unquote(name))


def stream_name(url: str) -> str:
    """A name for a stream that the user did not name: what it is called, and 8 hex of its hash.

    Passwords and tokens take no part in it, so that it outlives them. Matches ``^[a-z0-9][a-z0-9_-]{0,62}$``.
    """
    path = local_path(url)
    if path is not None:
        whole, called = str(path.absolute()), path.name
    else:
        split(url)
        whole, parts = _without_secrets(_LOGIN.sub("***@", url)), split(redact(url))
        called = f"{parts.netloc.rpartition('@')[2]}-{parts.path.rpartition('/')[2]}"
    slug = re.sub(r"[^a-z0-9_]+", "-", called.lower()).strip("-_")[-54:].strip("-_") or "stream"
    return f"{slug}-{hashlib.sha256(whole.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"


def network(url: str) -> Network:
    """The class of network that a URL leads into; of several addresses of a host, the least public one.

    Raises:
        SourceError: The host has no address, or the scheme is not one that a playlist may name.
    """
    return "file" if local_path(url) is not None else class_of(server(url))


def server(url: str) -> Sequence[str]:
    """Every address of the server that a URL names.

    Raises:
        SourceError: It has none, or the scheme is not one that can be fetched.
    """
    parts = split(url)
    if parts.scheme.lower() not in {"http", "https"} or not parts.hostname:
        raise SourceError(f"{url}: only http and https can be fetched", "unsupported")
    try:
        return addresses(parts.hostname)
    except (OSError, UnicodeError) as error:
        why = f"its host is not known{details(url, error)}; check its spelling"
        raise SourceError(f"{url}: {why}", "refused") from error


def permitted(url: str, parent: str) -> None:
    """Refuse a URL that leaves the class of network of the playlist or server that named it.

    Every nested URL and every redirect passes here, before a connection is made.

    Raises:
        SourceError: It may not be fetched.
    """
    here, there = network(parent), network(url)
    if here != there:
        raise SourceError(
            f"{parent}: names {url}, which is {there}, while it is {here} itself; "
            "give that URL directly if it is to be trusted",
            "forbidden",
        )
