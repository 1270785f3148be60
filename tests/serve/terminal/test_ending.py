"""How the process ends: its status, what was left for the end, and no interpreter that is taken down."""

import subprocess
import sys

import pytest

from tests.serve.running import ENVIRONMENT

SCRIPT = """
import atexit, sys
from serve import __main__ as program

class Kept:
    def __del__(self):
        print("the interpreter went down", file=sys.stderr)

def main():
    sys.stdout.write("said")
    sys.stdout.flush()
    {end}

kept, program.main = Kept(), main
atexit.register(print, "left for the end", file=sys.stderr)
program.run()
"""
ENDS = {"pass": 0, "sys.exit()": 0, "sys.exit(3)": 3, "sys.exit('text')": 1}


@pytest.mark.parametrize("end", ENDS)
def test_status_and_what_is_left_for_the_end(end, tmp_path):
    script = [sys.executable, "-c", SCRIPT.format(end=end)]
    done = subprocess.run(script, cwd=tmp_path, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (ENDS[end], "said", "left for the end\n")


def test_what_is_no_end_is_shown(tmp_path):
    script = [sys.executable, "-c", SCRIPT.format(end="raise ValueError('a defect of ours')")]
    done = subprocess.run(script, cwd=tmp_path, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "a defect of ours" in done.stderr


def test_another_ctrl_c_does_not_cut_off_what_is_left(tmp_path):
    pressed = "sys.exit(130)\n\natexit.register(lambda: (signal.raise_signal(signal.SIGINT), time.sleep(0.1)))"
    script = [sys.executable, "-c", "import signal, time\n" + SCRIPT.format(end=pressed)]
    done = subprocess.run(script, cwd=tmp_path, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "said", "left for the end\n")
