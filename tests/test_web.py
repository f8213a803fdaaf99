"""The chat page over a fake library: what is shown, and that text stays text. `pytest tests/test_web.py`."""

import re
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from tempfile import mkdtemp
from types import SimpleNamespace
from typing import cast
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, expect

from index.catalog import File
from index.document import Document, Page, Span
from index.errors import FootnoteError, LibraryError, QuestionError, Refused
from index.formats import read
from index.passages import Passage
from index.sync import MAX_BYTES
from rag.answer import Answer, Footnote, Statement
from rag.cite import Citation
from rag.retrieve import Hit
from tests.browser import Visit, chromium, free_port, serving, visit
from tests.test_formats import pdf as printed
from web import viewer
from web.export import answer_markdown
from web.guard import OWNER
from web.page import launch

# Each would run, load, link, format or reorder if anything on the way took text for something else.
PAYLOADS = (
    "${alert(1)}",
    "`${alert(2)}`",
    "{{constructor.constructor('alert(3)')()}}",
    "{{{value}}} {{#each value}}x{{/each}}",
    "<script>alert(4)</script>",
    "<img src=x onerror=alert(5)>",
    "</mark></article><h1>not a heading</h1>",
    '"><button data-event="clear">clear</button>',
    "[a](javascript:alert(6)) ![b](https://example.org/c.png)",
    "$x^2$ $$\\frac{1}{2}$$ \\(y\\)",
    "**bold** # _it_ `code` &amp; &lt;b&gt; \\n \\u0041 '\"",
    "emoji 👩‍👩‍👧 🇩🇪 é é",
    "RTL שלום עולם مرحبا بالعالم",
    "@children {value} %s $& $1 $$ $`",
)
HOSTILE = "\n".join(PAYLOADS)
PLAIN = "The mill burned in 1902. It was rebuilt in brick the year after. The owner was Ada Brandt."


def document(name: str, text: str, pages: tuple[Page, ...] = ()) -> Document:
    return Document(f"seeds/{name}", name.rpartition(".")[0].title(), text, "0" * 64, "text/plain", pages)


def hit_of(source: Document, rank: int, start: int, end: int) -> Hit:
    page = next((page.number for page in source.pages if page.start <= start < page.end), None)
    passage = Passage(
        f"{source.id}#{start}-{end}",
        source.id,
        source.text[start:end],
        start,
        end,
        page,
        "",
        (Span(start, end),),
    )
    return Hit(passage, 1 / rank, rank, rank, None if rank % 2 else rank, 0.9 / rank)


def quoting(question: str, *quotes: tuple[Document, str], short: str = "") -> Answer:
    """The answer that says each quote in turn, from a passage that is the whole document."""
    text = " ".join(quote for _, quote in quotes)
    hits = [hit_of(source, rank, 0, len(source.text)) for rank, (source, _) in enumerate(quotes, start=1)]
    citations, statements, at = [], [], 0
    for number, ((source, quote), hit) in enumerate(zip(quotes, hits, strict=True), start=1):
        start = source.text.index(quote)
        citations.append(
            Citation(number, source.id, hit.passage.id, start, start + len(quote), quote, hit.passage.page)
        )
        statements.append(Statement(Span(at, at + len(quote)), (number,), "verbatim", 0.9))
        at += len(quote) + 1
    found = text.index(short) if short else 0
    return Answer(
        question,
        question,
        "answered",
        text,
        Span(found, found + len(short)) if short else None,
        tuple(statements),
        (),
        tuple(citations),
        tuple(hits),
        0.9,
        "",
        "extract",
    )


def abstaining(question: str, reason: str, hits: tuple[Hit, ...]) -> Answer:
    return Answer(question, question, "abstained", "", None, (), (), (), hits, 0.1, reason, "extract")


def helping(question: str) -> Answer:
    text = f"Ask about your documents. You said: {question}"
    return Answer(question, question, "answered", text, None, (), (), (), (), 1.0, "", "help")


