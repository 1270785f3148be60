"""The page of stored results: graphs and pictures, in one file that fetches nothing."""

from base64 import b64decode

import numpy as np
import pytest

import sightline
from actors.reader import Reader
from actors.shelf import Shelf
from serve.report.graphs import BINS, Lane, binned, drawn, graphs
from serve.report.stored_page import stored_page
from serve.report.told import told
from serve.terminal.output import counted
from tests.serve.report.reported import results, streams
from tests.serve.report.test_report import Page
from tests.serve.running import good

JPEG = b"\xff\xd8\xff\xe0 a picture \xff\xd9"


@pytest.fixture(scope="module")
def page():
    shelf, first = Shelf(results()), streams()[0].document["incidents"][0]
    shelf.put(f"{first['id']}.jpg", JPEG)
    return Page("".join(stored_page(streams(), results())))


def test_it_is_whole_and_fetches_nothing(page):
    assert page.stack == []
    assert not [tag for tag, _ in page.elements if tag in {"script", "link", "iframe", "object", "base", "a"}]
    (policy,) = [meta["content"] for meta in page.all("meta") if "http-equiv" in meta]
    assert policy == "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def test_an_incident_has_its_picture(page):
    (image,) = page.all("img")
    kind, _, data = image["src"].partition(",")
    assert kind == "data:image/jpeg;base64"
    assert b64decode(data) == JPEG


def test_graphs_stand_on_one_axis_with_a_band_for_each_incident(page):
    assert [one["aria-label"] for one in page.all("svg")] == ["timeline", "graphs"]
    for name in ("v:0 luma", "v:0 black %", "v:0 change %", "a:0 LUFS", "a:0 dBTP"):
        assert page.texts.count(name) == 1
    bands = [one for one in page.all("rect") if one["class"].startswith("band")]
    stream = streams()[0]
    assert len(bands) == len(counted(stream.document)) >= 2
    starts = {round(130 + 1000 * one["start_seconds"] / stream.end_seconds, 1) for one in counted(stream.document)}
    assert {float(band["x"]) for band in bands} == starts


def test_loudness_is_summed_up(page):
    assert "true peak, dBTP" in page.texts
    for value in streams()[0].document["tracks"][1]["loudness"].values():
        assert f"{value:.1f}" in page.texts


def test_a_stream_without_incidents_has_graphs_where_it_is_the_only_one():
    clean = streams()[1]
    assert Page("".join(stored_page([clean], results()))).all("path")
    assert not Page("".join(stored_page([clean, clean], results()))).all("path")


def test_what_was_not_measured_has_no_graph(tmp_path):
    sightline.analyze(good(), results=str(tmp_path), detectors=["black"])
    ((name, stored),) = Reader(str(tmp_path)).streams().items()
    found = Page(graphs(told(Reader(str(tmp_path)), name, stored)))
    assert [text for text in found.texts if text[:2] in {"v:", "a:"}] == ["v:0 black %"]


def test_bins_keep_the_least_and_the_greatest_value():
    seconds, values = np.arange(10_000) / 100, np.sin(np.arange(10_000) / 7.0)
    values[5000:6000] = np.nan
    values[1234] = 40.0
    least, mean, most = binned(seconds, values, 100.0)
    assert len(mean) == BINS
    assert np.isnan(mean).sum() == 50
    assert most[61] == np.nanmax(most) == 40.0
    known = ~np.isnan(mean)
    assert (least[known] <= mean[known]).all()
    assert (mean[known] <= most[known]).all()


@pytest.mark.parametrize(("count", "gap", "lines"), [(1, 0, 1), (30, 0, 1), (30, 5, 2), (5000, 0, 1), (5000, 100, 2)])
def test_a_line_breaks_where_values_are_missing_and_not_between_few(count, gap, lines):
    values = np.ones(count)
    values[count // 2 : count // 2 + gap] = np.nan
    drawing = drawn(Lane("luma", np.arange(count) / 25, values, 0, None), count / 25, 0)
    path = drawing.partition('class="mean" d="')[2]
    assert path.count("M") == lines
    assert path.count("L") == min(count - gap, BINS * (count - gap) // count) - lines
