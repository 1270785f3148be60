"""The API on Ray Serve, and the notifier beside it."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import Any

import ray
from ray import serve as rayserve
from ray.serve import RunTarget

from actors.errors import StorageError
from actors.remote import NAMESPACE, ON_HEAD
from cluster import cell as cells
from cluster import control
from cluster.allowed import Sources
from cluster.jobs import JobStore
from cluster.loopback import close_replica
from serve.api.application import create_app
from serve.api.auth import FileKeys
from serve.api.settings import ApiSettings
from serve.replica import headkeys
from serve.replica.raybackend import RayBackend
from serve.terminal.exits import CommandFailedError
from serve.webhook.notify import NAME as NOTIFIER
from serve.webhook.notify import NotifierActor

_START_SECONDS, _LOOK_SECONDS = 120.0, 0.2


def deploy(
    address: str, uri: str, sources: Sources, settings: ApiSettings, keys: Path, host: str, port: int, machines: int = 1
) -> str:  # fmt: skip
    """Start the supervisor and the API on the Ray at an address, and wait until they answer; gives the API's URL.

    Args:
        address: Of Ray.
        uri: The results.
        sources: What may be watched.
        settings: Of the API.
        keys: The file of API keys, on the head.
        host: What the API listens on, on each machine that serves it.
        port: Likewise.
        machines: How many serve it, at most one process on each, as many as there are.

    Raises:
        StorageError: The results cannot be written.
        ConnectionError: Ray cannot be reached.
        CommandFailedError: The API does not start.
    """
    logging.getLogger("ray.serve").setLevel(logging.WARNING)
    ray.init(address=address, namespace=NAMESPACE, log_to_driver=False, logging_level=logging.WARNING)
    JobStore(uri).all()
    if "://" not in uri and sum(node["Alive"] for node in ray.nodes()) > 1:  # type: ignore[no-untyped-call]
        raise StorageError(f"{uri}: several machines cannot share a local folder: name a bucket, s3://BUCKET/PREFIX")
    control.start(uri, sources.trust())
    stays: dict[str, Any] = {
        "namespace": NAMESPACE, "lifetime": "detached", "max_restarts": -1, "get_if_exists": True, **ON_HEAD
    }  # fmt: skip
    ray.remote(NotifierActor).options(name=NOTIFIER, **stays).remote(uri, sources.allowed_networks)
    several = machines > 1
    if several:
        ray.remote(headkeys.KeyHolder).options(name=headkeys.NAME, **stays).remote(keys)
    rayserve.start(
        http_options={"host": host, "port": port}, proxy_location="EveryNode" if several else "HeadOnly"
    )  # fmt: skip
    served = application(uri, sources, settings, keys, machines)
    rayserve.run_many([RunTarget(served, name=NAMESPACE)], wait_for_applications_running=not several)
    _await_first()
    ray.shutdown()
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def _await_first() -> None:
    """Wait until one process serves the API; others come as their machines do."""
    until = time.monotonic() + _START_SECONDS
    while not _serves():
        if time.monotonic() > until:
            why = f"the API does not start within {_START_SECONDS:.0f} s; see /tmp/ray/session_latest/logs/serve"
            raise CommandFailedError(why)
        time.sleep(_LOOK_SECONDS)


def _serves() -> bool:
    told = rayserve.status().applications.get(NAMESPACE)
    return told is not None and any("RUNNING" in part.replica_states for part in told.deployments.values())


def withdraw(address: str) -> None:
    """End the API, the notifier, the supervisor and all that it runs, on the Ray at an address; Ray itself stays.

    Raises:
        ConnectionError: Ray cannot be reached.
    """
    ray.init(address=address, namespace=NAMESPACE, log_to_driver=False, logging_level=logging.WARNING)
    rayserve.delete(NAMESPACE)
    cells.end(NOTIFIER)
    cells.end(headkeys.NAME)
    control.stop()
    ray.shutdown()


def application(
    uri: str, sources: Sources, settings: ApiSettings, keys: Path, machines: int = 1
) -> rayserve.Application:  # fmt: skip
    """The application, to be run by Ray Serve; see :func:`deploy`."""

    def build() -> Any:
        close_replica()
        known = FileKeys(keys) if machines == 1 else headkeys.from_head()
        return create_app(RayBackend(uri, sources), settings, known)

    where: dict[str, Any] = {"ray_actor_options": ON_HEAD}
    if machines > 1:
        where = {"ray_actor_options": {"num_cpus": 0}, "num_replicas": machines, "max_replicas_per_node": 1}
    return rayserve.deployment(name="api", max_ongoing_requests=1000, **where)(rayserve.ingress(build)()).bind()
