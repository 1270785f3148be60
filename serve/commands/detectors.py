"""``sightline detectors``: what is looked for, and which thresholds can be set."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from actors.detectors import Setting

Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]


def detectors(as_json: Json = False) -> None:
    """List the detectors with their settings, defaults and units."""
    from actors.detectors import describe
    from serve.terminal.exits import told_apart

    known = describe()
    with told_apart():
        if as_json:
            print(json.dumps({"items": [asdict(detector) for detector in known]}, indent=1))
            return
        for detector in known:
            print(f"{detector.name}  ({detector.severity}, {' and '.join(detector.tables)})  {detector.meaning}")
            for setting in detector.settings:
                print(f"    {detector.name}.{setting.name}={_written(setting)}  {setting.title}")


def _written(setting: Setting) -> str:
    return "" if setting.default is None else str(setting.default)
