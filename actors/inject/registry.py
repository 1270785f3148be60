"""All defects, and how one is written on the command line. A new one is a class, and a name in ``AnyDefect``."""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

from pydantic import Field, TypeAdapter, ValidationError

from actors.inject.bitstream import (
    FlippedBits,
    LostPackets,
    LostSlices,
    Scrambled,
    TransportErrors,
    Truncate,
    ZeroedPackets,
)
from actors.inject.captions import CaptionsLost
from actors.inject.defects import Defect, DefectError
from actors.inject.fields import Combing, Pulldown, SwappedFields
from actors.inject.pattern import Bars
from actors.inject.picture import Black, Blockiness, Blur, Cut, Flashes, Freeze, Letterbox, Levels, Repeats
from actors.inject.sound import (
    ChannelLoss,
    Clicks,
    Clipping,
    Dropout,
    LoudnessJump,
    Mono,
    PhaseInversion,
    Silence,
)
from actors.inject.tape import DeadPixels, RepeatedLines, TapeDropouts
from actors.inject.timing import (
    FormatChange,
    SoundCut,
    SoundDrift,
    SoundShift,
    TimestampGap,
    TimestampJump,
    TimestampWrap,
)

AnyDefect = Annotated[
    Black | Freeze | Repeats | Cut | Blockiness | Levels | Blur | Letterbox | Flashes | FormatChange
    | Combing | SwappedFields | Pulldown | TapeDropouts | RepeatedLines | DeadPixels | Bars
    | Silence | ChannelLoss | Clipping | LoudnessJump | PhaseInversion | Mono | Clicks | Dropout
    | TimestampGap | TimestampJump | TimestampWrap | SoundDrift | SoundShift | SoundCut | CaptionsLost
    | LostPackets | FlippedBits | LostSlices | ZeroedPackets | TransportErrors | Scrambled | Truncate,
    Field(discriminator="kind"),
]  # fmt: skip
KINDS: dict[str, type[Defect]] = {kind.model_fields["kind"].default: kind for kind in get_args(get_args(AnyDefect)[0])}
_SECONDS = "_seconds"


def parse(text: str) -> AnyDefect:
    """Read a defect as ``kind:name=value,name=value``; ``start`` and ``length`` are seconds.

    Raises:
        DefectError: Naming the defect, the field, and what is allowed.
    """
    kind, _, rest = text.partition(":")
    if kind not in KINDS:
        raise DefectError(f"{kind or text!r}: no such defect; allowed: {', '.join(sorted(KINDS))}")
    fields: dict[str, Any] = {"kind": kind}
    for item in filter(None, rest.split(",")):
        name, sign, value = item.partition("=")
        if not sign:
            raise DefectError(f"{kind}: {item!r} is not name=value")
        fields[_field(kind, name)] = value
    try:
        return TypeAdapter[AnyDefect](AnyDefect).validate_python(fields)
    except ValidationError as error:
        raise DefectError("; ".join(_say(kind, problem["loc"], problem) for problem in error.errors())) from error


def names(kind: str) -> list[str]:
    """The fields of a defect, as they are written on the command line."""
    fixed = (type(None), Literal[0], Literal[kind])
    fields = KINDS[kind].model_fields.items()
    return [name.removesuffix(_SECONDS) for name, field in fields if field.annotation not in fixed]


def _field(kind: str, name: str) -> str:
    if name not in names(kind):
        raise DefectError(f"{kind}: no field {name!r}; allowed: {', '.join(names(kind))}")
    return name if name in KINDS[kind].model_fields else name + _SECONDS


def _say(kind: str, place: tuple[int | str, ...], problem: Any) -> str:
    named = [str(part).removesuffix(_SECONDS) for part in place if part != kind]
    given = f"={problem['input']}" if named and problem["type"] != "missing" else ""
    return ": ".join([kind, *[name + given for name in named], problem["msg"]])
