"""A Ray of our own on the loopback, and a supervisor over a results folder: for tests and benchmarks."""

import os
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

from actors.networks import Networks
from actors.trust import Trust
from cluster import jobs, loopback
from cluster.job import JobSpec
from cluster.nodes import started

QUICK = {"look_seconds": 0.2, "backoff_seconds": 0.1}
ANYTHING = Trust(("/",), Networks.of(("public", "private", "loopback")))


SOON = {
    "health_check_initial_delay_ms": 0, "health_check_period_ms": 500, "health_check_timeout_ms": 10_000,
    "health_check_failure_threshold": 2,
}  # fmt: skip
"""For Ray: that a node is gone is seen within seconds; one that is slow to answer is not taken for one."""


@contextmanager
def own_nodes(cpus=4, store_bytes=512 << 20):
    """A Ray of one node with so many logical processors, to which others can be added."""
    with tempfile.TemporaryDirectory(prefix="slray", dir="/tmp", ignore_cleanup_errors=True) as folder:
        loopback.write_token(Path(folder, "token"))
        before = dict(os.environ)
        os.environ.pop("RAY_ADDRESS", None)
        os.environ.update(loopback.environment(Path(folder, "token")))
        os.environ["PYTHONPATH"] = str(Path(__file__).parents[2])
        try:
            with started(1, folder, store_bytes, num_cpus=cpus, _system_config=SOON) as nodes:
                yield nodes
        finally:
            os.environ.clear()
            os.environ.update(before)


@contextmanager
def own_ray(cpus=4, store_bytes=512 << 20):
    """Ray with so many logical processors, in a short temporary folder."""
    with own_nodes(cpus, store_bytes):
        import ray

        yield ray


class Cluster:
    """A supervisor over a results folder, and short ways to ask it."""

    def __init__(self, ray, uri, trust=ANYTHING, chunks=None, sizes=None, **rules):
        from cluster import control
        from cluster.settings import Placement, Supervision

        self.ray, self.uri, self._control = ray, str(uri), control
        self.supervisor = control.start(
            self.uri, trust, Placement(**{"decoder_cpus": 0.1, "detector_cpus": 0.1, **(sizes or {})}),
            Supervision(**{**QUICK, **rules}), chunks,
        )  # fmt: skip

    def close(self):
        """End all of it."""
        self._control.stop()

    def call(self, method, *arguments):
        return self.ray.get(getattr(self.supervisor, method).remote(*arguments), timeout=120)

    def submit(self, *sources, **spec):
        """Submit sources (paths, or dicts of a stream's fields); gives the job."""
        streams = [source if isinstance(source, dict) else {"source": str(source)} for source in sources]
        job = jobs.new(JobSpec.model_validate({"streams": streams, **spec}))
        self.call("submit", job)
        return job

    def job(self, job):
        return self.call("jobs")[job.id]

    def ended(self, job, seconds=180):
        """The job, once all of its streams have ended."""
        self.wait(lambda: not self.job(job).open, seconds)
        return self.job(job)

    def report(self, stream):
        watched = self.call("watched").get(stream)
        return watched and watched.report

    def running(self, stream, seconds=120):
        """The stream's report, once it has come somewhere."""

        def there():
            report = self.report(stream)
            return report if report and report.newest_at else None

        return self.wait(there, seconds)

    def wait(self, condition, seconds=120, every=0.1):
        until = time.monotonic() + seconds
        while not (found := condition()):
            assert time.monotonic() < until, f"not within {seconds} s; {self.call('health')}"
            time.sleep(every)
        return found
