"""Sources that disagree: sentences of different documents that answer a question with different amounts or dates.

Pure, and slow to accuse: it speaks up only where two short answers have the same form and unit, neither of them is
hedged ("about 40", "at least 40"), and the passages around them speak of the same words of the question.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import combinations

from index.document import Span
from index.lexical import words
from rag.extract import content_words
from rag.reader import Candidate

_NUMBER = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?")
_ONES = """
zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen
nineteen
"""
_TENS = """
twenty thirty forty fifty sixty seventy eighty ninety
"""
_WORTH = {
    word: Decimal(worth)
    for named, worths in ((_ONES, range(20)), (_TENS, range(20, 100, 10)))
    for word, worth in zip(named.split(), worths, strict=True)
}
_SCALES = {"hundred": 10**2, "thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_MONTH = {name[:length]: name for name in _MONTHS for length in (3, 4, len(name))}
_DAY = re.compile(r"(\d{4})-(0[1-9]|1[0-2])-(\d\d)")  # ISO 8601
_PART = re.compile(rf"{_NUMBER.pattern}|[^\W\d_]+|[%$€£¥]")
_HEDGE = re.compile(
    r"\b(?:about|around|roughly|approximately|nearly|almost|some|over|under|above|below|more|less|fewer|least|most"
    r"|up to|between|circa|estimated|before|after|or)\b|[~≈<>≤≥±]|\d\s*(?:[–-]|to)\s*\d",
    re.IGNORECASE,
)
_BEFORE = 16  # characters before a short answer in which a hedge may stand


@dataclass(frozen=True, slots=True)
class _Value:
    """An amount or a date: its numbers and months, and what is counted."""

    amounts: frozenset[Decimal | str]
    units: frozenset[str]

    def differs(self, other: "_Value") -> bool:
        """Whether one of the two must be wrong if both speak of the same."""
        alike = len(self.amounts) == len(other.amounts) and (self.units <= other.units or other.units <= self.units)
        return alike and self.amounts != other.amounts


def disagreeing(question: str, chosen: Sequence[Candidate]) -> tuple[int, ...]:
    """Numbers, from 1, of the sentences whose value differs from another document's; none where all agree."""
    told = [(number, each, value) for number, each in enumerate(chosen, start=1) if (value := _value(each))]
    rivals = {
        number
        for (first, one, value), (second, other, another) in combinations(told, 2)
        if one.hit.passage.document_id != other.hit.passage.document_id
        and value.differs(another)
        and _about(question, one) == _about(question, other)
        for number in (first, second)
    }
    return tuple(sorted(rivals))


def _value(candidate: Candidate) -> _Value | None:
    """The value that a sentence's short answer gives, or None where it gives none, or not for certain."""
    if candidate.short is None:
        return None
    passage, short = candidate.hit.passage, candidate.short
    said = _DAY.sub(_spelt, passage.quote(short))
    before = passage.quote(Span(max(candidate.span.start, short.start - _BEFORE), short.start))
    return None if _HEDGE.search(before + said) else _parsed(said.lower())


def _spelt(day: re.Match[str]) -> str:
    """An ISO date as people write it."""
    year, month, number = day.groups()
    return f"{number} {_MONTHS[int(month) - 1]} {year}"


def _parsed(said: str) -> _Value | None:
    """The numbers, months and units in a short answer; None where there are no numbers."""
    amounts: list[Decimal | str] = []
    units: set[str] = set()
    for part in _PART.findall(said):
        last = amounts[-1] if amounts else None
        if part in _SCALES and isinstance(last, Decimal):
            amounts[-1] = last * _SCALES[part]
        elif _NUMBER.fullmatch(part):
            amounts.append(Decimal(part.replace(",", "")))
        elif part in _WORTH:
            amounts.append(_WORTH[part])
        elif part in _MONTH:
            amounts.append(_MONTH[part])
        else:
            units |= {word.stem for word in content_words(part)}
    return _Value(frozenset(amounts), frozenset(units)) if amounts else None


def _about(question: str, candidate: Candidate) -> frozenset[str]:
    """The words of the question that the passage speaks of, under its heading."""
    passage = candidate.hit.passage
    present = {word.stem for word in words(f"{passage.heading}\n{passage.text}")}
    return frozenset(word.stem for word in content_words(question)) & present
