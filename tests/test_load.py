"""Many people at once, in small: what they wait for, what is said where the line is full, and what use makes grow."""

import os
from collections.abc import Collection, Iterator
from contextlib import ExitStack
from itertools import cycle
from threading import Event, Thread

import pytest
from playwright.sync_api import Browser, expect

from eval.bench.load import load
from eval.bench.soak import Sample, Soak, soak
from eval.bench.visitor import visiting
from rag.answer import Answer
from tests.browser import check_quiet, serving, visit
from tests.conftest import soon
from tests.fakes import DAM, FIRE, FakeDocs, as_footnote, fake
from web import desk, page
from web.line import Line


class Held(FakeDocs):
    """One that answers nothing until `go` is set."""

    go = Event()

    def ask(self, question: str, *, documents: Collection[str] | None = None) -> Answer:
        assert self.go.wait(250)
        return FakeDocs.ask(self, question, documents=documents)


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Held, Line, str]]:
    """A chat with a seat, and a place to wait for it; and that line."""
    line, docs = Line(1, longest=1), Held(**vars(fake()))
    monkeypatch.setattr(desk, "Line", lambda *_, **__: line)
    monkeypatch.setattr(Held, "go", Event())
    with serving(as_footnote(docs)) as url:
        yield docs, line, url
        docs.go.set()


def test_three_people_ask_at_once(chat: tuple[FakeDocs, str]) -> None:
    vars(chat[0]).update(vars(fake()))
    measured = load(chat[1], cycle([FIRE.question, DAM.question, "What is the capital of Mongolia?"]), 3)
    assert measured.count("answered") == len(measured.asked) == 3 * (40 // 3)
    assert 0 < measured.p50 <= measured.p95
    assert measured.pace > 0
    assert measured.unfairness >= 1


def test_a_full_line_is_said_at_once_and_the_question_kept(browser: Browser, slow: tuple[Held, Line, str]) -> None:
    docs, _, url = slow
    with ExitStack() as pages:
        first, second, third = (visit(browser, url) for _ in range(3))
        for each in (first, second, third):
            pages.callback(each.page.context.close)
        for number, each in enumerate((first, second)):
            each.page.get_by_label("Question").fill(FIRE.question)
            each.page.get_by_label("Question").press("Enter")
            said = ("Looking through the documents", "Waiting: 1 question first")[number]
            expect(each.page.locator(".waiting")).to_contain_text(said)
        box = third.page.get_by_role("textbox", name="Question")
        box.fill(DAM.question)
        box.press("Enter")
        expect(third.page.locator("#notice")).to_contain_text("More people are asking")
        expect(box).to_have_value(DAM.question)
        expect(third.page.locator(".waiting")).to_have_count(0)
        docs.go.set()
        for each in (first, second):
            expect(each.page.locator(".answer")).to_have_count(1)
        box.press("Enter")
        expect(third.page.locator(".answer")).to_have_count(1)
        expect(third.page.locator("#notice")).to_be_empty()
        for each in (first, second, third):
            check_quiet(each)


def test_so_is_that_gradio_has_more_to_do_than_it_keeps(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "_IN_LINE", 0)
    with serving(as_footnote(fake())) as url:
        seen = visit(browser, url)
        box = seen.page.get_by_role("textbox", name="Question")
        box.fill(FIRE.question)
        box.press("Enter")
        expect(seen.page.locator("#chat .trouble")).to_contain_text("More people are asking")
        expect(box).to_have_value(FIRE.question)
        seen.page.context.close()


def test_the_visitors_of_a_measurement_know_a_full_line(slow: tuple[Held, Line, str]) -> None:
    docs, line, url = slow
    with ExitStack() as pages:
        visitors = [pages.enter_context(visiting(url)) for _ in range(3)]
        asking = [Thread(target=each.ask, args=[FIRE.question]) for each in visitors[:2]]
        for each in asking:
            each.start()
        soon(lambda: bool(line._waiting))
        assert visitors[2].ask(DAM.question) == "full"
        docs.go.set()
        for each in asking:
            each.join()
        assert visitors[2].ask(DAM.question) == "answered"


def test_some_seconds_of_use(chat: tuple[FakeDocs, str]) -> None:
    vars(chat[0]).update(vars(fake()))
    told: list[Sample] = []
    seen = soak(os.getpid(), chat[1], 2.0, told.append)
    assert seen.samples == told
    assert seen.answers > 0
    assert seen.errors == 0
    assert all(each.megabytes > 50 and each.handles and each.threads for each in told)
    assert "file handles" in str(told[-1])


def test_growth_is_that_of_the_last_tenth_over_the_first_after_warming_up() -> None:
    cold = [Sample(0.0, 10.0, 1, 1, 0)] * 20
    warm = [Sample(0.0, 100.0 + place // 6, 5, 7, 0) for place in range(60)]
    seen = Soak([*cold, *warm])
    assert seen.growth(lambda each: each.megabytes) == pytest.approx(9.0)
    assert seen.growth(lambda each: each.threads) == 0