@dataclass
class FakeDocs:
    """A library of given documents: it answers what it was told to, greets on "hello", else abstains."""

    documents: tuple[Document, ...]
    answers: tuple[Answer, ...] = ()
    refused: tuple[File, ...] = ()
    seconds: float = 0.0
    reason: str = "No passage speaks of that."
    added: list[str] = field(default_factory=list)
    asked_of: list[Collection[str] | None] = field(default_factory=list)
    library: SimpleNamespace = field(default_factory=lambda: SimpleNamespace(home=Path(mkdtemp())))

    def ask(self, question: str, *, documents: Collection[str] | None = None) -> Answer:
        self.asked_of.append(documents)
        time.sleep(self.seconds)
        if not question.strip():
            raise QuestionError("The question is empty: type one.")
        if question.startswith("hello"):
            return helping(question)
        known = {answer.question: answer for answer in self.answers}
        closest = tuple(hit_of(each, rank, 0, len(each.text)) for rank, each in enumerate(self.documents, start=1))
        return known.get(question) or abstaining(question, self.reason, closest)

    def document(self, document_id: str) -> Document:
        for each in self.documents:
            if each.id == document_id:
                return each
        raise KeyError(document_id)

    def files(self) -> tuple[File, ...]:
        ready = tuple(
            File(each.id, len(each.text), 0, each.sha256, "indexed", "", each.title) for each in self.documents
        )
        return ready + self.refused

    def add(self, name: str, data: bytes) -> File:
        time.sleep(self.seconds)
        self.added.append(name)
        if name.endswith(".exe"):
            raise Refused("it is a <b>program</b>")
        if not data:
            return File(f"uploads/{name}", 0, 0, "", "refused", "it is empty")
        new = Document(f"uploads/{name}", name, data.decode(), "0" * 64, "text/plain")
        self.documents = (*self.documents, new)
        return File(new.id, len(data), 0, new.sha256, "indexed", "", new.title)

    def remove(self, id: str) -> None:
        if not id.startswith("uploads/"):
            raise LibraryError("mill.txt lies in seeds; delete it there.")
        self.document(id)
        self.documents = tuple(each for each in self.documents if each.id != id)

    def examples(self) -> tuple[str, ...]:
        return tuple(answer.question for answer in self.answers)[:4]


MILL = document("mill.txt", PLAIN)
REPORT = document(
    "report.pdf",
    "The dam is 40 m high.\nIt was built in 1931.\n🚰 It holds 3 km³.",
    (Page(1, 0, 22), Page(2, 22, 60)),
)
EVIL = document("<img src=x onerror=alert(7)>.txt", HOSTILE)
FIRE = quoting(
    "When did the mill burn?",
    (MILL, "The mill burned in 1902."),
    (MILL, "The owner was Ada Brandt."),
    short="1902",
)
DAM = quoting(
    "What does the dam hold?",
    (REPORT, "🚰 It holds 3 km³."),
    (MILL, "It was rebuilt in brick the year after."),
)
BAD = File("seeds/scan.pdf", 12, 0, "", "refused", "no text was found in it")
NO_SCRIPT = ("script", "img", "h1", "iframe", "a")


def fake(*, seconds: float = 0.0) -> FakeDocs:
    return FakeDocs((MILL, REPORT), (FIRE, DAM), (BAD,), seconds)


def as_footnote(docs: FakeDocs) -> Footnote:
    return cast(Footnote, docs)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def seen(browser: Browser) -> Iterator[Visit]:
    """A visit to the page over `fake()`; afterwards nothing may have gone wrong or gone out."""
    with serving(as_footnote(fake())) as url:
        seen = visit(browser, url)
        yield seen
        check_quiet(seen)
        seen.page.context.close()


def check_quiet(seen: Visit) -> None:
    """Nothing left this computer, nothing failed, nothing popped up."""
    assert {urlsplit(url).hostname for url in seen.urls if not url.startswith(("data:", "blob:"))} == {"127.0.0.1"}
    assert seen.errors == []
    assert seen.dialogs == []


# The page as a reader uses it


def test_the_first_page(seen: Visit) -> None:
    page = seen.page
    expect(page.locator("#promise")).to_contain_text(
        "Answers come only from these 2 documents. Nothing leaves this computer."
    )
    expect(page.locator("#files li")).to_have_count(3)
    expect(page.locator("#files")).to_contain_text("scan.pdf")
    expect(page.locator("#files")).to_contain_text("refused: no text was found in it")
    expect(page.locator(".example")).to_have_text([FIRE.question, DAM.question])
    expect(page.locator("footer:visible")).to_have_count(0)


