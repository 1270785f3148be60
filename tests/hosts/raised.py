"""A cluster that `ray up` brings up on hosts of its own: docs/deploy/ray-local.yaml, with their addresses."""

import os
import secrets
import subprocess
import sys
from pathlib import Path

import yaml

from tests.hosts.namespaces import Net

ROOT = Path(__file__).resolve().parents[2]
VENV = Path(sys.prefix)
INSTALLS = ("sudo apt-get", "test -d ~/sightline-venv", "~/sightline-venv/bin/pip", "test ! -e /dev/nvidia0")
"""Commands of the file that fetch what these hosts have already: they share this checkout's environment."""

S3_PORT, API_PORT = 9000, 8080
STORE = """
import sys, urllib.request
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer(ip_address=sys.argv[1], port=int(sys.argv[2]), verbose=False)
server.start()
made = urllib.request.Request(f"http://{sys.argv[1]}:{sys.argv[2]}/sightline", method="PUT")
urllib.request.urlopen(made).close()
print("ready", flush=True)
sys.stdin.read()
"""


class Cluster:
    """Hosts: ``ctl``, where commands are given; ``store``, an S3 server; ``head`` and the workers."""

    def __init__(self, net: Net, workers=("w1", "w2")):
        self.net, self.workers = net, workers
        self.ctl, self.store, self.head = (net.add(name) for name in ("ctl", "store", "head"))
        for name in workers:
            net.add(name)
        self.token = net.folder / "token"
        self.token.write_text(secrets.token_hex(32))
        self.token.chmod(0o600)
        self.file = net.folder / "ray-local.yaml"
        self.file.write_text(yaml.safe_dump(self.described()))

    def described(self):
        """The file that is shipped, with these hosts' addresses, and without installing anything."""
        given = yaml.safe_load((ROOT / "docs/deploy/ray-local.yaml").read_text())
        bucket = self.net.folder / "bucket"
        bucket.write_text(
            "AWS_ACCESS_KEY_ID=key\nAWS_SECRET_ACCESS_KEY=secret\nAWS_REGION=us-east-1\nAWS_ALLOW_HTTP=true\n"
            f"AWS_ENDPOINT_URL=http://{self.store.address}:{S3_PORT}\n"
        )
        given["provider"] |= {
            "head_ip": self.head.address, "worker_ips": [self.net.hosts[name].address for name in self.workers]
        }  # fmt: skip
        given["auth"] = {"ssh_user": "root", "ssh_private_key": str(self.net.folder / "key")}
        given["file_mounts"] = {"~/.ray/auth_token": str(self.token), "~/.sightline-bucket": str(bucket)}
        for name in ("setup_commands", "worker_setup_commands"):
            given[name] = [command for command in given[name] if not command.startswith(INSTALLS)]
        allowed = f"echo export SIGHTLINE_ALLOWED_ROOTS={self.net.folder} >> ~/.bashrc"
        given["setup_commands"] = [f"ln -sfn {VENV} ~/sightline-venv", *given["setup_commands"], allowed]
        for name in ("head_start_ray_commands", "worker_start_ray_commands"):
            given[name] = [self._here(command) for command in given[name]]
        return given

    def _here(self, command):
        if command.startswith("ray start"):
            return f"{command} --object-store-memory=300000000"
        if not command.startswith("sightline up"):
            return command
        assert " --results=s3://CHANGE-ME/sightline" in command
        made = "test -e ~/key || (umask 77; sightline keys add ctl --scope submit > ~/key)"
        return f"{made} && {command.replace('CHANGE-ME', 'sightline')} --host={self.head.address}"

    def serve_store(self):
        """Start the S3 server on its host; it ends with the host."""
        command = self.store.inside(str(VENV / "bin/python"), "-c", STORE, self.store.address, str(S3_PORT))
        pipe, silent = subprocess.PIPE, subprocess.DEVNULL
        server = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=silent, text=True)
        assert server.stdout.readline() == "ready\n"
        return server

    def ray(self, *command, timeout=300):
        """Run ``ray`` on the host where commands are given."""
        return self.ctl.run(
            "ray", *command, timeout=timeout, RAY_UP_enable_autoscaler_v2="0", RAY_AUTH_MODE="token",
            RAY_USAGE_STATS_ENABLED="0", RAY_AUTH_TOKEN_PATH=str(self.token), PATH=f"{VENV}/bin:{os.environ['PATH']}",
        )  # fmt: skip

    def up(self):
        return self.ray("up", "-y", "--no-config-cache", str(self.file))

    def shell(self, host, command, timeout=120):
        """Run a line in a shell of a user who has logged in to a host."""
        return host.run("bash", "-lic", command, timeout=timeout)

    def sightline(self, *command, timeout=300):
        """Run ``sightline`` where commands are given, for the cluster's API with its key."""
        key = self.shell(self.head, "cat ~/key").strip()
        url = f"http://{self.head.address}:{API_PORT}"
        binary = str(VENV / "bin/sightline")
        return self.ctl.run(binary, *command, "--url", url, timeout=timeout, SIGHTLINE_API_KEY=key)
