"""Citation: the exact characters of a document that a statement rests on; and the marks that name passages.

Pure: knows nothing of models, indexes or widgets.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256

from index import tables
from index.document import Document, Span
from index.passages import Passage

_LETTERS = "bcdfghjklmnpqrstvwxz"  # no vowels: it spells no word
_NUMBER = re.compile(r"\d+")
_BLANKS = r"(?<!\s)\s*"  # all of them or none, so that no long row of blanks is tried from each
_CALLED = r"(?:source|passage|document|doc|ref|footnote|id)"

# What models write for a footnote out of habit, or since a document does: "[1]", "[2, 3]", "[^1]", "[abcd:1]",
# "[Source 4]", "【5†source】".
_INVENTED = re.compile(
    rf"{_BLANKS}[\[【] ?(?:\^|[a-z]{{4}} ?: ?|{_CALLED} ?:? ?)?\d{{1,3}}"
    r"(?: ?[,;–-] ?\^?\d{1,3})* ?(?:†[^\]】]{0,40})?[\]】]",
    re.IGNORECASE,
)


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
        where: Where in its document the quote stands, for people, such as "page 3" or "sheet Sales, A5:C5"; or "".
        heads: What the columns are called, as far as the quote has cells, where it is of rows of a table that do not
            say it; else none.
    """

    number: int
    document_id: str
    passage_id: str
    start: int
    end: int
    quote: str
    page: int | None
    date: str = ""
    where: str = ""
    heads: tuple[str, ...] = ()

    @property
    def named(self) -> str:
        """The rows quoted with each cell after its head, on one line; "" where they say their heads or have none."""
        if not self.heads:
            return ""
        rows = (tables.line(self.heads, row.split(tables.SEPARATOR)) for row in self.quote.split("\n"))
        return "; ".join(filter(None, rows))


def cite(
    number: int, passage: Passage, span: Span, document: Document | None = None, places: tables.Places | None = None
) -> Citation:
    """The citation of `span` (offsets into the document) of `passage`.

    Args:
        number: The footnote's number, from 1.
        passage: The passage.
        span: A stretch of it.
        document: Its document; None where a sync has removed that meanwhile.
        places: Where things stand in it, if that has been looked at before.

    Raises:
        ValueError: The span is empty or does not lie inside the passage.
    """
    if not passage.start <= span.start < span.end <= passage.end:
        raise ValueError(f"{span} is not inside passage {passage.id} ({passage.start}, {passage.end})")
    quote = passage.quote(span)
    places = places or (tables.Places(document) if document else None)
    where = places.where(span.start, span.end) if places else passage.where
    date, heads = (document.date, _heads(document, span)) if document else ("", ())
    return Citation(
        number, passage.document_id, passage.id, span.start, span.end, quote, passage.page, date, where, heads
    )


def _heads(document: Document, span: Span) -> tuple[str, ...]:
    """The heads of a table, of which some whole rows are quoted that do not say them; else none."""
    table = document.table_at(span.start)
    if table is None or not table.heads or table.end < span.end:
        return ()
    text = document.text
    whole = text[span.start - 1 : span.start] in ("", "\n") and text[span.end : span.end + 1] in ("", "\n")
    rows = [row.split(tables.SEPARATOR) for row in text[span.start : span.end].split("\n")]
    heads, widest = tables.Heads(table.heads), max(map(len, rows))
    shows_heads = any(heads.head_of(cell) for row in rows for cell in row)
    fits = all(1 < len(row) <= len(table.heads) for row in rows)
    return table.heads[:widest] if whole and fits and not shows_heads else ()


def anchored(start: int, quote: str, text: str) -> Span | None:
    """Where a quote stands in a text that may have changed: at `start` as before, or at its only place; else None."""
    if text.startswith(quote, start):
        return Span(start, start + len(quote))
    now = text.find(quote)
    return Span(now, now + len(quote)) if now >= 0 and text.find(quote, now + 1) < 0 else None


def exact(citation: Citation, text: str) -> bool:
    """Whether the quote is what stands at its place in its document's canonical text."""
    return text[citation.start : citation.end] == citation.quote


def place(cited: Citation | Passage) -> str:
    """Where some characters stand, for people."""
    return ", ".join(filter(None, (cited.document_id, cited.where, f"characters {cited.start}-{cited.end}")))


class Marks:
    """The marks by which a language model names passages: numbers under a tag that none of the texts holds.

    So no document can forge one, and the same question over the same passages makes the same marks.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        """Marks for a question and passages, whose texts these are."""
        held = "\0".join(texts)
        self.tag = next(tag for tag in _tags(held) if tag not in held.lower())
        one = rf"{self.tag} ?[:.]? ?\d{{1,4}}"
        more = rf"(?: ?(?:[,;&–-]|and)? ?{one}| ?(?:[,;&–-]|and) ?\d{{1,4}})*"
        opened = rf"{_BLANKS}[\[【({{<] ?(?:{_CALLED} ?:? ?)?"
        self._ours = re.compile(rf"{opened}{one}{more} ?[\]】)}}>]|{_BLANKS}\[?{one}\]?", re.IGNORECASE)
        self._runs = re.compile(rf"(?:{self._ours.pattern}|{_INVENTED.pattern})+", re.IGNORECASE)

    def mark(self, number: int) -> str:
        """The mark of a passage, by its number from 1."""
        return f"[{self.tag}:{number}]"

    def read(self, text: str) -> tuple[str, tuple[int, ...]]:
        """A text without marks, ours and invented ones, and the numbers that ours name, in their order."""
        named = [int(each) for mark in self._ours.finditer(text) for each in _NUMBER.findall(mark[0])]
        return _INVENTED.sub("", self._ours.sub("", text)), tuple(dict.fromkeys(named))

    def runs(self, text: str) -> Iterator[Span]:
        """Where marks stand, ours and invented ones, those that follow each other as one."""
        return (Span(*found.span()) for found in self._runs.finditer(text))


def _tags(held: str) -> Iterator[str]:
    """Words of four letters without end, told by a text."""
    seed = sha256(held.encode())
    while True:
        yield "".join(_LETTERS[byte % len(_LETTERS)] for byte in seed.digest()[:4])
        seed.update(b"\0")
