"""A comparison's document, table and page: the contract's keys, one set of numbers in all, nothing from outside."""

import io
import json
import re

import pytest
from rich.console import Console

from serve.comparing.charts import curves
from serve.comparing.document import Shown, caution, columns
from serve.comparing.page import page
from serve.comparing.table import groups, print_table
from serve.comparing.words import money, number, size
from tests.serve.browser import Account, chromium
from tests.serve.comparing.comparisons import documented, ran, whole
from tests.serve.report.test_report import EVIL, Page

CONTRACT = {
    "shape", "events", "equal", "cpu_seconds", "wall_seconds", "bytes_direct", "bytes_object_store", "bytes_network",
    "bytes_bucket", "requests_bucket", "transitions", "money_per_stream_hour", "ratio_to_fused",
}  # fmt: skip


def printed(document):
    target = io.StringIO()
    print_table(Console(file=target, width=200, markup=False, emoji=False, highlight=False), document)
    return target.getvalue()


@pytest.fixture(scope="module")
def document():
    return documented()


@pytest.fixture(scope="module")
def html(document):
    return page(document)


def test_the_document_has_the_keys_of_the_contract_for_every_shape(document):
    assert [entry["shape"] for entry in document["shapes"]] == ["fused", "colocated", "spread", "staged"]
    assert all(entry.keys() >= CONTRACT for entry in document["shapes"])
    fused, colocated, spread, staged = document["shapes"]
    assert fused["ratio_to_fused"] == 1
    assert 1 < colocated["ratio_to_fused"] < 1.3
    assert fused["bytes_network"] == colocated["bytes_network"] == 0 < spread["bytes_network"]
    assert spread["money_by_line"]["transfer"] > 1
    assert staged["money_per_stream_hour"] == pytest.approx(sum(staged["money_by_line"].values()))
    assert staged["per_stream_hour"]["transitions"] == 60 * staged["transitions"] == 108_000
    assert json.loads(json.dumps(document, allow_nan=False)) == document


def test_staged_has_two_bills_and_the_one_with_jpeg_is_the_smaller(document):
    *others, staged = document["shapes"]
    assert not any(entry["as_jpeg"] for entry in others)
    jpeg = staged["as_jpeg"]
    assert jpeg["bytes_bucket"] == 1500 * 300_000 < staged["bytes_bucket"]
    assert jpeg["requests_bucket"] < staged["requests_bucket"]
    assert 100 < jpeg["ratio_to_fused"] < staged["ratio_to_fused"]
    assert jpeg["bytes_per_picture"] == 300_000
    assert "293 KiB each on average" in page(document)
    assert [name for name, _ in columns(document)][-2:] == ["staged, lossless", "staged, JPEG"]


def test_the_break_even_is_of_what_was_measured(document):
    found = document["break_even"]
    assert found["unknown"] is None
    assert found["measured"]["decode_cpu_seconds_per_frame"] == pytest.approx(5.6 / 1500)
    assert [one["detectors"] for one in found["by_detectors"]] == list(range(1, 9))
    assert all(one["network"]["send"] > one["decode_again"] for one in found["by_detectors"])
    assert documented(ran("fused"))["break_even"]["unknown"]


def test_a_price_has_its_source_and_its_day(document):
    prices = {price["name"]: price for price in document["prices"]}
    assert len(prices) == 11
    assert all(one["source"].startswith("https://") and one["date"].startswith("20") for one in prices.values())
    assert {"transition", "functions.request", "container.memory_time"} <= prices.keys()


def test_a_shape_that_failed_has_no_figures_and_hides_no_other():
    document = documented(ran("fused"), Shown("colocated", "its decoder crashed"), skipped={"staged": "no bucket"})
    fused, failed = document["shapes"]
    assert fused["equal"]
    assert failed.keys() >= CONTRACT
    assert (failed["equal"], failed["money_per_stream_hour"], failed["error"]) == (False, None, "its decoder crashed")
    assert "its decoder crashed" in page(document)
    assert "staged was not run: no bucket" in page(document)
    assert "colocated" not in printed(document)


def test_where_every_shape_failed_there_is_a_page_all_the_same():
    document = documented(Shown("fused", "no room"))
    assert document["baseline"] is document["media_seconds"] is None
    assert "no room" in page(document)
    assert printed(document) == ""


def test_what_is_not_equal_is_printed_and_on_the_page():
    mismatches = [f"video.luma at row {n}: 1 against 2" for n in range(30)]
    document = documented(ran("fused"), ran("colocated", *mismatches))
    assert [entry["equal"] for entry in document["shapes"]] == [True, False]
    assert document["shapes"][1]["mismatches"] == mismatches
    said = printed(document)
    assert "colocated is not equal: video.luma at row 9: 1 against 2" in said
    assert "colocated is not equal: 20 more; --json has all" in said
    assert "NOT equal: 30 mismatches" in page(document)
    assert "video.luma at row 19" in page(document)


