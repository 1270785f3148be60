"""Every detector by its name, and how detectors are made from what a user asks for."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from actors.detectors.av_skew import AvSkew, AvSkewThresholds
from actors.detectors.av_sync import AvSync, AvSyncThresholds
from actors.detectors.bars import Bars, BarsThresholds
from actors.detectors.black import Black, BlackThresholds
from actors.detectors.blockiness import Blockiness, BlockinessThresholds
from actors.detectors.blur import Blur, BlurThresholds
from actors.detectors.captions import Captions, CaptionsThresholds
from actors.detectors.channel_loss import ChannelLoss, ChannelLossThresholds
from actors.detectors.click import Click, ClickThresholds
from actors.detectors.clipping import Clipping, ClippingThresholds
from actors.detectors.corruption import Corruption, CorruptionThresholds
from actors.detectors.decode_errors import DecodeErrors, DecodeErrorsThresholds
from actors.detectors.dropouts import Dropouts, DropoutsThresholds
from actors.detectors.encrypted import Encrypted, EncryptedThresholds
from actors.detectors.flash import Flash, FlashThresholds
from actors.detectors.format_change import FormatChange, FormatChangeThresholds
from actors.detectors.freeze import Freeze, FreezeThresholds
from actors.detectors.interlace import Interlace, InterlaceThresholds
from actors.detectors.letterbox import Letterbox, LetterboxThresholds
from actors.detectors.levels import Levels, LevelsThresholds
from actors.detectors.loudness import Loudness, LoudnessThresholds
from actors.detectors.phase import Phase, PhaseThresholds
from actors.detectors.scene import Scene, SceneThresholds
from actors.detectors.silence import Silence, SilenceThresholds
from actors.detectors.stalled import Stalled, StalledThresholds
from actors.detectors.stutter import Stutter, StutterThresholds
from actors.detectors.timestamps import Timestamps, TimestampsThresholds
from actors.detectors.transport import Transport, TransportThresholds
from actors.errors import SettingError
from actors.incident import Detector, Thresholds
from actors.media import Table

AnyDetector = Detector[Any, Any]

DETECTORS: dict[str, type[AnyDetector]] = {
    "black": Black, "freeze": Freeze, "scene": Scene, "format_change": FormatChange, "silence": Silence,
    "channel_loss": ChannelLoss, "clipping": Clipping, "loudness": Loudness, "phase": Phase, "click": Click,
    "stutter": Stutter, "timestamps": Timestamps, "decode_errors": DecodeErrors, "stalled": Stalled,
    "blockiness": Blockiness, "levels": Levels, "blur": Blur, "letterbox": Letterbox, "corruption": Corruption,
    "flash": Flash, "interlace": Interlace, "dropouts": Dropouts, "av_skew": AvSkew, "transport": Transport,
    "captions": Captions, "bars": Bars, "encrypted": Encrypted, "av_sync": AvSync,
}  # fmt: skip

THRESHOLDS: dict[str, type[Thresholds]] = {
    "black": BlackThresholds, "freeze": FreezeThresholds, "scene": SceneThresholds,
    "format_change": FormatChangeThresholds, "silence": SilenceThresholds, "channel_loss": ChannelLossThresholds,
    "clipping": ClippingThresholds, "loudness": LoudnessThresholds, "phase": PhaseThresholds,
    "click": ClickThresholds, "stutter": StutterThresholds, "timestamps": TimestampsThresholds,
    "decode_errors": DecodeErrorsThresholds, "stalled": StalledThresholds, "blockiness": BlockinessThresholds,
    "levels": LevelsThresholds, "blur": BlurThresholds, "letterbox": LetterboxThresholds,
    "corruption": CorruptionThresholds, "flash": FlashThresholds, "interlace": InterlaceThresholds,
    "dropouts": DropoutsThresholds, "av_skew": AvSkewThresholds, "transport": TransportThresholds,
    "captions": CaptionsThresholds, "bars": BarsThresholds, "encrypted": EncryptedThresholds,
    "av_sync": AvSyncThresholds,
}  # fmt: skip


TABLES: dict[str, tuple[Table, ...]] = {"format_change": ("video", "audio"), "av_sync": ("video", "audio")}
"""Of the detectors that judge more than one table."""


@dataclass(frozen=True, slots=True)
class Setting:
    """A field of a detector's settings. ``title`` gives unit and meaning, ``origin`` why the default is what it is."""

    name: str
    default: object
    title: str
    origin: str


@dataclass(frozen=True, slots=True)
class Description:
    """What there is to know of a detector before it is used. ``tables``: what it judges."""

    name: str
    severity: str
    tables: tuple[Table, ...]
    meaning: str
    settings: tuple[Setting, ...]


def build(names: Iterable[str], settings: Mapping[str, Mapping[str, object]]) -> list[AnyDetector]:
    """Make detectors. One that judges two tables is made twice.

    Args:
        names: Which.
        settings: By detector and field; what is left out has its default.

    Raises:
        SettingError: A name, a field or a value is not allowed.
    """
    for name in settings:
        _known(name)
    made: list[AnyDetector] = []
    for name in dict.fromkeys(names):
        kind = _known(name)
        thresholds = _thresholds(name, settings.get(name, {}))
        if name in TABLES:
            made += [kind(thresholds, table) for table in TABLES[name]]  # type: ignore[call-arg]
        else:
            made.append(kind(thresholds))  # type: ignore[call-arg]
    return made


def needed_metrics(detectors: Sequence[AnyDetector]) -> dict[Table, frozenset[str]]:
    """The metrics that detectors read, of each table."""
    tables: tuple[Table, ...] = ("video", "audio", "packets")
    return {
        table: frozenset(metric for detector in detectors if detector.table == table for metric in detector.metrics)
        for table in tables
    }


def describe() -> list[Description]:
    """Every detector, with its settings."""
    return [
        Description(
            name, kind.severity, TABLES.get(name) or (kind.table,), (kind.__doc__ or "").split("\n", 1)[0],
            tuple(
                Setting(field, info.default, info.title or "", info.description or "")
                for field, info in THRESHOLDS[name].model_fields.items()
            ),
        )
        for name, kind in DETECTORS.items()
    ]  # fmt: skip


def _known(name: str) -> type[AnyDetector]:
    if name not in DETECTORS:
        raise SettingError(f"there is no detector {name!r}{_near(name, DETECTORS)}")
    return DETECTORS[name]


def _thresholds(name: str, values: Mapping[str, object]) -> Thresholds:
    fields = THRESHOLDS[name].model_fields
    for field in values:
        if field not in fields:
            raise SettingError(f"{name} has no setting {field!r}{_near(field, fields)}")
    try:
        return THRESHOLDS[name].model_validate(values)
    except ValidationError as error:
        wrong = error.errors()[0]
        field = str(wrong["loc"][0]) if wrong["loc"] else ""
        title = f" ({fields[field].title})" if field else ""
        raise SettingError(f"{name}.{field}{title}: {wrong['msg']}, not {wrong['input']!r}") from None


def _near(name: str, allowed: Iterable[str]) -> str:
    """What may have been meant, and all there is."""
    names = sorted(allowed)
    close = difflib.get_close_matches(name, names, 1)
    return (f"; did you mean {close[0]!r}?" if close else ";") + f" allowed: {', '.join(names)}"
