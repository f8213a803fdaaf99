"""The viewer alone: values -> HTML."""

import re
from html import escape
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.catalog import File
from index.document import Span
from rag.answer import Answer
from rag.cite import Citation
from tests.fakes import document, fake, quoting
from web import viewer
from web.desk import leaves


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
