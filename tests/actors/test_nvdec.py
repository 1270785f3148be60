"""Pictures in a GPU's memory. Their layouts are those that a GPU gives, on torch's CPU device; there is no GPU here."""

from types import SimpleNamespace

import av
import numpy as np
import pytest
import torch

from actors import hardware, nvdec, pixels
from actors.clock import Stamp, TimeBase
from actors.measure.picture import PictureMeter
from actors.media import Batch, Frame, Plane
from actors.url import SourceError
from cluster.analysis import analyse
from cluster.job import Analysis
from cluster.sources import UsageError
from tests.clips import generated_clip, real_clip

LAYOUTS = [("yuv420p", "nv12"), ("yuv420p10le", "p010le")]
NAMES = frozenset(metric.name for metric in PictureMeter.metrics)
NO_GPU = pytest.mark.skipif(hardware.missing() is None, reason="there is a GPU")


def decoded(name, count=12):
    """Frames of a clip in a planar layout."""
    with av.open(real_clip("bikes.mp4")) as container:
        frames = [frame for _, frame in zip(range(count), container.decode(video=0), strict=False)]
    return [frame.reformat(format=name) for frame in frames]


def on_device(frame, layout):
    """What PyAV gives of a frame that a GPU holds."""
    there = frame.reformat(format=layout)
    return SimpleNamespace(
        format=SimpleNamespace(name="cuda"), sw_format=there.format, planes=there.planes, width=frame.width,
        height=frame.height, color_range=frame.color_range, color_trc=frame.color_trc,
        colorspace=frame.colorspace,
    )  # fmt: skip


def batch(fmt, planes):
    frames = tuple(Frame(Stamp(0, 0, n, n), 1, each, False, False, 0, True) for n, each in enumerate(planes))
    return Batch("v:0", TimeBase(1, 25), fmt, frames, (), 0, 0)


@pytest.mark.parametrize(("planar", "layout"), LAYOUTS)
def test_planes_are_those_of_the_cpu(planar, layout):
    compared = 0
    for frame in decoded(planar, 3):
        there = on_device(frame, layout)
        assert nvdec.holds(there)
        assert not nvdec.holds(frame)
        (fmt, planes), (expected, own) = nvdec.picture("h264", there), pixels.picture("h264", frame)
        assert fmt == expected
        for plane, other in zip(planes, own, strict=True):
            assert (plane.width, plane.height, plane.nbytes) == (other.width, other.height, other.pixels.nbytes)
            np.testing.assert_array_equal(plane.pixels, other.pixels)
            compared += plane.pixels.size
    assert compared == 3 * 640 * 272 * 3 // 2


@pytest.mark.parametrize("backend", ["torch", "numba"])
@pytest.mark.parametrize(("planar", "layout"), LAYOUTS)
def test_metrics_are_those_of_the_cpu(planar, layout, backend):
    frames = decoded(planar)
    formats, there = zip(*(nvdec.picture("h264", on_device(frame, layout)) for frame in frames), strict=True)
    _, here = zip(*(pixels.picture("h264", frame) for frame in frames), strict=True)
    found = PictureMeter(backend).measure(batch(formats[0], there), NAMES)
    expected = PictureMeter("reference").measure(batch(formats[0], here), NAMES)
    compared = 0
    for name, values in expected.items():
        np.testing.assert_array_equal(found[name], values, err_msg=name)
        compared += values.size
    assert compared >= len(frames) * (144 + len(NAMES) - 1)
    read = [plane._host is not None for planes in there for plane in planes]
    assert not any(read) if backend == "torch" else all(read), "torch reads them where they lie"


def test_a_plane_travels_as_one_of_ordinary_memory():
    (frame,) = decoded("yuv420p", 1)
    plane = nvdec.picture("h264", on_device(frame, "nv12"))[1][1]
    (made, given) = plane.__reduce__()
    there = made(*given)
    assert type(there) is Plane
    np.testing.assert_array_equal(there.lines, plane.lines)
    assert isinstance(plane.tensor, torch.Tensor)


@pytest.mark.parametrize(("layout", "size"), [("yuv444p", (64, 48)), ("nv12", (63, 48)), ("nv12", (64, 47))])
def test_what_is_not_read_is_said(layout, size):
    frame = av.VideoFrame(64, 48, "yuv420p").reformat(format=layout)
    held = on_device(frame, layout)
    held.width, held.height = size
    with pytest.raises(SourceError, match=rf"{layout} of {size[0]}x{size[1]}, .* take the device cpu"):
        nvdec.picture("h264", held)


@NO_GPU
def test_a_gpu_that_is_not_there():
    with pytest.raises(ValueError, match="FFmpeg cannot decode on a GPU here"):
        hardware.accelerator("cuda")
    assert hardware.accelerator("cpu") is None
    with pytest.raises(UsageError, match=r"--device cuda: FFmpeg cannot .*; take cpu or auto"):
        list(analyse([str(generated_clip())], Analysis(device="cuda")))


@NO_GPU
def test_auto_takes_the_cpu(tmp_path):
    (document,) = analyse([str(generated_clip())], Analysis(device="auto", results=str(tmp_path / "results")))
    assert document["status"] == "completed"
    assert document["usage"]["shape"] == "fused"


@pytest.mark.parametrize("shape", ["colocated", "spread", "staged"])
def test_other_shapes_take_what_the_cluster_has(shape):
    with pytest.raises(ValueError, match="chosen for the shape fused"):
        Analysis(device="cuda", shape=shape)
