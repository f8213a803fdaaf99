"""Sources that disagree: sentences of different documents that answer a question with different amounts or dates.

Pure, and slow to accuse: it speaks up only where two short answers have the same form and unit, neither of them is
hedged ("about 40", "at least 40"), neither may be the other one rounded, and the passages around them speak of the same
words of the question.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import combinations

from index.document import Span
from index.lexical import words
from rag.extract import FUNCTION_WORDS, content_words
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
_WEEKDAYS = frozenset({"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"})
_DAY = re.compile(r"(\d{4})-(0[1-9]|1[0-2])-(\d\d)")  # ISO 8601
_ORDINAL = re.compile(r"(?<=\d)(?:st|nd|rd|th)\b", re.IGNORECASE)
_PART = re.compile(rf"{_NUMBER.pattern}|[^\W\d_]+|[%$€£¥]")
_HEDGE = re.compile(
    r"\b(?:about|around|roughly|approx\w*|nearly|almost|some|over|under|above|below|more|less|fewer|least|most|up to"
    r"|between|circa|ca?\.|estimated|before|after|or)(?!\w)|[~≈<>≤≥±]|\d\s*(?:[–-]|to)\s*\d|\d/\d",
    re.IGNORECASE,
)
_BEFORE, _AFTER = 16, 12  # characters around a short answer in which a hedge may stand
_ROUNDED = (
    10_000  # numbers from which one may be another one rounded, and those of one digit and noughts from a hundred
)


@dataclass(frozen=True, slots=True)
class _Value:
    """An amount or a date: its numbers and months in order, and what is counted."""

    amounts: tuple[Decimal | str, ...]
    units: frozenset[str]

    def differs(self, other: "_Value", named: frozenset[str]) -> bool:
        """Whether one of the two must be wrong if both speak of the same; `named` units go without saying."""
        if self.units - named != other.units - named or len(self.amounts) != len(other.amounts):
            return False
        ours, theirs = set(self.amounts) - set(other.amounts), set(other.amounts) - set(self.amounts)
        return bool(ours and theirs) and not any(_rounded(one, another) for one in ours for another in theirs)


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


def _value(candidate: Candidate) -> _Value | None:
    """The value that a sentence's short answer gives, or None where it gives none, or not for certain."""
    if candidate.short is None:
        return None
    passage, short, span = candidate.hit.passage, candidate.short, candidate.span
    around = Span(max(span.start, short.start - _BEFORE), min(span.end, short.end + _AFTER))
    if _HEDGE.search(_DAY.sub(_spelt, passage.quote(around))):
        return None
    return _parsed(_ORDINAL.sub("", _DAY.sub(_spelt, passage.quote(short))).lower())


def _spelt(day: re.Match[str]) -> str:
    """An ISO date as people write it."""
    year, month, number = day.groups()
    return f"{number} {_MONTHS[int(month) - 1]} {year}"


def _parsed(said: str) -> _Value | None:
    """The numbers, months and units in a short answer; None where there are no numbers."""
    amounts: list[Decimal | str] = []
    units: set[str] = set()
    before = ""
    for part in _PART.findall(said):
        last = amounts[-1] if amounts else None
        if part in _SCALES and isinstance(last, Decimal):
            amounts[-1] = last * _SCALES[part]
        elif _WORTH.get(part, 20) < 20 <= _WORTH.get(before, 0) and isinstance(last, Decimal):
            amounts[-1] = last + _WORTH[part]
        elif _NUMBER.fullmatch(part):
            amounts.append(Decimal(part.replace(",", "")))
        elif part in _WORTH:
            amounts.append(_WORTH[part])
        elif part in _MONTH:
            amounts.append(_MONTH[part])
        elif part not in _WEEKDAYS:
            units |= {word.stem for word in words(part)} - FUNCTION_WORDS if len(part) > 1 else {part}  # "1930s", "$5m"
        before = part
    return _Value(tuple(amounts), frozenset(units)) if amounts else None


def _rounded(one: Decimal | str, other: Decimal | str) -> bool:
    """Whether one of two numbers may be the other one rounded: 4.2 million people and 4,213,456, 100 and 103."""
    if isinstance(one, str) or isinstance(other, str):
        return False
    return any(_rounds(rough, fine) for rough, fine in ((one, other), (other, one)))


def _rounds(rough: Decimal, fine: Decimal) -> bool:
    _, digits, exponent = rough.normalize().as_tuple()
    is_rough = abs(rough) >= _ROUNDED or (abs(rough) >= 100 and len(digits) == 1)  # see _ROUNDED
    return is_rough and isinstance(exponent, int) and fine.quantize(Decimal((0, (1,), exponent))) == rough


def _about(question: str, candidate: Candidate) -> frozenset[str]:
    """The words of the question that the passage speaks of, under its heading."""
    passage = candidate.hit.passage
    present = {word.stem for word in words(f"{passage.heading}\n{passage.text}")}
    return frozenset(word.stem for word in content_words(question)) & present
