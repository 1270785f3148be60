"""ray-cluster.yaml is what Ray's own schema takes, and says what the README says."""

import copy
import json
import re
import shlex
from pathlib import Path

import pytest
import yaml
from typer.main import get_command

from serve.cli import app

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def config():
    return yaml.safe_load((ROOT / "ray-cluster.yaml").read_text())


def test_it_passes_ray_s_own_schema(config):
    autoscaler = pytest.importorskip("ray.autoscaler._private.util")
    whole = autoscaler.prepare_config(copy.deepcopy(config))
    autoscaler.validate_config(whole)
    schema = json.loads((Path(autoscaler.__file__).parents[1] / "ray-schema.json").read_text())
    assert set(config) <= set(schema["properties"])
    with pytest.raises(Exception, match="maxx_workers"):
        autoscaler.validate_config({**whole, "maxx_workers": 1})


def test_it_has_a_head_cpu_workers_and_gpu_workers(config):
    types = config["available_node_types"]
    assert config["head_node_type"] == "head"
    assert types["head"]["max_workers"] == types["head"]["resources"]["CPU"] == 0
    workers = [kind["resources"] for name, kind in types.items() if name != "head"]
    assert any("GPU" in kind for kind in workers)
    assert any("GPU" not in kind for kind in workers)
    assert sum(kind["max_workers"] for kind in types.values()) <= config["max_workers"]


def test_no_secret_stands_in_it_and_every_machine_asks_for_the_token(config):
    text = (ROOT / "ray-cluster.yaml").read_text()
    assert not re.search(r"[0-9a-f]{32}|AKIA[A-Z0-9]{16}|BEGIN [A-Z ]*KEY", text)
    (line,) = [command for command in config["setup_commands"] if "RAY_AUTH_MODE=token" in command]
    assert ".bashrc" in line
    assert config["file_mounts"]["~/.ray/auth_token"] == "~/.ray/auth_token"


def test_commands_of_ours_in_it_exist_with_their_options(config):
    known = get_command(app).commands
    ours = [
        shlex.split(command) for command in config["head_start_ray_commands"] if command.startswith("sightline ")
    ]  # fmt: skip
    assert ours
    for _, name, *options in ours:
        allowed = {option for param in known[name].params for option in param.opts}
        assert {option.partition("=")[0] for option in options} <= allowed
