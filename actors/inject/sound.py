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
            if self.channel >= len(samples):
                raise DefectError(f"channel_loss: channel={self.channel}: {self.track} has {len(samples)} channels")
            kept = samples.copy()
            kept[self.channel] = 0
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
