"""How the page looks and reads: everyone can use it, at every width, in light and dark."""

from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

from tests.browser import Visit, check_quiet, serving, visit
from tests.fakes import DAM, FIRE, REBUILT, FakeDocs, as_footnote, document, fake, quoting

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


def test_it_reads_like_a_well_set_page(browser: Browser) -> None:
    """Lines no longer than 72 characters, sources in a serif and the chat in a sans, one colour for footnotes alone."""
    long = document("long.txt", "A quiet line of text. " * 900 + "It ended here.\n" + "More of it. " * 900)
    answer = quoting("How did it end?", (long, "A quiet line of text. " * 12), (long, "It ended here."))
    with serving(as_footnote(FakeDocs((long,), (answer,)))) as url:
        seen = visit(browser, url, width=1920)
        page = seen.page
        for _ in range(4):
            seen.ask(answer.question)
        wide, character = page.locator(".answer").last.evaluate(
            """answer => {
              const one = document.createElement("span");
              one.textContent = "0";
              answer.append(one);
              const width = one.getBoundingClientRect().width;
              one.remove();
              return [answer.getBoundingClientRect().width, width];
            }"""
        )
        assert wide <= 72.5 * character
        box = page.get_by_role("textbox", name="Question").bounding_box()
        assert box is not None
        assert 700 < box["y"] + box["height"] <= 800
        page.locator("button.mark").last.click()
        expect(page.locator("#shown")).to_be_in_viewport()
        expect(page.locator("#source header h2")).to_be_in_viewport()  # though the column is scrolled
        family = "element => getComputedStyle(element).fontFamily"
        assert "serif" in page.locator(".source-text").evaluate(family).split(", ")
        assert "sans-serif" in page.locator(".answer").last.evaluate(family).split(", ")
        coloured = page.evaluate(
            """() => {
              const accent = getComputedStyle(document.querySelector("button.mark")).color;
              const own = (node) => [...node.childNodes].some((each) => each.nodeType === 3 && each.data.trim());
              return [...document.querySelectorAll("gradio-app *")]
                .filter((node) => own(node) && getComputedStyle(node).color === accent).map((node) => node.className);
            }"""
        )
        assert set(coloured) == {"mark"}
        assert "!" not in page.locator("body").inner_text()
        check_quiet(seen)
        page.context.close()


def test_under_a_tenth_of_a_second_nothing_moves(browser: Browser) -> None:
    """That one waits is said later, and that one can stop later still; where motion is unwanted, at once."""
    appears = "selector => getComputedStyle(document.querySelector(selector)).animation"
    with serving(as_footnote(fake(seconds=3))) as url:
        for motion, (line, stop) in (("no-preference", ("0.1s", "1s")), ("reduce", ("none", "none"))):
            seen = visit(browser, url)
            seen.page.emulate_media(reduced_motion=motion)
            seen.page.get_by_role("textbox", name="Question").fill("Where?")
            seen.page.keyboard.press("Enter")
            seen.page.locator(".waiting").wait_for(state="attached")
            assert line in seen.page.evaluate(appears, ".waiting")
            assert stop in seen.page.evaluate(appears, ".waiting button")
            seen.page.context.close()
