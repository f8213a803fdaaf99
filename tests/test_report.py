"""The report: a table, and a page of its own in which everything from outside is text."""

import re
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from playwright.sync_api import Browser, Page
from rich.console import Console

import rag
from eval import report, score
from eval.dataset import Evidence, Example
from eval.formats import own
from eval.run import Header, Run, load, run
from index.document import Span
from rag.cite import Citation
from tests.evaluation import ASKED, PASSAGES, SEEDS_SET, TEXT, UNANSWERABLE, answer, command, result

EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)>{{ 7*7 }} & \"'"


@pytest.fixture(scope="module")
def made(docs: rag.Footnote, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of some questions over seeds/, among them follow-ups and failures."""
    path = tmp_path_factory.mktemp("runs") / "some.jsonl"
    run(docs, own.read(SEEDS_SET, lambda id: docs.document(id).text).sample(40), "seeds", path)
    return path


class Tags(HTMLParser):
    """Collects tags and what they point at."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("src", "href", "xlink:href", "action")]


def parsed(page: str) -> Tags:
    tags = Tags()
    tags.feed(page)
    return tags


def test_the_command_prints_every_figure_and_writes_the_page(made: Path) -> None:
    code, said = command("report", made)
    assert code == 0
    outcomes = score.outcomes(load(made))
    for figure in score.figures(outcomes):
        assert figure.metric.name in said
        assert report.shown(figure.metric, figure.value) in said
    first = report.failures(outcomes)[0]
    assert f"40 questions, 162 of the set left out: {first.count} {first.name}" in " ".join(said.split())
    assert made.with_suffix(".html").exists()


def test_the_page_needs_no_network_and_no_script(made: Path) -> None:
    command("report", made)
    page = made.with_suffix(".html").read_text(encoding="utf-8")
    tags = parsed(page)
    assert page.count("<svg") == 4
    assert "script" not in tags.tags
    assert tags.links == []
    assert not re.search(r"url\((?!#)", page)


def test_every_failure_is_on_the_page_under_the_step_that_failed(made: Path) -> None:
    outcomes = score.outcomes(load(made))
    page = report.page("some", load(made), outcomes, score.figures(outcomes))
    groups = report.failures(outcomes)
    assert sum(group.count for group in groups) == sum(bool(outcome.step) for outcome in outcomes) > 5
    for group in groups:
        assert f"<b>{group.name}</b> ({group.count})" in page
        assert all(f"<small>{failure.id}</small>" in page for failure in group.failures)


def hostile_run() -> Run:
    """A run in which everything that comes from outside is HTML and a template."""
    example = Example("1", EVIL, True, (EVIL,), (Evidence(EVIL, EVIL, Span(0, 5)),), tags=(EVIL,))
    examples = tuple(replace(example, id=f"{EVIL}{number}") for number in range(3))
    hits = tuple(replace(hit, passage=replace(hit.passage, text=EVIL, document_id=EVIL)) for hit in answer().hits)
    said = replace(answer(30), text=EVIL, hits=hits)
    results = {each.id: result(each, said) for each in examples}
    return Run(Header(EVIL, 0, "", "", EVIL, examples), results)


def test_what_comes_from_outside_is_text_on_the_page() -> None:
    hostile = hostile_run()
    outcomes = score.outcomes(hostile)
    page = report.page(EVIL, hostile, outcomes, score.figures(outcomes))
    assert "script" not in parsed(page).tags
    assert "img" not in parsed(page).tags
    assert page.count("{{ 7*7 }}") > 10


def test_the_headline_tells_what_the_set_can_tell() -> None:
    def told(*examples: Example) -> str:
        run = Run(Header("set", 0, "", "", "", examples), {each.id: result(each, answer(12)) for each in examples})
        return report.headline(score.figures(score.outcomes(run)))

    assert told(ASKED).startswith("100.0 % of the questions that the documents answer are answered with the right foot")
    assert "refused" not in told(ASKED)
    assert "0.0 % of the others are refused" in told(ASKED, UNANSWERABLE)


def test_tags_are_text_in_the_terminal_too() -> None:
    tagged = tuple(replace(UNANSWERABLE, id=str(number), tags=("[/x] [red]",)) for number in range(3))
    run = Run(Header("set", 0, "", "", "", tagged), {})
    console = Console(record=True, width=100)
    console.print(report.tag_table(score.outcomes(run)))
    assert "[/x] [red]" in console.export_text()


def test_a_run_of_nothing_and_a_run_without_failures_have_pages() -> None:
    nothing = Run(Header("set", 0, "", "", "", (ASKED,)), {})
    outcomes = score.outcomes(nothing)
    page = report.page("none", nothing, outcomes, score.figures(outcomes))
    assert "<b>not asked</b> (1)" in page
    assert "0 questions of set, of 1" in page
    good = Run(
        Header("set", 0, "", "", "", (ASKED, UNANSWERABLE)),
        {"1": result(ASKED, answer(12)), "2": result(UNANSWERABLE, answer())},
    )
    outcomes = score.outcomes(good)
    assert "<p>None.</p>" in report.page("good", good, outcomes, score.figures(outcomes))


def test_of_thousands_of_failures_the_page_shows_some_and_says_so() -> None:
    examples = tuple(replace(UNANSWERABLE, id=str(number)) for number in range(150))
    many = Run(Header("set", 0, "", "", "", examples), {each.id: result(each, answer(30)) for each in examples})
    outcomes = score.outcomes(many)
    assert "<b>answered the unanswerable</b> (150, 100 shown)" in report.page(
        "many", many, outcomes, score.figures(outcomes)
    )


SPANS = st.tuples(st.integers(0, 99), st.integers(0, 99)).filter(lambda pair: pair[0] < pair[1])


@given(st.lists(SPANS, max_size=3), st.lists(SPANS, max_size=3))
def test_marks_leave_no_character_out_and_mark_what_is_cited_and_what_is_gold(
    cited: list[tuple[int, int]], gold: list[tuple[int, int]]
) -> None:
    passage = PASSAGES[3]
    citations = [Citation(1, "d", "", start, end, "", None) for start, end in cited]
    pieces = report.marked(passage, citations, [Evidence("d", "", Span(*pair)) for pair in gold])
    assert "".join(piece.text for piece in pieces) == passage.text == TEXT[30:40]
    at = passage.start
    for piece in pieces:
        for place in range(at, at + len(piece.text)):
            assert piece.cited == any(start <= place < end for start, end in cited)
            assert piece.gold == any(start <= place < end for start, end in gold)
        at += len(piece.text)


@pytest.fixture
def browser_page(made: Path, browser: Browser) -> Iterator[Page]:
    """The page of the run, in a browser that is told to say what it asks for."""
    command("report", made)
    page = browser.new_page(viewport={"width": 390, "height": 800})
    yield page
    page.close()


def test_in_a_browser_it_opens_whole_and_asks_for_nothing(browser_page: Page, made: Path) -> None:
    asked: list[str] = []
    said: list[str] = []
    browser_page.on("request", lambda request: asked.append(request.url))
    browser_page.on("console", lambda message: said.append(message.text))
    address = made.with_suffix(".html").absolute().as_uri()
    browser_page.goto(address)
    assert browser_page.locator("svg").count() == 4
    step = browser_page.locator("details.step").first
    step.locator("details summary").first.click()
    assert step.locator("details blockquote").first.is_visible()
    wide = browser_page.evaluate("document.documentElement.scrollWidth")
    assert wide <= 390
    assert (asked, said) == ([address], [])
