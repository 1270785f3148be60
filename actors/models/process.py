"""Models in processes of their own beside the stream's: frames through memory that is shared, words through a pipe."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from multiprocessing.connection import Connection

from actors.hop import Traffic
from actors.media import Batch
from actors.models.frames import Memory, Parcel
from actors.models.guarded import Died, Runner
from actors.models.mark import Mark
from actors.models.scores import Answer, Hello
from actors.models.spec import ModelSpec
from actors.trust import Trust

_ONE_THREAD = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


class Process:
    """One model's process. Its standard output is this one's standard error: a model prints into no document."""

    def __init__(self, spec: ModelSpec, trust: Trust | None, frames: int) -> None:
        """Start it.

        Args:
            spec: The model.
            trust: What may be read and loaded.
            frames: The file of the memory that frames lie in.
        """
        self.spec, self.mark = spec, Mark.make()
        ours, theirs = socket.socketpair()
        told = [str(number) for number in (theirs.fileno(), frames, os.getpid())]
        found = os.pathsep.join(os.path.abspath(part) for part in sys.path if part)  # noqa: PTH100 - not resolved
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "actors.models.child", *told, str(self.mark.path)],
            pass_fds=(theirs.fileno(), frames), stdin=subprocess.DEVNULL, stdout=2,
            env={**os.environ, "PYTHONPATH": found, **dict.fromkeys(_ONE_THREAD, "1")},
        )  # fmt: skip
        theirs.close()
        self._pipe = Connection(ours.detach())
        self._hello: Hello | None = None
        with suppress(OSError):
            self._pipe.send((spec, trust))

    @property
    def pid(self) -> int:
        """Its number."""
        return self._process.pid

    def send(self, parcel: Parcel) -> None:
        """Hand over a batch. That it has died meanwhile is seen where it is listened to."""
        with suppress(OSError):
            self._pipe.send(parcel)

    def heard(self, seconds: float) -> Hello | Answer | None:
        """What it says next; None: nothing within so many seconds.

        Raises:
            Died: It is there no more.
        """
        try:
            if not self._pipe.poll(seconds):
                return None
            said: Hello | Answer = self._pipe.recv()
        except (EOFError, OSError):
            raise Died(_ended(self._process.wait())) from None
        if isinstance(said, Hello):
            self._hello = said
        return said

    def again(self) -> None:
        """Let it say once more that it is there, to another stream."""
        assert self._hello is not None
        self._pipe.send(None)

    def kill(self) -> None:
        """End it, whatever it does."""
        self._process.kill()
        self._process.wait()
        self._pipe.close()
        self.mark.unlink()


class Processes:
    """Starts models, and keeps those that nothing is wrong with for the next stream: loading takes seconds."""

    def __init__(self, trust: Trust | None = None) -> None:
        self._trust = trust
        self._memory: Memory | None = None
        self._idle: list[Process] = []

    def start(self, spec: ModelSpec) -> Process:
        """Start a model, or take an idle one."""
        self._memory = self._memory or Memory()
        for runner in self._idle:
            if runner.spec == spec:
                self._idle.remove(runner)
                with suppress(OSError):
                    runner.again()
                return runner
        return Process(spec, self._trust, self._memory.file)

    def put(self, batch: Batch, moved: Traffic) -> Parcel:
        """Copy the pictures of a batch, once for all models; add that to what was moved."""
        assert self._memory is not None
        parcel = self._memory.put(batch)
        moved.copies += 1
        moved.bytes_direct += parcel.end - parcel.start
        return parcel

    def free(self, parcel: Parcel) -> None:
        """No model needs that batch any more."""
        assert self._memory is not None
        self._memory.free(parcel)

    def keep(self, runner: Runner) -> None:
        """Take back a model that nothing is wrong with."""
        assert isinstance(runner, Process)
        self._idle.append(runner)

    def close(self) -> None:
        """End all that is idle."""
        for runner in self._idle:
            runner.kill()
        self._idle = []
        if self._memory is not None:
            self._memory.close()
            self._memory = None


def _ended(status: int) -> str:
    if status < 0:
        return f"ended its process ({signal.Signals(-status).name})"
    return f"ended its process (exit status {status})"
