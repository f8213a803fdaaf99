"""Naming: which numerals a question names, so that what answers it must speak of the same ones. Pure.

A number that only says how much is wanted ("the top 5", "three reasons"), or what may be ("Can I take 25 days?"), names
nothing.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import chain

from rag.extract import FUNCTION_WORDS
from rag.figures import Amount, figures, stem
from rag.numerals import (
    SECTION,
    Called,
    Count,
    Day,
    Label,
    Numeral,
    Numerals,
    Years,
    codes,
    labels,
    numerals,
    quarters,
    year_ranges,
)

_QUESTIONS = 256  # whose numerals are remembered
_MOST_NAMED = 20  # numerals of a question; with more of them it is no question of any
_MOST_LISTED = 12  # things that a question may want a list of
_NEAR = 40  # characters before a number that say what it is for

_LABELS = """
act amendment annex appendix apartment area article block book bus case chapter class clause column contract customer
device district division edition employee engine episode exercise exhibit figure flight floor footnote form gate
generation grade grant group highway house interstate invoice issue item kit lane law lesson level licence license line
locker lot mark model module no number nr order page panel paragraph part patent phase plan platform policy port process
product project protocol proposition question queue recipe regulation release resolution revision road room round route
row rule sample schedule season seat section sector series sheet shelf slide slot stage station step suite table
terminal ticket tier title track trial type unit verse version volume ward week zone channel account document
"""
_LABEL_STEMS = frozenset(map(stem, _LABELS.split()))
_DOES = re.compile(r"\b(?:i|we|you|they|he|she|it|to|can|could|may|must|should|will|would) \Z", re.IGNORECASE)
_YEAR = re.compile(r"1\d{3}|20\d\d")

_YES_OR_NO = re.compile(
    r"(?:is|are|was|were|do|does|did|has|have|had|can|could|will|would|should|may|might|must|shall|am)\b", re.IGNORECASE
)
_SUPPOSES = re.compile(r"\b(?:if|suppose|supposing|assuming|i|my|we|our)\b", re.IGNORECASE)
_ASKS_WHEN = re.compile(
    r"\b(?:when|(?:what|which)(?: \w+){0,2}? (?:years?|dates?|days?|months?|decades?|centur(?:y|ies)|times?|seasons?)"
    r"|how (?:long|old|soon|many (?:years|days|months|weeks)))\b",
    re.IGNORECASE,
)
_WANTS = re.compile(  # "name 20 rivers", "the top 50"
    r"\b(?:name|list|give|tell|show|find|top|bottom|other|another)(?: me| us)?(?: the| at least| about)? \Z",
    re.IGNORECASE,
)
_RELATIVE = re.compile(r"\b(?:first|last|next|past|previous|recent|coming|every|in)(?: the)? \Z", re.IGNORECASE)
_AGO = re.compile(r"(?:[ -]\w+)? ago\b", re.IGNORECASE)
_LONG = re.compile(r"[ -](?:words?|sentences?|lines?|bullets?|paragraphs?|bullet points?)\b", re.IGNORECASE)
_CONVERTS = re.compile(r"\bhow (?:many|much)\b.{0,80}\b(?:is|are|in|equals?|makes?) \Z", re.IGNORECASE | re.DOTALL)
_LONGEST_CONVERTED = 100  # characters
_PART_OF_ONE = re.compile(r"quarters?\b|hal(?:f|ves)", re.IGNORECASE)
_POSSESSED = re.compile(r"['’]s(?! [a-z])")  # "in the 70's?"
_OF_A_FRACTION = re.compile(r"(?:(?<!\d)\.|\d/)\Z")

Place = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Missing:
    """A numeral of a question that a text is not of, and what of its kind the text names in its place, or ""."""

    numeral: Numeral
    rival: str


@lru_cache(_QUESTIONS)
def named(question: str) -> tuple[Numeral, ...]:
    """The numerals that a question names."""
    found, taken = list[Numeral](), list[Place]()
    is_rivalled = not _ASKS_WHEN.search(question)  # else the years of a sentence may be its answer
    kinds = (_days(question, is_rivalled), quarters(question), codes(question), _labels(question))
    for numeral, place in chain(*kinds, _years(question, is_rivalled), _amounts(question, is_rivalled)):
        if not any(start < place[1] and place[0] < end for start, end in taken):
            found.append(numeral)
            taken.append(place)
    return tuple(found) if len(found) <= _MOST_NAMED else ()


def unsaid(named: Sequence[Numeral], quote: str, around: str) -> Missing | None:
    """The first numeral of a question that a quote is not of; None where it is of all.

    Args:
        named: The question's numerals.
        quote: The sentence, with the one that it leans on.
        around: Its passage, and what that stands under: headings, title, heads of a table.
    """
    return lacking(named, numerals(quote), numerals(around))


def lacking(named: Sequence[Numeral], said: Numerals, near: Numerals) -> Missing | None:
    """As `unsaid`, of what has been read of a quote and of what stands around it."""
    kinds = {type(numeral) for numeral in named if numeral.stands_in(said)}
    for numeral in named:
        if numeral.stands_in(said):
            continue
        rival = "" if type(numeral) in kinds else numeral.rival_in(said)
        if rival or not numeral.stands_in(near):
            return Missing(numeral, rival)
    return None


def _days(question: str, is_rivalled: bool) -> Iterator[tuple[Numeral, Place]]:
    for date in figures(question).dates:
        year, _, day = date.readings[0]
        if year or day:
            yield Day(date.said, date, is_rivalled), (date.span.start, date.span.end)


def _labels(question: str) -> Iterator[tuple[Numeral, Place]]:
    for label in labels(question):
        if _is_label(question, label):
            yield Called(label), (label.start, label.end)


def _is_label(question: str, label: Label) -> bool:
    """Whether numbers are what a thing is called by, and the word before them says what thing."""
    if label.name == SECTION:
        return True
    known = stem(label.name)
    start = question.rfind(label.name, 0, label.start)
    if known in _LABEL_STEMS:
        return not _DOES.search(question[max(0, start - _NEAR) : start])  # "Can I order 5 of them?"
    if known in FUNCTION_WORDS or _YEAR.fullmatch(label.written):
        return False
    return label.name[0].isupper() and (start > 0 or label.name.isupper())


def _years(question: str, is_rivalled: bool) -> Iterator[tuple[Numeral, Place]]:
    for years, place in year_ranges(question):
        yield replace(years, is_rivalled=years.is_rivalled and is_rivalled), place


def _amounts(question: str, is_rivalled: bool) -> Iterator[tuple[Numeral, Place]]:
    for read in figures(question).amounts:
        span = read.span
        written = question[span.start : span.end]
        amount = replace(read, kind="decade") if _POSSESSED.match(question, span.end) else read
        if amount.is_year and amount.kind == "count":
            yield Years(written, int(amount.value), int(amount.value), is_rivalled), (span.start, span.end)
        elif _names(question, amount):
            yield Count(written, amount), (span.start, span.end)


def _names(question: str, amount: Amount) -> bool:
    """Whether an amount says of what the question is, rather than how much is wanted or may be."""
    span = amount.span
    written, after = question[span.start : span.end], question[span.end :]
    before = question[max(0, span.start - _NEAR) : span.start]
    if _OF_A_FRACTION.search(before) or re.match(r"/\d", after):
        return False
    if amount.kind == "ordinal":
        return amount.value > 1 and not _PART_OF_ONE.match(written)
    if amount.kind == "decade":
        return True
    counts = bool(amount.unit or amount.nouns)
    if counts and (_YES_OR_NO.match(question) or _SUPPOSES.search(question)):
        return False
    if not written[0].isdigit() or (counts and not amount.unit) or after.startswith(" of "):
        least = _MOST_LISTED if not _WANTS.search(before) else 100
        if amount.value <= least:
            return False
    is_relative = _RELATIVE.search(before) or _AGO.match(after) or _LONG.match(after)
    return not is_relative and not _CONVERTS.search(question[max(0, span.start - _LONGEST_CONVERTED) : span.start])
