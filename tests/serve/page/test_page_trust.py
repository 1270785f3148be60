"""The page and what it cannot trust: names, keys, sizes, screens, and whoever cannot see or point."""

import re

import pytest

from serve.api.auth import FileKeys, issue
from serve.api.values import FeedEvent
from tests.serve import fake_backend
from tests.serve.browser import CONTRAST, Account, expect
from tests.serve.fake_values import JPEG
from tests.serve.paged import Served

pytestmark = [pytest.mark.chromium, pytest.mark.timeout(600)]

HOSTILE = (
    "<script>window.pwned=1;alert(1)</script>",
    "<img src=x onerror='window.pwned=1'>",
    '"><svg onload=alert(1)>',
    "'-alert(1)-'",
    "javascript:alert(1)//",
    "</textarea></title></script><script>pwned=1</script>",
    "{{constructor.constructor('window.pwned=1')()}}",
    "${alert(1)}`${alert(2)}",
    "<iframe srcdoc='<script>parent.pwned=1</script>'>",
    "<a href=javascript:alert(1)>press</a>",
    "<style>body{display:none}</style>",
    "<base href=//evil.example/>",
    "<meta http-equiv=refresh content=0;url=//evil.example>",
    "\u202egnp.exe\u2066\u200b",
    "a" * 5000,
    "\u0000\u0007\r\nid: 9.9.9\r\ndata: {}\r\n\r\n",
    "__proto__",
    "constructor",
    "&lt;b&gt; &#x3C;script&#x3E;",
    "Z\u0351\u036b\u0343algo " + "\u0300" * 300,
)


@pytest.fixture
def opened(browser):
    accounts = []

    def open_page(**settings):
        context = browser.new_context(**{"viewport": {"width": 1600, "height": 900}, **settings})
        context.set_default_timeout(10_000)
        accounts.append(Account(context.new_page()))
        return accounts[-1].page

    yield open_page
    for account in accounts:
        account.check()
        account.page.context.close()


def live(page):
    expect(page.locator("body")).to_have_attribute("data-contact", "live")


def test_hostile_names_are_only_text(served, opened, monkeypatch):
    monkeypatch.setattr(fake_backend, "FeedEvent", FeedEvent.model_construct)  # the true one would refuse them
    assert len(HOSTILE) == 20
    for name in HOSTILE:
        served.stream(name, source=name, status="failed", error=name, cell=name, tags={name[:60]: name})
    page = opened()
    page.goto(served.url)
    live(page)
    events = []
    for number, name in enumerate(HOSTILE):
        hostile = {"message": name, "unit": name, "cause": name, "peak": 1.0, "track": "v:0"}
        events.append(("opened", served.incident(name, name, start=float(number), **hostile)))
        served.backend.evidence_of[events[-1][1].id, "jpg"] = JPEG  # which is no whole picture
    served.commit(*events)
    expect(page.locator("#incident-list > .incident")).to_have_count(20)
    expect(page.locator(".stream")).to_have_count(21)
    assert page.locator(":is(main, header) :is(script, img, svg, iframe, a, style, base, meta)").count() == 0
    shown = page.locator(".stream .name").all_inner_texts()
    assert "<script>window.pwned=1;alert(1)</script>" in shown
    assert "\ufffdgnp.exe\ufffd\ufffd" in shown, "what turns the direction of writing must be seen"
    for name in HOSTILE[:3]:
        page.locator(".stream .name", has_text=name).click()
        expect(page.locator("#detail-title")).to_have_text(name)
        page.keyboard.press("Escape")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert max(node.bounding_box()["height"] for node in page.locator(".stream").all()[:21]) < 600
    page.get_by_label("Filter").fill(HOSTILE[0])
    expect(page.locator(".stream")).to_have_count(1)
    assert page.evaluate("({}).polluted") is None


@pytest.mark.slow
def test_a_thousand_streams(served, opened):
    for number in range(999):
        served.backend.states[served.job, f"camera-{number:03}"] = served.backend.states[served.job, "news"].model_copy(
            update={"stream": f"camera-{number:03}", "newest_frame_age_seconds": number % 7 / 2}
        )
    page = opened()
    page.goto(served.url)
    live(page)
    expect(page.locator(".stream")).to_have_count(1000)
    expect(page.locator("#counts")).to_contain_text("1,000 healthy")
    served.stream("camera-777", status="stalled", newest_frame_age_seconds=12.0)
    expect(page.locator(".stream .name").first).to_have_text("camera-777")
    page.route("**/v1/streams*", lambda route: None)
    touched = page.evaluate(
        """async () => {
          let nodes = 0;
          const watch = new MutationObserver((changes) => { nodes += changes.length; });
          watch.observe(document.getElementById("stream-list"), {subtree: true, childList: true, characterData: true});
          await new Promise((resolve) => setTimeout(resolve, 2000));
          return nodes;
        }"""
    )
    assert 10 < touched < 200, "a second writes the ages that are on the screen, and no others"


