"""Sources that disagree: sentences of different documents that answer a question with different amounts or dates.

Pure, and slow to accuse: it speaks up only where two short answers have the same form and unit, neither of them is
hedged ("about 40", "at least 40"), neither may be the other one rounded, and the passages around them speak of the same
words of the question.
"""

import re
from collections.abc import Sequence
from itertools import combinations

from index.document import Span
from index.lexical import words
from rag.amounts import ORDINAL, Value, parsed, spelt
from rag.extract import content_words
from rag.reader import Candidate

_HEDGE = re.compile(
    r"\b(?:about|around|roughly|approx\w*|nearly|almost|some|over|under|above|below|more|less|fewer|least|most|up to"
    r"|between|circa|ca?\.|estimated|before|after|or)(?!\w)|[~≈<>≤≥±]|\d\s*(?:[–-]|to)\s*\d|\d/\d",
    re.IGNORECASE,
)
_BEFORE, _AFTER = 16, 12  # characters around a short answer in which a hedge may stand


def disagreeing(question: str, chosen: Sequence[Candidate]) -> tuple[int, ...]:
    """Numbers, from 1, of the sentences whose value differs from another document's; none where all agree."""
    told = [(number, each, value) for number, each in enumerate(chosen, start=1) if (value := _value(each))]
    named = frozenset(word.stem for word in words(question))
    rivals = {
        number
        for (first, one, value), (second, other, another) in combinations(told, 2)
        if one.hit.passage.document_id != other.hit.passage.document_id
        and value.differs(another, named)
        and _about(question, one) == _about(question, other)
        for number in (first, second)
    }
    return tuple(sorted(rivals))


def _value(candidate: Candidate) -> Value | None:
    """The value that a sentence's short answer gives, or None where it gives none, or not for certain."""
    if candidate.short is None:
        return None
    passage, short, span = candidate.hit.passage, candidate.short, candidate.span
    around = Span(max(span.start, short.start - _BEFORE), min(span.end, short.end + _AFTER))
    if _HEDGE.search(spelt(passage.quote(around))):
        return None
    return parsed(ORDINAL.sub("", spelt(passage.quote(short))).lower())


def _about(question: str, candidate: Candidate) -> frozenset[str]:
    """The words of the question that the passage speaks of, under its heading."""
    passage = candidate.hit.passage
    present = {word.stem for word in words(f"{passage.heading}\n{passage.text}")}
    return frozenset(word.stem for word in content_words(question)) & present