def test_a_footnote_shows_its_exact_quote(seen: Visit) -> None:
    page = seen.page
    seen.ask(FIRE.question)
    answer = page.locator(".answer")
    assert answer.text_content() == "The mill burned in 1902.1 The owner was Ada Brandt.2"
    expect(answer.locator("strong")).to_have_text("1902")
    told = page.locator("section footer > .quiet > span")
    expect(told).to_have_text(re.compile(r"^1 passage, 1 document · [\d,]+ ms$"))
    expect(page.get_by_label("Question")).to_have_value("")
    for citation in FIRE.citations:
        page.get_by_role("button", name=f'footnote {citation.number}: mill.txt, "{citation.quote}"').click()
        expect(page.locator("mark.cited")).to_have_text(citation.quote)
        assert page.locator("mark.cited").text_content() == citation.quote
        expect(page.locator("#source .where")).to_contain_text(f"Footnote {citation.number}")
    assert page.locator("mark.other").text_content() == FIRE.citations[0].quote
    assert page.locator(".source-text").text_content() == MILL.text


def test_a_footnote_after_an_emoji_on_page_two(seen: Visit) -> None:
    page = seen.page
    seen.ask(DAM.question)
    page.locator("button.mark").first.click()
    expect(page.locator("mark.cited")).to_have_text(DAM.citations[0].quote)
    expect(page.locator("#source h2")).to_have_text("Report")
    assert page.locator(".source-text").text_content() == REPORT.text
    page.get_by_role("button", name="next footnote").click()
    expect(page.locator("mark.cited")).to_have_text(DAM.citations[1].quote)
    expect(page.get_by_role("button", name="next footnote")).to_be_disabled()


def test_a_pdf_is_shown_as_it_is_printed(browser: Browser) -> None:
    data = printed("The dam is 40 m high.", "It was built in 1931.")
    dam = read("seeds/dam.pdf", data)
    docs = FakeDocs((dam, MILL), (quoting("When?", (dam, "built in 1931"), (MILL, "in brick")),))
    docs.library.file_bytes = {dam.id: data}.__getitem__
    with serving(as_footnote(docs)) as url:
        seen = visit(browser, url)
        page, picture = seen.page, seen.page.locator(".picture")
        seen.ask("When?")
        page.locator("button.mark").first.click()
        expect(page.locator(".source-text")).to_be_visible()
        page.get_by_role("button", name="Show the page").click()
        expect(picture).to_be_visible()
        expect(page.locator(".source-text")).to_be_hidden()
        page.wait_for_function("document.querySelector('.picture').naturalWidth > 500")
        page.get_by_role("button", name="next footnote").click()
        expect(page.locator(".source-text")).to_have_text(PLAIN)
        expect(page.locator(".view")).to_have_count(0)
        address = f"{url}pages/2.png?document={dam.id}&start=0&end=5"
        assert page.context.request.get(address).headers["content-type"] == "image/png"
        for wrong in ("pages/3.png", "pages/0.png", "pages/x.png"):
            assert page.context.request.get(address.replace("pages/2.png", wrong)).status == 404
        assert page.context.request.get(address.replace("dam.pdf", "none.pdf")).status == 404
        assert page.context.request.get(f"{url}pages/1.png").status == 404
        check_quiet(seen)
        page.context.close()


def test_the_cited_span_stands_in_the_upper_third(browser: Browser) -> None:
    long = document("long.txt", "".join(f"Line {n} of a long document.\n" for n in range(2000)))
    docs = FakeDocs((long,), (quoting("Where?", (long, "Line 1500 of a long document.")),))
    with serving(as_footnote(docs)) as url:
        for width in (1280, 390):
            seen = visit(browser, url, width=width)
            seen.ask("Where?")
            for _ in range(2):
                if width < 900:
                    seen.page.get_by_role("button", name="Chat").click()
                seen.page.locator("button.mark").click()
                expect(seen.page.locator("#shown")).to_be_in_viewport()
                seen.page.wait_for_timeout(100)
                box = seen.page.locator("#shown").bounding_box()
                assert box is not None
                assert 150 < box["y"] < 800 * 0.5
                seen.page.locator("#source-column").evaluate("column => column.scrollTop = 0")
            check_quiet(seen)
            seen.page.context.close()


