"""A cluster that `ray up` brings up on hosts of its own: docs/deploy/ray-local.yaml, with their addresses."""

import json
import os
import secrets
import shutil
import subprocess
import sys
import time
from functools import cached_property
from pathlib import Path

import httpx
import yaml

from tests.hosts.namespaces import Net
from tests.hosts.outside import S3_PORT, WEB_PORT

ROOT = Path(__file__).resolve().parents[2]
VENV = Path(sys.prefix)
INSTALLS = ("sudo apt-get", "test -d ~/sightline-venv", "~/sightline-venv/bin/pip", "test ! -e /dev/nvidia0")
"""Commands of the file that fetch what these hosts have already: they share this checkout and its environment."""

API_PORT = 8080
DASHBOARD = "http://127.0.0.1:8265"
RESULTS = "s3://sightline/sightline"
CPUS = {"w1": 2, "w2": 3}
"""Logical processors of workers: of two kinds."""

SIZES = "SIGHTLINE_DECODER_CPUS=0.4 SIGHTLINE_DETECTOR_CPUS=0.4"
"""A cell of four streams fills the smaller."""


class Cluster:
    """Hosts: ``ctl``, where commands are given; ``store``, outside the cluster; ``head`` and the workers."""

    def __init__(self, net: Net, clips, workers, sizes=SIZES):
        self.net, self.workers, self._sizes = net, list(workers), sizes
        self.ctl, self.store, self.head = (net.add(name) for name in ("ctl", "store", "head"))
        for name in workers:
            net.add(name, CPUS[name])
        self.token = net.folder / "token"
        self.token.write_text(secrets.token_hex(32))
        self.token.chmod(0o600)
        self.file = net.folder / "ray-local.yaml"
        self.describe()
        self._clips = net.folder / "clips"
        self._clips.mkdir()
        for clip in clips:
            shutil.copy(clip, self._clips)
        self._outside = self._serve_outside()
        self._web = httpx.Client(timeout=60, trust_env=False, limits=httpx.Limits(max_keepalive_connections=0))

    def describe(self):
        """Write the file: that which is shipped, with these hosts' addresses, and without installing anything."""
        given = yaml.safe_load((ROOT / "docs/deploy/ray-local.yaml").read_text())
        bucket = self.net.folder / "bucket"
        bucket.write_text("".join(f"{name}={value}\n" for name, value in self.aws().items()))
        given["provider"] |= {
            "head_ip": self.head.address, "worker_ips": [self.net.hosts[name].address for name in self.workers]
        }  # fmt: skip
        given["auth"] = {"ssh_user": "root", "ssh_private_key": str(self.net.folder / "key")}
        given["file_mounts"] = {"~/.ray/auth_token": str(self.token), "~/.sightline-bucket": str(bucket)}
        for name in ("setup_commands", "worker_setup_commands"):
            given[name] = [command for command in given[name] if not command.startswith(INSTALLS)]
        own = f"export PYTHONPATH={ROOT} SIGHTLINE_ALLOWED_NETWORKS=public,private {self._sizes}"
        given["setup_commands"] = [
            f"ln -sfn {VENV} ~/sightline-venv", *given["setup_commands"],
            f"grep -q ALLOWED_NETWORKS ~/.bashrc || echo {own} >> ~/.bashrc",
        ]  # fmt: skip
        for name in ("head_start_ray_commands", "worker_start_ray_commands"):
            given[name] = [self._here(command) for command in given[name]]
        self.file.write_text(yaml.safe_dump(given))

    def _here(self, command):
        if command.startswith("sightline up"):
            assert " --results=s3://CHANGE-ME/sightline" in command
            return f"{command.replace('CHANGE-ME', 'sightline')} --host=0.0.0.0 --api-machines=2"
        if "ray start" not in command:
            return command
        own = f"{self.net.folder}/$(hostname)"
        count = "" if "--head" in command else f" --num-cpus=$(mv {own}/fails {own}/failed || cat {own}/cpus)"
        return command.replace("ray start", f"ray start --object-store-memory=300000000{count}")

    def aws(self):
        """Variables with which the bucket is reached."""
        return {
            "AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "us-east-1",
            "AWS_ALLOW_HTTP": "true", "AWS_ENDPOINT_URL": f"http://{self.store.address}:{S3_PORT}",
        }  # fmt: skip

    def fail(self, host):
        """Have the next start of Ray on a host fail."""
        (self.net.hosts[host].folder / "fails").touch()

    def failed(self, host):
        """Whether it has."""
        return (self.net.hosts[host].folder / "failed").exists()

    def _serve_outside(self):
        python = str(VENV / "bin/python")
        command = self.store.inside(python, "-m", "tests.hosts.outside", self.store.address, str(self._clips))
        pipe, silent = subprocess.PIPE, subprocess.DEVNULL
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        server = subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, stderr=silent, text=True)
        assert server.stdout.readline() == "ready\n"
        return server

    def close(self):
        """End what is served outside."""
        self._web.close()
        self._outside.communicate(timeout=60)

    def pace(self, word):
        """Have the last quarter of each clip sent ``slow`` or ``fast`` from now on."""
        self._outside.stdin.write(f"{word}\n")
        self._outside.stdin.flush()
        assert self._outside.stdout.readline() == f"{word}\n"

    def url(self, clip):
        """Where a clip is."""
        return f"http://{self.store.address}:{WEB_PORT}/{clip}"

    def command(self, line, timeout=300, token=None, **environment):
        """Run a line where commands are given."""
        path = f"{VENV}/bin:{os.environ['PATH']}"
        return self.ctl.run(
            "bash", "-euo", "pipefail", "-c", f"cd {ROOT}; {line}", timeout=timeout, PATH=path, PYTHONPATH=str(ROOT),
            RAY_UP_enable_autoscaler_v2="0", RAY_AUTH_MODE="token", RAY_AUTH_TOKEN_PATH=str(token or self.token),
            RAY_USAGE_STATS_ENABLED="0", **environment,
        )  # fmt: skip

    def shell(self, host, line, timeout=120):
        """Run a line in a shell of a user who has logged in to a host."""
        return host.run("bash", "-lic", line, timeout=timeout)

    @cached_property
    def key(self):
        """The operator's key, which `ray up` has made."""
        return self.shell(self.head, "cat ~/.sightline-key").strip()

    @property
    def api(self):
        """Where the API is."""
        return f"http://{self.head.address}:{API_PORT}"

    def sightline(self, arguments, key=None, timeout=300):
        """Run ``sightline`` where commands are given, for the cluster's API with a key."""
        return self.command(f"sightline {arguments} --url {self.api}", timeout, SIGHTLINE_API_KEY=key or self.key)

    def ask(self, url, key="", host=None):
        """Status and text of the answer to a GET from where commands are given, or another host; 0 if there is none."""
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        try:
            answer = (host or self.ctl).thread.submit(self._web.get, url, headers=headers).result()
        except httpx.TransportError:
            return 0, ""
        return answer.status_code, answer.text

    def streams(self):
        """What the API says of them; None while there is nobody to ask."""
        status, text = self.ask(f"{self.api}/v1/streams?limit=200", self.key)
        return json.loads(text)["items"] if status == 200 else None

    def serving(self):
        """Addresses of the API on workers, by their names."""
        there = [(name, self.net.hosts[name].address) for name in self.workers]
        alive = self.alive()
        found = {name: f"http://{address}:{API_PORT}" for name, address in there if address in alive}
        return {name: url for name, url in found.items() if self.ask(f"{url}/healthz")[0] == 200}

    def alive(self):
        """Ids of the hosts that are in the cluster, by address."""
        nodes = self._dashboard("v0/nodes?limit=100", {"result": {"result": []}})["result"]["result"]
        return {node["node_ip"]: node["node_id"] for node in nodes if node["state"] == "ALIVE"}

    def status(self):
        """What `ray status` says."""
        return self._dashboard("cluster_status?format=1", {"clusterStatus": ""})["clusterStatus"]

    def _dashboard(self, path, nothing):
        status, text = self.ask(f"{DASHBOARD}/api/{path}", self.token.read_text(), self.head)
        return json.loads(text)["data"] if status == 200 else nothing

    def started(self):
        """The end of what Ray's autoscaler says of hosts that it starts Ray on."""
        return self.shell(self.head, "tail -n 100 /tmp/ray/session_latest/logs/monitor.{log,out}")

    def processes(self, host, name):
        """Ids of Ray's actors of a class on a host, as that numbers them."""
        listed = self.net.hosts[host].run("ps", "axo", "pid,args", "--cols", "200").splitlines()
        return {int(line.split()[0]) for line in listed if f" ray::{name}" in line}

    def drain(self, host):
        """Tell Ray that a host is to go."""
        node = self.alive()[self.net.hosts[host].address]
        why = "--reason DRAIN_NODE_REASON_PREEMPTION --reason-message maintenance"
        self.shell(self.head, f"ray drain-node --node-id {node} {why}")


def until(condition, seconds=180, every=0.3):
    """Wait for a condition; gives what it gave, and after how many seconds."""
    began = time.monotonic()
    while not (found := condition()):
        assert time.monotonic() - began < seconds, f"not within {seconds} s"
        time.sleep(every)
    return found, time.monotonic() - began
