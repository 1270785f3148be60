"""A Ray on this machine, of one node or several; each has a scheduler, an object store and metrics of its own."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from cluster import loopback

_FOLDER = "RAY_TMPDIR"
"""Where Ray keeps its files, and notes the address of the cluster begun last: not where another Ray has noted its."""


@contextmanager
def started(count: int, folder: str, store_bytes: int, **each: Any) -> Iterator[Any]:
    """Start nodes and connect this process to the first; afterwards end all of them.

    Ray's environment must have been prepared (see :mod:`cluster.loopback`), and Ray not be imported before that.

    Args:
        count: Of nodes.
        folder: For Ray's files and sockets; its path must be short.
        store_bytes: Of each node's object store.
        each: What else Ray is to know of each node: ``num_cpus``, which are the machine's if not given.

    Yields:
        The ``ray.cluster_utils.Cluster``: nodes can be added to it, and ended.
    """
    import ray
    from ray.cluster_utils import Cluster

    from actors.remote import NAMESPACE

    unused = {"include_dashboard": False, "include_log_monitor": False, "no_monitor": True}
    options = {"object_store_memory": store_bytes, "num_cpus": os.cpu_count(), **unused, **each}
    before = os.environ.get(_FOLDER)
    os.environ[_FOLDER] = folder
    loopback.start_no_api()
    cluster = Cluster()
    try:
        for _ in range(count):
            cluster.add_node(**options)
        ray.init(address=cluster.address, namespace=NAMESPACE, log_to_driver=False, logging_level=logging.ERROR)
        loopback.keep_quiet()
        yield cluster
    finally:
        ray.shutdown()
        cluster.shutdown()  # type: ignore[no-untyped-call]
        os.environ.pop(_FOLDER)
        if before is not None:
            os.environ[_FOLDER] = before
