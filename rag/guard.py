"""Guard: of the sentences that may answer a question, those that speak of the numerals it names; or why none does."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import reduce
from math import inf

from index.document import Document, Span, Table
from index.passages import Passage
from rag.extract import NEAR, closest, leaned_on, with_list
from rag.naming import Missing, lacking, named
from rag.numerals import Numeral, Numerals, numerals
from rag.reader import Candidate, Reading, is_statement
from rag.retrieve import Hit

Documents = Callable[[Hit], Document | None]
"""The document of a hit, or None where a sync has removed it meanwhile."""

_PARAGRAPH = "\n\n"
_FARTHEST = 1_000  # characters around a passage in which its paragraph may begin and end
_MOST_HEADS = 300  # columns of a table whose heads are looked at
_LONGEST_HEADS = 4_000  # characters that are read of them all


def of_the_named(question: str, reading: Reading, documents: Documents, also: float) -> tuple[Reading, str]:
    """What was read, without sentences of another number, date, code or model than the question names; or why none is.

    Args:
        question: The question. A statement is held to its numbers by who reads it.
        reading: What a reader makes of it.
        documents: Where the documents stand.
        also: The share of its passage's best score at which a sentence stands in for that.
    """
    asked = () if is_statement(question) else named(question)
    if not asked or not reading.candidates:
        return reading, ""
    kept, first = list[Candidate](), None
    for candidate in _likely(reading.candidates, also):
        if kept and candidate.score < also * kept[0].score:  # it is not quoted
            break
        document = documents(candidate.hit)
        missing = document and _missing(asked, candidate, document)
        if missing:
            first = first or missing
        else:
            kept.append(candidate)
    if kept:
        is_best = kept[0] == reading.candidates[0]
        return replace(reading, candidates=tuple(kept), logit=reading.logit if is_best else kept[0].trust), ""
    reason = why(first, reading.hits) if first else ""
    return replace(reading, candidates=(), logit=-inf), reason


def why(missing: Missing, hits: Sequence[Hit]) -> str:
    """Why nothing is quoted that is not of a numeral of the question."""
    place, written = closest(hits[0]), missing.numeral.written
    near = (numerals(f"{hit.passage.heading}\n{hit.passage.text}") for hit in hits[:NEAR])
    if not any(map(missing.numeral.stands_in, near)):
        nowhere = "Neither it nor the next ones speak" if len(hits) > 1 else "It does not speak"
        return f"{place}. {nowhere} of “{written}”{f', but of “{missing.rival}”' if missing.rival else ''}."
    if missing.rival:
        return f"{place}. What comes closest is of “{missing.rival}” and not of “{written}”."
    return f"{place}. No sentence in it that may answer speaks of “{written}”."


def strays(question: str, said: str, quoted: Sequence[tuple[Document, Passage, Span]]) -> Missing | None:
    """The numeral of a question that what is said is not of, nor what bears it out; None where it is of all.

    Args:
        question: The question.
        said: What is said.
        quoted: What bears it out: characters of a passage of a document.
    """
    asked = () if is_statement(question) else named(question)
    if not asked:
        return None
    quotes = [passage.quote(span) for _, passage, span in quoted]
    near = numerals("\n".join(around(document, passage) for document, passage, _ in quoted))
    heads = dict.fromkeys(_heads(document.table_at(passage.start)) for document, passage, _ in quoted)
    return lacking(asked, numerals("\n".join([said, *quotes])), reduce(Numerals.under, map(numerals, heads), near))


def _missing(asked: Sequence[Numeral], candidate: Candidate, document: Document) -> Missing | None:
    """The numeral that a sentence is not of; the heads of its table are read once for all of its rows."""
    passage = candidate.hit.passage
    over_quote, over_passage = (_heads(document.table_at(start)) for start in (candidate.span.start, passage.start))
    said = numerals(_quote(candidate)).under(numerals(over_quote))
    return lacking(asked, said, numerals(around(document, passage)).under(numerals(over_passage)))


def around(document: Document, passage: Passage) -> str:
    """What stands around a sentence: its paragraph and passage, and the headings and titles over them."""
    start, end = passage.start, passage.end
    text = document.text
    first = text.rfind(_PARAGRAPH, max(0, start - _FARTHEST), start) + 1 or max(0, start - _FARTHEST)
    last = text.find(_PARAGRAPH, end, end + _FARTHEST)
    last = min(len(text), end + _FARTHEST) if last < 0 else last
    over = [document.title, document.id, document.date, passage.where, passage.heading, *_headings(document, start)]
    return "\n".join([*over, text[first:last]])


def _heads(table: Table | None) -> str:
    """The heads of a table; of one with very many or long ones, the first."""
    return "\n".join(table.heads[:_MOST_HEADS])[:_LONGEST_HEADS] if table else ""


def _quote(candidate: Candidate) -> str:
    """What would be quoted: a sentence, what it leans on and the list that it opens."""
    passage = candidate.hit.passage
    parts = [*leaned_on(candidate), with_list(candidate)]
    return "\n".join(passage.quote(part.span) for part in parts)


def _headings(document: Document, place: int) -> list[str]:
    """The headings that a character stands under, the nearest first."""
    chain, level = list[str](), inf
    for heading in reversed([each for each in document.headings if each.end <= place]):
        if heading.level < level:
            chain.append(document.text[heading.start : heading.end])
            level = heading.level
    return chain


def _likely(candidates: Sequence[Candidate], also: float) -> list[Candidate]:
    """The sentences that answer nearly as well as any of their passage, best first."""
    best: dict[str, float] = {}
    for each in candidates:
        best.setdefault(each.hit.passage.id, each.score)
    return [each for each in candidates if each.score >= also * best[each.hit.passage.id]]
