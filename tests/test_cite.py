"""I2: a citation quotes exactly what stands at its offsets, inside its passage, or is not made."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.document import Document, Span, canonical
from index.passages import Passage, cut
from rag.cite import Citation, anchored, cite, exact

TEXT = st.text(st.characters(), min_size=1, max_size=300)


def words_as_tokens(text: str) -> list[Span]:
    spans, start = [], 0
    for word in text.split(" "):
        spans.append(Span(start, start + len(word)))
        start += len(word) + 1
    return [span for span in spans if span.start < span.end]


@given(TEXT, st.data())
def test_I2_quote_is_the_document_s_text_inside_its_passage(text: str, data: st.DataObject) -> None:
    document = Document("root/a.txt", "a", canonical(text)[0], "", "text/plain")
    for passage in cut(document, words_as_tokens):
        start = data.draw(st.integers(passage.start, passage.end - 1))
        end = data.draw(st.integers(start + 1, passage.end))
        citation = cite(1, passage, Span(start, end))
        assert citation.quote == document.text[citation.start : citation.end]
        assert passage.start <= citation.start < citation.end <= passage.end
        assert exact(citation, document.text)


def test_a_quote_that_occurs_twice_is_cited_where_it_was_found() -> None:
    text = "Yes. No. Yes."
    passage = Passage("d#0-13", "d", text, 0, 13, None, "", (Span(0, 4), Span(5, 8), Span(9, 13)))
    assert cite(1, passage, Span(9, 13)) == Citation(1, "d", "d#0-13", 9, 13, "Yes.", None)


@pytest.mark.parametrize("span", [Span(-1, 3), Span(0, 14), Span(5, 5), Span(6, 5)])
def test_a_span_outside_its_passage_is_refused(span: Span) -> None:
    passage = Passage("d#0-13", "d", "Yes. No. Yes.", 0, 13, None, "", ())
    with pytest.raises(ValueError, match="not inside passage"):
        cite(1, passage, span)


@pytest.mark.parametrize(
    ("text", "now"),
    [
        ("Yes. No. Yes.", Span(0, 4)),
        ("Oh. Yes. No.", Span(4, 8)),
        ("Oh. Yes. No. Yes.", None),
        ("Yesyes. Oh.", None),
        ("", None),
    ],
)
def test_a_quote_is_found_again_where_it_stood_or_at_its_only_place(text: str, now: Span | None) -> None:
    assert anchored(0, "Yes.", text) == now


@pytest.mark.parametrize("text", ["yes. No. Yes.", " Yes. No. Yes.", ""])
def test_a_quote_that_is_not_there_is_not_exact(text: str) -> None:
    assert not exact(Citation(1, "d", "d#0-13", 0, 4, "Yes.", None), text)
