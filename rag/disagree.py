"""Sources that disagree: sentences of different documents that answer a question with different amounts, dates, names.

Pure, and slow to accuse: it speaks up only where two short answers have the same form and unit, neither of them is
hedged ("about 40", "at least 40"), neither may be the other one rounded, and the passages around them speak of the same
words of the question. Of names, only where the two sentences say the same but for them.
"""

import re
from collections.abc import Sequence
from itertools import combinations

from index.document import Span
from index.lexical import words
from rag.amounts import ORDINAL, Value, parsed, spelt
from rag.extract import FUNCTION_WORDS, content_words
from rag.reader import Candidate

_HEDGE = re.compile(
    r"\b(?:about|around|roughly|approx\w*|nearly|almost|some|over|under|above|below|more|less|fewer|least|most|up to"
    r"|between|circa|ca?\.|estimated|before|after|or)(?!\w)|[~≈<>≤≥±]|\d\s*(?:[–-]|to)\s*\d|\d/\d",
    re.IGNORECASE,
)
_BEFORE, _AFTER = 16, 12  # characters around a short answer in which a hedge may stand


def disagreeing(question: str, chosen: Sequence[Candidate]) -> tuple[int, ...]:
    """Numbers, from 1, of the sentences whose value differs from another document's; none where all agree."""
    named = frozenset(word.stem for word in words(question))
    rivals = {
        number
        for (first, one), (second, other) in combinations(enumerate(chosen, start=1), 2)
        if one.hit.passage.document_id != other.hit.passage.document_id
        and (_values_differ(one, other, named) or _names_differ(one, other))
        and _about(question, one) == _about(question, other)
        for number in (first, second)
    }
    return tuple(sorted(rivals))


def _values_differ(one: Candidate, other: Candidate, named: frozenset[str]) -> bool:
    """Whether two sentences give amounts or dates of which one must be wrong."""
    value, another = _value(one), _value(other)
    return value is not None and another is not None and value.differs(another, named)


def _names_differ(one: Candidate, other: Candidate) -> bool:
    """Whether two sentences are the same but for the names they give, and those are not of the same."""
    name, another = _name(one), _name(other)
    may_be_same = name & another or _capitals(one) == _capitals(other)
    return bool(name and another) and not may_be_same and _rest(one) == _rest(other)


def _name(candidate: Candidate) -> frozenset[str]:
    """The stems of a short answer that is a name, every word of which has a capital; none of another."""
    short = candidate.hit.passage.quote(candidate.short) if candidate.short else ""
    told = [word for word in words(short) if word.stem not in FUNCTION_WORDS]
    is_name = all(short[word.span.start].isupper() for word in told)
    return frozenset(word.stem for word in told) if is_name else frozenset()


def _capitals(candidate: Candidate) -> str:
    """The capital letters of a short answer: those of "United Nations" and of "U.N." are the same."""
    return "".join(filter(str.isupper, candidate.hit.passage.quote(candidate.short or Span(0, 0))))


def _rest(candidate: Candidate) -> frozenset[str]:
    """What a sentence says besides its short answer, as stems."""
    said = candidate.hit.passage.quote(candidate.span)
    return frozenset(word.stem for word in content_words(said)) - _name(candidate)


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
