"""The page as a reader uses it, over a library of answers made by hand."""

import asyncio
import re
import time
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import APIResponse, Browser, Request, Route, expect
from starlette.types import Message, Receive, Scope, Send

from index.errors import FootnoteError
from index.formats import read
from index.formats.pdf import picture as picture_of
from index.sync import MAX_BYTES
from rag.conversations import every
from tests.browser import Visit, check_quiet, free_port, serving, visit
from tests.conftest import soon
from tests.fakes import DAM, FIRE, MILL, PLAIN, REBUILT, REPORT, FakeDocs, as_footnote, document, fake, quoting
from tests.test_pdf import pdf as printed
from web.export import answer_markdown
from web.guard import OWNER, Guard
from web.page import launch


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


def test_the_documents_column_is_put_away_and_taken_out(seen: Visit) -> None:
    page = seen.page
    expect(page.locator("#files .state").first).to_have_text("readyTXT, 1 KBMill")
    page.get_by_role("button", name="Hide").click()
    expect(page.locator("#files")).to_be_hidden()
    page.get_by_role("button", name="Show documents").click()
    expect(page.locator("#files")).to_be_visible()
    expect(page.get_by_role("button", name="Show documents")).to_be_hidden()


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


def test_a_question_asked_while_the_page_opens_is_answered_on_it(browser: Browser) -> None:
    """The browser learns last that the page is opened: what that shows is not drawn over the answer."""
    opening, held = 3, list[tuple[Route, APIResponse]]()  # of so many requests

    def hold(route: Route) -> None:
        if len(held) < opening:
            held.append((route, route.fetch()))
        else:
            route.continue_()

    with serving(as_footnote(fake())) as url:
        page = browser.new_context().new_page()
        page.route("**/queue/join*", hold)
        page.goto(url)
        box = page.get_by_role("textbox", name="Question")
        box.fill(FIRE.question)
        while len(held) < opening:
            page.wait_for_timeout(50)
        box.press("Enter")
        page.wait_for_timeout(500)
        for route, response in held:
            route.fulfill(response=response)
        page.wait_for_timeout(500)
        expect(page.locator(".answer")).to_contain_text("The mill burned in 1902.")
        page.context.close()


