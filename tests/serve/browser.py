"""A page in Debian's Chromium that keeps account of everything that should not happen in it."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # imported where it is used, so that tests can be skipped where it is not installed
    from playwright.sync_api import Page

QUIET = (
    "--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-default-apps",
    "--disable-extensions", "--disable-sync", "--no-first-run",
)  # fmt: skip
WATCH = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) => violations.push(event.violatedDirective));
"""
NETWORK = "Failed to load resource"
"""How Chromium begins its own line about a response that is no success; no script can keep it from writing that."""

CONTRAST = """
() => {
  const numbers = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => {
    const part = (c) => ((c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
  };
  const ground = (node) => {
    for (; node; node = node.parentElement) {
      const colour = numbers(getComputedStyle(node).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const poor = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let text; (text = walker.nextNode()); ) {
    const node = text.parentElement;
    if (!text.data.trim() || !node.checkVisibility({ visibilityProperty: true }) || node.closest("template")) continue;
    const [a, b] = [light(numbers(getComputedStyle(node).color)), light(ground(node))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    const said = text.data.trim().slice(0, 30);
    if (ratio < 4.5) poor.push(`${node.tagName}.${node.className} ${said}: ${ratio.toFixed(2)}`);
  }
  return poor;
}
"""
"""Texts whose contrast with what is behind them is under 4.5 (WCAG 1.4.3, AA)."""


class Account:
    """What has happened in a page."""

    def __init__(self, page: Page) -> None:
        self.page, self.errors, self.dialogs, self.network, self.missing = page, [], [], [], []
        page.add_init_script(WATCH)
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("dialog", self._asked)
        page.on("response", self._answered)

    def check(self) -> None:
        """Nothing that should not happen did."""
        assert self.errors == []
        assert self.dialogs == []
        assert self.missing == []
        assert not [line for line in self.network if "404" in line]
        assert self.page.evaluate("window.violations") == []
        assert self.page.evaluate("window.pwned") is None

    def _said(self, message) -> None:
        if message.type in {"error", "warning"}:
            (self.network if message.text.startswith(NETWORK) else self.errors).append(message.text)

    def _answered(self, response) -> None:
        if response.status == 404:
            self.missing.append(response.url)

    def _asked(self, dialog) -> None:
        self.dialogs.append(dialog.message)
        dialog.dismiss()


@contextmanager
def chromium():
    """A browser; it asks nothing of anybody."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=QUIET)
        try:
            yield browser
        finally:
            browser.close()


def expect(what):
    """Playwright's assertions, which wait."""
    from playwright.sync_api import expect as expected

    expected.set_options(timeout=60_000)
    return expected(what)
