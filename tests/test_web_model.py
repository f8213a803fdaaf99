"""The page while a language model writes: sentences as they come, Stop, a model chosen, one answer everywhere."""

import json
import statistics
from collections.abc import Iterator
from dataclasses import asdict

import pytest
from playwright.sync_api import Browser, expect

import rag
from tests import behaviours
from tests.behaviours import BURNED, TRUE, said
from tests.browser import Visit, check_quiet, serving, visit
from tests.llm_server import Prompt, Script, speaking

WRITTEN = said(
    f"{TRUE} {{mark}}.",
    "It was sold for 4,300 crowns {mark}.",
    "It was rebuilt in brick {mark}.",
    "Ada Brandt owned the mill {mark}.",
    pause=0.12,
)
WATCH = """() => {
  window.shown = {};
  new MutationObserver(() => {
    for (const mark of document.querySelectorAll("#conversation .mark")) {
      window.shown[mark.dataset.number + mark.dataset.turn] ??= Date.now() / 1000;
    }
  }).observe(document.body, { childList: true, subtree: true });
}"""


@pytest.fixture(scope="module")
def orsa() -> Iterator[rag.Footnote]:
    with behaviours.library() as docs:
        yield docs


@pytest.fixture
def seen(browser: Browser, orsa: rag.Footnote) -> Iterator[Visit]:
    with serving(orsa) as url:
        opened = visit(browser, url)
        yield opened
        orsa.write_with("")
        check_quiet(opened)
        opened.page.context.close()


def begin(seen: Visit, question: str) -> None:
    box = seen.page.get_by_role("textbox", name="Question")
    box.fill(question)
    box.press("Enter")


def test_sentences_appear_as_they_are_written_and_their_marks_lead_to_the_source(
    orsa: rag.Footnote, seen: Visit
) -> None:
    script, page = Script(WRITTEN), seen.page
    with speaking(script) as setting:
        orsa.write_with(setting)
        page.evaluate(WATCH)
        begin(seen, BURNED)
        page.locator("button.mark").first.click()
        expect(page.locator("mark.cited")).to_have_text("The old mill of Orsa burned in 1902.")
        expect(page.locator(".waiting")).to_contain_text("scripted is writing")  # still
        expect(page.locator("button.mark")).to_have_count(3)
        page.locator("footer").wait_for()
    ends = [at for at, piece in script.sent if piece.endswith("].")]
    shown = page.evaluate("Object.values(window.shown).sort()")
    assert statistics.median(now - ends[place] for place, now in zip((0, 2, 3), shown, strict=True)) < 0.5
    expect(page.locator("mark.cited")).to_have_count(1)  # where its reader was
    expect(page.locator(".answer")).to_have_text(
        "The mill of Orsa burned in 1902.1 It was rebuilt in brick.2 Ada Brandt owned the mill.3"
    )
    page.get_by_text("3 of 4 statements supported").click()
    expect(page.locator(".unsupported li")).to_have_text(["It was sold for 4,300 crowns."])
    expect(page.locator("footer")).to_contain_text("scripted read 6 of 6")


def test_I6_the_answer_is_that_of_python_also_after_a_reload(orsa: rag.Footnote, seen: Visit) -> None:
    with speaking(Script(WRITTEN)) as setting:
        orsa.write_with(setting)
        answer = orsa.ask(BURNED)
        seen.ask(BURNED)
        seen.page.locator("footer").wait_for()
    kept = seen.page.get_by_role("link", name="Save as JSON").get_attribute("href")
    told = json.loads(seen.page.request.get(f"{seen.page.url}{kept}").text())["turns"][0]["answer"]
    assert json.dumps(told, ensure_ascii=False) == json.dumps(asdict(answer), ensure_ascii=False)
    seen.page.reload()
    expect(seen.page.locator("button.mark")).to_have_count(3)
    expect(seen.page.get_by_text("3 of 4 statements supported")).to_be_visible()


def test_stop_ends_the_writing_and_the_documents_are_quoted(orsa: rag.Footnote, seen: Visit) -> None:
    def endless(prompt: Prompt) -> Iterator[bytes | str | float]:
        yield from WRITTEN(prompt)
        for _ in range(100):
            yield 0.1

    page = seen.page
    with speaking(Script(endless)) as setting:
        orsa.write_with(setting)
        begin(seen, BURNED)
        page.locator("button.mark").first.wait_for()
        page.get_by_role("button", name="Stop").click()
        expect(page.locator("#conversation")).to_contain_text(
            "You stopped scripted; these are your documents' own words."
        )
        expect(page.locator(".answer")).to_have_text("The old mill of Orsa burned in 1902.1")
        expect(page.locator(".waiting")).to_have_count(0)


def test_trouble_is_said_where_it_happened(orsa: rag.Footnote, seen: Visit) -> None:
    orsa.write_with("scripted@http://127.0.0.1:9/v1")
    seen.ask(BURNED)
    expect(seen.page.locator("#conversation")).to_contain_text("No language model answers at 127.0.0.1:9")
    expect(seen.page.locator(".answer")).to_contain_text("burned in 1902")


def test_a_model_is_chosen_in_the_page(orsa: rag.Footnote, seen: Visit) -> None:
    page = seen.page
    expect(page.locator("#writing")).to_contain_text("Answers quoted from the documents")
    page.locator("#writing summary").click()
    box = page.get_by_role("textbox", name="Language model")
    box.fill("llama3")
    page.get_by_role("button", name="Use").click()
    expect(page.locator("#writing .notice")).to_contain_text("name one as MODEL@http://host:port/v1")
    with speaking(Script(WRITTEN)) as setting:
        box.fill(setting)
        page.get_by_role("button", name="Use").click()
        expect(page.locator("#promise")).to_contain_text("scripted writes them. Nothing leaves this computer.")
        seen.ask(BURNED)
        expect(page.locator("button.mark")).to_have_count(3)
    page.locator("#writing summary").click()
    box.fill("llama3@https://models.example/v1")
    page.get_by_role("button", name="Use").click()
    expect(page.locator("#promise")).to_contain_text("Questions and passages go to models.example.")
    page.locator("#writing summary").click()
    page.get_by_role("button", name="Quote the documents instead").click()
    expect(page.locator("#promise")).to_contain_text("documents. Nothing leaves this computer.")
    assert orsa.writer is None


def test_a_follow_up_says_what_was_searched_for(seen: Visit) -> None:
    seen.ask(BURNED)
    expect(seen.page.locator(".searched")).to_have_count(0)
    seen.ask("Who rebuilt it?")
    expect(seen.page.locator(".searched")).to_have_text("Searched for: Who rebuilt the mill of Orsa?")
    expect(seen.page.locator(".answer").last).to_contain_text("the Norberg brothers")
    seen.page.reload()
    expect(seen.page.locator(".searched")).to_have_count(1)
