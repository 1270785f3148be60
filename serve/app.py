"""The API on Ray Serve, and the notifier beside it."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import ray
from ray import serve as rayserve

from actors.errors import StorageError
from actors.remote import NAMESPACE
from cluster import cell as cells
from cluster import control
from cluster.allowed import Sources
from cluster.jobs import JobStore
from cluster.loopback import close_replica
from serve.api.application import create_app
from serve.api.auth import FileKeys
from serve.api.settings import ApiSettings
from serve.replica.raybackend import RayBackend
from serve.webhook.notify import NAME as NOTIFIER
from serve.webhook.notify import NotifierActor


def deploy(
    address: str, uri: str, sources: Sources, settings: ApiSettings, keys: Path, host: str, port: int
) -> str:
    """Start the supervisor and the API on the Ray at an address, and wait until they answer; gives the API's URL.

    Raises:
        StorageError: The results cannot be written.
        ConnectionError: Ray cannot be reached.
    """
    logging.getLogger("ray.serve").setLevel(logging.WARNING)
    ray.init(address=address, namespace=NAMESPACE, log_to_driver=False, logging_level=logging.WARNING)
    JobStore(uri).all()
    if "://" not in uri and sum(node["Alive"] for node in ray.nodes()) > 1:  # type: ignore[no-untyped-call]
        raise StorageError(f"{uri}: several machines cannot share a local folder: name a bucket, s3://BUCKET/PREFIX")
    control.start(uri, sources.trust())
    ray.remote(NotifierActor).options(
        name=NOTIFIER, namespace=NAMESPACE, lifetime="detached", max_restarts=-1, num_cpus=0, get_if_exists=True
    ).remote(uri, sources.allowed_networks)  # fmt: skip
    rayserve.start(http_options={"host": host, "port": port}, proxy_location="HeadOnly")
    rayserve.run(application(uri, sources, settings, keys), name=NAMESPACE, route_prefix="/")
    ray.shutdown()
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def withdraw(address: str) -> None:
    """End the API, the notifier, the supervisor and all that it runs, on the Ray at an address; Ray itself stays.

    Raises:
        ConnectionError: Ray cannot be reached.
    """
    ray.init(address=address, namespace=NAMESPACE, log_to_driver=False, logging_level=logging.WARNING)
    rayserve.delete(NAMESPACE)
    cells.end(NOTIFIER)
    control.stop()
    ray.shutdown()


def application(uri: str, sources: Sources, settings: ApiSettings, keys: Path) -> rayserve.Application:
    """The application, to be run by Ray Serve.

    Args:
        uri: The results.
        sources: What may be watched.
        settings: Of the API.
        keys: The file of API keys.
    """

    def build() -> Any:
        close_replica()
        return create_app(RayBackend(uri, sources), settings, FileKeys(keys))

    options = {"num_cpus": 0, "resources": {"node:__internal_head__": 0.001}}  # where the file of keys is
    served = rayserve.deployment(name="api", max_ongoing_requests=1000, ray_actor_options=options)
    return served(rayserve.ingress(build)()).bind()
