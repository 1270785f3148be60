"""The state of a stream follows what its incidents tell, before it is asked for again."""

from datetime import UTC, datetime

import pytest

from tests.serve.browser import expect
from tests.serve.page.test_page import row

pytestmark = [pytest.mark.chromium, pytest.mark.timeout(600)]


def test_a_state_follows_its_incident_within_a_second(served, page):
    state, stall = row(page, "news").locator(".state"), served.incident("news", "stalled")
    asked = "**/v1/streams*"
    with page.expect_response(asked):
        pass  # the next one comes in two seconds, if nothing is told
    served.commit(("opened", stall))
    expect(state).to_have_text("Stalled", timeout=500)
    expect(page.get_by_role("button", name="1 stalled")).to_be_visible()
    served.stream("news", status="stalled", newest_frame_age_seconds=42.0)
    with page.expect_response(asked):
        pass
    page.clock.fast_forward(4000)
    with page.expect_response(asked):
        pass
    expect(state).to_have_text("Stalled")
    served.stream("news", status="running", newest_frame_age_seconds=0.2)
    served.commit(("closed", stall.model_copy(update={
        "status": "closed", "end_seconds": 63.5, "closed_at": datetime.now(UTC),
    })))  # fmt: skip
    expect(state).to_have_text("Running", timeout=1000)
    expect(row(page, "news")).to_have_attribute("data-tone", "good")


def test_an_incident_that_nobody_closes_does_not_hide_what_the_server_says(served, page):
    state = row(page, "news").locator(".state")
    served.commit(("opened", served.incident("news", "stalled")))
    expect(state).to_have_text("Stalled", timeout=500)
    page.clock.fast_forward(4000)
    expect(state).to_have_text("Running")
    expect(row(page, "news")).to_have_attribute("data-tone", "bad")
