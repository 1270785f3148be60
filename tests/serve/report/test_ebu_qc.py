"""EBU's QC report: valid by EBU's schema, and with every verdict and incident in it."""

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from xmlschema import XMLSchema

from serve.report.ebu_qc import NAMESPACE, OWN, TIMING, ebu_qc
from tests.serve.report.reported import streams

SCHEMA = XMLSchema(Path(__file__).parent / "ebu" / "qc.xsd")
QC = {"q": NAMESPACE, "own": OWN, "timing": TIMING}


@pytest.fixture(scope="module")
def text():
    return "".join(ebu_qc(streams()[0]))


def texts(parent, path):
    return [element.text for element in parent.findall(path, QC)]


def test_it_is_valid(text):
    SCHEMA.validate(text)
    assert len(list(ElementTree.fromstring(text).iter())) > 200


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("<ReportId>urn:uuid:", "<ReportId>uuid:"),
        ("<ExecutionStatus>complete", "<ExecutionStatus>done"),
        ("<CheckResult>false", "<CheckResult>no"),
        ("<DetectionMethod>automatic</DetectionMethod>", ""),
        ("<EBUQCVersion>1.0", "<EBUQCVersion>1"),
        ("<Profile>", "<Profile><Unheard/>"),
        ("<Scopes />", ""),
        ("+00:00</LastModifiedDateTime>", " o'clock</LastModifiedDateTime>"),
    ],
)
def test_the_check_sees_what_the_schema_forbids(text, old, new):
    assert old in text
    valid = SCHEMA.is_valid(text.replace(old, new, 1))
    assert valid == ("DetectionMethod" in old), "that one may be left out"


def test_every_verdict_is_a_result_and_every_incident_a_segment(text):
    stream, root = streams()[0], ElementTree.fromstring(text)
    results = root.findall("q:ItemResults/q:ItemResult", QC)
    assert len(results) == len(stream.document["verdicts"]) >= 10
    for result, verdict in zip(results, stream.document["verdicts"], strict=True):
        assert texts(result, "q:EBUQCName") == [verdict["detector"]]
        said = {"ok": ["true"], "incident": ["false"], "unknown": []}[verdict["state"]]
        assert texts(result, "q:CheckResult") == said
    found = root.findall(".//q:Output", QC)
    assert len(found) == len(stream.document["incidents"]) >= 3
    exact = {(texts(one, ".//own:start_seconds")[0], texts(one, "q:Track")[0]) for one in found}
    assert exact == {(f"{one['start_seconds']:.6f}", one["track"]) for one in stream.document["incidents"]}
    assert set(texts(root, ".//timing:EditRate")) == {"25/1"}


def test_thresholds_are_the_inputs_of_items(text):
    items = ElementTree.fromstring(text).findall("q:Profile/q:Items/q:Item", QC)
    (freeze,) = [item for item in items if texts(item, "q:EBUQCName") == ["freeze"]]
    names, values = texts(freeze, "q:Inputs/q:Input/q:Name"), texts(freeze, "q:Inputs/q:Input/q:Value")
    assert dict(zip(names, values, strict=True))["minimum-seconds"] == "2.0"


def test_it_is_the_same_whenever_it_is_written(text):
    assert "".join(ebu_qc(streams()[0])) == text


def test_what_is_unknown_or_cut_short_is_no_pass():
    clean = streams()[1]
    verdicts = [{**clean.document["verdicts"][0], "state": "unknown", "reason": "odd\x00 format"}]
    document = {**clean.document, "status": "partial", "error": "cut short", "verdicts": verdicts}
    text = "".join(ebu_qc(replace(clean, document=document)))
    SCHEMA.validate(text)
    root = ElementTree.fromstring(text)
    assert texts(root, "q:CheckResult") == ["false"]
    (result,) = root.findall("q:ItemResults/q:ItemResult", QC)
    assert texts(result, "q:ErrorDescription") == ["odd  format"]
    assert texts(result, "q:CheckResult") == []