def test_how_it_was_found(seen: Visit) -> None:
    page = seen.page
    seen.ask(DAM.question)
    page.get_by_text("How was this found?").click()
    rows = page.locator("details tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.nth(0).locator("td")).to_have_text(["1", re.compile("report.pdf, page 1"), "1", "–", "0.90", "1"])
    rows.nth(1).locator("button").click()
    expect(page.locator("mark.passage").first).to_be_visible()
    assert page.locator(".source-text").text_content() == MILL.text


def test_a_footnote_has_a_card(seen: Visit) -> None:
    page = seen.page
    seen.ask(DAM.question)
    card, marks = page.locator("#card"), page.locator("button.mark")
    expect(card).to_be_hidden()
    marks.first.hover()
    expect(card.locator("q")).to_have_text(DAM.citations[0].quote)
    expect(card.locator("cite")).to_have_text("report.pdf, page 1")
    page.keyboard.press("Escape")
    expect(card).to_be_hidden()
    page.get_by_label("Question").focus()
    page.keyboard.press("Shift+Tab")
    while not page.evaluate("document.activeElement.matches('.mark')"):
        page.keyboard.press("Shift+Tab")
    expect(card.locator("q")).to_have_text(DAM.citations[1].quote)
    page.get_by_label("Question").focus()
    expect(card).to_be_hidden()


def test_an_answer_is_copied_as_markdown(seen: Visit) -> None:
    page = seen.page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    seen.ask(FIRE.question)
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == answer_markdown(FIRE)


def test_an_abstention_says_why_and_what_is_closest(seen: Visit) -> None:
    page = seen.page
    seen.ask("Who is the mayor?")
    card = page.locator(".abstention")
    expect(card.locator("h4")).to_have_text("The documents don't say.")
    expect(card).to_contain_text("No passage speaks of that.")
    expect(card.locator("button")).to_have_count(2)
    expect(page.locator(".mark")).to_have_count(0)
    card.locator("button").first.click()
    expect(page.locator("mark.passage")).to_have_text(MILL.text)


def test_help_has_no_footnotes(seen: Visit) -> None:
    seen.ask("hello")
    expect(seen.page.locator(".help")).to_have_text("Ask about your documents. You said: hello")
    expect(seen.page.locator("section footer, section .mark")).to_have_count(0)


def test_trouble_is_said_in_place_and_the_question_stays(seen: Visit) -> None:
    page = seen.page
    seen.ask("   ")
    expect(page.locator("#notice")).to_have_text("The question is empty: type one.")
    expect(page.get_by_label("Question")).to_have_value("   ")
    expect(page.locator(".example")).to_have_count(2)
    seen.ask(FIRE.question)
    expect(page.locator("#notice")).to_have_text("")


def test_examples_and_clear(seen: Visit) -> None:
    page = seen.page
    page.locator(".example").first.click()
    expect(page.locator(".question")).to_have_text(FIRE.question)
    expect(page.locator(".example")).to_have_count(0)
    page.get_by_role("button", name="New conversation").last.click()
    expect(page.locator(".example")).to_have_count(2)
    expect(page.locator(".question")).to_have_count(0)


def test_a_document_is_added_or_refused_for_a_reason(seen: Visit) -> None:
    page = seen.page
    picker = page.locator("input[type=file]")
    assert ".pdf" in str(picker.get_attribute("accept"))
    picker.set_input_files(
        [
            {"name": "new (1).txt", "mimeType": "text/plain", "buffer": b"new"},
            {"name": "empty.txt", "mimeType": "text/plain", "buffer": b""},
            {"name": "x.exe", "mimeType": "text/plain", "buffer": b"MZ"},
        ]
    )
    expect(page.locator("#reading p")).to_have_text(
        [
            "new (1).txt is ready",
            "empty.txt was refused: it is empty",
            "x.exe was refused: it is a <b>program</b>",
        ]
    )
    expect(page.locator("#promise")).to_contain_text("these 3 documents")
    page.locator("#files").get_by_role("button", name="new (1).txt").click()
    expect(page.locator(".source-text")).to_have_text("new")


def test_what_was_added_can_be_removed(seen: Visit) -> None:
    page = seen.page
    expect(page.locator(".removal")).to_have_count(0)
    page.locator("input[type=file]").set_input_files({"name": "n.txt", "mimeType": "text/plain", "buffer": b"new"})
    page.locator(".removal summary").click()
    page.get_by_role("button", name="Remove it for good").click()
    expect(page.locator("#reading")).to_have_text("n.txt is removed")
    expect(page.locator("#files li")).to_have_count(3)
    expect(page.locator("#promise")).to_contain_text("these 2 documents")


def test_only_ticked_documents_are_asked(browser: Browser) -> None:
    docs = fake()
    with serving(as_footnote(docs)) as url:
        seen = visit(browser, url)
        page = seen.page
        seen.ask(FIRE.question)
        page.get_by_label("Ask only report.pdf").check()
        expect(page.locator("#scope")).to_contain_text("Asking only report.pdf")
        seen.ask(DAM.question)
        expect(page.locator("section footer").last).to_contain_text("asked only of report.pdf")
        page.get_by_role("button", name="Ask all documents").click()
        expect(page.get_by_label("Ask only report.pdf")).not_to_be_checked()
        expect(page.locator("#scope")).to_have_text("")
        seen.ask(FIRE.question)
        assert [list(each or ()) for each in docs.asked_of] == [[], ["seeds/report.pdf"], []]
        check_quiet(seen)
        page.context.close()


def test_a_long_list_of_documents_is_searched(browser: Browser) -> None:
    docs = FakeDocs(tuple(document(f"paper-{n}.txt", "text") for n in range(30)))
    with serving(as_footnote(docs)) as url:
        seen = visit(browser, url)
        seen.page.get_by_label("Find a document").fill("PAPER-2")
        expect(seen.page.locator("#files li:visible")).to_have_count(11)
        check_quiet(seen)
        seen.page.context.close()


def test_a_file_too_large_is_refused_in_place(seen: Visit, tmp_path: Path) -> None:
    large = tmp_path / "large.txt"
    with large.open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    seen.page.locator("input[type=file]").set_input_files(large)
    expect(seen.page.locator("#documents .trouble")).to_have_text(
        "large.txt is larger than 64 MB; split it and add the parts."
    )


def test_waiting_is_said_and_a_dead_server_too(browser: Browser) -> None:
    page = launch(as_footnote(fake(seconds=1.0)), port=free_port())
    seen = visit(browser, page.local_url)
    seen.page.get_by_label("Question").fill(FIRE.question)
    seen.page.get_by_role("button", name="Ask").click()
    expect(seen.page.locator(".waiting")).to_have_text("Looking through the documents")
    expect(seen.page.locator(".answer")).to_be_visible()
    page.close(verbose=False)
    seen.page.get_by_label("Question").fill(DAM.question)
    seen.page.get_by_role("button", name="Ask").click()
    expect(seen.page.locator("#chat .trouble")).to_contain_text("Footnote did not answer")
    expect(seen.page.get_by_label("Question")).to_have_value(DAM.question)
    seen.page.context.close()


def test_a_conversation_is_kept_reopened_renamed_and_deleted(seen: Visit) -> None:
    page, past = seen.page, seen.page.locator(".past")
    expect(past).to_have_count(0)
    seen.ask(FIRE.question)
    seen.ask(DAM.question)
    page.reload()
    expect(page.locator(".question")).to_have_text([FIRE.question, DAM.question])
    page.locator("button.mark").first.click()
    expect(page.locator("mark.cited")).to_have_text(FIRE.citations[0].quote)
    page.get_by_role("button", name="New conversation").last.click()
    expect(page.locator(".example")).to_have_count(2)
    seen.ask("hello")
    past.locator("> summary").click()
    expect(past.locator("[data-event=reopen]")).to_have_text(["hello", FIRE.question])
    past.get_by_role("button", name=FIRE.question).click()
    expect(page.locator(".question")).to_have_text([FIRE.question, DAM.question])
    past.locator("> summary").click()
    past.locator("li details summary").first.click()
    past.get_by_label("Title").first.fill("Good <b>day</b>")
    past.get_by_role("button", name="Rename").first.click()
    expect(past.locator("[data-event=reopen]")).to_have_text(["Good <b>day</b>", FIRE.question])
    past.locator("> summary").click()
    past.locator("li details summary").last.click()
    past.get_by_role("button", name="Delete for good").last.click()
    expect(page.locator(".example")).to_have_count(2)
    expect(past.locator("[data-event=reopen]")).to_have_text(["Good <b>day</b>"])


def test_a_conversation_is_taken_away_by_its_own_reader_only(browser: Browser) -> None:
    with serving(as_footnote(fake())) as url:
        alice, bob = visit(browser, url), visit(browser, url)
        alice.ask(FIRE.question)
        with alice.page.expect_download() as saved:
            alice.page.get_by_role("link", name="Save as Markdown").click()
        assert saved.value.suggested_filename.startswith("When did the mill burn")
        assert answer_markdown(FIRE, "1-") in saved.value.path().read_text()
        link = str(alice.page.get_by_role("link", name="Save as JSON").get_attribute("href"))
        assert alice.page.context.request.get(url + link).json()["turns"][0]["answer"]["text"] == FIRE.text
        assert bob.page.context.request.get(url + link).status == 404
        assert httpx.get(url + link, headers={OWNER: "0" * 64}).status_code == 404
        for seen in (alice, bob):
            seen.page.context.close()


def test_an_answer_that_cannot_be_kept_is_shown_all_the_same(browser: Browser) -> None:
    docs = fake()
    (docs.library.home / "conversations.sqlite").write_bytes(b"none of ours" * 1000)
    with serving(as_footnote(docs)) as url:
        seen = visit(browser, url)
        seen.ask(FIRE.question)
        expect(seen.page.locator(".answer")).to_contain_text("The mill burned in 1902.")
        expect(seen.page.locator("#notice")).to_contain_text("Conversations cannot be kept")
        seen.ask(DAM.question)
        expect(seen.page.locator(".question")).to_have_text([FIRE.question, DAM.question])
        seen.page.context.close()


def test_an_answer_is_judged(seen: Visit) -> None:
    page = seen.page
    seen.ask(FIRE.question)
    page.get_by_role("button", name="Yes").click()
    expect(page.get_by_role("button", name="Yes")).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="Yes").click()
    expect(page.get_by_role("button", name="Yes")).to_have_attribute("aria-pressed", "false")
    page.locator("#files").get_by_role("button", name="mill.txt").click()
    expect(page.locator(".source-text")).to_have_text(PLAIN)
    select = """words => {
        const text = document.querySelector(".source-text").firstChild, start = text.data.indexOf(words);
        document.getSelection().setBaseAndExtent(text, start, text, start + words.length);
    }"""
    page.evaluate(select, "rebuilt in brick")
    expect(page.locator("#answers")).to_be_hidden()
    page.get_by_role("button", name="No", exact=True).click()
    expect(page.get_by_role("button", name="No", exact=True)).to_have_attribute("aria-pressed", "true")
    page.evaluate(select, "w")
    page.locator("#answers").click()
    expect(page.locator("#notice")).to_contain_text("stand in the document 3 times")
    page.evaluate(select, "It was rebuilt in brick the year after.")
    page.locator("#answers").click()
    expect(page.locator("#conversation")).to_contain_text("“It was rebuilt in brick the year after.” answers it.")
    page.reload()
    expect(page.locator("#conversation")).to_contain_text("“It was rebuilt in brick the year after.” answers it.")


