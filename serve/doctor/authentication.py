"""Who is let in: Ray's token, and the keys of the API."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from serve.doctor.finding import Finding
from serve.doctor.ports import is_loopback

TOKEN, KEYS = "ray's token", "keys of the API"
MODES = ("token", "disabled")


@dataclass(frozen=True, slots=True)
class TokenFile:
    """A file with a token: its mode, or None where it is not there."""

    path: str
    mode: int | None


@dataclass(frozen=True, slots=True)
class RayAuthentication:
    """What a Ray that is started here would do. ``mode``: RAY_AUTH_MODE. ``told``: the token is in the environment."""

    installed: bool
    mode: str | None
    told: bool
    files: tuple[TokenFile, ...]


@dataclass(frozen=True, slots=True)
class Keys:
    """The file of keys: how many are in it, or why that is not known."""

    count: int
    failure: str | None = None


def look(environment: Mapping[str, str], own_token: Path) -> RayAuthentication:
    """Where Ray looks for its token, and where `sightline up` keeps its own. No token is read."""
    named = environment.get("RAY_AUTH_TOKEN_PATH")
    files = (_file(Path(named) if named else Path.home() / ".ray" / "auth_token"), _file(own_token))
    told = bool(environment.get("RAY_AUTH_TOKEN"))
    return RayAuthentication(find_spec("ray") is not None, environment.get("RAY_AUTH_MODE"), told, files)


def _file(path: Path) -> TokenFile:
    try:
        return TokenFile(str(path), stat.S_IMODE(os.stat(path).st_mode))  # noqa: PTH116 - beside its mode's parts
    except OSError:
        return TokenFile(str(path), None)


def keys(path: Path) -> Keys:
    """The keys in a file. None of them is told."""
    from serve.api.auth import FileKeys, KeyStoreError

    try:
        return Keys(len(FileKeys(path).all()))
    except KeyStoreError as error:
        return Keys(0, str(error))


def judge_token(ray: RayAuthentication) -> Finding:
    """One secret guards all of Ray: whoever has it runs code on every machine."""
    if not ray.installed:
        return Finding(TOKEN, "skipped", "Ray is not installed", "For a cluster: `pip install 'sightline[cluster]'`.")
    if ray.mode is not None and ray.mode not in MODES:
        remedy = "Set it to token, on every machine of a cluster."
        return Finding(TOKEN, "problem", f"RAY_AUTH_MODE is {ray.mode!r}; Ray knows {' and '.join(MODES)}", remedy)
    if ray.mode == "disabled":
        remedy = "Set RAY_AUTH_MODE=token, on every machine of a cluster."
        return Finding(TOKEN, "warning", "RAY_AUTH_MODE is disabled: whoever reaches Ray's ports runs code", remedy)
    if ray.mode == "token" and not ray.told and ray.files[0].mode is None:
        remedy = "Make one with `ray get-auth-token --generate`, and give the same to every machine."
        return Finding(TOKEN, "problem", f"RAY_AUTH_MODE is token, and there is none in {ray.files[0].path}", remedy)
    for file in ray.files:
        if file.mode is not None and file.mode & 0o077:
            found = f"{file.path} has mode {file.mode:04o}: others on this machine may have it"
            return Finding(TOKEN, "warning", found, f"Run: chmod 600 {file.path}")
    if ray.mode is None:
        return Finding(TOKEN, "ok", "`sightline up` sets RAY_AUTH_MODE=token itself; set it where you run `ray start`")
    return Finding(TOKEN, "ok", "RAY_AUTH_MODE is token, and nobody else may read the token")


def judge_keys(host: str, known: Keys) -> Finding:
    """On the loopback none are needed. ``host``: what the API is to listen on."""
    if known.failure is not None:
        return Finding(KEYS, "problem", known.failure, "Mend the file or delete it, then make keys anew.")
    if known.count:
        return Finding(KEYS, "ok", f"{known.count} known; a request without one is refused")
    if is_loopback(host):
        return Finding(KEYS, "ok", f"none, and on {host} none is needed: only this machine reaches it")
    remedy = "Make one first: `sightline keys add NAME --scope submit`."
    return Finding(KEYS, "problem", f"none, and others reach {host}: `sightline up` refuses that", remedy)
