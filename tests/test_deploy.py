"""Files to deploy with: each is well-formed, holds no secret, and says the same as the others and the program."""

import configparser
import copy
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from typer.main import get_command

from cluster.allowed import Sources
from cluster.settings import Chunks, Placement, Supervision
from serve.cli import app

ROOT = Path(__file__).resolve().parent.parent
DEPLOY = ROOT / "docs" / "deploy"
COMMANDS = get_command(app).commands


def text(name):
    return (DEPLOY / name).read_text()


def loaded(name):
    return yaml.safe_load(text(name))


CLOUD = yaml.safe_load((ROOT / "ray-cluster.yaml").read_text())
KUBE = list(yaml.safe_load_all(text("kuberay.yaml")))


def kube(kind, name="sightline"):
    (found,) = [part for part in KUBE if (part["kind"], part["metadata"]["name"]) == (kind, name)]
    return found


def groups():
    spec = kube("RayCluster")["spec"]
    return [spec["headGroupSpec"], *spec["workerGroupSpecs"]]


def container(group):
    (only,) = group["template"]["spec"]["containers"]
    return only


def check_command(words):
    """A ``sightline`` command exists, with its options."""
    allowed = {option for param in COMMANDS[words[0]].params for option in param.opts}
    options = {word.partition("=")[0] for word in words[1:] if word.startswith("--")}
    assert options, words
    assert options <= allowed


def instructions():
    joined = re.sub(r"\\\n\s*", "", text("Dockerfile"))
    return [line.split(None, 1) for line in joined.splitlines() if line and not line.startswith("#")]


def test_every_file_is_told_of_and_holds_no_secret():
    files = sorted(path.name for path in DEPLOY.iterdir())
    assert len(files) == 7
    assert "docs/deploy" in (ROOT / "README.md").read_text().split("## Cluster")[1].split("## API")[0]
    for name in files:
        assert f"]({name})" in text("README.md") or name == "README.md"
        assert not re.search(r"[0-9a-f]{32}|AKIA[A-Z0-9]{16}|BEGIN [A-Z ]*KEY|slk_[0-9a-f]{12}", text(name)), name


def test_variables_of_ours_are_known():
    settings = (Sources, Placement, Supervision, Chunks)
    known = {f"SIGHTLINE_{name.upper()}" for each in settings for name in each.model_fields}
    named = {name for path in DEPLOY.iterdir() for name in re.findall(r"\bSIGHTLINE_[A-Z_]*[A-Z]\b", path.read_text())}
    assert named
    assert named <= known


def test_machines_by_address_pass_ray_s_schema_and_do_as_the_cloud_s():
    autoscaler = pytest.importorskip("ray.autoscaler._private.util")
    local = loaded("ray-local.yaml")
    autoscaler.validate_config(autoscaler.prepare_config(copy.deepcopy(local)))
    assert local["provider"]["type"] == "local"
    bucket = [command for command in local["setup_commands"] if "~/.sightline-bucket" in command]
    assert len(bucket) == 2, "AWS machines have a role instead"
    assert [command for command in local["setup_commands"] if command not in bucket] == CLOUD["setup_commands"]
    for key in ("rsync_exclude", "cluster_name"):
        assert local[key] == CLOUD[key], key
    stop, start = CLOUD["worker_start_ray_commands"]
    assert local["worker_start_ray_commands"] == [stop, f"{start} || true"]
    assert CLOUD["file_mounts"].items() <= local["file_mounts"].items()
    waiting = "AUTOSCALER_NODE_START_WAIT_S=31536000 "
    starts = [
        command.replace(" --num-cpus=0", "").replace(waiting, "") for command in local["head_start_ray_commands"]
    ]
    assert starts == CLOUD["head_start_ray_commands"]
    assert starts != local["head_start_ray_commands"]
    constants = pytest.importorskip("ray.autoscaler._private.constants")
    assert waiting.partition("=")[0] in vars(constants)


def test_dead_machines_are_found_alike_everywhere():
    wanted = {
        "RAY_health_check_period_ms": "1000", "RAY_health_check_timeout_ms": "1000",
        "RAY_health_check_failure_threshold": "3", "RAY_AUTH_MODE": "token",
    }  # fmt: skip
    (line,) = [command for command in CLOUD["setup_commands"] if "RAY_AUTH_MODE" in command]
    assert "\n" not in line
    assert wanted.items() <= dict(re.findall(r"(RAY_\w+)=(\w+)", line)).items()
    for group in groups():
        assert wanted.items() <= {entry["name"]: entry["value"] for entry in container(group)["env"]}.items()


