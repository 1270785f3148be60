"""Where compiled kernels are kept."""

import os

import numba
import numpy as np
import pytest

from actors.measure.kernels import compiled

VALUES = numba.types.Array(numba.int64, 1, "C")


def double(values):
    for i in range(len(values)):
        values[i] *= 2


def run(name):
    values = np.arange(3)
    compiled(double, name, VALUES)(values)
    return values.tolist()


def kept(folder):
    return sorted(path.name.split("-")[0] for path in folder.rglob("*.nbi"))


def test_in_the_users_cache_where_the_source_may_not_be_written(monkeypatch, tmp_path):
    monkeypatch.setattr(numba.config, "CACHE_DIR", "")
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    monkeypatch.setattr("platformdirs.user_cache_path", lambda name: tmp_path / name)
    assert run("double_here") == [0, 2, 4]
    assert kept(tmp_path / "sightline" / "kernels") == ["test_measure_kernels.double_here"]
    assert numba.config.CACHE_DIR == ""


def test_in_the_folder_that_the_user_names(monkeypatch, tmp_path):
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert run("double_there") == [0, 2, 4]
    assert kept(tmp_path) == ["test_measure_kernels.double_there"]


def test_a_second_process_loads_what_the_first_compiled(monkeypatch, tmp_path):
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))
    run("double_twice")
    assert sum(compiled(double, "double_twice", VALUES).stats.cache_hits.values()) == 1


def test_nowhere_to_keep_it_is_said_and_does_not_stop_the_work(monkeypatch, tmp_path, caplog):
    (tmp_path / "file").touch()
    monkeypatch.setattr(numba.config, "CACHE_LOCATOR_CLASSES", "UserProvidedCacheLocator")
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path / "file" / "folder"))
    assert run("double_nowhere") == [0, 2, 4]
    assert "NUMBA_CACHE_DIR" in caplog.text


def test_other_types_are_refused():
    with pytest.raises(TypeError):
        compiled(double, "double_strict", VALUES)(np.zeros(3, np.float32))
