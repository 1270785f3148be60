"""A Ray that runs on this machine: who reaches it, and whether it asks for a token."""

from __future__ import annotations

import http.client
import json
from collections.abc import Collection, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from serve.doctor.finding import Finding
from serve.doctor.ports import is_loopback

CHECK = "ray's ports"
DASHBOARD, GCS = 8265, 6379
"""Ray's own choice of ports; `sightline up` takes others."""
_SECONDS = 2.0
_MOST_BYTES = 65536

Answer = Literal["open", "token", "other"]
"""Of a dashboard that was asked without a token; ``other``: that is no Ray's."""


@dataclass(frozen=True, slots=True)
class Listener:
    """A port on which something listens. ``answer``: of a dashboard; None: it was not asked."""

    port: int
    addresses: frozenset[str]
    answer: Answer | None = None

    @property
    def reached(self) -> list[str]:
        """Addresses that others reach."""
        return sorted(address for address in self.addresses if not is_loopback(address))


def look(listening: Mapping[int, frozenset[str]] | None, dashboards: Collection[int]) -> list[Listener] | None:
    """What listens on the ports of dashboards and on the GCS's; None where the system does not say."""
    if listening is None:
        return None
    found = [Listener(port, listening[port], ask(listening[port], port)) for port in dashboards if port in listening]
    return [*found, *([Listener(GCS, listening[GCS])] if GCS in listening else [])]


def ask(addresses: Collection[str], port: int) -> Answer:
    """How a port of this machine answers where a dashboard tells its version, which it keeps to those with a token."""
    host = min(addresses, key=lambda address: not is_loopback(address))
    with closing(http.client.HTTPConnection(_self(host), port, timeout=_SECONDS)) as asked:
        try:
            asked.request("GET", "/api/version")
            response = asked.getresponse()
            text = response.read(_MOST_BYTES).decode("utf-8", "replace")
        except (OSError, http.client.HTTPException):
            return "other"
    if response.status in (401, 403):
        return "token"
    return "open" if response.status == 200 and _is_version(text) else "other"


def _self(host: str) -> str:
    """An address to connect to, of one to listen on."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)


def _is_version(text: str) -> bool:
    try:
        told = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return isinstance(told, dict) and "ray_version" in told


def port_of(url: str) -> int | None:
    """The port of a dashboard that `sightline up` wrote down."""
    try:
        return urlsplit(url).port
    except ValueError:
        return None


def judge(listeners: Collection[Listener] | None) -> Finding:
    """Whoever reaches a Ray that asks for no token runs what code they like on every machine of it."""
    if listeners is None:
        return Finding(CHECK, "skipped", "this system does not tell who listens on which port")
    rays = [one for one in listeners if one.answer in ("open", "token")]
    for one in sorted(rays, key=lambda one: (one.answer != "open", not one.reached)):
        where = f"Ray's dashboard on {', '.join(one.reached or sorted(one.addresses))}, port {one.port}"
        if one.answer == "token":
            return Finding(CHECK, "ok", f"{where}, asks for a token")
        remedy = "Start Ray with RAY_AUTH_MODE=token and --dashboard-host=127.0.0.1, on every machine of it."
        if one.reached:
            return Finding(CHECK, "problem", f"{where}, asks for no token: whoever reaches it runs code here", remedy)
        return Finding(CHECK, "warning", f"{where}, asks for no token: every user here runs code as you", remedy)
    for one in listeners:
        if one.port == GCS and one.reached:
            found = f"something, Ray or Redis, listens on {', '.join(one.reached)}, port {GCS}"
            return Finding(CHECK, "warning", found, "If it is Ray, see that it runs with RAY_AUTH_MODE=token.")
    return Finding(CHECK, "skipped", "no Ray runs on this machine")