class _SlowToClose(Guard):
    """A network on which word that nothing is left to answer takes a while."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def sent(message: Message) -> None:
            if b'"close_stream"' in message.get("body", b""):
                await asyncio.sleep(1)
            await send(message)

        await super().__call__(scope, receive, sent)


def test_what_is_asked_while_the_answers_end_is_answered(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("web.page.Guard", _SlowToClose)
    with serving(as_footnote(fake())) as url:
        seen = visit(browser, url)
        page, streams = seen.page, list[Request]()
        page.on("request", lambda request: streams.append(request) if "/queue/data" in request.url else None)
        for event in ("requestfinished", "requestfailed"):
            page.on(event, lambda request: streams.remove(request) if request in streams else None)
        for _ in range(2):  # the second when the stream has been opened once more
            seen.ask(FIRE.question)
            page.wait_for_timeout(200)
            page.get_by_role("button", name="mill.txt", exact=True).click()
            expect(page.locator("#source h2")).to_have_text("Mill")
            page.get_by_role("button", name="report.pdf", exact=True).click()
            expect(page.locator("#source h2")).to_have_text("Report")
        for _ in range(200):
            page.wait_for_timeout(50)
            if not streams:
                break
        assert streams == []  # nothing is left open
        check_quiet(seen)
        page.context.close()


def test_documents_that_disagree_are_told_with_their_values_and_dates(seen: Visit) -> None:
    page = seen.page
    seen.ask(REBUILT.question)
    told = page.locator(".disagreement")
    expect(told.get_by_role("heading")).to_have_text("The documents disagree")
    expect(told.get_by_role("listitem")).to_have_text(["19021 mill.txt, 2001-02-03", "19312 report.pdf, 2002-02-03"])
    told.locator("button.mark").last.click()
    expect(page.locator("mark.cited")).to_have_text("in 1931")


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
    docs.library.picture = lambda document, number, span, _: picture_of(
        data, document.text, document.pages[number - 1], span
    )
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
        page.get_by_role("button", name="Show the text").click()
        expect(page.locator("#shown")).to_be_in_viewport()
        page.get_by_role("button", name="Show the page").click()
        page.get_by_role("button", name="next footnote").click()
        expect(page.locator(".source-text")).to_have_text(PLAIN)
        expect(page.locator(".view")).to_have_count(0)
        address = f"{url}pages/2.png?document={dam.id}&version={dam.version}&start=0&end=5"
        assert page.context.request.get(address).headers["content-type"] == "image/png"
        for wrong in ("pages/3.png", "pages/0.png", "pages/x.png"):
            assert page.context.request.get(address.replace("pages/2.png", wrong)).status == 404
        assert page.context.request.get(address.replace("dam.pdf", "none.pdf")).status == 404
        assert page.context.request.get(f"{url}pages/1.png").status == 404
        assert "has changed" in page.context.request.get(address.replace(dam.sha256, "0" * 64)).text()
        check_quiet(seen)
        docs.documents = (MILL,)
        page.get_by_role("button", name="previous footnote").click()
        expect(page.locator("#source")).to_contain_text("is no longer in the library")
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


def test_a_long_document_is_read_on_where_its_reader_comes_to_the_end_of_a_part(browser: Browser) -> None:
    lines = [f"Line {n} of a long document.\n" for n in range(12_000)]
    long = document("long.txt", "".join(lines))
    docs = FakeDocs((long,), (quoting("Where?", (long, "Line 6000 of"), (long, "Line 6900 of")),))
    with serving(as_footnote(docs)) as url:
        seen = visit(browser, url)
        page, text = seen.page, seen.page.locator(".source-text")
        seen.ask("Where?")
        page.locator("button.mark").first.click()
        expect(page.locator("#shown")).to_be_in_viewport()
        assert len(str(text.text_content())) < 60_000
        place = page.locator("#shown").bounding_box()
        column = page.locator("#source-column")
        for end in ("column.scrollHeight", "0"):
            held = len(str(text.text_content()))
            column.evaluate(f"column => column.scrollTop = {end}")
            page.wait_for_function("held => document.querySelector('.source-text').textContent.length > held", arg=held)
        whole = str(text.text_content())
        assert whole in long.text
        assert "Line 5000 of" in whole
        assert "Line 6900 of" in whole
        expect(page.locator("mark.other")).to_have_text("Line 6900 of")
        page.locator("#shown").scroll_into_view_if_needed()
        page.locator("button.mark").last.click()
        expect(page.locator("#shown")).to_have_text("Line 6900 of")
        expect(page.locator("#shown")).to_be_in_viewport()
        box = page.locator("#shown").bounding_box()
        assert place is not None
        assert box is not None
        assert abs(box["y"] - place["y"]) < 3
        check_quiet(seen)
        page.context.close()


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
    expect(card.locator("h3")).to_have_text("The documents don't say.")
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


def test_a_question_asked_before_the_page_has_loaded_is_shown_as_waiting_until_its_answer(browser: Browser) -> None:
    """What the page asks for when it opens comes back after the question was sent, and draws nothing over it."""

    class Slow(FakeDocs):
        def examples(self) -> tuple[str, ...]:
            time.sleep(1)
            return FakeDocs.examples(self)

    with serving(as_footnote(Slow((MILL,), (FIRE,), seconds=4))) as url:
        opened = visit(browser, url)
        opened.page.get_by_role("textbox", name="Question").fill(FIRE.question)
        opened.page.keyboard.press("Enter")
        opened.page.locator(".waiting").wait_for(state="attached")
        opened.page.wait_for_timeout(2_000)
        expect(opened.page.locator(".waiting")).to_be_attached()
        opened.page.locator("#conversation .answer").wait_for()
        opened.page.context.close()


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
            "empty.txt was not read: it is empty",
            "x.exe was not read: it is a <b>program</b>",
        ]
    )
    expect(page.locator("#promise")).to_contain_text("these 3 documents")
    page.locator("#files").get_by_role("button", name="new (1).txt").click()
    expect(page.locator(".source-text")).to_have_text("new")


def test_a_document_is_dropped(seen: Visit) -> None:
    page = seen.page
    files = page.evaluate_handle(
        "() => { const held = new DataTransfer(); held.items.add(new File(['new'], 'n.txt')); return held; }"
    )
    page.dispatch_event("#conversation", "drop", {"dataTransfer": files})
    page.dispatch_event("#files", "drop", {"dataTransfer": files})
    expect(page.locator("#reading p")).to_have_text(["n.txt is ready"])
    expect(page.locator("#files li")).to_have_count(4)
    words = """() => {
        const dataTransfer = new DataTransfer();
        dataTransfer.setData("text/plain", "words");
        const drop = new DragEvent("drop", { dataTransfer, bubbles: true, cancelable: true });
        return document.querySelector("#question textarea").dispatchEvent(drop);
    }"""
    assert page.evaluate(words)  # nothing keeps the box from taking them


def test_what_was_added_can_be_removed(seen: Visit) -> None:
    page = seen.page
    expect(page.locator(".removal")).to_have_count(0)
    page.locator("input[type=file]").set_input_files({"name": "n.txt", "mimeType": "text/plain", "buffer": b"new"})
    page.locator(".removal summary").click()
    page.get_by_role("button", name="Remove it for good").click()
    expect(page.locator("#reading")).to_have_text("n.txt is removed")
    expect(page.locator("#files li")).to_have_count(3)
    expect(page.locator("#promise")).to_contain_text("these 2 documents")


def test_a_removed_document_is_no_longer_asked_alone(seen: Visit) -> None:
    page = seen.page
    page.locator("input[type=file]").set_input_files({"name": "n.txt", "mimeType": "text/plain", "buffer": b"new"})
    page.get_by_label("Ask only n.txt").check()
    expect(page.locator("#scope")).to_contain_text("Asking only n.txt")
    page.locator(".removal summary").click()
    page.get_by_role("button", name="Remove it for good").click()
    expect(page.locator("#scope")).to_have_text("")
    seen.ask(FIRE.question)
    expect(page.locator("section footer")).not_to_contain_text("asked only")


def test_what_is_asked_and_ticked_while_a_document_is_read_stays(browser: Browser) -> None:
    docs = fake(seconds=1.0)
    with serving(as_footnote(docs)) as url:
        seen = visit(browser, url)
        page = seen.page
        page.locator("input[type=file]").set_input_files({"name": "n.txt", "mimeType": "text/plain", "buffer": b"new"})
        expect(page.locator("#reading")).to_contain_text("Reading n.txt")
        page.get_by_label("Ask only mill.txt").check()
        docs.seconds = 0.0
        seen.ask(FIRE.question)
        expect(page.locator("#reading")).to_contain_text("n.txt is ready")
        expect(page.locator("#files")).to_contain_text("n.txt")
        expect(page.get_by_label("Ask only mill.txt")).to_be_checked()
        expect(page.locator(".question")).to_have_text([FIRE.question])
        check_quiet(seen)
        page.context.close()


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
    expect(seen.page.locator(".waiting p")).to_have_text("Looking through the documents")
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
        assert bob.page.context.request.get(url + link, headers={OWNER: "0" * 64}).status == 404
        assert httpx.get(url + link, headers={OWNER: "0" * 64}).status_code == 403
        for seen in (alice, bob):
            seen.page.context.close()


def test_of_a_long_conversation_the_last_questions_are_drawn_and_the_others_where_they_are_wanted(seen: Visit) -> None:
    sections = seen.page.locator("#conversation .turns > section")
    for number in range(1, 12):
        seen.ask(f"hello {number}")
        expect(sections.last).to_contain_text(f"You said: hello {number}")
    expect(sections).to_have_count(10)
    expect(sections.last).to_be_in_viewport()
    seen.page.get_by_role("button", name="Show the earlier question").click()
    expect(sections).to_have_count(11)
    expect(sections.first).to_contain_text("hello 1")
    seen.ask("hello 12")
    expect(sections.last).to_contain_text("You said: hello 12")
    expect(sections).to_have_count(10)
    expect(sections.last).to_be_in_viewport()


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


def test_a_verdict_moves_nothing(seen: Visit) -> None:
    page, column = seen.page, seen.page.locator("#conversation")
    for question in (FIRE.question, DAM.question, "Where is the owner buried?", FIRE.question):
        seen.ask(question)
    page.get_by_text("How was this found?").first.click()
    column.evaluate("column => column.scrollTop = 0")
    page.get_by_role("button", name="Yes").first.press("Enter")
    expect(page.get_by_role("button", name="Yes").first).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_role("button", name="Yes").first).to_be_focused()
    expect(page.locator("details tbody").first).to_be_visible()
    page.get_by_role("button", name="Copy").first.click()
    page.wait_for_timeout(300)
    assert column.evaluate("column => column.scrollTop") < 50


def test_who_turns_away_no_longer_waits(browser: Browser) -> None:
    docs = fake()
    with serving(as_footnote(docs)) as url:
        seen = visit(browser, url)
        page = seen.page
        seen.ask(FIRE.question)
        docs.seconds = 1.0
        page.get_by_label("Question").fill(DAM.question)
        page.get_by_role("button", name="Ask").click()
        page.locator(".waiting").wait_for()
        page.locator(".past > summary").click()
        page.locator(".past [data-event=clear]").click()
        expect(page.locator(".example")).to_have_count(2)
        soon(lambda: [len(each.turns) for each in every(docs.library.home)] == [2])
        page.wait_for_timeout(300)
        expect(page.locator(".example")).to_have_count(2)
        page.reload()  # the question was kept where it was asked
        expect(page.locator(".question")).to_have_text([FIRE.question, DAM.question])
        page.context.close()


def test_what_is_deleted_while_a_question_is_answered_stays_deleted(browser: Browser) -> None:
    """The question goes on in a conversation that its reader has turned away from, and then deletes."""
    docs = fake()
    with serving(as_footnote(docs)) as url:
        seen = visit(browser, url)
        page, box = seen.page, seen.page.get_by_role("textbox", name="Question")
        seen.ask(FIRE.question)
        docs.seconds = 2.0
        box.fill(DAM.question)
        box.press("Enter")
        page.locator(".waiting").wait_for()
        page.locator(".past > summary").click()
        page.locator(".past [data-event=clear]").click()
        expect(box).to_have_value("")
        page.locator(".past > summary").click()
        page.locator(".past li summary").click()
        page.get_by_role("button", name="Delete for good").click()
        expect(page.locator(".past li")).to_have_count(0)
        page.wait_for_timeout(2500)
        page.reload()
        expect(page.locator(".example")).to_have_count(2)
        expect(page.locator(".past li")).to_have_count(0)
        check_quiet(seen)
        page.context.close()


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


def test_the_page_is_there_after_little_was_asked_for(browser: Browser) -> None:
    with serving(as_footnote(fake())) as url:
        seen = visit(browser, url)
        expect(seen.page.locator(".example").first).to_be_visible()
        assert len(seen.urls) < 80  # 55 here; each costs a page that is far away a moment
        seen.page.context.close()


def test_a_source_that_changed_is_not_marked(browser: Browser) -> None:
    docs = fake()
    with serving(as_footnote(docs)) as url:
        seen = visit(browser, url)
        seen.ask(FIRE.question)
        docs.documents = (document("mill.txt", f"They say: {PLAIN} So they say."),)
        seen.page.locator("button.mark").first.click()
        expect(seen.page.locator("mark.cited")).to_have_text("The mill burned in 1902.")
        expect(seen.page.locator("mark.other")).to_have_text("The owner was Ada Brandt.")
        expect(seen.page.locator("#source header")).to_contain_text("This document has changed; the words stand here")
        docs.documents = (document("mill.txt", f"{PLAIN} {PLAIN}".replace("The", "Again: the")),)
        seen.page.locator("button.mark").first.click()
        expect(seen.page.locator("#source")).to_contain_text("This document has changed since the answer was given")
        docs.documents = (document("mill.txt", "A new text."),)
        seen.page.locator("button.mark").first.click()
        expect(seen.page.locator("#source")).to_contain_text("This document has changed since the answer was given")
        docs.documents = ()
        seen.page.locator("button.mark").first.click()
        expect(seen.page.locator("#source")).to_contain_text("is no longer in the library")
        seen.page.context.close()


def test_a_taken_port_is_said() -> None:
    with (
        serving(as_footnote(fake())) as url,
        pytest.raises(FootnoteError, match=r"address already in use.*--port"),
    ):
        launch(as_footnote(fake()), port=urlsplit(url).port or 0)


def test_a_file_chosen_while_another_is_read_waits_its_turn(browser: Browser) -> None:
    with serving(as_footnote(fake(seconds=1.0))) as url:
        seen = visit(browser, url)
        picker = seen.page.locator("input[type=file]")
        for name in ("first.txt", "second.txt"):
            picker.set_input_files({"name": name, "mimeType": "text/plain", "buffer": name.encode()})
            seen.page.wait_for_timeout(300)
        for name in ("first.txt", "second.txt"):
            expect(seen.page.locator("#files")).to_contain_text(name)


def test_a_question_is_stopped_and_goes_back_into_its_box(browser: Browser) -> None:
    docs = fake(seconds=3)
    with serving(as_footnote(docs)) as url:
        seen = visit(browser, url)
        page, box = seen.page, seen.page.get_by_role("textbox", name="Question")
        box.fill(FIRE.question)
        box.press("Enter")
        page.locator(".waiting").get_by_role("button", name="Stop").click()
        expect(box).to_have_value(FIRE.question)
        expect(page.locator("#conversation section")).to_have_count(0)
        docs.seconds = 0
        box.press("Enter")
        expect(page.locator(".answer")).to_have_count(1)
        page.wait_for_timeout(3_500)  # the one stopped is done by now
        page.reload()
        expect(page.locator(".answer")).to_have_count(1)
        check_quiet(seen)
        page.context.close()
