"""The page asks for the evidence that there is, and for no other: it never gets a 404."""

import pytest

from tests.serve.browser import expect
from tests.serve.fake_values import MKV
from tests.serve.page.test_page import live, picture

pytestmark = [pytest.mark.chromium, pytest.mark.timeout(600)]


def asked_for_evidence(page):
    """The files of evidence that the page asks for from now on."""
    asked = []

    def note(request):
        _, found, path = request.url.partition("/v1/")
        if found and "/evidence." in path:
            asked.append(path)

    page.on("request", note)
    return asked


def test_only_pictures_that_exist_are_asked_for(served, account):
    kept = served.incident("news", "black", start=1.0, lasted=4.0, ago=600.0)
    clip_only = served.incident("news", "silence", start=2.0, lasted=4.0, ago=500.0, track="a:0")
    nothing = served.incident("news", "freeze", start=3.0, ago=400.0)
    served.commit(("closed", kept), ("closed", clip_only), ("opened", nothing))
    served.backend.evidence_of = {(kept.id, "jpg"): picture(), (kept.id, "mkv"): MKV, (clip_only.id, "mkv"): MKV}
    page, asked = account.page, asked_for_evidence(account.page)
    page.goto(served.url)
    live(page)
    rows = page.locator("#incident-list > .incident")
    expect(rows).to_have_count(3)
    expect(page.get_by_role("img", name="black on news: the frame at its start")).to_be_visible()
    buttons = [one.locator(".recording").is_visible() for one in rows.all()]
    assert rows.locator(".detector").all_inner_texts() == ["freeze", "silence", "black"]
    assert buttons == [False, True, True]
    page.wait_for_timeout(2500)
    assert asked == [f"incidents/{kept.id}/evidence.jpg"]


def test_evidence_that_is_written_after_an_incident_opened_is_shown_once_it_is_there(served, account):
    page, asked = account.page, asked_for_evidence(account.page)
    page.goto(served.url)
    live(page)
    one = served.incident("news", "black", ago=0.0)
    served.commit(("opened", one))
    row = page.locator("#incident-list > .incident")
    expect(row).to_contain_text("open for")
    expect(row.locator(".recording")).to_be_hidden()
    page.wait_for_timeout(1500)
    assert asked == []
    served.backend.evidence_of = {(one.id, "jpg"): picture(), (one.id, "mkv"): MKV}
    expect(page.get_by_role("img", name="black on news: the frame at its start")).to_be_visible()
    expect(row.locator(".recording")).to_be_visible()
    assert asked == [f"incidents/{one.id}/evidence.jpg"]
    served.commit(("updated", one))
    page.wait_for_timeout(1500)
    assert asked == [f"incidents/{one.id}/evidence.jpg"]
