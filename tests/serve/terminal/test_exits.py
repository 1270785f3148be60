"""How a command ends while it is still loading what it needs."""

import sys
from types import ModuleType

import pytest
import typer

from serve.terminal.exits import GO_ON, INTERRUPTED, told_apart


class Interrupted(ModuleType):
    """A module during whose loading Ctrl-C is pressed."""

    def __getattr__(self, name):
        raise KeyboardInterrupt


def test_a_module_that_cannot_be_loaded_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "cluster.sources", None)
    with pytest.raises(ImportError, match=r"cluster\.sources"), told_apart():
        raise AssertionError("it has no way to run")


def test_it_can_be_interrupted(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "cluster.sources", Interrupted("cluster.sources"))
    with pytest.raises(typer.Exit) as ended, told_apart():
        raise AssertionError("it has no way to run")
    assert (ended.value.exit_code, capsys.readouterr().err) == (INTERRUPTED, f"sightline: {GO_ON}\n")
