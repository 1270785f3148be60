"""A server with one stream, and a page in a browser that keeps account."""

import pytest

from tests.serve.browser import Account, chromium, expect
from tests.serve.paged import Served


@pytest.fixture(scope="module")
def browser():
    with chromium() as started:
        yield started


@pytest.fixture
def served():
    server = Served().start()
    yield server
    server.close()


@pytest.fixture
def account(browser):
    context = browser.new_context(viewport={"width": 1600, "height": 900}, reduced_motion="reduce")
    context.set_default_timeout(10_000)
    account = Account(context.new_page())
    yield account
    account.check()
    context.close()


@pytest.fixture
def page(account, served):
    account.page.clock.install()
    account.page.goto(served.url)
    expect(account.page.locator("body")).to_have_attribute("data-contact", "live")
    return account.page