def test_two_readers_have_two_conversations(browser: Browser) -> None:
    with serving(as_footnote(fake())) as url:
        first, second = visit(browser, url), visit(browser, url)
        first.ask(FIRE.question)
        second.ask("hello")
        first.ask(DAM.question)
        expect(first.page.locator(".question")).to_have_text([FIRE.question, DAM.question])
        expect(second.page.locator(".question")).to_have_text(["hello"])
        for seen in (first, second):
            check_quiet(seen)
            seen.page.context.close()


def test_everything_with_the_keyboard(seen: Visit) -> None:
    page = seen.page
    expect(page.get_by_label("Question")).to_be_focused()
    page.keyboard.type(FIRE.question)
    page.keyboard.press("Enter")
    page.locator("button.mark").first.wait_for()
    page.locator("button.mark").first.focus()
    page.keyboard.press("Enter")
    expect(page.locator("mark.cited")).to_have_text(FIRE.citations[0].quote)


def test_the_page_is_there_quickly(browser: Browser) -> None:
    with serving(as_footnote(fake())) as url:
        visit(browser, url).page.context.close()
        start = time.perf_counter()
        seen = visit(browser, url)
        expect(seen.page.locator(".example").first).to_be_visible()
        assert time.perf_counter() - start < 4
        seen.page.context.close()


