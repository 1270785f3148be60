"""`sightline detectors` lists everything that can be asked for and set."""

import json

from typer.testing import CliRunner

from actors.detectors import DETECTORS, THRESHOLDS
from serve.cli import app


def listed(*arguments):
    done = CliRunner().invoke(app, ["detectors", *arguments])
    assert done.exit_code == 0, done.output
    return done.stdout


def test_every_detector_with_its_settings():
    items = {item["name"]: item for item in json.loads(listed("--json"))["items"]}
    assert list(items) == list(DETECTORS)
    for name, item in items.items():
        assert [setting["name"] for setting in item["settings"]] == list(THRESHOLDS[name].model_fields)
        assert all(setting["title"] and item["meaning"] for setting in item["settings"])


def test_settings_are_written_as_set_takes_them():
    lines = [line.strip() for line in listed().splitlines()]
    assert "freeze.minimum_seconds=2.0  seconds that a freeze must last" in lines
