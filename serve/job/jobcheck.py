"""What is wrong with a job before it is sent, in words for whoever wrote it: a path, what is wrong, what is allowed."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from actors.detectors import DETECTORS, THRESHOLDS, build
from actors.errors import SettingError
from actors.models.spec import Judge, ModelSpec
from actors.url import SourceError, shown, stream_name
from cluster.job import NO_MODELS, Defaults, JobSpec, StreamSpec, Webhook, misplaced
from serve.job.yamltext import Path

_LONGEST = 400
_PLAIN_KEY = re.compile(r"[A-Za-z_][\w-]*")
_PATTERNS = {
    "name": "lower-case letters, digits, - and _, at most 63, a letter or digit first",
    "url": "a URL that begins with http:// or https://",
}
"""What the patterns of fields mean."""
_MODELS_PATTERNS = {
    "name": "lower-case letters, digits and _, a letter first", "metric": "lower-case letters, digits and _",
    "class": "module:Class", "sha256": "64 hexadecimal digits in lower case, as sha256sum prints them",
}  # fmt: skip
"""The same within models."""
_MAPPING, _LIST = "a mapping (key: value)", "a list (a line with - for each)"
_WANTED = {
    "model_type": _MAPPING, "dict_type": _MAPPING, "mapping_type": _MAPPING, "tuple_type": _LIST,
    "string_type": "text",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Flaw:
    """Something wrong. ``at_key``: with the key that the path ends in, not with its value."""

    path: Path
    message: str
    at_key: bool = False


def check(document: Any, hidden: Collection[Path] = ()) -> list[Flaw]:
    """All that is wrong with a job, as far as it can be known here; nothing where it may be sent.

    Args:
        document: The job as plain values.
        hidden: Paths of values that may not be shown.
    """
    hidden = {("webhook", "secret"), *hidden}
    try:
        spec = JobSpec.model_validate(document)
    except ValidationError as error:
        flaws = [flaw_of(one, hidden) for one in error.errors(include_url=False) if not _follows(one)]
    else:
        flaws = [*(Flaw(path, NO_MODELS) for path in misplaced(spec)), *_called_alike(document, hidden)]
    return flaws + list(_detectors(document))


def written(path: Path) -> str:
    """A path as people write it: ``streams[3].settings.freeze.minimum_seconds``."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif _PLAIN_KEY.fullmatch(step):
            text += f".{step}" if text else step
        else:
            text += f"[{step[:_LONGEST]!r}]"
    return text


def near(name: str, allowed: Iterable[str]) -> str:
    """What may have been meant, and all there is."""
    names = list(allowed)
    close = difflib.get_close_matches(name[:100], names, 1)
    return (f"did you mean {close[0]!r}? " if close else "") + f"allowed: {', '.join(names)}"


def _follows(error: Any) -> bool:
    """Whether pydantic says it of a list only because items of it are wrong."""
    return bool(error["type"] == "too_short" and error["ctx"]["actual_length"] == 0 and error["input"])


def flaw_of(error: Any, hidden: Collection[Path] = ()) -> Flaw:
    """What pydantic says of a job or of models, in words for whoever wrote it."""
    kind, path, given, context = error["type"], tuple(error["loc"]), error["input"], error.get("ctx", {})
    if path[-1:] == ("[key]",):
        return Flaw(path[:-1], f"this name is not allowed: {_lowered(error['msg'])}", at_key=True)
    but = "" if path in hidden else f", not {_given(given)}"
    if kind == "extra_forbidden":
        key, allowed = str(path[-1]), _fields(path[:-1])
        return Flaw(path, f"there is no key {key[:100]!r} here; {near(key, allowed)}", at_key=True)
    if kind == "missing":
        return Flaw(path, f"is missing: {_fields(path[:-1])[str(path[-1])].title}")
    if kind == "literal_error":
        return Flaw(path, f"must be {context['expected']}{but}{_meant(given, context['expected'])}")
    if kind == "string_pattern_mismatch":
        patterns = _MODELS_PATTERNS if "models" in path else _PATTERNS
        return Flaw(path, f"must be {patterns.get(str(path[-1]), context['pattern'])}{but}")
    if kind in {"too_short", "too_long", "string_too_short", "string_too_long"}:
        return Flaw(path, _length(path, kind, context))
    if kind in _WANTED:
        return Flaw(path, f"must be {_WANTED[kind]}{but}{_quoted(given) if but and kind == 'string_type' else ''}")
    return Flaw(path, f"{_lowered(error['msg'])}{'' if kind == 'value_error' else but}")


