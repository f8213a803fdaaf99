"""The viewer alone: values -> HTML."""

import json
import re
import time
from dataclasses import asdict, replace
from functools import partial
from html import escape
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from playwright.sync_api import Browser

from index.catalog import File
from index.document import Page, Span, canonical, printable
from index.sync import Progress
from rag.answer import Answer
from rag.chat import Conversation, Turn
from rag.cite import Citation
from tests.fakes import FIRE, document, fake, quoting
from web import export, viewer
from web.desk import leaves
from web.shelf import Known


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
    answer = Answer("q", "q", "answered", "t", citations=citations)
    parsed = _Text()
    parsed.feed(viewer.source_of_citation(source, Span(5, 9), turn=1, answer=answer, citation=citations[0]))
    assert parsed.shown == "fghi"
    assert parsed.text.endswith(source.text)


def test_a_very_long_document_is_shown_around_the_passage() -> None:
    source = document("big.txt", "x" * 3_000_000 + "needle" + "y" * 3_000_000)
    answer = quoting("q", (source, "needle"))
    (cited,) = answer.citations
    html = viewer.source_of_citation(source, Span(cited.start, cited.end), turn=1, answer=answer, citation=cited)
    assert len(html) < 50_000
    assert '<mark id="shown" class="cited">needle</mark>' in html


@given(
    length=st.integers(0, 90_000),
    border=st.integers(0, 90_000),
    spans=st.lists(st.tuples(st.integers(0, 90_000), st.integers(1, 50)), max_size=3),
)
def test_the_parts_of_a_document_are_all_of_it_and_each_once(
    length: int, border: int, spans: list[tuple[int, int]]
) -> None:
    source = document("big.txt", "".join(chr(97 + n % 26) for n in range(length)))
    border = min(border, length)
    tinted = [Span(start, start + width) for start, width in spans]
    read = {"before": "", "after": ""}
    for side in ("before", "after"):
        at: str | None = str(border)
        while at is not None:
            html = viewer.part(source, int(at), side, tinted)
            parsed = _Text()
            parsed.feed(html)
            read[side] = parsed.text + read[side] if side == "before" else read[side] + parsed.text
            more = re.search(rf"{side}=(\d+)", html)
            at = more[1] if more else None
    assert read["before"] == source.text[:border]
    assert read["after"] == source.text[border:]


@pytest.mark.parametrize(
    ("name", "told"), [("a.pdf", "PDF, 2 KB"), ("README", "2 KB"), ("v1.2/README", "2 KB"), ("a.tar.gz", "GZ, 2 KB")]
)
def test_a_file_is_told_by_its_suffix_and_size(name: str, told: str) -> None:
    listed = viewer.documents((File(f"docs/{name}", 2048, 0, "d", "indexed"),), ())
    assert f"<span>ready</span><span>{told}</span>" in listed


def test_what_was_not_read_of_a_file_stands_beside_it() -> None:
    told = 'no text was found on 1 of its 9 pages (4), as in a "scan"'
    listed = viewer.documents((File("docs/a.pdf", 2048, 0, "d", "indexed", told),), ())
    assert f'<span class="missed">{escape(told)}</span>' in listed


def test_no_documents_one_document() -> None:
    assert "no documents" in viewer.promise((), "", "Nothing leaves.")
    assert "only from this 1 document." in viewer.promise(fake().files()[:1], "", "Nothing leaves.")


@pytest.mark.parametrize(
    ("host", "chroma", "said"),
    [
        ("127.0.0.1", "", "Nothing leaves this computer."),
        ("127.0.0.1", "http://localhost:8000", "Nothing leaves this computer."),
        ("0.0.0.0", "", "Nothing leaves the computer that serves this page."),
        ("127.0.0.1", "http://vectors.example:8000", "The vectors of passages and questions go to vectors.example."),
    ],
)
def test_what_leaves_the_computer_is_said(host: str, chroma: str, said: str) -> None:
    assert leaves(host, chroma, "") == said


HIDING = "a\x1b[2J\u202eb\u200b\x9b"


