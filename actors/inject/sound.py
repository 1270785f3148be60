"""Defects of sound."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field
from typing_extensions import override

from actors.inject.defects import DefectError, Facts, Samples, SoundChange, SoundDefect


class Silence(SoundDefect):
    """All channels silent, or as quiet as ``level``: white noise of that RMS."""

    detector: ClassVar[str] = "silence"
    kind: Literal["silence"] = "silence"
    level: float | None = Field(None, ge=-140, le=0, description="dBFS RMS of the noise left; none: exactly 0")

    @override
    def begin(self, rng: np.random.Generator, facts: Facts) -> SoundChange:
        def change(samples: Samples) -> Samples:
            if self.level is None:
                return np.zeros_like(samples)
            return rng.normal(0, 10 ** (self.level / 20), samples.shape[::-1]).T.astype(np.float32)

        return change


class ChannelLoss(SoundDefect):
    """One channel exactly 0, counted from 0 in the order of the layout."""

    detector: ClassVar[str] = "channel_loss"
    kind: Literal["channel_loss"] = "channel_loss"
    channel: int = Field(0, ge=0)

    @override
    def begin(self, rng: np.random.Generator, facts: Facts) -> SoundChange:
        def change(samples: Samples) -> Samples:
            kept = samples.copy()
            kept[_channel(self, self.channel, samples)] = 0
            return kept

        return change


class Clipping(SoundDefect):
    """Amplified, then cut off at full scale. The label says how many samples were cut."""

    detector: ClassVar[str] = "clipping"
    kind: Literal["clipping"] = "clipping"
    gain: float = Field(24, gt=0, le=120, description="dB")

    @override
    def begin(self, rng: np.random.Generator, facts: Facts) -> SoundChange:
        facts["clipped_samples"] = 0

        def change(samples: Samples) -> Samples:
            loud = np.multiply(samples, 10 ** (self.gain / 20), dtype=np.float32)
            facts["clipped_samples"] += int(np.count_nonzero(np.abs(loud) >= 1))
            return np.clip(loud, -1, 1)

        return change

    @override
    def check(self, facts: Facts) -> None:
        if not facts["clipped_samples"]:
            raise DefectError(f"{self}: gain={self.gain:g}: no sample reaches full scale; allowed: more, up to 120")


class LoudnessJump(SoundDefect):
    """Louder or quieter by a number of LU."""

    detector: ClassVar[str] = "loudness"
    kind: Literal["loudness_jump"] = "loudness_jump"
    gain: float = Field(12, ge=-60, le=60, description="LU; 1 LU is 1 dB (EBU Tech 3341)")

    @override
    def begin(self, rng: np.random.Generator, facts: Facts) -> SoundChange:
        def change(samples: Samples) -> Samples:
            return np.multiply(samples, 10 ** (self.gain / 20), dtype=np.float32)

        return change


class PhaseInversion(SoundDefect):
    """One channel with its polarity turned over, counted from 0 in the order of the layout."""

    detector: ClassVar[str] = "phase"
    kind: Literal["phase_inversion"] = "phase_inversion"
    channel: int = Field(1, ge=0)

    @override
    def begin(self, rng: np.random.Generator, facts: Facts) -> SoundChange:
        def change(samples: Samples) -> Samples:
            turned = samples.copy()
            turned[_channel(self, self.channel, samples)] *= -1
            return turned

        return change


class Mono(SoundDefect):
    """All channels the same: their mean."""

    detector: ClassVar[str] = "phase"
    kind: Literal["mono"] = "mono"

    @override
    def begin(self, rng: np.random.Generator, facts: Facts) -> SoundChange:
        def change(samples: Samples) -> Samples:
            return np.broadcast_to(samples.mean(axis=0), samples.shape).copy()

        return change


class Clicks(SoundDefect):
    """Single samples off by ``level`` in all channels: the first after half of ``every`` samples, then one each."""

    detector: ClassVar[str] = "click"
    kind: Literal["clicks"] = "clicks"
    level: float = Field(-6, ge=-60, le=0, description="dBFS")
    every: int = Field(24_000, ge=100, description="samples from one to the next")

    @override
    def begin(self, rng: np.random.Generator, facts: Facts) -> SoundChange:
        facts["clicks"] = 0
        gone = self.every - self.every // 2

        def change(samples: Samples) -> Samples:
            nonlocal gone
            struck = samples.copy()
            places = np.arange(-gone % self.every, samples.shape[1], self.every)
            struck[:, places] += 10 ** (self.level / 20) * rng.choice([-1, 1], len(places))
            gone += samples.shape[1]
            facts["clicks"] += len(places)
            return np.clip(struck, -1, 1)

        return change

    @override
    def check(self, facts: Facts) -> None:
        if not facts["clicks"]:
            raise DefectError(f"{self}: every={self.every}: no click falls into it; allowed: less, down to 100")


class Dropout(SoundDefect):
    """Sound exactly 0 in all channels for a moment."""

    detector: ClassVar[str] = "click"
    kind: Literal["dropout"] = "dropout"
    length_seconds: float = Field(0.08, gt=0, le=0.2)

    @override
    def begin(self, rng: np.random.Generator, facts: Facts) -> SoundChange:
        return np.zeros_like


def _channel(defect: SoundDefect, channel: int, samples: Samples) -> int:
    """The channel, if there is one of that number."""
    if channel >= len(samples):
        raise DefectError(f"{defect.kind}: channel={channel}: {defect.track} has {len(samples)} channels")
    return channel
