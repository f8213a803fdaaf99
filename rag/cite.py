"""Citation: the exact characters of a document that a statement rests on.

Pure: knows nothing of models, indexes or widgets.
"""

from dataclasses import dataclass

from index.document import Span
from index.passages import Passage


@dataclass(frozen=True, slots=True)
class Citation:
    """A footnote. `document.text[start:end] == quote`, always, and inside its passage.

    Attributes:
        number: The footnote's number in its answer, from 1.
        document_id: The document cited.
        passage_id: The passage the quote lies in.
        start: First character in the document's canonical text.
        end: One past the last character.
        quote: The characters themselves.
        page: Page number from 1, or None where the document has no pages.
        date: The document's date as it says (ISO 8601 where it can be told), or "".
    """

    number: int
    document_id: str
    passage_id: str
    start: int
    end: int
    quote: str
    page: int | None
    date: str = ""


def cite(number: int, passage: Passage, span: Span, date: str = "") -> Citation:
    """The citation of `span` (offsets into the document) of `passage`, whose document has this date.

    Raises:
        ValueError: The span is empty or does not lie inside the passage.
    """
    if not passage.start <= span.start < span.end <= passage.end:
        raise ValueError(f"{span} is not inside passage {passage.id} ({passage.start}, {passage.end})")
    quote = passage.quote(span)
    return Citation(number, passage.document_id, passage.id, span.start, span.end, quote, passage.page, date)


def anchored(start: int, quote: str, text: str) -> Span | None:
    """Where a quote stands in a text that may have changed: at `start` as before, or at its only place; else None."""
    if text.startswith(quote, start):
        return Span(start, start + len(quote))
    now = text.find(quote)
    return Span(now, now + len(quote)) if now >= 0 and text.find(quote, now + 1) < 0 else None


def exact(citation: Citation, text: str) -> bool:
    """Whether the quote is what stands at its place in its document's canonical text."""
    return text[citation.start : citation.end] == citation.quote


def place(document_id: str, page: int | None, span: Span) -> str:
    """Where some characters stand, for people."""
    return f"{document_id}{f', page {page}' if page else ''}, characters {span.start}-{span.end}"
