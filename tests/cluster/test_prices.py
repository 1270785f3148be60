"""The price sheet: the packaged one is whole, figures keep every digit, and what is wrong is told by file and line."""

import re
from decimal import Decimal

import pytest

from cluster.prices import PACKAGED, load
from cluster.sources import UsageError, UsageErrors


def sheet(tmp_path, *changes):
    """The packaged sheet with some of its text replaced, as a user's own file."""
    text = PACKAGED.read_text("utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    path = tmp_path / "mine.yaml"
    path.write_text(text, "utf-8")
    return path


def line_of(path, text):
    return path.read_text("utf-8").split(text)[0].count("\n") + 1


def test_the_packaged_sheet_has_every_price_with_where_it_was_read_and_when():
    prices = load()
    assert (prices.currency, prices.region) == ("USD", "us-east-1")
    assert prices.functions.memory_time.each == Decimal("0.0000166667")
    assert prices.functions.request.each == Decimal("0.0000002")
    assert prices.transition.each == Decimal("0.000025")
    assert prices.bucket.put.each == Decimal("0.000005")
    assert prices.gpu_instance.gpus == 1
    assert prices.transition.source == "https://aws.amazon.com/step-functions/pricing/"
    assert prices.transition.date.year >= 2026
    assert prices.transition.confirmed
    assert not prices.bucket.put.confirmed


def test_a_figure_keeps_every_digit(tmp_path):
    path = sheet(tmp_path, ("price: 0.025, per: 1000", "price: 0.02500000000001, per: 1000"))
    assert load(path).transition.price == Decimal("0.02500000000001")


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("price: 0.025", "price: -0.025", "transition.price: Input should be greater than or equal to 0"),
        ("price: 0.025", "price: nan", "transition.price: Input should be a finite number"),
        ("price: 0.025", "price: 1e999", "transition.price: "),
        ("price: 0.025, per: 1000", "price: 0.025, per: 0", "transition.per: Input should be greater than 0"),
        ("unit: transition", "unit: request", "transition.unit: Input should be 'transition'"),
        ("currency: USD", "currency: dollars", "currency: "),
        ("utilisation: 0.5", "utilisation: 50", "packing.utilisation: Input should be less than or equal to 1"),
        ("  memory_gb: 8\n", "", "instance.memory_gb: Field required"),
        ("region: us-east-1", "region: us-east-1\nzone: a", "zone: Extra inputs are not permitted"),
        ("region: us-east-1", "region: us-east-1\nregion: b", "region: stands twice"),
        ("region: us-east-1", "region: us-east-1\n[a]: b", "a key must be plain text"),
        ("region: us-east-1", "region: &a [*a]", "nested deeper"),
        ("region: us-east-1", "region: {", "expected ',' or '}'"),
        ("region: us-east-1", "region: \x01", "a character that no YAML holds"),
    ],
)
def test_what_is_wrong_is_told_with_file_line_and_remedy(tmp_path, old, new, why):
    path = sheet(tmp_path, (old, new))
    with pytest.raises(UsageError) as raised:
        load(path)
    told = str(raised.value)
    assert re.match(rf"{re.escape(str(path))}:\d+: ", told)
    assert why in told
    assert told.endswith(f"see how {PACKAGED} has it")


def test_the_line_is_that_of_the_figure(tmp_path):
    path = sheet(tmp_path, ("price: 0.025", "price: x"), ("  memory_gb: 16\n", ""))
    with pytest.raises(UsageErrors) as raised:
        load(path)
    first, second = raised.value.lines
    assert first.startswith(f"{path}:{line_of(path, 'transition: {price')}: transition.price: ")
    assert second.startswith(f"{path}:{line_of(path, 'gpu_instance:' + chr(10))}: gpu_instance.memory_gb: ")


@pytest.mark.parametrize("text", [b"", b"# nothing\n", b"prices", b"[1]", b"\xff\xfe"])
def test_what_is_no_sheet_at_all_is_refused(tmp_path, text):
    path = tmp_path / "mine.yaml"
    path.write_bytes(text)
    with pytest.raises(UsageError, match=re.escape(str(path))):
        load(path)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(UsageError, match=r"none\.yaml: cannot be read \(No such file"):
        load(tmp_path / "none.yaml")