def test_a_short_source_is_said_to_be_short(document):
    assert caution(document) is None
    short = documented(ran("fused", media_seconds=2.0))
    assert "the source has 2.0 s" in caution(short)
    assert caution(short) in printed(short)
    assert "the source has 2.0 s" in page(short)


def test_the_page_is_whole_and_refers_to_nothing(html):
    found = Page(html)
    assert found.stack == []
    assert not [tag for tag, _ in found.elements if tag in {"script", "img", "link", "iframe", "object", "base", "a"}]
    assert not [name for _, given in found.elements for name in given if name in {"src", "href"} or name[:2] == "on"]
    assert "url(" not in html
    assert "@import" not in html
    (policy,) = [meta["content"] for meta in found.all("meta") if "http-equiv" in meta]
    assert policy.startswith("default-src 'none'")
    assert len(found.all("svg")) == 5
    assert len(html) < 60_000


def test_every_number_of_the_page_is_the_document_s(document, html):
    values = [float(given["value"]) for given in Page(html).all("data")]
    cells = [cell.value for _, rows in groups(document, columns(document)) for _, row in rows for cell in row]
    met = [
        one[carrier][name]
        for one in document["break_even"]["by_detectors"] for carrier in ("object_store", "network")
        for name in ("sent_per_second", "bytes_per_frame")
    ]  # fmt: skip
    prices = [price["price"] for price in document["prices"]]
    assert values == [*(value for value in cells if value is not None), *met, *prices]
    assert len(values) > 100
    for _, entry in columns(document):
        assert {entry["money_per_stream_hour"], entry["ratio_to_fused"]} <= set(values)
        hour = entry["per_stream_hour"]
        assert {hour[name] for name in ("cpu_seconds", "bytes_bucket", "transitions")} <= set(values)


def test_what_a_cell_says_is_its_number(html):
    cells = re.findall(r'<data value="([^"]+)">([^<]+)</data>', html)
    plain = [(float(value), text) for value, text in cells if re.fullmatch(r"[$]?[0-9.,]+( x)?", text)]
    assert len(plain) > 80
    for value, text in plain:
        assert float(text.strip("$ x").replace(",", "")) == pytest.approx(value, rel=0.006)


def test_names_are_text():
    html = page(documented(*whole(), source=EVIL))
    assert "<script" not in html
    assert any(EVIL in text for text in Page(html).texts)


def test_secrets_of_a_source_are_not_shown():
    document = documented(ran("fused"), source="http://me:hush@127.0.0.1/clip.mp4?token=hush")
    assert "hush" not in json.dumps(document) + page(document) + printed(document)


@pytest.mark.parametrize(("value", "text"), [
    (0, "0"), (0.000123456, "0.000123"), (0.0115, "0.0115"), (0.9997, "1.00"), (1.0, "1.00"), (45.678, "45.7"),
    (99.97, "100"), (1234567.8, "1,234,568"),
])  # fmt: skip
def test_numbers_have_three_digits_that_count(value, text):
    assert number(value) == text


def test_units_fit():
    assert [size(value) for value in (0, 1023, 2**20, 3.5 * 2**40)] == ["0 B", "1,023 B", "1.00 MiB", "3.50 TiB"]
    assert [money(0.5, currency) for currency in ("USD", "EUR", "CHF")] == ["$0.500", "€0.500", "0.500 CHF"]


def test_a_curve_leaves_out_what_a_logarithm_cannot_show():
    assert curves("nothing", {"a": [(1, 0.0)]}, "detectors") == ""
    assert curves("one", {"a": [(1, 5.0), (2, 0.0)], "b": [(1, 0.0)]}, "detectors").count("<polyline") == 1


@pytest.mark.chromium
@pytest.mark.timeout(600)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_browser_shows_it_and_asks_nothing_of_anybody(html, tmp_path, scheme):
    (tmp_path / "report.html").write_text(html)
    with chromium() as browser:
        context = browser.new_context(viewport={"width": 1100, "height": 900}, color_scheme=scheme)
        account, asked = Account(context.new_page()), []
        account.page.on("request", lambda request: asked.append(request.url))
        account.page.goto((tmp_path / "report.html").as_uri())
        boxes = account.page.locator("svg rect")
        assert boxes.count() > 20
        assert all(box["width"] > 0 for box in (boxes.nth(n).bounding_box() for n in range(boxes.count())))
        colours = "[...document.querySelectorAll('rect')].map((box) => getComputedStyle(box).fill)"
        assert len(set(account.page.evaluate(colours))) >= 5
        account.check()
    assert asked == [(tmp_path / "report.html").as_uri()]
