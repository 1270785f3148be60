"""The page in a browser: what an operator sees, and that what is not live never looks it."""

import re
from datetime import UTC, datetime

import pytest

from tests.serve.browser import expect
from tests.serve.fake_values import MKV

pytestmark = [pytest.mark.chromium, pytest.mark.timeout(600)]


def live(page):
    expect(page.locator("body")).to_have_attribute("data-contact", "live")


def row(page, name):
    return page.locator(".stream").filter(has=page.locator(".name", has_text=re.compile(f"^{re.escape(name)}$")))


def names(page):
    return page.locator(".stream .name").all_inner_texts()


def test_streams_in_trouble_come_first(served, account):
    served.stream("a-file", live=False, newest_frame_age_seconds=None, status="completed")
    served.stream("b-failed", status="failed", error="no such host")
    served.stream("c-put-aside", status="quarantined", error="gave up after 5 restarts", restarts=5)
    served.stream("d-stalled", status="stalled", newest_frame_age_seconds=42.0)
    served.stream("e-silent", newest_frame_age_seconds=30.0)
    served.stream("f-black", position_seconds=3725.9)
    served.stream("g-loud")
    served.commit(("opened", served.incident("f-black", "black")))
    served.commit(("opened", served.incident("g-loud", "loudness", severity="warning")))
    page = account.page
    page.goto(served.url)
    live(page)
    in_trouble = ["b-failed", "c-put-aside", "d-stalled", "e-silent", "f-black", "g-loud"]
    assert names(page) == [*in_trouble, "news", "a-file"]
    states = ["Failed", "Quarantined", "Stalled", "No new frames", "Running", "Running", "Running", "Completed"]
    assert page.locator(".state .chip").all_inner_texts() == states
    expect(row(page, "c-put-aside")).to_contain_text("gave up after 5 restarts")
    expect(row(page, "f-black").locator(".position .value")).to_have_text("1:02:05")
    expect(row(page, "f-black").locator(".open li")).to_contain_text(re.compile(r"black since \d\d:\d\d:\d\d, \d+ s"))
    expect(row(page, "a-file").locator(".age .value")).to_have_text("a file")
    expect(page.locator("#incident-counts")).to_have_text(re.compile("1 critical 1 warning"))
    expect(page.locator("#counts")).to_contain_text("1 no new frames")
    assert page.title() == "(1 critical) Sightline"
    green = page.locator('.stream[data-tone="good"] .name').all_inner_texts()
    assert green == ["news"], "only what is healthy may look it"


def test_the_age_of_a_frame_goes_on_between_answers_and_a_stream_that_gives_none_is_not_healthy(served, page):
    served.stream("news", newest_frame_age_seconds=16.0)
    age = row(page, "news").locator(".age .value")
    expect(age).to_have_text(re.compile("^1[678] s ago"))
    expect(row(page, "news")).to_have_attribute("data-tone", "good")
    page.route("**/v1/streams*", lambda route: None)  # answers no more
    page.clock.fast_forward(5000)
    expect(age).to_have_text(re.compile("^2[123] s ago"))
    expect(row(page, "news").locator(".state")).to_have_text("No new frames")
    page.clock.fast_forward(4000)
    expect(age).to_have_text("unknown")
    expect(page.locator("body")).to_have_attribute("data-contact", "lost")


def test_an_incident_is_seen_as_it_opens_is_explained_and_closes(served, page):
    page.evaluate("document.body.loadedOnce = true")
    cause, effect = served.incident("news", "stalled"), served.incident("news", "freeze", ago=1.0)
    served.commit(("opened", cause))
    first = page.locator("#incident-list > .incident").first
    expect(first).to_contain_text("stalled", timeout=2000)
    expect(first).to_contain_text("open for")
    expect(row(page, "news")).to_have_attribute("data-tone", "bad")
    served.commit(("opened", effect))
    expect(page.locator("#incident-list > .incident")).to_have_count(2, timeout=2000)
    expect(page.locator("#incident-counts")).to_contain_text("2 critical")
    ended = {"status": "closed", "end_seconds": 63.5, "closed_at": datetime.now(UTC), "explained_by": cause.id}
    served.commit(("closed", effect.model_copy(update=ended)))
    expect(page.locator("#incident-list > .incident")).to_have_count(1, timeout=2000)
    expect(first.locator("> details > summary")).to_have_text("explains 1 other: freeze")
    first.locator("> details > summary").click()
    expect(first.locator("ol .incident")).to_contain_text("lasted 3.5 s")
    served.commit(("closed", cause.model_copy(update={**ended, "explained_by": None})))
    expect(first).to_have_attribute("data-status", "closed", timeout=2000)
    expect(page.locator("#incident-counts")).to_contain_text("0 critical")
    expect(row(page, "news")).to_have_attribute("data-tone", "good")
    assert page.evaluate("document.body.loadedOnce"), "it was loaded again"


