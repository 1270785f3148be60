"""`make demo`, as it is run there."""

import re
import subprocess
import sys

from tests.serve.running import DEADLINE, ENVIRONMENT


def test_the_demo_finds_all_that_it_puts_in(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "serve.demo"], cwd=tmp_path, env=ENVIRONMENT, capture_output=True, text=True,
        timeout=DEADLINE, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    assert re.search(r"^5 of 5 found", done.stdout, re.MULTILINE)
    for defect in ("black", "freeze", "silence", "channel_loss", "lost_packets"):
        assert re.search(rf"(defects.mp4|damaged.ts) +{defect} ", done.stdout)
    assert "NOT FOUND" not in done.stdout
    assert (tmp_path / ".demo" / "report.html").is_file()