# Text stays text


def test_hostile_text_is_shown_as_it_is(browser: Browser) -> None:
    answer = quoting("What does it say?", *((EVIL, payload) for payload in PAYLOADS))
    docs = FakeDocs(
        (EVIL,), (answer,), (File("seeds/{{x}}${alert(8)}.md", 1, 0, "", "refused", HOSTILE),), reason=HOSTILE
    )
    with serving(as_footnote(docs)) as url:
        seen = visit(browser, url)
        page = seen.page
        expect(page.locator("#files .state").last).to_have_text(f"refused: {HOSTILE}")
        seen.ask(answer.question)
        marks = page.locator("button.mark")
        for mark, citation in zip(marks.all(), answer.citations, strict=True):
            mark.click()
            expect(page.locator("#source .where")).to_contain_text(f"Footnote {citation.number}")
            page.wait_for_function(
                "quote => document.querySelector('mark.cited')?.textContent === quote", arg=citation.quote
            )
        assert page.locator(".source-text").text_content() == HOSTILE
        for payload in PAYLOADS:
            asked = page.locator("#conversation section").count()
            seen.ask(payload)
            section = page.locator("#conversation section").nth(asked)
            assert section.locator(".question").text_content() == payload
            assert section.locator(".abstention > p").first.text_content() == HOSTILE
        for column in (".turns", "#source", "#files", "#promise", "#past"):
            for tag in NO_SCRIPT:
                assert page.locator(f"{column} {tag}").count() == 0, (column, tag)
        check_quiet(seen)
        page.context.close()


