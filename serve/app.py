"""The API on Ray Serve, and the notifier beside it."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import Any

import ray
from ray import serve as rayserve
from ray.exceptions import RayError
from ray.serve import RunTarget
from ray.serve.context import _get_global_client

from actors.errors import StorageError
from actors.remote import NAMESPACE, ON_HEAD
from cluster import cell as cells
from cluster import control
from cluster.allowed import Sources
from cluster.calls import know
from cluster.jobs import JobStore
from cluster.loopback import close_replica
from cluster.recording import NAME as RECORDER
from cluster.supervisor import NAME as SUPERVISOR
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
        CommandFailedError: The supervisor does not answer, or the API does not start.
    """
    logging.getLogger("ray.serve").setLevel(logging.WARNING)
    ray.init(address=address, namespace=NAMESPACE, log_to_driver=False, logging_level=logging.WARNING)
    JobStore(uri).all()
    alone = machines == 1 and sum(node["Alive"] for node in ray.nodes()) == 1  # type: ignore[no-untyped-call]
    if "://" not in uri and not alone:
        raise StorageError(f"{uri}: several machines cannot share a local folder: name a bucket, s3://BUCKET/PREFIX")
    _supervise(uri, sources)
    stays: dict[str, Any] = {
        "namespace": NAMESPACE, "lifetime": "detached", "max_restarts": -1, "get_if_exists": True, **ON_HEAD
    }  # fmt: skip
    ray.remote(NotifierActor).options(name=NOTIFIER, **stays).remote(uri, sources.allowed_networks)
    if machines > 1:
        ray.remote(headkeys.KeyHolder).options(name=headkeys.NAME, **stays).remote(keys)
    _listen(host, port, "EveryNode" if machines > 1 else "HeadOnly")
    served = application(uri, sources, settings, keys, machines)
    rayserve.run_many([RunTarget(served, name=NAMESPACE)], wait_for_applications_running=machines == 1)
    _await_first()
    ray.shutdown()
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def _supervise(uri: str, sources: Sources) -> None:
    try:
        control.start(uri, sources.trust())
    except RayError as error:
        why = f"the supervisor does not answer ({type(error).__name__}): run the same command again"
        raise CommandFailedError(why) from error


def _listen(host: str, port: int, where: str) -> None:
    """Have Ray Serve listen there; one that runs already keeps to where it was begun, and is begun anew."""
    wanted: dict[str, Any] = {"http_options": {"host": host, "port": port}, "proxy_location": where}
    rayserve.start(**wanted)
    client: Any = _get_global_client()
    location = ray.get(client._controller.get_proxy_location.remote(), timeout=_START_SECONDS).value
    options = client.http_config
    if (options.host, options.port, location) == (host, port, where):
        return
    if others := set(rayserve.status().applications) - {NAMESPACE}:
        at = f"{options.host}:{options.port} ({location})"
        why = f"Ray Serve is there already, listens on {at}, and serves {', '.join(sorted(others))}, too"
        raise CommandFailedError(f"{why}: give --host and --port as there, or end it with `serve shutdown`")
    rayserve.shutdown()  # type: ignore[no-untyped-call]
    rayserve.start(**wanted)


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
    if not rayserve.status().applications:
        rayserve.shutdown()  # type: ignore[no-untyped-call]
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
        know((SUPERVISOR, RECORDER))
        known = FileKeys(keys) if machines == 1 else headkeys.from_head()
        return create_app(RayBackend(uri, sources), settings, known)

    where: dict[str, Any] = {"ray_actor_options": ON_HEAD}
    if machines > 1:
        where = {"ray_actor_options": {"num_cpus": 0}, "num_replicas": machines, "max_replicas_per_node": 1}
    return rayserve.deployment(name="api", max_ongoing_requests=1000, **where)(rayserve.ingress(build)()).bind()
