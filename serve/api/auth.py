"""API keys: ``slk_PREFIX.SECRET``. A secret has 256 bits, so that its SHA-256, which alone is stored, suffices."""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, Protocol

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

Scope = Literal["read", "submit", "admin"]
SCOPES: tuple[Scope, ...] = ("read", "submit", "admin")
"""Each may do what those before it may."""

ALIVE = "/healthz"
"""Always answered, however much is asked: whoever runs the API would restart it otherwise."""

PUBLIC = frozenset({"/", "/favicon.ico", ALIVE, "/readyz", "/openapi.json"})
PUBLIC_FOLDER = "/page/"
"""Paths that anybody may ask for: they only give, and nothing of jobs and streams (a test holds it)."""

_BEARER = re.compile(rb"bearer +slk_([0-9a-f]{12})\.([A-Za-z0-9_-]{43})", re.IGNORECASE)
_NOBODY = hashlib.sha256(secrets.token_bytes(32)).hexdigest()


class KeyStoreError(Exception):
    """The keys cannot be read or written; the message says why."""


class Key(BaseModel):
    """What is known of a key."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    prefix: str = Field(pattern=r"^[0-9a-f]{12}$")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$", description="of the secret, in hex")
    scope: Scope
    name: str = Field(max_length=100, description="who has it")
    created_at: AwareDatetime


class KnownKeys(Protocol):
    """Keys by which callers are known. May raise :class:`KeyStoreError`."""

    def find(self, prefix: str) -> Key | None:
        """The key with that prefix, as it is now or was a moment ago: a revoked one is gone."""
        ...


class KeyStore(KnownKeys, Protocol):
    """Where keys are kept. Every operation may raise :class:`KeyStoreError`."""

    def all(self) -> Sequence[Key]:
        """Every key, oldest first."""
        ...

    def add(self, key: Key) -> None:
        """Store a key durably."""
        ...

    def revoke(self, prefix: str) -> bool:
        """Forget a key; False where there is none."""
        ...


class _Stored(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Literal[1] = 1
    keys: dict[str, Key] = Field(default_factory=dict)


class FileKeys:
    """Keys in one JSON file, readable by its owner only, and written whole or not at all."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int, int] | None = None
        self._stored = _Stored()

    def find(self, prefix: str) -> Key | None:
        """See :class:`KeyStore`. The file is read again when it has changed."""
        return self._read().keys.get(prefix)

    def all(self) -> Sequence[Key]:
        """See :class:`KeyStore`."""
        return sorted(self._read().keys.values(), key=lambda key: key.created_at)

    def add(self, key: Key) -> None:
        """See :class:`KeyStore`."""
        with self._alone():
            self._write(_Stored(keys={**self._read().keys, key.prefix: key}))

    def revoke(self, prefix: str) -> bool:
        """See :class:`KeyStore`."""
        with self._alone():
            keys = dict(self._read().keys)
            if keys.pop(prefix, None) is None:
                return False
            self._write(_Stored(keys=keys))
            return True

    def _read(self) -> _Stored:
        try:
            found = self._path.stat()
            seen = (found.st_mtime_ns, found.st_size, found.st_ino)
            if seen != self._seen:
                if found.st_mode & 0o022:
                    raise KeyStoreError(f"{self._path}: others may write it; chmod 600 it")
                self._stored = _Stored.model_validate_json(self._path.read_bytes())
                self._seen = seen
        except FileNotFoundError:
            self._stored, self._seen = _Stored(), None
        except OSError as error:
            raise KeyStoreError(f"{self._path}: cannot be read ({error.strerror})") from error
        except ValidationError as error:
            raise KeyStoreError(f"{self._path}: is no file of keys") from error
        return self._stored

    def _write(self, stored: _Stored) -> None:
        new = self._path.with_name(f".{self._path.name}.{secrets.token_hex(6)}")
        try:
            with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as target:  # noqa: PTH123
                target.write(stored.model_dump_json(indent=1).encode())
                target.flush()
                os.fsync(target.fileno())
            new.replace(self._path)
            folder = os.open(self._path.parent, os.O_RDONLY)
            os.fsync(folder)
            os.close(folder)
        except OSError as error:
            new.unlink(missing_ok=True)
            raise KeyStoreError(f"{self._path}: cannot be written ({error.strerror})") from error

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other processes from changing the file meanwhile."""
        try:
            lock = os.open(self._path.with_name(f".{self._path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise KeyStoreError(f"{self._path}: cannot be written ({error.strerror})") from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)


def issue(store: KeyStore, scope: Scope, name: str) -> str:
    """Make a key and store what is known of it.

    Returns:
        The key itself, which nobody can find out later.

    Raises:
        KeyStoreError: It could not be stored.
    """
    prefix, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
    digest = hashlib.sha256(secret.encode()).hexdigest()
    store.add(Key(prefix=prefix, sha256=digest, scope=scope, name=name, created_at=datetime.now(UTC)))
    return f"slk_{prefix}.{secret}"


def recognise(store: KnownKeys, authorization: bytes) -> Key | None:
    """The key of an ``Authorization`` header, or None where it holds none that is known.

    Raises:
        KeyStoreError: The keys cannot be read.
    """
    parts = _BEARER.fullmatch(authorization.strip())
    if parts is None:
        return None
    key = store.find(parts[1].decode())
    digest = hashlib.sha256(parts[2]).hexdigest().encode()
    same = hmac.compare_digest(digest, (key.sha256 if key else _NOBODY).encode())
    return key if same else None


def scope_needed(method: str, path: str) -> Scope | None:
    """What a key must allow for a request; None where none is needed.

    It follows from the method, so that no route can be forgotten.
    """
    if path in PUBLIC or path.startswith(PUBLIC_FOLDER):
        return None
    if method in {"GET", "HEAD", "OPTIONS"}:
        return "read"
    return "submit" if method in {"POST", "PATCH"} else "admin"


def allows(key: Key, scope: Scope) -> bool:
    """Whether a key has that scope or a higher one."""
    return SCOPES.index(key.scope) >= SCOPES.index(scope)