def test_the_image_is_pinned_runs_as_a_user_and_starts_what_exists():
    steps = instructions()
    assert {step[0] for step in steps} <= {
        "FROM", "ARG", "WORKDIR", "COPY", "RUN", "USER", "VOLUME", "EXPOSE", "HEALTHCHECK", "ENTRYPOINT", "CMD",
    }  # fmt: skip
    said = {name: rest for name, rest in steps}  # the last of each
    assert re.fullmatch(r"python:3\.\d+\.\d+-slim-\w+", said["FROM"])
    copied = [source for name, rest in steps if name == "COPY" for source in rest.split()[:-1]]
    assert len(copied) == 7
    assert all((ROOT / source).exists() for source in copied)
    kept = {line[1:] for line in text("Dockerfile.dockerignore").splitlines() if line.startswith("!")}
    assert kept == set(copied)
    assert said["USER"] == "10001:10001"
    assert yaml.safe_load(said["ENTRYPOINT"]) == ["sightline"]
    check_command(yaml.safe_load(said["CMD"]))


def test_the_container_is_reached_from_its_machine_only_and_can_write_little():
    compose = loaded("compose.yaml")
    (service,) = compose["services"].values()
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])
    assert service["read_only"] is service["init"] is True
    assert (service["cap_drop"], service["security_opt"]) == (["ALL"], ["no-new-privileges:true"])
    assert (DEPLOY / service["build"]["context"] / service["build"]["dockerfile"]).exists()
    named = {mount.split(":")[0]: mount.split(":")[1] for mount in service["volumes"] if mount[0] != "."}
    assert set(named) == set(compose["volumes"])
    (declared,) = [yaml.safe_load(rest) for name, rest in instructions() if name == "VOLUME"]
    assert sorted(named.values()) == sorted(declared)
    assert set(service["deploy"]["resources"]["limits"]) == {"cpus", "memory"}


def test_the_unit_is_one_that_systemd_takes_and_starts_what_exists(tmp_path):
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str
    unit.read_string(text("sightline.service"))
    service = unit["Service"]
    command, *words = shlex.split(service["ExecStart"])
    assert Path(command).name == "sightline"
    assert "--block" in words
    check_command(words)
    assert service["User"] not in ("", "root")
    assert service["NoNewPrivileges"] == "yes"
    assert service["ProtectSystem"] == "strict"
    assert int(service["TimeoutStopSec"]) >= 30
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    there = tmp_path / "sightline.service"
    there.write_text(text("sightline.service").replace(command, shutil.which("true")))
    done = subprocess.run(["systemd-analyze", "verify", there], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_on_kubernetes_all_pods_are_of_one_image_and_secrets_are_files():
    head, *workers = groups()
    assert [group["groupName"] for group in workers] == ["decoding", "detecting"]
    assert head["rayStartParams"]["num-cpus"] == "0"
    assert len({container(group)["image"] for group in groups()}) == 1
    for group in groups():
        pod, own = group["template"]["spec"], container(group)
        assert pod["serviceAccountName"] == kube("ServiceAccount")["metadata"]["name"]
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert own["resources"]["limits"] == own["resources"]["requests"]
        assert {mount["name"] for mount in own["volumeMounts"]} == {volume["name"] for volume in pod["volumes"]}
        assert {"token", "keys"} == {volume["name"] for volume in pod["volumes"] if "secret" in volume}
        assert not [entry for entry in own["env"] if entry["name"] == "RAY_AUTH_TOKEN"]
        (path,) = [entry["value"] for entry in own["env"] if entry["name"] == "RAY_AUTH_TOKEN_PATH"]
        assert str(Path(path).parent) in {mount["mountPath"] for mount in own["volumeMounts"]}
    assert "nvidia.com/gpu" in container(workers[1])["resources"]["limits"]
    assert kube("RayCluster")["spec"]["rayVersion"] in (ROOT / "constraints.txt").read_text()


def test_on_kubernetes_one_address_leads_to_the_head_s_api():
    head = container(groups()[0])
    ports = {port["name"]: port["containerPort"] for port in head["ports"]}
    service = kube("Service", "sightline-api")["spec"]
    assert service["ports"][0]["targetPort"] == "api"
    assert ports["api"] == 8080
    labels = {"ray.io/cluster": "sightline", "ray.io/node-type": "head"}
    assert service["selector"] == kube("NetworkPolicy", "sightline-api")["spec"]["podSelector"]["matchLabels"] == labels
    ingress = kube("Ingress")["spec"]
    assert ingress["tls"][0]["hosts"] == [rule["host"] for rule in ingress["rules"]]
    assert ingress["rules"][0]["http"]["paths"][0]["backend"]["service"]["name"] == "sightline-api"
    (command,) = re.findall(r"^sightline (.*)$", head["lifecycle"]["postStart"]["exec"]["command"][-1], re.MULTILINE)
    check_command(shlex.split(command))