def test_numbers_from_the_browser_are_not_trusted(seen: Visit) -> None:
    page = seen.page
    seen.ask(FIRE.question)
    for turn, number in (
        ("0", "1"),
        ("-1", "1"),
        ("9", "1"),
        ("1", "0"),
        ("1", "99"),
        ("1.5", "1"),
        ("x", "1"),
        ("", ""),
    ):
        page.locator("button.mark").first.evaluate(
            "(mark, [turn, number]) => { Object.assign(mark.dataset, { turn, number }); mark.click(); }",
            [turn, number],
        )
    page.locator("#files button").first.evaluate(
        "button => { button.dataset.document = '../../etc/passwd'; button.click(); }"
    )
    page.wait_for_timeout(500)
    expect(page.locator("#source")).to_have_text("Choose a footnote to read the passage it rests on.")
    expect(page.locator("#chat .trouble")).to_have_text("")


def test_a_source_that_changed_is_not_marked(browser: Browser) -> None:
    docs = fake()
    with serving(as_footnote(docs)) as url:
        seen = visit(browser, url)
        seen.ask(FIRE.question)
        docs.documents = (document("mill.txt", "A new text."),)
        seen.page.locator("button.mark").first.click()
        expect(seen.page.locator("#source")).to_contain_text("This document has changed since the answer was given")
        docs.documents = ()
        seen.page.locator("button.mark").first.click()
        expect(seen.page.locator("#source")).to_contain_text("is no longer in the library")
        seen.page.context.close()


# The server


def test_a_taken_port_is_said() -> None:
    with (
        serving(as_footnote(fake())) as url,
        pytest.raises(FootnoteError, match=r"address already in use.*--port"),
    ):
        launch(as_footnote(fake()), port=urlsplit(url).port or 0)


def test_only_what_the_page_asks_for_is_served() -> None:
    paths = (
        "gradio_api/file=https://example.org",
        "gradio_api/file=/etc/passwd",
        "gradio_api/proxy=https://example.org",
    )
    routes = ("openapi.json", "gradio_api/openapi.json", "gradio_api/info", "docs", "monitoring", "gradio_api/runs")
    with serving(as_footnote(fake())) as url, httpx.Client(base_url=url) as client:
        for path in paths + routes:
            assert client.get(path).status_code == 404, path
        assert client.post("gradio_api/component_server", json={}).status_code == 404
        assert client.get("", headers={"Host": "elsewhere.example"}).status_code == 421
        foreign = {"Origin": "http://elsewhere.example"}
        assert client.post("gradio_api/upload", headers=foreign).status_code == 403
        assert client.post("gradio_api/queue/join", json={"session_hash": "a"}).status_code == 403
        home = client.get("")
        assert home.status_code == 200
        assert client.post("gradio_api/queue/join", json=[]).status_code == 400
        assert client.post("gradio_api/queue/join", content=b"{" * 2**21).status_code == 413