def test_a_key_is_asked_for_and_kept_in_the_tab_alone(tmp_path, opened):
    keys = tmp_path / "keys.json"
    key = issue(FileKeys(keys), "read", "operator")
    served = Served(keys).start()
    try:
        page = opened()
        page.goto(served.url)
        dialog = page.get_by_role("dialog", name="A key is needed")
        field = dialog.get_by_label("API key")
        expect(field).to_be_focused()
        expect(page.locator("#contact")).to_have_text("Key needed")
        expect(page.locator("#counts")).to_contain_text("\u2013 healthy")  # what is not known is not none
        page.keyboard.press("Escape")
        field.fill("slk_000000000000." + "A" * 43)
        page.keyboard.press("Enter")
        expect(dialog).to_contain_text("The server does not know that key.")
        field.fill(key)
        page.keyboard.press("Enter")
        expect(dialog).to_be_hidden()
        live(page)
        served.commit(("opened", served.incident("news")))
        expect(page.locator("#incident-list > .incident")).to_have_count(1, timeout=2000)
        page.reload()
        live(page)
        kept = page.evaluate("[JSON.stringify(sessionStorage), JSON.stringify(localStorage), document.cookie]")
        assert key in kept[0]
        assert kept[1:] == ["{}", ""]
        assert key not in page.content()
        assert FileKeys(keys).revoke(key[4:16])
        expect(dialog).to_be_visible()
        page.get_by_label("API key").fill(issue(FileKeys(keys), "read", "operator"))
        page.keyboard.press("Enter")
        live(page)
        page.get_by_role("button", name="Forget the key").click()
        expect(dialog).to_be_visible()
        assert page.evaluate("sessionStorage.length") == 0
    finally:
        served.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("width", "height"), [(390, 844), (1600, 950)], ids=["narrow", "wide"])
def test_it_fits_and_can_be_read_on_small_and_large_screens(served, opened, tmp_path, width, height, scheme):
    for status in ("failed", "quarantined", "stalled", "partial", "starting", "completed", "stopped"):
        served.stream(f"{status}-with-a-name-that-is-rather-long", status=status, error="why that is so " * 5)
    for number, severity in enumerate(("critical", "warning", "critical", "warning")):
        lasted = None if number < 2 else 8.0
        served.commit(("opened", served.incident("news", severity=severity, start=float(number), lasted=lasted)))
    page = opened(viewport={"width": width, "height": height}, color_scheme=scheme, reduced_motion="reduce")
    page.goto(served.url)
    live(page)
    expect(page.locator(".incident")).to_have_count(4)
    shots = [tmp_path / "streams.png", tmp_path / "incidents.png", tmp_path / "detail.png"]
    page.screenshot(path=shots[0])
    assert page.evaluate(CONTRAST) == []
    incidents = page.get_by_role("navigation").get_by_role("button", name="Incidents")
    assert incidents.is_visible() == (width == 390)
    if incidents.is_visible():
        expect(page.locator("#incidents")).to_be_hidden()
        incidents.click()
        expect(page.locator("#incidents")).to_be_visible()
        expect(page.locator("#streams")).to_be_hidden()
    page.screenshot(path=shots[1])
    assert page.evaluate(CONTRAST) == []
    page.locator(".incident .name").first.click()
    expect(page.get_by_role("dialog", name="news")).to_be_visible()
    page.screenshot(path=shots[2])
    assert page.evaluate(CONTRAST) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "it must not scroll sideways"
    assert all(shot.stat().st_size > 10_000 for shot in shots)


def test_roles_names_and_the_order_of_focus(served, opened):
    served.stream("down", status="stalled")
    served.commit(("opened", served.incident("down", "stalled")))
    page = opened()
    page.goto(served.url)
    live(page)
    for role in ("banner", "main", "search"):
        expect(page.get_by_role(role)).to_have_count(1)
    headings = page.get_by_role("heading").all_inner_texts()
    assert [re.sub(r"\W*\d+$", "", heading) for heading in headings] == ["Sightline", "Streams", "Incidents"]
    assert page.get_by_role("listitem").filter(has=page.get_by_role("button", name="down")).count() >= 1
    for control in page.locator("button:visible, input:visible").all():
        named = control.evaluate("node => node.labels?.[0]?.textContent || node.textContent || node.ariaLabel || ''")
        assert named.strip(), control.evaluate("node => node.outerHTML")
    assert page.locator("html").get_attribute("lang") == "en"
    expect(page.locator("#alarm [role=alert]")).to_have_count(1)
    order = []
    for _ in range(9):
        page.keyboard.press("Tab")
        order.append(page.evaluate("(document.activeElement.id || document.activeElement.innerText).trim()"))
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid", order
    assert order[0] == "Skip to the streams"
    assert order[1:5] == ["filter", "0 failed", "1 stalled", "1 healthy"]
    assert order.index("down") < order.index("news") < order.index("information")
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map((node) => node.id)")
    assert len(ids) == len(set(ids))