def _fields(path: Path) -> dict[str, FieldInfo]:
    """What may stand at a path, by its key."""
    parts: dict[object, type[BaseModel]] = {"streams": StreamSpec, "defaults": Defaults, "webhook": Webhook}
    part = parts.get(path[0], JobSpec) if path else JobSpec
    if "models" in path:
        part = Judge if path[-1] == "judge" else ModelSpec
    return {field.alias or name: field for name, field in part.model_fields.items()}


def _given(value: object) -> str:
    """A value, short and without secrets."""
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    if value is None:
        return "nothing"
    text = shown(str(value)) if isinstance(value, str) else value
    said = repr(text)
    return said if len(said) <= 100 else f"{said[:97]}..."


def _quoted(value: object) -> str:
    return f'; write it in quotes: "{str(value).lower()}"' if isinstance(value, int | float) else ""


def _meant(given: object, expected: str) -> str:
    close = difflib.get_close_matches(given[:100], re.findall(r"'([^']*)'", expected), 1) if type(given) is str else ()
    return f"; did you mean {close[0]!r}?" if close else ""


def _length(path: Path, kind: str, context: Mapping[str, Any]) -> str:
    what = "characters" if kind.startswith("string") or path == ("webhook", "secret") else "items"
    if "long" in kind:
        return f"must have {context['max_length']} {what} at most"
    least = context["min_length"]
    return "must not be empty" if least == 1 else f"must have {least} {what} or more"


def _lowered(message: str) -> str:
    text = message.removeprefix("Value error, ").replace("Input should be", "must be")
    return text[:1].lower() + text[1:]


def _called_alike(document: Mapping[str, Any], hidden: Collection[Path]) -> Iterator[Flaw]:
    seen: dict[str, int] = {}
    for index, stream in enumerate(document["streams"]):
        field = "name" if stream.get("name") else "source"
        path: Path = ("streams", index, field)
        try:
            name = stream.get("name") or stream_name(stream["source"])
        except SourceError as error:
            yield Flaw(path, "is not a valid URL" if path in hidden else str(error))
            continue
        if name in seen:
            called = "the same" if path in hidden else repr(name)
            yield Flaw(path, f"streams[{seen[name]}] is called {called} too; give one of them another name")
        seen.setdefault(name, index)


def _detectors(document: Any) -> Iterator[Flaw]:
    """What is wrong with detectors and their settings, also where other parts of the job are wrong."""
    if not isinstance(document, dict):
        return
    common = document.get("defaults")
    yield from _asked(common, {}, ("defaults",))
    inherited = _mapping(_mapping(common).get("settings"))
    streams = document.get("streams")
    for index, stream in enumerate(streams if isinstance(streams, list) else ()):
        yield from _asked(stream, inherited, ("streams", index))


def _asked(part: Any, inherited: Mapping[str, Any], path: Path) -> Iterator[Flaw]:
    named = _mapping(part).get("detectors")
    for index, name in enumerate(named if isinstance(named, list) else ()):
        if isinstance(name, str) and name not in DETECTORS:
            yield Flaw((*path, "detectors", index), f"there is no detector {name[:100]!r}; {near(name, DETECTORS)}")
    for name, values in _mapping(_mapping(part).get("settings")).items():
        here = (*path, "settings", name)
        if name not in DETECTORS:
            yield Flaw(here, f"there is no detector {name[:100]!r}; {near(name, DETECTORS)}", at_key=True)
        elif isinstance(values, dict):
            yield from _values(name, values, _mapping(inherited.get(name)), here)


def _values(name: str, values: Mapping[str, Any], inherited: Mapping[str, Any], path: Path) -> Iterator[Flaw]:
    fields, sound = THRESHOLDS[name].model_fields, True
    for field, value in values.items():
        if field not in fields:
            sound = False
            yield Flaw((*path, field), f"{name} has no setting {field[:100]!r}; {near(field, fields)}", at_key=True)
        elif why := _refused(name, {field: value}):
            sound = False
            title = fields[field].title
            said = _lowered(why.removeprefix(f"{name}.{field} ({title}): "))
            yield Flaw((*path, field), f"{said[:_LONGEST]} ({title})")
    if sound and (why := _refused(name, {**inherited, **values})) and not _refused(name, inherited):
        yield Flaw(path, why[:_LONGEST])


def _refused(name: str, values: Mapping[str, Any]) -> str:
    """Why a detector does not take settings; empty if it does. JSON has types: nothing is converted."""
    try:
        build([name], {name: values})
        THRESHOLDS[name].model_validate(values, strict=True)
    except SettingError as error:
        return str(error)
    except ValidationError as error:
        wrong = error.errors()[0]
        unquoted = "; write it without quotes" if isinstance(wrong["input"], str) else ""
        return f"{wrong['msg']}, not {_given(wrong['input'])}{unquoted}"
    return ""


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