def test_what_an_open_incident_explains_is_not_counted_twice_but_not_forgotten_either(served, page):
    cause = served.incident("news", "stalled")
    effect = served.incident("news", "freeze", ago=1.0, explained_by=cause.id)
    served.commit(("opened", cause), ("updated", effect))
    expect(page.locator("#incident-counts")).to_contain_text("1 critical")
    expect(row(page, "news").locator(".open li")).to_have_text([re.compile("stalled"), "1 other explained by these"])
    ended = {"status": "closed", "end_seconds": 63.5, "closed_at": datetime.now(UTC)}
    served.commit(("closed", cause.model_copy(update=ended)))
    expect(row(page, "news").locator(".open li")).to_have_text([re.compile("freeze")])
    expect(row(page, "news")).to_have_attribute("data-tone", "bad")
    expect(page.locator("#incident-counts")).to_contain_text("1 critical")


def test_a_lost_server_is_said_loudly_and_nothing_is_missed(served, page):
    before, during = served.incident("news", "black", start=10.0), served.incident("news", "freeze", start=20.0)
    brief = served.incident("news", "silence", start=30.0)
    served.commit(("opened", before))
    expect(page.locator("#incident-list > .incident")).to_have_count(1)
    served.kill()
    alarm = page.locator("#alarm")
    expect(alarm).to_contain_text("No contact with the server: the server cannot be reached")
    assert page.locator("#contact").inner_text() == "No contact"
    assert page.title().startswith("No contact")
    assert "grayscale" in page.locator("main").evaluate("node => getComputedStyle(node).filter")
    expect(row(page, "news").locator(".state")).to_have_text("was: Running")
    expect(row(page, "news").locator(".age .value")).to_have_text("unknown")
    expect(page.locator("#incident-list .span")).to_have_text("was open")
    ended = {"status": "closed", "end_seconds": 40.0, "closed_at": datetime.now(UTC)}
    served.commit(("opened", during), ("opened", brief), ("closed", brief.model_copy(update=ended)))
    served.commit(("closed", before.model_copy(update=ended)))
    served.stream("news", restarts=1)
    with page.expect_request(lambda request: "/v1/events" in request.url and "last-event-id" in request.headers):
        served.start()
    live(page)
    expect(alarm).to_be_hidden()
    told = page.locator("#incident-list > .incident")
    expect(told).to_have_count(3)
    status = {one.locator(".detector").inner_text(): one.get_attribute("data-status") for one in told.all()}
    assert status == {"black": "closed", "freeze": "open", "silence": "closed"}
    expect(row(page, "news").locator(".restarts .value")).to_have_text("1")
    served.commit(("closed", during.model_copy(update=ended)))
    expect(page.locator('.incident[data-status="open"]')).to_have_count(0, timeout=2000)


def test_incidents_that_do_not_arrive_are_said_and_an_unavailable_server_too(served, page):
    page.route("**/v1/events*", lambda route: route.abort())
    served.kill()
    served.start()
    page.clock.fast_forward(2000)
    expect(page.locator("#alarm")).to_contain_text("Incidents are not live")
    expect(page.locator("#incidents")).to_have_css("filter", "grayscale(1)")
    expect(row(page, "news").locator(".state")).to_have_text("Running")
    served.backend.problems = {"results": "gone"}
    page.clock.fast_forward(8000)
    expect(page.locator("#alarm")).to_contain_text("the server says: results does not answer")
    expect(row(page, "news").locator(".state")).to_have_text("was: Running")
    page.unroute("**/v1/events*")
    served.backend.problems = {}
    page.clock.fast_forward(5000)
    live(page)


