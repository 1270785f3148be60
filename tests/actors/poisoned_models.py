"""Models for tests: one that measures brightness, and ones that go wrong in every way that is guarded against.

They run in processes of their own, which find this file by its name. Each has one weight; what it is says when.
"""

import ctypes
import os
import time
from pathlib import Path

import torch
from torch import nn

from sightline import Metric


class Bright(nn.Module):
    """The mean of a picture, times a weight that is 1; and its spread."""

    metrics = (Metric("mean", "share", "float64", "mean"), Metric("spread", "share", "float64", "of its samples"))
    size = (18, 32)
    colour = "gray"

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))
        self.calls = 0

    def forward(self, pictures):
        self.calls += len(pictures)
        flat = pictures.flatten(1)
        return torch.stack([flat.mean(1) * self.weight, flat.std(1)], 1)


class Raises(Bright):
    """At the 31st picture that is given to it."""

    def forward(self, pictures):
        given = super().forward(pictures)
        if self.calls > 30:
            raise ValueError("bad picture from http://someone:hunter22@example.org/")
        return given


class RaisesAtOnce(Bright):
    def forward(self, pictures):
        raise ValueError("bad picture")


class Hangs(Bright):
    def forward(self, pictures):
        given = super().forward(pictures)
        while self.calls > 30:
            time.sleep(1)
        return given


class HangsHard(Bright):
    """Holds the interpreter's lock, so that no thread of its process can do anything."""

    def forward(self, pictures):
        given = super().forward(pictures)
        if self.calls > 30:
            ctypes.PyDLL(None).sleep(3600)
        return given


class NoNumber(Bright):
    def forward(self, pictures):
        given = super().forward(pictures)
        if self.calls > 30:
            given[:, 1] = float("nan")
        return given


class Infinite(Bright):
    def forward(self, pictures):
        return super().forward(pictures) / 0.0


class WrongShape(Bright):
    def forward(self, pictures):
        given = super().forward(pictures)
        return given[:, 0] if self.calls > 30 else given


class NoTensor(Bright):
    def forward(self, pictures):
        return [0.0] * len(pictures)


class Leaks(Bright):
    """10 MiB a picture, which are touched and kept."""

    def __init__(self):
        super().__init__()
        self.kept = []

    def forward(self, pictures):
        self.kept.append(torch.ones(10 << 18))
        time.sleep(0.02)
        return super().forward(pictures)


class Dies(Bright):
    """As a segmentation fault ends it."""

    def forward(self, pictures):
        given = super().forward(pictures)
        if self.calls > 30:
            ctypes.string_at(0)
        return given


class Exits(Bright):
    def forward(self, pictures):
        given = super().forward(pictures)
        if self.calls > 30:
            os._exit(7)
        return given


class FearsTheDark(Bright):
    """Of a black picture, whatever came before it."""

    def forward(self, pictures):
        if pictures.mean() < 0.05:
            raise ValueError("it is dark")
        return super().forward(pictures)


class Prints(Bright):
    """Into what would be a document."""

    def forward(self, pictures):
        print("a model says something", flush=True)
        return super().forward(pictures)


class DiesOnce(Bright):
    """At its 31st picture, the first time; a file says that it has."""

    def forward(self, pictures):
        given = super().forward(pictures)
        mark = Path(os.environ["SIGHTLINE_TEST_MARK"])
        if self.calls > 30 and not mark.exists():
            mark.touch()
            os._exit(7)
        return given


class Slow(Bright):
    """A quarter of a second a picture: no live source can wait for it."""

    def forward(self, pictures):
        time.sleep(0.25)
        return super().forward(pictures)


class NoModule:
    metrics, size, colour = Bright.metrics, Bright.size, Bright.colour


class NoMetrics(nn.Module):
    size, colour = Bright.size, Bright.colour


class OddSize(Bright):
    size = (18, 0)


class NoColour(Bright):
    colour = "blue"
