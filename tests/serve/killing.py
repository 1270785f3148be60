"""`sightline analyze` in processes that can be killed, many times over.

A process of its own imports the program once and forks a child for every command, so that a kill costs a command and
not a start of Python: ``python tests/serve/killing.py WINDOW_SECONDS``. It is a file, not a module, because what it
changes has to hold in the worker processes that its children spawn from it, too.
"""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

WINDOW = "SIGHTLINE_TEST_WINDOW"
ROOT = Path(__file__).resolve().parents[2]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))


class Commands:
    """Runs commands in children of one process. A context manager."""

    def __init__(self, window_seconds, folder, clip):
        """Start. Windows of files are ``window_seconds`` long; outputs of commands go to ``folder``."""
        self._folder, self._clip = Path(folder), str(clip)
        self._environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", WINDOW: str(window_seconds)}
        self._start()

    def _start(self):
        self._process = subprocess.Popen(
            [sys.executable, __file__, self._clip], env=self._environment, cwd=ROOT, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self._process.stdout.readline() == "ready\n"

    def __enter__(self):
        return self

    def __exit__(self, *given):
        self._process.stdin.close()
        self._process.wait(30)
        self._process.stdout.close()

    def run(self, *arguments, kill_after=None, kill_at=None, after=False):
        """Run a command to its end, or to its death.

        Args:
            arguments: Of ``sightline``.
            kill_after: Seconds after which SIGKILL is sent.
            kill_at: The number of the commit of a table at which the process kills itself.
            after: It does so when the commit is done, not before.

        Returns:
            A :class:`Ended`.
        """
        request = {
            "arguments": [str(argument) for argument in arguments], "kill_after": kill_after, "kill_at": kill_at,
            "after": after, "out": str(self._folder / "out.txt"), "err": str(self._folder / "err.txt"),
        }  # fmt: skip
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        try:
            answer = json.loads(self._process.stdout.readline())
        except BaseException:  # a test out of time: the answer that comes yet is not the next one's
            self._process.kill()
            self.__exit__()
            self._start()
            raise
        return Ended(**answer, out=Path(request["out"]).read_text(), err=Path(request["err"]).read_text())


@dataclass
class Ended:
    """How a command ended.

    ``status``: its exit status, or the negative number of the signal that killed it. ``processes``: its own ones at
    the moment of the kill.
    """

    status: int
    seconds: float
    processes: list
    out: str
    err: str

    @property
    def killed(self):
        return self.status == -signal.SIGKILL


def alive(processes):
    """Those of some process ids that still run."""
    return [process for process in processes if _state(process) not in ("", "Z", "X")]


def _state(process):
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return ""


def family(process):
    """The ids of the processes that a process has started, and those that these have."""
    try:
        children = [int(child) for task in Path(f"/proc/{process}/task").iterdir()
                    for child in (task / "children").read_text().split()]  # fmt: skip
    except (FileNotFoundError, ProcessLookupError):
        return []
    return children + [grandchild for child in children for grandchild in family(child)]


def _serve():
    """Fork a child for every line of standard input, kill it in time, and say how it ended."""
    _import_everything()
    others = [task for task in Path("/proc/self/task").glob("*") if task.name != str(os.getpid())]
    running = {(task / "comm").read_text().strip() for task in others} - {"jemalloc_bg_thd"}  # it bears a fork
    assert not running, f"threads {running}: a fork would not be safe"
    print("ready", flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        began = time.monotonic()
        child = os.fork()
        if child == 0:
            _child(request)
        processes = [] if request["kill_after"] is None else _kill_in_time(child, request["kill_after"])
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        seconds = time.monotonic() - began
        print(json.dumps({"status": status, "seconds": seconds, "processes": processes}), flush=True)


def _kill_in_time(child, seconds):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None:
            return []
        time.sleep(0.001)
    members = family(child)
    os.kill(child, signal.SIGKILL)
    return members


def _child(request):
    for descriptor, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(request[name], os.O_WRONLY | os.O_CREAT | os.O_TRUNC), descriptor)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    if request["kill_at"] is not None:
        _kill_at(request["kill_at"], after=request["after"])
    sys.argv = ["sightline", *request["arguments"]]
    status = 70
    try:
        from serve.cli import main

        main()
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else 0 if ended.code is None else 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _kill_at(number, *, after):
    """Let this process die at its n-th commit of a table."""
    from actors.tables import Table

    commit, count = Table.commit, [0]

    def dying(table, *given, **named):
        count[0] += 1
        if count[0] == number and not after:
            os.kill(os.getpid(), signal.SIGKILL)
        commit(table, *given, **named)
        if count[0] == number:
            os.kill(os.getpid(), signal.SIGKILL)

    Table.commit = dying


def _import_everything():
    """Import the program, and load its compiled kernels by analysing a clip, without starting a thread."""
    import cluster.analysis  # noqa: F401
    import serve.cli  # noqa: F401
    from actors.detectors import DETECTORS
    from actors.owner import Owner
    from actors.task import Task

    class Nowhere:
        def commit(self, units):
            pass

    Owner(Task("warm", sys.argv[1], tuple(DETECTORS), {}, 0), Nowhere(), None).run()


def _shorten_windows():
    from actors.hop import Direct

    seconds = float(os.environ[WINDOW])
    Direct.bounds = replace(Direct.bounds, window_seconds=seconds, batch_seconds=seconds / 3)


if __name__ in ("__main__", "__mp_main__"):
    _shorten_windows()
if __name__ == "__main__":
    _serve()
