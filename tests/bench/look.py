"""One look at the decoders of an `up`: CPU seconds that streams say they have burnt, and those that the kernel counts.

    python -m tests.bench.look STATE_FILE

Prints JSON: `said` by stream, as of its newest progress, and `kernel` by process, read at once after it. The difference
of two looks is both over the same time, but for the time since the progress.
"""

import json
import logging
import os
import sys
from pathlib import Path

from cluster import loopback


def kernel_seconds(pid):
    """CPU seconds of a process so far, those of its threads that have ended too."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main():
    state = json.loads(Path(sys.argv[1]).read_text())
    loopback.prepare(Path(state["token"]))
    import ray

    from cluster import cell

    ray.init(
        address=state["address"], namespace="sightline-bench", log_to_driver=False, logging_level=logging.ERROR
    )  # fmt: skip
    reports = [report for answer in cell.ask(cell.decoders(), 30.0).values() for report in answer]
    kernel = {report.pid: kernel_seconds(report.pid) for report in reports}
    print(json.dumps({"said": {r.stream: r.burnt.decoder_seconds for r in reports}, "kernel": kernel}))


if __name__ == "__main__":
    main()