def test_no_name_hides_or_reorders_what_stands_around_it() -> None:
    file = File(f"documents/{HIDING}\n.txt", 1, 0, "", "indexed", title="Letters")
    shown = (
        viewer.documents([file, File(f"uploads/{HIDING}.txt", 1, 0, "", "failed", "it is empty")], []),
        viewer.scope([f"documents/{HIDING}.txt"]),
        viewer.notice(f"{HIDING} was not read."),
        viewer.outcome([f"{HIDING}\n is ready"]),
        viewer.writers(f"{HIDING}@http://localhost/v1"),
        viewer.libraries(Path(f"/{HIDING}"), [Known(Path(f"/other/{HIDING}"), "")]),
        viewer.progress(Progress(0, 2, HIDING), 1.0, False, stop="enough"),
        viewer.way(HIDING, "http://localhost"),
    )
    for html in shown:
        parsed = _Text()
        parsed.feed(html)
        assert canonical(parsed.text) == (parsed.text, 0)
        assert r"a\x1b[2J\u202eb\u200b\x9b" in parsed.text
    assert f'data-document="{escape(file.id)}"' in shown[0]  # what the browser gives back is exact
    assert f'data-folder="/other/{HIDING}"' in shown[5]


def test_what_is_taken_away_hides_nothing() -> None:
    source = document("mill.txt", "The mill burned.")
    answer = replace(quoting("q", (source, "The mill burned.")), notice=f"No model answers at {HIDING}")
    (cited,) = answer.citations
    answer = replace(answer, citations=(replace(cited, document_id=f"documents/{HIDING}\n.txt"),))
    talk = Conversation("1", "A title", (Turn(answer, 0),))
    for taken in (export.markdown(talk), export.as_json(talk)):
        assert printable(taken) == taken
    assert json.loads(export.as_json(talk))["turns"][0]["answer"] == json.loads(json.dumps(asdict(answer)))
    assert "é" in export.written("é")  # what hides nothing stays readable


def test_letters_from_right_to_left_move_no_footnote(browser: Browser) -> None:
    sources = [
        document("mill.txt", "The mill burned in 1902."),
        document("he.txt", "הטחנה נשרפה בשנת 1902."),
        document("ar.txt", "احترقت الطاحونة سنة 1902."),
        document("fa.txt", "آسیاب در سال 1902 سوخت."),
        document("end.txt", "It was rebuilt."),
    ]
    orders = []
    for order in (sources, sources[1:4]):
        answer = quoting("q", *((each, each.text) for each in order))
        html = viewer.conversation(Conversation("", "", (Turn(answer, 0),)), ())
        page = browser.new_page()
        style = (Path(viewer.__file__).parent / "page.css").read_text()
        wide = "#conversation { width: 3000px; max-width: none }"
        page.set_content(f"<style>{style}{wide}</style><div id='conversation'>{html}</div>")
        places = [mark.bounding_box() for mark in page.locator(".mark").all()]
        assert len({round(place["y"]) for place in places}) == 1  # on one line
        orders.append([place["x"] for place in places])
        page.close()
    assert orders[0] == sorted(orders[0])  # in a text from left to right
    assert orders[1] == sorted(orders[1], reverse=True)  # and in one from right to left


def test_a_question_of_a_long_conversation_is_drawn_as_soon_as_one_of_a_short_one() -> None:
    turns = tuple(Turn(replace(FIRE, question=f"Question {number}?"), 12) for number in range(1, 201))
    short, long = (Conversation("id", "t", turns[:count]) for count in (10, 200))
    for draw in (partial(viewer.conversation, examples=()), partial(viewer.waiting, question="Next?")):
        assert len(draw(long)) < 1.1 * len(draw(short))
    drawn = viewer.conversation(long, ())
    assert "Question 191?" in drawn
    assert 'data-turn="191"' in drawn, "each has its own number"
    assert "Question 190?" not in drawn
    assert "Show all 190 earlier questions" in drawn
    assert "Question 1?" in viewer.conversation(long, (), 200)


def test_very_many_spans_in_a_part_take_no_long_time() -> None:
    pages = tuple(Page(number, 5 * number, 5 * number + 5) for number in range(4_000))
    source = replace(document("long.txt", "abcde" * 4_000), pages=pages)
    tinted = [Span(2 * number, 2 * number + 1) for number in range(8_000)]
    begun = time.process_time()
    html = viewer.part(source, 0, "after", tinted)
    assert time.process_time() - begun < 2
    assert html.count("<mark") == 8_000
