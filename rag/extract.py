"""An answer in the sources' own words: whole sentences, each its own footnote, or why there is none."""

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from index import tables
from index.document import Document, Span
from index.lexical import Word, words
from rag.calibration import Calibration
from rag.reader import Candidate, Reading, is_statement
from rag.retrieve import Hit

_MOST_SENTENCES = 3
NEAR = 3
"""How many hits are looked through for what a question speaks of."""
_MOST_WORDS = 4  # named in a reason

FUNCTION_WORDS = frozenset(
    word.stem
    for word in words(
        "a an the of in on at to for by from with as is are was were be been being do does did done have has had "
        "having and or but if that this these those it its he she they them his her their we you i me my your our us "
        "what who whom whose which when where why how many much long far often old can could will would shall should "
        "may might must not no any some there than then so such about into over under after before between during "
        "through also other s t re ve ll d m name called type kind according"
    )
)

_IN_BRACKETS = re.compile(r"\([^()]*\)")

# A sentence that opens like this speaks of what stands before it.
LEANS = re.compile(r"(?:He|She|They|It|This|These|Those|His|Her|Their|Its|Such)\b")


def extract(reading: Reading, calibration: Calibration) -> tuple[Candidate, ...]:
    """The sentences to quote, in the order to say them; none where the reader trusts nothing enough.

    They are the best one, the one before it where it leans on that, and others that answer nearly as well.
    """
    if not reading.candidates or calibration.confidence.probability(reading.logit) < calibration.threshold:
        return ()
    best = reading.candidates[0]
    also = [other for other in reading.candidates[1:] if other.score >= calibration.weights.also * best.score]
    chosen: list[Candidate] = []
    for candidate in (*reading.candidates[: reading.needed], *leaned_on(best), *also):
        whole = with_list(candidate)
        if not any(_says(earlier, whole) for earlier in chosen):
            chosen = [*(earlier for earlier in chosen if not _says(whole, earlier)), whole][:_MOST_SENTENCES]
    passages = [candidate.hit.passage.id for candidate in chosen]
    return tuple(sorted(chosen, key=lambda each: (passages.index(each.hit.passage.id), each.span.start)))


def why_not(question: str, hits: Sequence[Hit]) -> str:
    """Why Footnote abstains: where the closest passage is, and what the question speaks of that is not there."""
    if not content_words(question):
        return "The question holds no word that could be looked for."
    if not hits:
        return "No document holds a passage near this question."
    place = closest(hits[0])
    missing = _missing(question, hits[:NEAR])
    if missing:
        said = "Neither it nor the next ones speak" if len(hits) > 1 else "It does not speak"
        return f"{place}. {said} of {_listed(missing)}."
    if is_statement(question):
        return f"{place}. No sentence in it bears your statement out well enough."
    return f"{place}. No sentence in it answers your question well enough."


def short_in(candidate: Candidate) -> Span | None:
    """Where the short answer of a sentence stands in the sentence, or None where it has none."""
    start, short = candidate.span.start, candidate.short
    return Span(short.start - start, short.end - start) if short else None


def in_one_cell(candidate: Candidate, document: Document, question: str) -> Candidate:
    """A row of a table with one cell for its short answer; any other sentence as it is.

    It is the cell under the only head that the question says, cells that it says itself aside, or that which the reader
    chose most characters of.
    """
    table = document.table_at(candidate.span.start)
    row = candidate.hit.passage.quote(candidate.span)
    if table is None or not table.heads or "\n" in row:
        return candidate
    cells = [(head, _moved(span, candidate.span.start)) for head, span in tables.Heads(table.heads).places(row)]
    asked = _stems(question) - FUNCTION_WORDS
    named = [(_stems(_IN_BRACKETS.sub("", head)), span) for head, span in cells]
    named = [(head, span) for head, span in named if head and head <= asked]
    said = [
        span
        for head, span in named
        if not any(head < other for other, _ in named)  # "Units" is not asked for with the "Unit price"
        and not _stems(document.text[span.start : span.end]) <= asked
    ]
    if len(said) != 1 and candidate.short:
        said = [max((span for _, span in cells), key=partial(_shared, candidate.short))]
    return replace(candidate, short=said[0]) if len(said) == 1 and said[0].start < said[0].end else candidate


def _stems(text: str) -> set[str]:
    return {word.stem for word in words(text)}


def _moved(span: Span, by: int) -> Span:
    return Span(span.start + by, span.end + by)


def _shared(one: Span, other: Span) -> int:
    """How many characters two spans share."""
    return max(0, min(one.end, other.end) - max(one.start, other.start))


def closest(hit: Hit) -> str:
    """Where the closest passage is."""
    under = f", under “{' '.join(hit.passage.heading.split())}”" if hit.passage.heading else ""
    return f"The closest passage is in {hit.passage.document_id}{under}"


def content_words(question: str) -> list[Word]:
    """The words of a question that say what it is about; all of them where none does."""
    every = words(question)
    return [word for word in every if word.stem not in FUNCTION_WORDS] or every


def leaned_on(candidate: Candidate) -> list[Candidate]:
    """The sentence before one that leans on it, where both stand in the same passage and it is no question."""
    earlier = [span for span in candidate.hit.passage.sentences if span.end <= candidate.span.start]
    if not earlier or not LEANS.match(_text(candidate)):
        return []
    before = replace(candidate, span=earlier[-1], short=None)
    return [] if _text(before).rstrip().endswith("?") else [before]


def with_list(candidate: Candidate) -> Candidate:
    """A sentence that ends in a colon, together with what it opens."""
    if not _text(candidate).endswith(":"):
        return candidate
    opened = [span.end for span in candidate.hit.passage.sentences if span.start >= candidate.span.end]
    return replace(candidate, span=Span(candidate.span.start, max(opened, default=candidate.span.end)))


def _says(longer: Candidate, shorter: Candidate) -> bool:
    """Whether one quote says what another does, by itself or as a part."""
    return _text(shorter) in _text(longer)


def _text(candidate: Candidate) -> str:
    return candidate.hit.passage.quote(candidate.span)


def _missing(question: str, hits: Sequence[Hit]) -> list[str]:
    """The question's content words that stand in none of the hits, as they are spelt in the question."""
    present = {word.stem for hit in hits for word in content_words(f"{hit.passage.heading}\n{hit.passage.text}")}
    missing = [word for word in content_words(question) if word.stem not in present]
    return list(dict.fromkeys(question[word.span.start : word.span.end] for word in missing))


def _listed(words: Sequence[str]) -> str:
    """“a”, “b” or “c”."""
    quoted = [f"“{word}”" for word in words[:_MOST_WORDS]]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} or {quoted[-1]}"
