"""`sightline inject`: the command round :mod:`actors.inject`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from actors.inject import Encode


def inject(
    source: Annotated[Path, typer.Argument(help="A clip, left as it is.", exists=True, dir_okay=False)],
    target: Annotated[Path, typer.Argument(help="The clip to write: .mp4, .mov, .mkv or .ts.")],
    defect: Annotated[
        list[str], typer.Option(help="As freeze:start=1,length=3 (seconds). May be given many times; 'help' lists all.")
    ],
    seed: Annotated[int, typer.Option(min=0, help="Of all that is random.")] = 0,
    encode: Annotated[
        list[str], typer.Option(help="How to code, as gop=25 or codec=libx265. May be given many times.")
    ] = [],  # noqa: B006 - typer copies it
    json: Annotated[bool, typer.Option("--json", help="Print the labels as JSON.")] = False,
) -> None:
    """Put known defects into a copy of a clip, and write beside it labels that say exactly where they are."""
    from actors.inject import DefectError, Labels
    from actors.inject import inject as put
    from actors.inject.registry import KINDS, names, parse

    if defect == ["help"]:
        for kind, model in KINDS.items():
            typer.echo(f"{kind:16} {', '.join(names(kind))}\n{'':16} {(model.__doc__ or '').splitlines()[0]}")
        return
    try:
        defects = [parse(text) for text in defect]
    except DefectError as error:
        raise typer.BadParameter(str(error), param_hint="--defect") from error
    settings = _settings(encode)
    try:
        labels = put(source, target, defects, seed=seed, encode=settings)
    except DefectError as error:
        raise typer.BadParameter(str(error)) from error
    except OSError as error:
        typer.echo(f"{target}: {error.strerror}", err=True)
        raise typer.Exit(1) from error
    if json:
        typer.echo(labels.model_dump_json(indent=1))
        return
    for label in (*labels.defects, *labels.natural):
        window = f"{label.start_seconds:10.3f} {label.end_seconds:10.3f}"
        typer.echo(f"{label.defect:16} {label.track:5} {window}  {_said(label.params)}")
    typer.echo(f"{target}, {Labels.path(target).name}")


def _said(params: dict[str, Any]) -> str:
    return ", ".join(f"{name}={value}" for name, value in params.items())


def _settings(texts: list[str]) -> Encode:
    from pydantic import ValidationError

    from actors.inject import Encode

    pairs = [text.partition("=") for text in texts]
    try:
        return Encode.model_validate({name: value for name, _, value in pairs})
    except ValidationError as error:
        problem = error.errors()[0]
        place = ".".join(str(part) for part in problem["loc"])
        allowed = ", ".join(Encode.model_fields)
        raise typer.BadParameter(f"{place}: {problem['msg']}; settings: {allowed}", param_hint="--encode") from error
