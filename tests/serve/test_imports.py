"""What a command imports: no ray, no torch, and little before it knows what it has to do."""

import json
import subprocess
import sys

import pytest

from tests.serve.running import DEADLINE, ENVIRONMENT, ROOT, good

NEVER = {"ray", "torch", "safetensors", "fastapi", "pandas", "plotly", "matplotlib", "scipy", "skvideo", "pytest"}
HEAVY = {"numpy", "numba", "av", "pyarrow", "deltalake", "httpx"}


def imported(code, *arguments, cwd):
    """The modules that a script has imported in the end."""
    script = f"{code}\nimport sys, json\nprint(json.dumps(sorted(sys.modules)), file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)], cwd=cwd, env=ENVIRONMENT, capture_output=True,
        timeout=DEADLINE, check=True,
    )  # fmt: skip
    return {name.partition(".")[0] for name in json.loads(done.stderr.splitlines()[-1])}


COMMAND = """
from serve.cli import main
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
"""
FAILING = COMMAND.replace("not end.code", "end.code == 1")


def test_analyze_imports_neither_ray_nor_torch(tmp_path):
    found = imported(COMMAND, "analyze", good(), "--json", cwd=tmp_path)
    assert {"numpy", "av", "deltalake"} <= found
    assert not found & NEVER


def test_a_model_is_imported_by_its_own_process_alone(tmp_path):
    model = ROOT / "docs" / "models" / "noise.yaml"
    found = imported(COMMAND, "analyze", good(), "--json", "--model", model, cwd=tmp_path)
    assert not found & (NEVER | {"noise_model"})


def test_compare_itself_imports_neither(tmp_path):
    arguments = ("compare", good(), "--shapes", "fused", "--report", tmp_path / "report.html")
    found = imported(COMMAND, *arguments, cwd=tmp_path)
    assert {"numpy", "av", "deltalake"} <= found
    assert not found & NEVER


@pytest.mark.parametrize("again", [("rejudge", "--set", "freeze.noise=0.01"), ("report",)])
def test_commands_on_stored_results_import_neither(tmp_path, again):
    imported(COMMAND, "analyze", good(), cwd=tmp_path)
    found = imported(COMMAND, *again, cwd=tmp_path)
    assert {"numpy", "deltalake"} <= found
    assert not found & NEVER


@pytest.mark.parametrize(
    "arguments",
    [
        ("--help",),
        *((name, "--help") for name in ("analyze", "rejudge", "report", "compare", "doctor", "submit", "watch")),
    ],
)
def test_help_imports_nothing_heavy(tmp_path, arguments):
    assert not imported(COMMAND, *arguments, cwd=tmp_path) & (HEAVY | NEVER)


@pytest.mark.parametrize("arguments", [("ls",), ("submit", "a.mp4", "--set", "freeze.drift=2"), ("events", "--follow")])
def test_a_command_that_talks_to_the_api_imports_nothing_of_the_server_or_its_storage(tmp_path, arguments):
    found = imported(FAILING, *arguments, "--url", "http://127.0.0.1:1", cwd=tmp_path)
    assert {"httpx", "pydantic"} <= found
    assert not found & (NEVER | {"numba", "pyarrow", "deltalake"})


def test_the_public_face_imports_neither(tmp_path):
    assert not imported("import sightline", cwd=tmp_path) & NEVER