def test_a_hidden_tab_asks_for_nothing_and_does_not_come_back_as_if_live(served, page):
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    hide = "hidden => Object.defineProperty(document, 'hidden', {value: hidden, configurable: true})"
    page.evaluate(f"({hide})(true); document.dispatchEvent(new Event('visibilitychange'))")
    page.clock.fast_forward(8000)
    expect(page.locator("body")).to_have_attribute("data-contact", "paused")
    assert sum("/v1/streams" in url for url in asked) <= 1
    served.commit(("opened", served.incident("news")))
    expect(page).to_have_title("(1 critical) Sightline")
    served.stream("news", restarts=3)
    page.evaluate(f"({hide})(false); document.dispatchEvent(new Event('visibilitychange'))")
    live(page)
    expect(row(page, "news").locator(".restarts .value")).to_have_text("3")


def test_details_of_a_stream_its_picture_and_its_recording(served, account, tmp_path):
    closed = served.incident("news", "freeze", lasted=4.0, ago=600.0)
    served.commit(("closed", closed), *(("closed", served.incident("other", start=n, lasted=1.0)) for n in range(5)))
    served.backend.evidence_of[closed.id, "jpg"] = picture()
    served.backend.evidence_of[closed.id, "mkv"] = MKV
    served.stream("news", frames=90, dropped=10, tags={"team": "sport"}, cell="cell-7")
    page = account.page
    page.goto(served.url)
    live(page)
    row(page, "news").locator(".name").focus()
    page.keyboard.press("Enter")
    detail = page.get_by_role("dialog", name="news")
    expect(detail).to_contain_text("10 (10 %)")
    for text in ("team: sport", "fused, in cell-7", "https://live.example.org/news/index.m3u8", served.job):
        expect(detail).to_contain_text(text)
    expect(detail.locator(".incident")).to_have_count(1)
    canvas = detail.get_by_role("img", name="freeze on news: the frame at its start")
    assert canvas.evaluate("node => [node.width, node.height]") == [320, 180]
    with page.expect_download() as saved:
        detail.get_by_role("button", name="Save recording").click()
    assert saved.value.suggested_filename == f"{closed.id}.mkv"
    saved.value.save_as(tmp_path / "saved.mkv")
    assert (tmp_path / "saved.mkv").read_bytes() == MKV
    page.keyboard.press("Escape")
    expect(detail).to_be_hidden()
    expect(row(page, "news").locator(".name")).to_be_focused()


def test_filters(served, account):
    for number in range(3):
        served.stream(f"sport-{number}", tags={"team": "sport"})
    served.stream("down", status="stalled")
    served.commit(("opened", served.incident("sport-1", "black")), ("opened", served.incident("down", "stalled")))
    page = account.page
    page.goto(served.url)
    live(page)
    page.get_by_label("Filter").fill("team sport")
    expect(page.locator(".stream")).to_have_count(3)
    expect(page.locator("#streams-note")).to_have_text("3 of 5 streams shown.")
    page.get_by_label("Filter").fill("black")
    expect(page.locator(".stream .name")).to_have_text(["sport-1"])
    expect(page.locator("#incident-list > .incident")).to_have_count(1)
    page.get_by_label("Filter").fill("")
    stalled = page.get_by_role("button", name="1 stalled")
    stalled.click()
    expect(stalled).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".stream .name")).to_have_text(["down"])
    stalled.click()
    expect(page.locator(".stream")).to_have_count(5)


def test_information_is_shown_on_request(served, page):
    served.commit(("opened", served.incident("news", "letterbox", severity="info")))
    served.stream("news", open_incidents=1)
    page.clock.fast_forward(2000)
    page.clock.fast_forward(2000)
    expect(row(page, "news")).to_contain_text("1 open one not listed here")
    expect(row(page, "news")).to_have_attribute("data-tone", "good")
    page.get_by_label("also information").check()
    expect(page.locator("#incident-list > .incident")).to_contain_text("letterbox")
    marker = served.incident("news", "scene", severity="info", lasted=0.0)
    served.commit(("marker", marker), ("opened", served.incident("news", "black")))
    expect(page.locator("#incident-list > .incident")).to_have_count(2)


def picture():
    """A JPEG of 640x360."""
    import av

    encoder = av.CodecContext.create("mjpeg", "w")
    encoder.width, encoder.height, encoder.pix_fmt, encoder.framerate = 640, 360, "yuvj420p", 25
    frame = av.VideoFrame(640, 360, "yuvj420p")
    for plane in frame.planes:
        plane.update(bytes([90]) * plane.buffer_size)
    return b"".join(bytes(packet) for packet in [*encoder.encode(frame), *encoder.encode(None)])
