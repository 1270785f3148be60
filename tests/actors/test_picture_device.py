"""Which backend a machine gets, and that torch stays away where it is not chosen."""

import os
import subprocess
import sys

import pytest

from actors.measure.picture import device as devices
from actors.measure.picture import gpu
from actors.measure.picture.device import chosen


@pytest.fixture
def machine(monkeypatch):
    """A machine by what it has; as one with a GPU that torch can use, unless told otherwise."""

    def of(*, driver=True, usable=True, torch=True, visible=None):
        monkeypatch.setattr(devices, "_driver", lambda: driver)
        monkeypatch.setattr(gpu, "usable", lambda: usable)
        if not torch:
            monkeypatch.setitem(sys.modules, "torch", None)
        if visible is None:
            monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
        else:
            monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)

    return of


@pytest.mark.parametrize("visible", [None, "0", "1,2"])
def test_a_gpu_is_taken_where_there_is_one(machine, visible):
    machine(visible=visible)
    assert chosen("auto") == chosen("cuda") == ("torch", "cuda")
    assert chosen("cpu") == ("numba", "cpu")


@pytest.mark.parametrize(
    ("lacks", "remedy"),
    [
        ({"visible": ""}, "unset CUDA_VISIBLE_DEVICES"),
        ({"visible": "-1"}, "unset CUDA_VISIBLE_DEVICES"),
        ({"torch": False}, r"pip install 'sightline\[gpu\]'"),
        ({"driver": False}, "no NVIDIA driver"),
        ({"usable": False}, "a build of torch with CUDA"),
    ],
)
def test_without_one_auto_is_the_cpu_and_cuda_an_error_that_helps(machine, lacks, remedy):
    machine(**lacks)
    assert chosen("auto") == chosen("cpu") == ("numba", "cpu")
    with pytest.raises(ValueError, match=remedy):
        chosen("cuda")


MEASURE = """
import numpy as np
from actors.clock import Stamp, TimeBase
from actors.measure.picture import PictureMeter
from actors.media import Batch, Frame, Plane, VideoFormat
frame = Frame(Stamp(0, 0, 0, 0), 1, (Plane(np.zeros((4, 4), np.uint8), 4),), False, False, 0, True)
fmt = VideoFormat("raw", 4, 4, "gray", 8, 0, 0, 1, "full", "sdr")
meter = PictureMeter()
names = frozenset(metric.name for metric in meter.metrics)
found = meter.measure(Batch("v:0", TimeBase(1, 25), fmt, (frame,), (frame,), 0, 0), names)
assert found.keys() == names and len(names) > 5
"""


@pytest.mark.parametrize(
    ("code", "needed"),
    [
        ("import actors.measure.picture", "numpy"),
        (MEASURE, "numba"),
        ("from actors.measure.picture.device import chosen; assert chosen('cpu') == ('numba', 'cpu')", "ctypes"),
        ("from actors.measure.picture.device import chosen; assert chosen('auto') == ('numba', 'cpu')", "ctypes"),
    ],
    ids=["import", "numba", "cpu", "auto, no GPU to be seen"],
)
def test_torch_is_not_imported(code, needed):
    check = f"import sys\n{code}\nassert {needed!r} in sys.modules\nassert 'torch' not in sys.modules"
    done = subprocess.run(
        [sys.executable, "-c", check], env={**os.environ, "CUDA_VISIBLE_DEVICES": ""}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
