"""A real browser on the chat page, for tests: what a person sees, and every address the page asks for."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from eval.served import chromium_path, free_port
from rag.footnote import Footnote
from web.page import launch

_PATIENCE = 60_000  # milliseconds for what comes in a moment, however busy the computer is
_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@dataclass(frozen=True, slots=True)
class Visit:
    """A page opened in a browser, and what it did behind the reader's back.

    Attributes:
        page: Playwright's page, loaded and ready to be asked.
        urls: Every address the page has requested.
        errors: Console errors and uncaught exceptions.
        dialogs: Texts of the dialogs that opened (`alert`), which no page of ours does.
    """

    page: Page
    urls: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)

    def ask(self, question: str) -> None:
        """Type a question and send it with Enter; returns when its answer, or a notice, is there."""
        log = self.page.locator("#conversation .turns")
        before = int(log.get_attribute("data-turns") or 0) if log.count() else 0  # of which the last are drawn
        box = self.page.get_by_role("textbox", name="Question")
        box.fill(question)
        box.press("Enter")
        last = self.page.locator(f'#conversation .turns[data-turns="{before + 1}"] > section').last
        answered = last.locator(".answer, .abstention, .help")
        answered.or_(self.page.locator("#notice .notice")).first.wait_for()


@contextmanager
def serving(docs: Footnote, **options: Any) -> Iterator[str]:
    """The address of the chat page over `docs`, served while the block runs; with any options of `launch`."""
    page = launch(docs, **{"port": free_port(), **options})
    try:
        yield page.local_url
    finally:
        page.close(verbose=False)


@contextmanager
def chromium() -> Iterator[Browser]:
    """The system's Chromium; the test is skipped where there is none."""
    path = chromium_path()
    if path is None:
        pytest.skip("no Chromium on this computer: install the package `chromium` to run the browser tests")
    expect.set_options(timeout=_PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(_ARGUMENTS))
        try:
            yield browser
        finally:
            browser.close()


def visit(
    browser: Browser,
    url: str,
    *,
    width: int = 1280,
    height: int = 800,
    scheme: Literal["light", "dark"] = "light",
) -> Visit:
    """Open the page in a context of its own (own cookies, own session) and wait until it can be asked."""
    page = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme).new_page()
    seen = Visit(page)
    page.set_default_timeout(_PATIENCE)
    page.on("request", lambda request: seen.urls.append(request.url))
    page.on("pageerror", lambda error: seen.errors.append(str(error)))
    page.on("console", lambda message: seen.errors.append(message.text) if message.type == "error" else None)
    page.on("dialog", lambda dialog: (seen.dialogs.append(dialog.message), dialog.dismiss()))
    page.goto(url)
    page.get_by_role("textbox", name="Question").wait_for()
    return seen


def check_quiet(seen: Visit) -> None:
    """See that nothing left this computer, nothing failed, and nothing popped up."""
    assert {urlsplit(url).hostname for url in seen.urls if not url.startswith(("data:", "blob:"))} == {"127.0.0.1"}
    assert seen.errors == []
    assert seen.dialogs == []
