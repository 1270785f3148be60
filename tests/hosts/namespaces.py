"""Hosts on one machine: each has an address, processes, mounts and sshd of its own, and a bridge joins them.

They are network, process, mount, host name and IPC namespaces. The bridge lies in a namespace of its own, so nothing
leaves the machine and nothing else of it can be reached. A host keeps its files through power cuts.
"""

import contextlib
import ctypes
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

NETWORK = "10.77.0"
CLONE_NEWNET = 0x40000000
"""Of ``linux/sched.h``; in ``os`` from Python 3.12 on."""

NEEDS = ("ip", "unshare", "nsenter", "ssh-keygen", "rsync", "/usr/sbin/sshd")


def lacking():
    """Why there can be no hosts here; empty if there can."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    if missing := [name for name in NEEDS if shutil.which(name) is None]:
        return f"not installed: {', '.join(missing)}"
    name = f"sl{secrets.token_hex(3)}"
    probe = "mount -t tmpfs tmpfs /mnt && mount -t tmpfs tmpfs /dev/shm"
    made = subprocess.run(["ip", "netns", "add", name], check=False, capture_output=True, text=True)
    if made.returncode == 0:
        inside = ["unshare", "--fork", "--pid", "--mount", "--uts", "--ipc", "sh", "-c", probe]
        command = ["ip", "netns", "exec", name, *inside]
        made = subprocess.run(command, check=False, capture_output=True, text=True)
        ip("netns", "delete", name)
    return f"no namespaces: {made.stderr.strip()}" if made.returncode else ""


class Host:
    """A machine: switched on, cut off, frozen, and asked to run commands.

    ``thread`` has a thread of this process that is in the machine's network, be the machine on or off.
    """

    def __init__(self, net, name, number):
        self.net, self.name, self.address = net, name, f"{NETWORK}.{number}"
        self.space, self.folder, self.process = f"{net.prefix}-{name}", net.folder / name, None
        self.folder.mkdir()
        ip("netns", "add", self.space)
        self.thread = ThreadPoolExecutor(1, initializer=enter, initargs=(self.space,))
        ip("link", "add", "e0", "netns", self.space, "type", "veth", "peer", "name", name, "netns", net.switch)
        ip("-n", net.switch, "link", "set", name, "master", "bridge", "up")
        ip("-n", self.space, "link", "set", "lo", "up")
        ip("-n", self.space, "address", "add", f"{self.address}/24", "dev", "e0")
        ip("-n", self.space, "link", "set", "e0", "up")
        # Ray asks which address leads to the world; there needs to be a way, not a world.
        ip("-n", self.space, "route", "add", "default", "via", f"{NETWORK}.1", "dev", "e0")

    def switch_on(self):
        spaces = ["--pid", "--mount", "--mount-proc", "--uts", "--ipc", "--propagation", "private"]
        command = ["ip", "netns", "exec", self.space, "unshare", "--fork", "--kill-child", *spaces]
        with (self.folder / "sshd.log").open("ab") as log:
            self.process = subprocess.Popen(
                [*command, "bash", str(Path(__file__).with_name("host.sh")), str(self.folder)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        until = time.monotonic() + 10
        while "listening" not in (said := (self.folder / "sshd.log").read_text()):
            assert self.process.poll() is None, said
            assert time.monotonic() < until, said
            time.sleep(0.02)

    def power_off(self):
        """All at once, as when the plug is pulled; files stay."""
        self.process.kill()
        self.process.wait()
        (self.folder / "sshd.log").unlink()

    def freeze(self):
        for pid in self._processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)

    def thaw(self, *names):
        """Let it go on: all of it, or processes whose command begins with one of the names."""
        for pid in self._processes():
            with contextlib.suppress(OSError):
                if not names or Path(f"/proc/{pid}/cmdline").read_text().startswith(names):
                    os.kill(pid, signal.SIGCONT)

    def cut_off(self):
        ip("-n", self.net.switch, "link", "set", self.name, "down")

    def join(self):
        ip("-n", self.net.switch, "link", "set", self.name, "up")

    def inside(self, *command):
        """The command that runs a command on this host."""
        spaces = ("--net", "--pid", "--mount", "--uts", "--ipc")
        return ["nsenter", "--target", str(self._first()), *spaces, "--", *command]

    def run(self, *command, timeout=120, **environment):
        """Run a command on this host, and give what it printed; one that fails fails the test."""
        done = subprocess.run(
            self.inside(*command), check=False, capture_output=True, text=True, timeout=timeout,
            env={**os.environ, **environment},
        )  # fmt: skip
        assert done.returncode == 0, f"{self.name}: {command}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def carried(self):
        """Bytes that came to this host, and that left it."""
        counts = (Path("/sys/class/net/e0/statistics") / name for name in ("rx_bytes", "tx_bytes"))
        command = ["ip", "netns", "exec", self.space, "cat", *map(str, counts)]
        return tuple(map(int, subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()))

    def _first(self):
        return int(Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()[0])

    def _processes(self):
        """All of this host, as they are numbered outside it."""
        own = Path(f"/proc/{self._first()}/ns/pid").stat().st_ino
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError):  # gone
                if entry.name.isdigit() and (entry / "ns/pid").stat().st_ino == own:
                    yield int(entry.name)

    def remove(self):
        if self.process is not None and self.process.poll() is None:
            self.power_off()
        self.thread.shutdown()
        ip("netns", "delete", self.space)


class Net:
    """A bridge, and the hosts on it; leaving the context ends all of it."""

    def __init__(self):
        self.prefix = f"sl{secrets.token_hex(3)}"
        self.switch = f"{self.prefix}-switch"
        self.hosts = {}

    def __enter__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="sl-hosts-"))
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.folder / "key"], check=True)
        ip("netns", "add", self.switch)
        ip("-n", self.switch, "link", "add", "bridge", "type", "bridge")
        ip("-n", self.switch, "link", "set", "bridge", "up")
        return self

    def __exit__(self, *_):
        for host in self.hosts.values():
            host.remove()
        ip("netns", "delete", self.switch)
        shutil.rmtree(self.folder)

    def add(self, name, cpus=1):
        """A host more, of so many logical processors, switched on."""
        host = self.hosts[name] = Host(self, name, len(self.hosts) + 1)
        (host.folder / "cpus").write_text(str(cpus))
        host.switch_on()
        return host


def enter(space):
    """Move the calling thread, and no other, into a network namespace."""
    with Path("/run/netns", space).open() as file:
        if ctypes.CDLL(None, use_errno=True).setns(file.fileno(), CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), f"setns: {space}")


def ip(*command):
    subprocess.run(["ip", *command], check=True)
