"""Detectors by name: what is there, what is made of a user's settings, and that all of it is documented."""

from pathlib import Path

import pytest

from actors.detectors import DETECTORS, THRESHOLDS, build, describe, needed_metrics
from actors.errors import SettingError

PAGES = Path(__file__).parents[2] / "docs" / "detectors"


def test_names_are_those_of_the_classes():
    assert list(DETECTORS) == list(THRESHOLDS)
    for name, kind in DETECTORS.items():
        assert kind.name == name


def test_detectors_are_made_with_settings_and_defaults():
    black, first, second = build(["black", "format_change"], {"black": {"minimum_seconds": 0.5}})
    assert (black.settings.minimum_seconds, black.settings.share) == (0.5, 0.98)
    assert (first.name, first.table, second.name, second.table) == ("format_change", "video", "format_change", "audio")
    assert len(build(DETECTORS, {})) == len(DETECTORS) + 2
    assert build(["black", "black"], {})[0].name == "black"


@pytest.mark.parametrize(
    ("names", "given", "words"),
    [
        (["blak"], {}, ["no detector 'blak'", "did you mean 'black'?", "channel_loss"]),
        (["zzz"], {}, ["no detector 'zzz'", "allowed: av_skew, av_sync"]),
        (["black"], {"freze": {}}, ["no detector 'freze'", "did you mean 'freeze'?"]),
        (["black"], {"black": {"minimum": 1}}, ["black has no setting 'minimum'", "minimum_seconds", "share"]),
        (["black"], {"black": {"share": 3}}, ["black.share", "less than or equal to 1", "not 3"]),
        (["black"], {"black": {"share": "many"}}, ["black.share", "valid number", "not 'many'"]),
        (["format_change"], {"format_change": {"rate_change": 0}}, ["format_change.rate_change", "greater than 0"]),
    ],
)
def test_errors_name_what_is_wrong_and_what_is_allowed(names, given, words):
    with pytest.raises(SettingError) as caught:
        build(names, given)
    for word in words:
        assert word in str(caught.value)


def test_settings_given_as_text_are_read():
    assert build(["freeze"], {"freeze": {"minimum_seconds": "3.5"}})[0].settings.minimum_seconds == 3.5


def test_metrics_are_gathered_by_table():
    needed = needed_metrics(build(["black", "scene", "timestamps"], {}))
    assert needed["video"] == {"black_share", "luma_difference"}
    assert needed["audio"] == frozenset()
    assert "dts_time" in needed["packets"]


def test_every_setting_says_what_it_is_and_where_it_comes_from():
    for description in describe():
        assert description.meaning.endswith(".")
        assert description.severity in ("info", "warning", "critical")
        for setting in description.settings:
            assert setting.title, (description.name, setting.name)
            assert setting.origin, (description.name, setting.name)


@pytest.mark.parametrize("name", DETECTORS)
def test_every_detector_and_setting_has_its_place_in_the_documents(name):
    page = (PAGES / f"{name}.md").read_text()
    for heading in ("## Definition", "## Source", "## Settings"):
        assert heading in page
    (description,) = [one for one in describe() if one.name == name]
    for setting in description.settings:
        (line,) = [line for line in page.splitlines() if line.startswith(f"| `{setting.name}` |")]
        assert f"| {setting.default} |" in line, line


def test_every_page_is_of_a_detector():
    assert {page.stem for page in PAGES.glob("*.md")} == set(DETECTORS)
