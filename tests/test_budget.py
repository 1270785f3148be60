"""The house budget: small files, small functions, and nothing in folders that the design does not have."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("actors", "cluster", "serve", "tests")
FILES = [*sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py")), ROOT / "sightline.py"]
FILE_LINES, FUNCTION_LINES = 300, 60
KERNELS = ("actors/measure/picture/", "actors/measure/sound/")
"""Folders with numba kernels: one fused pass is one function."""


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_and_functions_stay_small(path):
    text = path.read_text()
    name = str(path.relative_to(ROOT))
    assert text.count("\n") <= FILE_LINES, f"{name} has {text.count(chr(10))} lines; split it by what its parts do"
    if name.startswith(KERNELS):
        return
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            assert length <= FUNCTION_LINES, f"{name}:{node.lineno} {node.name} has {length} lines"


def test_most_functions_are_within_forty_lines():
    lengths = [
        (node.end_lineno or node.lineno) - node.lineno + 1
        for path in FILES
        if not str(path.relative_to(ROOT)).startswith((*KERNELS, "tests/"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    assert len(lengths) > 100
    assert sum(length > 40 for length in lengths) <= len(lengths) // 50


def test_no_dumping_ground():
    assert not [path for path in FILES if path.stem in {"utils", "helpers", "misc", "common"}]


def test_every_call_to_an_actor_has_a_time_out():
    """`ray.get` without one waits for ever for a process that hangs."""
    calls = [
        (path, node)
        for path in FILES
        if path.relative_to(ROOT).parts[0] in ("actors", "cluster", "serve")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("ray.get", "ray.wait")
    ]
    assert len(calls) >= 5
    for path, node in calls:
        named = {keyword.arg for keyword in node.keywords}
        assert "timeout" in named, f"{path.relative_to(ROOT)}:{node.lineno}: no time-out"
