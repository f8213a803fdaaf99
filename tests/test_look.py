"""How the page looks and reads: everyone can use it, at every width, in light and dark."""

from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

from tests.browser import Visit, serving, visit
from tests.fakes import DAM, FIRE, REBUILT, as_footnote, fake

_WCAG = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")


def faults(seen: Visit) -> list[str]:
    """What axe-core finds on the page as it is, a line a rule: all that is serious or worse, and most that is not."""
    found = Axe().run(seen.page, options={"runOnly": list(_WCAG)}).response["violations"]
    return [f"{each['impact']} {each['id']}: {[node['html'][:120] for node in each['nodes'][:3]]}" for each in found]


@pytest.mark.parametrize(("scheme", "widths"), [("light", (390, 768, 1280, 1920)), ("dark", (390, 1280))])
def test_everyone_can_use_it_at_every_width(
    browser: Browser, scheme: Literal["light", "dark"], widths: tuple[int, ...]
) -> None:
    """axe-core finds nothing: before the first question, with answers, an abstention, folds open, a source shown."""
    with serving(as_footnote(fake())) as url:
        for width in widths:
            seen = visit(browser, url, width=width, scheme=scheme)
            page = seen.page
            assert faults(seen) == []
            for question in (FIRE.question, REBUILT.question, "Where is the owner buried?", DAM.question):
                seen.ask(question)
            page.get_by_text("How was this found?").last.click()
            page.get_by_role("button", name="No", exact=True).last.click()
            page.locator(".past > summary").click()
            page.locator(".past li summary").click()
            page.locator("button.mark").last.focus()
            assert faults(seen) == []
            page.keyboard.press("Escape")
            page.locator("button.mark").last.click()
            expect(page.locator("mark.cited")).to_be_visible()
            assert faults(seen) == []
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            if width < 900:
                page.get_by_role("button", name="Documents").click()
                assert faults(seen) == []
            page.context.close()