def test_a_script_that_the_page_does_not_hold_is_not_run(seen: Visit) -> None:
    policy = httpx.get(seen.page.url).headers["content-security-policy"]
    scripts = policy.partition("script-src")[2].partition(";")[0]
    assert "sha256-" in scripts
    assert "unsafe-inline" not in scripts
    for order in ("frame-ancestors 'none'", "connect-src 'self'", "object-src 'none'"):
        assert order in policy
    seen.page.evaluate("document.body.append(Object.assign(document.createElement('script'), { text: 'alert(1)' }))")
    seen.page.evaluate("document.body.insertAdjacentHTML('beforeend', '<img src=data:, onerror=alert(2)>')")
    seen.page.wait_for_timeout(300)
    assert seen.dialogs == []
    assert any("Content Security Policy" in error for error in seen.errors)
    seen.errors.clear()


def test_a_stolen_session_name_opens_nothing(browser: Browser) -> None:
    with serving(as_footnote(fake())) as url:
        alice, bob = visit(browser, url), visit(browser, url)
        alice.ask(FIRE.question)
        with alice.page.expect_request("**/queue/join*") as clicked:
            alice.page.locator("button.mark").first.click()
        expect(alice.page.locator("#source")).to_contain_text(PLAIN)
        stolen = clicked.value.post_data_json

        def told(visitor: Visit) -> str:
            """What a browser hears when it sends Alice's click under the name of her session."""
            request = visitor.page.context.request
            assert request.post(f"{url}gradio_api/queue/join", data=stolen).ok
            return request.get(f"{url}gradio_api/queue/data?session_hash={stolen['session_hash']}").text()

        assert "The mill burned" in told(alice)
        assert "The mill burned" not in told(bob)
        for visitor in (alice, bob):
            visitor.page.context.close()


# The viewer alone


class _Text(HTMLParser):
    """All text of some HTML, and the text of its `#shown` mark."""

    def __init__(self) -> None:
        super().__init__()
        self.text, self.shown, self._inside = "", "", False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._inside = self._inside or ("id", "shown") in attrs

    def handle_endtag(self, tag: str) -> None:
        self._inside = self._inside and tag != "mark"

    def handle_data(self, data: str) -> None:
        self.text += data
        self.shown += data if self._inside else ""


@pytest.mark.parametrize("others", [[(0, 9)], [(4, 8)], [(6, 12)], [(0, 4), (3, 10)], [(5, 7)], []])
def test_overlapping_spans_leave_the_cited_one_whole(others: list[tuple[int, int]]) -> None:
    source = document("letters.txt", "abcdefghijklmnop")
    spans = [(5, 9), *others]
    citations = tuple(
        Citation(number, source.id, "p", start, end, source.text[start:end], None)
        for number, (start, end) in enumerate(spans, start=1)
    )
    answer = Answer("q", "q", "answered", "t", None, (), (), citations, (), 1.0, "", "extract")
    parsed = _Text()
    parsed.feed(viewer.source_of_citation(source, 1, answer, citations[0]))
    assert parsed.shown == "fghi"
    assert parsed.text.endswith(source.text)


def test_a_very_long_document_is_shown_around_the_passage() -> None:
    source = document("big.txt", "x" * 3_000_000 + "needle" + "y" * 3_000_000)
    answer = quoting("q", (source, "needle"))
    html = viewer.source_of_citation(source, 1, answer, answer.citations[0])
    assert len(html) < 1_000_000
    assert '<mark id="shown" class="cited">needle</mark>' in html
    assert "goes on before" in html
    assert "goes on after" in html


def test_no_documents_one_document() -> None:
    assert "no documents" in viewer.promise(())
    assert "only from this 1 document." in viewer.promise(fake().files()[:1])


def test_a_file_chosen_while_another_is_read_waits_its_turn(browser: Browser) -> None:
    with serving(as_footnote(fake(seconds=1.0))) as url:
        seen = visit(browser, url)
        picker = seen.page.locator("input[type=file]")
        for name in ("first.txt", "second.txt"):
            picker.set_input_files({"name": name, "mimeType": "text/plain", "buffer": name.encode()})
            seen.page.wait_for_timeout(300)
        for name in ("first.txt", "second.txt"):
            expect(seen.page.locator("#files")).to_contain_text(name)
